/** The node types that a process knows: those of this program, and those of modules that it was given. */
import { pathToFileURL } from 'node:url';
import type { AnyNodeDefinition, NodeRegistry } from '@reelgraph/node-api';
import { builtinNodes } from '@reelgraph/nodes';

/**
 * Node types by name, the built-in ones first. Modules come as paths, since a registry of functions cannot pass to
 * another thread or process.
 *
 * @param modules absolute paths; each exports `nodes`, an array of definitions
 * @throws Error when a module exports none, or a type that is there already
 */
export async function loadRegistry(modules: readonly string[] = []): Promise<NodeRegistry> {
  if (modules.length === 0) return builtinNodes;
  const registry = new Map(builtinNodes);
  for (const path of modules) {
    const { nodes }: { nodes?: readonly AnyNodeDefinition[] } = await import(pathToFileURL(path).href);
    if (!Array.isArray(nodes)) throw new Error(`"${path}" exports no nodes.`);
    for (const definition of nodes) {
      if (registry.has(definition.type))
        throw new Error(`There is a node type "${definition.type}" already; "${path}" has another.`);
      registry.set(definition.type, definition);
    }
  }
  return registry;
}
