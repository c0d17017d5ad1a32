/** Instances of subgraphs as node types, so that every rule for nodes holds for them without a special case. */
import type { Subgraph, Workflow, WorkflowNode } from './document.ts';
import type { GraphIssue } from './issues.ts';
import type { NodeCatalogue, NodeTypeInfo, ParamInfo, PortInfo } from './node-type.ts';
import { topologicalOrder } from './topology.ts';

const prefix = 'subgraph:';

/** Type name of the instances of a subgraph. */
export function subgraphType(name: string): string {
  return `${prefix}${name}`;
}

/** Name of the subgraph that a node type refers to, if it is one. */
export function subgraphOf(nodeType: string): string | undefined {
  return nodeType.startsWith(prefix) ? nodeType.slice(prefix.length) : undefined;
}

/** A field that the object itself has; names from documents must not find what every object inherits. */
export function own<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

/**
 * Names of the subgraphs, inner ones before those that use them; those that contain themselves are left out and
 * reported.
 */
export function subgraphOrder(workflow: Workflow): {
  readonly order: readonly string[];
  readonly issues: readonly GraphIssue[];
} {
  const names = Object.keys(workflow.subgraphs);
  const edges = Object.entries(workflow.subgraphs).flatMap(([outer, subgraph]) =>
    Object.values(subgraph.nodes).flatMap((node) => {
      const inner = subgraphOf(node.type);
      return inner === undefined ? [] : [{ from: [inner, ''] as const, to: [outer, ''] as const }];
    }),
  );
  const sorted = topologicalOrder(names, edges);
  if (sorted.ok) return { order: sorted.order, issues: [] };
  const inCycle = new Set(sorted.cycles.flat());
  const issues = sorted.cycles.map((cycle): GraphIssue => {
    const path = ['subgraphs', cycle[0] ?? ''];
    return {
      code: 'graph/subgraph-recursion',
      severity: 'error',
      message: `Subgraph "${cycle.join('" contains "')}" contains itself, so it would never end. Remove the inner instance.`,
      path,
    };
  });
  // What uses a recursive subgraph waits for it for ever; only what does not can be ordered.
  const rest = topologicalOrder(
    names.filter((name) => !inCycle.has(name)),
    edges,
  );
  return { order: rest.ok ? rest.order : [], issues };
}

/** The catalogue and, beside it, one node type per subgraph of the document. */
export function withSubgraphs(workflow: Workflow, catalogue: NodeCatalogue): NodeCatalogue {
  if (Object.keys(workflow.subgraphs).length === 0) return catalogue;
  const types = new Map(catalogue);
  for (const name of subgraphOrder(workflow).order) {
    const subgraph = own(workflow.subgraphs, name);
    if (subgraph !== undefined) types.set(subgraphType(name), describeSubgraph(name, subgraph, types));
  }
  return types;
}

function describeSubgraph(name: string, subgraph: Subgraph, types: NodeCatalogue): NodeTypeInfo {
  const typeOf = (node: WorkflowNode | undefined): NodeTypeInfo | undefined =>
    node === undefined ? undefined : types.get(node.type);
  const inputs: Record<string, PortInfo> = {};
  for (const [port, { type, label, to }] of Object.entries(subgraph.inputs)) {
    const needed = to.some(([id, inner]) => {
      const info = typeOf(own(subgraph.nodes, id));
      return info === undefined ? false : own(info.inputs, inner)?.optional !== true;
    });
    inputs[port] = { type, label, description: '', ...(needed ? {} : { optional: true }) };
  }
  const outputs: Record<string, PortInfo> = {};
  for (const [port, { type, label }] of Object.entries(subgraph.outputs))
    outputs[port] = { type, label, description: '' };
  const params: Record<string, ParamInfo> = {};
  for (const [param, target] of Object.entries(subgraph.params)) {
    const inner = own(subgraph.nodes, target.node);
    const declared = own(typeOf(inner)?.params ?? {}, target.param);
    if (declared !== undefined) params[param] = declared;
  }
  const isOutput = Object.values(subgraph.nodes).some((node) => typeOf(node)?.isOutput === true);
  return {
    type: subgraphType(name),
    version: 1,
    title: subgraph.title,
    description: subgraph.description,
    category: 'Subgraph',
    synonyms: [],
    inputs,
    outputs,
    params,
    preview: 'none',
    isOutput,
  };
}
