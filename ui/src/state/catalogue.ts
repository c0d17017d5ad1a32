/** The node types the server offers, and what stands in for a type it does not have. */
import type { NodeCatalogue, NodeTypeInfo, PortInfo, Workflow } from '@reelgraph/graph';

export const emptyCatalogue: NodeCatalogue = new Map();

export function catalogueOf(types: readonly NodeTypeInfo[]): NodeCatalogue {
  return new Map(types.map((info) => [info.type, info]));
}

/**
 * The type of a node, or a description made up from the wires for a type that is not installed: such a node is
 * shown, moved and saved like any other, it only cannot run.
 */
export function typeOfNode(catalogue: NodeCatalogue, document: Workflow, id: string): NodeTypeInfo {
  const node = document.nodes[id];
  const info = node && catalogue.get(node.type);
  return info ?? missingType(document, id);
}

const missing = new WeakMap<Workflow['edges'], Map<string, NodeTypeInfo>>();

function missingType(document: Workflow, id: string): NodeTypeInfo {
  // Remembered per list of edges, so that the same node gives the same object until a wire changes.
  let types = missing.get(document.edges);
  if (!types) {
    types = new Map();
    missing.set(document.edges, types);
  }
  const type = document.nodes[id]?.type ?? 'unknown';
  const key = `${id} ${type}`;
  let info = types.get(key);
  if (!info) {
    const port = (name: string): PortInfo => ({
      type: 'text',
      label: name,
      description: 'The type of this port is not known.',
    });
    const inputs: Record<string, PortInfo> = {};
    const outputs: Record<string, PortInfo> = {};
    for (const edge of document.edges) {
      if (edge.to[0] === id) inputs[edge.to[1]] = port(edge.to[1]);
      if (edge.from[0] === id) outputs[edge.from[1]] = port(edge.from[1]);
    }
    info = {
      type,
      version: document.nodes[id]?.version ?? 1,
      title: type,
      description: `The node type “${type}” is not installed on this server. The node is kept as it is.`,
      category: 'Missing',
      synonyms: [],
      inputs,
      outputs,
      params: {},
      preview: 'none',
      isOutput: false,
    };
    types.set(key, info);
  }
  return info;
}
