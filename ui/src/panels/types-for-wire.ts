import {
  canConnect,
  type Endpoint,
  freshNodeId,
  type NodeCatalogue,
  type NodeTypeInfo,
  type Workflow,
} from '@reelgraph/graph';
import type { HeldWire } from '../rete/typed-flow.ts';
import { nodeOfType } from '../state/edits.ts';

/** The node types that have a port for the wire in the hand, by the one rule: each is tried as if it were there. */
export function typesForWire(document: Workflow, catalogue: NodeCatalogue, held: HeldWire): NodeTypeInfo[] {
  return [...catalogue.values()].filter((info) => {
    const id = freshNodeId(info.type, (candidate) => document.nodes[candidate] !== undefined);
    const tried = { ...document, nodes: { ...document.nodes, [id]: nodeOfType(info) } };
    const ports = Object.keys(held.side === 'output' ? info.inputs : info.outputs);
    return ports.some((port) => {
      const [from, to]: [Endpoint, Endpoint] =
        held.side === 'output' ? [held.end, [id, port]] : [[id, port], held.end];
      return canConnect(tried, catalogue, from, to).ok;
    });
  });
}
