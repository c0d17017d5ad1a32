/** The shapes rete sees. They carry ids only: titles, params and everything else stay in the document. */
import { ClassicPreset, type GetSchemes } from 'rete';
import type { RenderSignal } from 'rete-area-plugin';
import type { ConnectionExtra, Side } from 'rete-connection-plugin';

export class GraphNode extends ClassicPreset.Node {
  constructor(id: string) {
    super(id);
    this.id = id;
  }
}

export type GraphWire = ClassicPreset.Connection<GraphNode, GraphNode> & ConnectionExtra;

export type Scheme = GetSchemes<GraphNode, GraphWire>;

export interface SocketPlace {
  readonly nodeId: string;
  readonly side: Side;
  readonly key: string;
}

/** What the connection plugin hears to know the sockets that are on screen. */
export type SocketSignal = RenderSignal<'socket', { nodeId: string; side: Side; key: string }>;
