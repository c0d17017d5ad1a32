/** What may be wired to what: the one rule behind the editor's wires and the check of a document. */
import type { Endpoint, Workflow, WorkflowEdge, WorkflowNode } from './document.ts';
import type { NodeCatalogue, NodeTypeInfo } from './node-type.ts';
import { own, withSubgraphs } from './subgraph-types.ts';
import { ancestorsOf, descendantsOf } from './topology.ts';

/** Why two ports cannot be joined. */
export type ConnectRefusal =
  | 'graph/unknown-node'
  | 'graph/unknown-type'
  | 'graph/unknown-port'
  | 'graph/type-mismatch'
  | 'graph/same-node'
  | 'graph/cycle';

export type ConnectResult =
  /** `replaces`: the edge that the input has now and would lose. */
  | { readonly ok: true; readonly replaces?: WorkflowEdge }
  | { readonly ok: false; readonly code: ConnectRefusal; readonly reason: string };

/** The part of a document that edges live in: a workflow or a subgraph. */
export interface EdgeScope {
  readonly nodes: Readonly<Record<string, WorkflowNode>>;
  readonly edges: readonly WorkflowEdge[];
}

/** Whether output `from` may feed input `to`. */
export function canConnect(
  workflow: Workflow,
  catalogue: NodeCatalogue,
  from: Endpoint,
  to: Endpoint,
): ConnectResult {
  return connectionRule(workflow, catalogue, { output: from })(to);
}

/**
 * `canConnect` with one end held, as while a wire is dragged: the graph is walked once, then every other port
 * is answered at once. `scope` names the subgraph being edited, when it is one.
 */
export function connectionRule(
  workflow: Workflow,
  catalogue: NodeCatalogue,
  held: { readonly output: Endpoint } | { readonly input: Endpoint },
  scope: EdgeScope = workflow,
): (other: Endpoint) => ConnectResult {
  const types = withSubgraphs(workflow, catalogue);
  const holdsOutput = 'output' in held;
  const heldEnd = holdsOutput ? held.output : held.input;
  const beyond = holdsOutput
    ? ancestorsOf([heldEnd[0]], scope.edges)
    : descendantsOf([heldEnd[0]], scope.edges);
  const edgeInto = new Map(scope.edges.map((edge) => [edge.to.join('.'), edge]));
  return (other) => {
    const [from, to] = holdsOutput ? [heldEnd, other] : [other, heldEnd];
    const fault = edgeFault(scope, types, from, to);
    if (fault !== undefined) return { ok: false, ...fault };
    if (beyond.has(other[0])) {
      return {
        ok: false,
        code: 'graph/cycle',
        reason: `"${from[0]}" already needs "${to[0]}"; wiring them this way round would make a loop`,
      };
    }
    const replaces = edgeInto.get(to.join('.'));
    return replaces === undefined ? { ok: true } : { ok: true, replaces };
  };
}

/** What is wrong with an edge by itself, whatever other edges there are. `types` includes subgraphs. */
export function edgeFault(
  scope: EdgeScope,
  types: NodeCatalogue,
  from: Endpoint,
  to: Endpoint,
): { readonly code: ConnectRefusal; readonly reason: string } | undefined {
  const source = own(scope.nodes, from[0]);
  const target = own(scope.nodes, to[0]);
  if (source === undefined || target === undefined) {
    return {
      code: 'graph/unknown-node',
      reason: `there is no node "${source === undefined ? from[0] : to[0]}"`,
    };
  }
  if (from[0] === to[0]) return { code: 'graph/same-node', reason: `"${from[0]}" cannot feed itself` };
  const sourceType = types.get(source.type);
  const targetType = types.get(target.type);
  if (sourceType === undefined || targetType === undefined) {
    const missing = sourceType === undefined ? source.type : target.type;
    return {
      code: 'graph/unknown-type',
      reason: `the node type "${missing}" is not installed, so its ports are not known`,
    };
  }
  const output = own(sourceType.outputs, from[1]);
  const input = own(targetType.inputs, to[1]);
  if (output === undefined)
    return { code: 'graph/unknown-port', reason: unknownPort(from, sourceType, 'output') };
  if (input === undefined)
    return { code: 'graph/unknown-port', reason: unknownPort(to, targetType, 'input') };
  if (output.type !== input.type) {
    return {
      code: 'graph/type-mismatch',
      reason: `"${output.label}" of ${sourceType.title} gives ${output.type}, but "${input.label}" of ${targetType.title} takes ${input.type}`,
    };
  }
  return undefined;
}

function unknownPort([nodeId, port]: Endpoint, info: NodeTypeInfo, side: 'input' | 'output'): string {
  const names = Object.keys(side === 'input' ? info.inputs : info.outputs);
  const has = names.length === 0 ? `no ${side}s` : names.map((name) => `"${name}"`).join(', ');
  return `"${nodeId}" (${info.title}) has no ${side} "${port}"; it has ${has}`;
}
