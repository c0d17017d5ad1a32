import type { NodeCatalogue, NodeTypeInfo } from '@reelgraph/graph';
import { describeNode, type NodeRegistry } from '@reelgraph/node-api';

const catalogues = new WeakMap<NodeRegistry, NodeCatalogue>();

/** The node types of a registry as data, made once per registry. */
export function catalogueOf(registry: NodeRegistry): NodeCatalogue {
  const known = catalogues.get(registry);
  if (known !== undefined) return known;
  const catalogue = new Map(
    [...registry].map(([type, definition]): [string, NodeTypeInfo] => [type, describeNode(definition)]),
  );
  catalogues.set(registry, catalogue);
  return catalogue;
}
