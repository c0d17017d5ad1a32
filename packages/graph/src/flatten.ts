/**
 * From the document to the graph that runs: instances of subgraphs are replaced by their inner nodes, bypassed
 * nodes by a direct wire, muted nodes and all that needs them are set aside.
 */
import {
  documentLimits,
  type ParamValue,
  type Workflow,
  type WorkflowEdge,
  type WorkflowNode,
} from './document.ts';
import type { GraphIssue } from './issues.ts';
import type { NodeCatalogue } from './node-type.ts';
import { own, subgraphOf, subgraphOrder, withSubgraphs } from './subgraph-types.ts';
import { adjacency, type TopologyEdge } from './topology.ts';

/** Ids of flat graphs may be paths, `<instance>/<inner>`, which no id of a document can be. */
export type FlatId = string;
/** `[flat id, port]` */
export type FlatEndpoint = readonly [FlatId, string];

export interface FlatEdge extends TopologyEdge {
  readonly from: FlatEndpoint;
  readonly to: FlatEndpoint;
}

/** A graph without subgraphs. Instances that are muted or bypassed as a whole stay one node. */
export interface FlatGraph {
  readonly nodes: ReadonlyMap<FlatId, WorkflowNode>;
  readonly edges: readonly FlatEdge[];
}

export type FlattenResult =
  | {
      readonly ok: true;
      readonly graph: FlatGraph;
      /** The flat output that an output of the document stands for; undefined when there is none. */
      outputAt(endpoint: FlatEndpoint): FlatEndpoint | undefined;
    }
  | { readonly ok: false; readonly issues: readonly GraphIssue[] };

/** A subgraph with its own instances already opened. */
interface Opened extends FlatGraph {
  readonly inputs: ReadonlyMap<string, readonly FlatEndpoint[]>;
  readonly outputs: ReadonlyMap<string, FlatEndpoint>;
  readonly params: ReadonlyMap<string, { readonly id: FlatId; readonly param: string }>;
}

/** Replaces every instance `subgraph:<name>` by the nodes inside; refuses recursion and explosions. */
export function flattenSubgraphs(workflow: Workflow): FlattenResult {
  if (Object.keys(workflow.subgraphs).length === 0) {
    const nodes = new Map<FlatId, WorkflowNode>();
    for (const id of Object.keys(workflow.nodes)) {
      const node = workflow.nodes[id];
      if (node !== undefined) nodes.set(id, node);
    }
    return { ok: true, graph: { nodes, edges: workflow.edges }, outputAt: (endpoint) => endpoint };
  }
  const { order, issues } = subgraphOrder(workflow);
  if (issues.length > 0) return { ok: false, issues };
  const opened = new Map<string, Opened>();
  for (const name of order) {
    const subgraph = own(workflow.subgraphs, name);
    if (subgraph === undefined) continue;
    const inner = openInstances(subgraph.nodes, subgraph.edges, opened);
    if (inner === undefined) return tooLarge(name);
    opened.set(name, {
      ...inner.graph,
      inputs: new Map(
        Object.entries(subgraph.inputs).map(([port, { to }]) => [port, to.flatMap(inner.inputsAt)]),
      ),
      outputs: new Map(
        Object.entries(subgraph.outputs).flatMap(([port, { from }]) => {
          const source = inner.outputAt(from);
          return source === undefined ? [] : [[port, source] as const];
        }),
      ),
      params: new Map(
        Object.entries(subgraph.params).map(([param, target]) => [
          param,
          inner.paramAt(target.node, target.param),
        ]),
      ),
    });
  }
  const whole = openInstances(workflow.nodes, workflow.edges, opened);
  return whole === undefined ? tooLarge() : { ok: true, graph: whole.graph, outputAt: whole.outputAt };
}

function tooLarge(name?: string): FlattenResult {
  const what = name === undefined ? 'The workflow' : `Subgraph "${name}"`;
  return {
    ok: false,
    issues: [
      {
        code: 'graph/too-large',
        severity: 'error',
        message: `${what} has more than ${documentLimits.nodes} nodes or ${documentLimits.edges} edges once its subgraphs are opened.`,
        ...(name === undefined ? {} : { path: ['subgraphs', name] }),
      },
    ],
  };
}

interface OpenedScope {
  readonly graph: FlatGraph;
  inputsAt(endpoint: FlatEndpoint): readonly FlatEndpoint[];
  outputAt(endpoint: FlatEndpoint): FlatEndpoint | undefined;
  paramAt(nodeId: string, param: string): { readonly id: FlatId; readonly param: string };
}

function openInstances(
  nodes: Readonly<Record<string, WorkflowNode>>,
  edges: readonly WorkflowEdge[],
  opened: ReadonlyMap<string, Opened>,
): OpenedScope | undefined {
  const insideOf = (id: string): Opened | undefined => {
    const node = own(nodes, id);
    if (node === undefined || node.mode !== undefined) return undefined;
    const name = subgraphOf(node.type);
    return name === undefined ? undefined : opened.get(name);
  };
  const within = (id: string, [innerId, port]: FlatEndpoint): FlatEndpoint => [`${id}/${innerId}`, port];
  const inputsAt = (endpoint: FlatEndpoint): readonly FlatEndpoint[] => {
    const inside = insideOf(endpoint[0]);
    return inside === undefined
      ? [endpoint]
      : (inside.inputs.get(endpoint[1]) ?? []).map((inner) => within(endpoint[0], inner));
  };
  const outputAt = (endpoint: FlatEndpoint): FlatEndpoint | undefined => {
    const inside = insideOf(endpoint[0]);
    if (inside === undefined) return endpoint;
    const inner = inside.outputs.get(endpoint[1]);
    return inner === undefined ? undefined : within(endpoint[0], inner);
  };
  const paramAt = (id: string, param: string): { readonly id: FlatId; readonly param: string } => {
    const inner = insideOf(id)?.params.get(param);
    return inner === undefined ? { id, param } : { id: `${id}/${inner.id}`, param: inner.param };
  };

  const flatNodes = new Map<FlatId, WorkflowNode>();
  const flatEdges: FlatEdge[] = [];
  for (const [id, node] of Object.entries(nodes)) {
    const inside = insideOf(id);
    if (inside === undefined) {
      flatNodes.set(id, node);
    } else {
      if (flatNodes.size + inside.nodes.size > documentLimits.nodes) return undefined;
      if (flatEdges.length + inside.edges.length > documentLimits.edges) return undefined;
      const overrides = paramOverrides(node, inside);
      for (const [innerId, innerNode] of inside.nodes) {
        const params = overrides.get(innerId);
        flatNodes.set(
          `${id}/${innerId}`,
          params === undefined ? innerNode : { ...innerNode, params: { ...innerNode.params, ...params } },
        );
      }
      for (const { from, to } of inside.edges) flatEdges.push({ from: within(id, from), to: within(id, to) });
    }
  }
  for (const edge of edges) {
    const from = outputAt(edge.from);
    if (from === undefined) continue;
    for (const to of inputsAt(edge.to)) flatEdges.push({ from, to });
    if (flatEdges.length > documentLimits.edges) return undefined;
  }
  return { graph: { nodes: flatNodes, edges: flatEdges }, inputsAt, outputAt, paramAt };
}

function paramOverrides(instance: WorkflowNode, inside: Opened): Map<FlatId, Record<string, ParamValue>> {
  const overrides = new Map<FlatId, Record<string, ParamValue>>();
  for (const [name, value] of Object.entries(instance.params)) {
    const target = inside.params.get(name);
    if (target === undefined) continue;
    const params = overrides.get(target.id) ?? {};
    params[target.param] = value;
    overrides.set(target.id, params);
  }
  return overrides;
}

/** A flat graph in which every node runs, and the nodes set aside. */
export interface ActiveGraph extends FlatGraph {
  /** Nodes that do not run, each with the muted node that is the reason (itself, when it is muted). */
  readonly muted: ReadonlyMap<FlatId, FlatId>;
}

/** Resolves modes: wires around bypassed nodes, takes out muted nodes and everything downstream of them. */
export function resolveModes(graph: FlatGraph, workflow: Workflow, catalogue: NodeCatalogue): ActiveGraph {
  if (![...graph.nodes.values()].some((node) => node.mode !== undefined))
    return { ...graph, muted: new Map() };
  const types = withSubgraphs(workflow, catalogue);
  const sourceOf = sourceBehindBypass(graph, types);
  const rewired = graph.edges.flatMap(({ from, to }): FlatEdge[] => {
    if (graph.nodes.get(to[0])?.mode === 'bypassed') return [];
    const source = sourceOf(from);
    return source === undefined ? [] : [{ from: source, to }];
  });
  const muted = new Map<FlatId, FlatId>();
  for (const [id, node] of graph.nodes) if (node.mode === 'muted') muted.set(id, id);
  const next = adjacency(rewired, 'downstream');
  for (const [id, reason] of muted) {
    for (const other of next.get(id) ?? []) if (!muted.has(other)) muted.set(other, reason);
  }
  const nodes = new Map([...graph.nodes].filter(([id, node]) => node.mode !== 'bypassed' && !muted.has(id)));
  return { nodes, edges: rewired.filter(({ from, to }) => nodes.has(from[0]) && nodes.has(to[0])), muted };
}

/**
 * Where the value of an output really comes from: a bypassed node passes on what arrives at its first connected
 * input (in declared order) of the output's type.
 */
export function sourceBehindBypass(
  graph: FlatGraph,
  types: NodeCatalogue,
): (from: FlatEndpoint) => FlatEndpoint | undefined {
  const arriving = new Map(graph.edges.map((edge) => [edge.to.join(' '), edge.from]));
  const passedOn = (id: FlatId, type: string, port: string): FlatEndpoint | undefined => {
    const info = types.get(type);
    const output = info === undefined ? undefined : own(info.outputs, port);
    for (const [name, input] of Object.entries(info?.inputs ?? {})) {
      const source = arriving.get(`${id} ${name}`);
      if (input.type === output?.type && source !== undefined) return source;
    }
    return undefined;
  };
  return (from) => {
    const seen = new Set<string>();
    let at: FlatEndpoint | undefined = from;
    while (at !== undefined) {
      const node = graph.nodes.get(at[0]);
      if (node?.mode !== 'bypassed') return at;
      // Bypassed nodes in a ring feed each other nothing.
      if (seen.has(at[0])) return undefined;
      seen.add(at[0]);
      at = passedOn(at[0], node.type, at[1]);
    }
    return undefined;
  };
}
