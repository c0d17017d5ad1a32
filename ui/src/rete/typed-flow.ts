/**
 * What happens from pressing a socket to letting go. Replaces the flow that comes with rete-connection-plugin,
 * which leaves the wire at the pointer after a refused drop and needs the far socket of a wire to be on screen.
 *
 * Nothing is changed while a wire is in the hand: taking it off and wiring it elsewhere is one edit at the end.
 */
import type { ConnectResult, Endpoint, WorkflowEdge } from '@reelgraph/graph';
import { type Context, Flow, type PickParams, type SocketData } from 'rete-connection-plugin';
import type { Scheme, SocketPlace } from './scheme.ts';

/** The end of a wire that stays put while the other follows the pointer. */
export interface HeldWire {
  readonly side: 'output' | 'input';
  readonly end: Endpoint;
  /** The edge that was pulled off its input; still in the document until the wire is dropped. */
  readonly taken: WorkflowEdge | undefined;
}

/** What the flow needs to know and may do; the graph view gives it. */
export interface WiringHost {
  edgeInto(input: Endpoint): WorkflowEdge | undefined;
  rule(held: HeldWire): (other: Endpoint) => ConnectResult;
  begin(held: HeldWire, rule: (other: Endpoint) => ConnectResult): void;
  end(): void;
  connect(from: Endpoint, to: Endpoint, taken: WorkflowEdge | undefined): void;
  refuse(reason: string): void;
  /** Let go where no socket is. */
  dropOnEmpty(held: HeldWire, rule: (other: Endpoint) => ConnectResult): void;
}

interface InHand {
  readonly held: HeldWire;
  readonly socket: SocketData;
  readonly pressed: SocketPlace;
  readonly rule: (other: Endpoint) => ConnectResult;
}

type FlowContext = Context<Scheme, unknown[]>;

export class TypedFlow extends Flow<Scheme, unknown[]> {
  readonly #host: WiringHost;
  #inHand: InHand | undefined;

  constructor(host: WiringHost) {
    super();
    this.#host = host;
  }

  async pick({ socket, event }: PickParams, _context?: FlowContext): Promise<void> {
    if (!this.#inHand) {
      if (event === 'down') this.#take(socket);
      return;
    }
    const { held, pressed, rule } = this.#inHand;
    if (socket.nodeId === pressed.nodeId && socket.side === pressed.side && socket.key === pressed.key) {
      this.cancel();
      return;
    }
    this.#letGo();
    if (socket.side === held.side) {
      this.#host.refuse(`A wire goes from an output to an input; both ends are ${held.side}s.`);
      return;
    }
    const other: Endpoint = [socket.nodeId, socket.key];
    const answer = rule(other);
    if (!answer.ok) {
      this.#host.refuse(answer.reason);
      return;
    }
    const [from, to] = held.side === 'output' ? [held.end, other] : [other, held.end];
    this.#host.connect(from, to, held.taken);
  }

  #take(socket: SocketData): void {
    const end: Endpoint = [socket.nodeId, socket.key];
    const taken = socket.side === 'input' ? this.#host.edgeInto(end) : undefined;
    const held: HeldWire = taken
      ? { side: 'output', end: taken.from, taken }
      : { side: socket.side, end, taken };
    // The far end may be out of sight and so have no socket; the plugin only draws with these fields.
    const shown: SocketData = { ...socket, side: held.side, nodeId: held.end[0], key: held.end[1] };
    const pressed: SocketPlace = { nodeId: socket.nodeId, side: socket.side, key: socket.key };
    this.#inHand = { held, socket: shown, pressed, rule: this.#host.rule(held) };
    this.#host.begin(held, this.#inHand.rule);
  }

  getPickedSocket(): SocketData | undefined {
    return this.#inHand?.socket;
  }

  drop(_context?: FlowContext): void {
    const inHand = this.#inHand;
    if (!inHand) return;
    this.#letGo();
    this.#host.dropOnEmpty(inHand.held, inHand.rule);
  }

  /** Puts everything back as it was. */
  cancel(): void {
    if (this.#inHand) this.#letGo();
  }

  #letGo(): void {
    this.#inHand = undefined;
    this.#host.end();
  }
}
