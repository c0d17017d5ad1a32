/** What becomes of a wire in the hand: shown while it is held, then one edit, a refusal in words, or a menu. */
import {
  type ConnectResult,
  connectionRule,
  type Endpoint,
  type PortType,
  type WorkflowEdge,
} from '@reelgraph/graph';
import type { Editor } from '../app/editor.ts';
import { nodeAt } from '../layout/hit-test.ts';
import { connect, disconnect } from '../state/edits.ts';
import { Observable } from '../state/observable.ts';
import type { Scene, SceneNode } from './scene.ts';
import type { HeldWire, WiringHost } from './typed-flow.ts';

/** A wire in the hand, for sockets to show whether they would take it. */
export interface WireInHand {
  readonly held: HeldWire;
  readonly type: PortType | undefined;
  readonly rule: (other: Endpoint) => ConnectResult;
}

export interface WiringPlace {
  /** The pointer, on screen and in the graph. */
  pointer(): { readonly screen: { readonly x: number; readonly y: number }; readonly at: [number, number] };
}

type Rule = (other: Endpoint) => ConnectResult;

export class Wiring implements WiringHost {
  readonly inHand = new Observable<WireInHand | undefined>(undefined);
  readonly #editor: Editor;
  readonly #scene: Scene;
  readonly #place: WiringPlace;

  constructor(editor: Editor, scene: Scene, place: WiringPlace) {
    this.#editor = editor;
    this.#scene = scene;
    this.#place = place;
  }

  edgeInto(input: Endpoint): WorkflowEdge | undefined {
    return this.#editor.document
      .get()
      .edges.find((edge) => edge.to[0] === input[0] && edge.to[1] === input[1]);
  }

  rule(held: HeldWire): Rule {
    const { document, catalogue } = this.#editor;
    return connectionRule(
      document.get(),
      catalogue.get(),
      held.side === 'output' ? { output: held.end } : { input: held.end },
    );
  }

  begin(held: HeldWire, rule: Rule): void {
    const info = this.#scene.nodes.get(held.end[0])?.info;
    const type = (held.side === 'output' ? info?.outputs : info?.inputs)?.[held.end[1]]?.type;
    this.inHand.set({ held, rule, type });
  }

  end(): void {
    this.inHand.set(undefined);
  }

  connect(from: Endpoint, to: Endpoint, taken: WorkflowEdge | undefined): void {
    this.#editor.document.edit('Connect', (draft) => {
      if (taken) disconnect(draft, taken);
      connect(draft, from, to);
    });
  }

  refuse(reason: string): void {
    const text = reason.charAt(0).toUpperCase() + reason.slice(1);
    this.#editor.notices.add({ tone: 'bad', text: /[.!?]$/.test(text) ? text : `${text}.` });
  }

  dropOnEmpty(held: HeldWire, rule: Rule): void {
    const { screen, at } = this.#place.pointer();
    const id = nodeAt(this.#scene.nodes, at[0], at[1]);
    const node = id === undefined ? undefined : this.#scene.nodes.get(id);
    if (node) {
      if (node.id !== held.end[0]) this.#dropOnNode(held, rule, node);
      return;
    }
    const { taken } = held;
    if (taken) {
      this.#editor.document.edit('Disconnect', (draft) => {
        disconnect(draft, taken);
      });
      return;
    }
    this.#editor.overlay.set({ kind: 'add', screen, at, wire: { held, end: held.end } });
  }

  /** Let go over a node but beside its sockets: the wire goes to the first free socket that fits. */
  #dropOnNode(held: HeldWire, rule: Rule, node: SceneNode): void {
    const ports = held.side === 'output' ? node.geometry.inputs : node.geometry.outputs;
    const fits = ports.flatMap((port) => {
      const answer = rule([node.id, port]);
      return answer.ok ? [{ port, free: answer.replaces === undefined }] : [];
    });
    const best = fits.find((fit) => fit.free) ?? fits[0];
    if (!best) {
      const title = node.node.title ?? node.info.title;
      const side = held.side === 'output' ? 'input' : 'output';
      this.refuse(`${title} has no ${side} that takes ${this.inHand.get()?.type ?? 'this wire'}`);
      return;
    }
    const other: Endpoint = [node.id, best.port];
    if (held.side === 'output') this.connect(held.end, other, held.taken);
    else this.connect(other, held.end, held.taken);
  }
}
