/** Carries out what an issue offers: the one way for editor, command line and server. */
import type { Endpoint, ParamValue, Workflow, WorkflowEdge, WorkflowNode } from './document.ts';
import type { GraphFix } from './issues.ts';
import { freshNodeId } from './names.ts';
import { own, subgraphOf } from './subgraph-types.ts';

type Edge = Pick<WorkflowEdge, 'from' | 'to'>;
type InsertedNodes = Extract<GraphFix, { kind: 'insert-nodes' }>;

/**
 * The document with the fix applied; parts that do not change are shared with the old one. A fix whose place is
 * gone changes nothing and gives the same object back.
 */
export function applyFix(workflow: Workflow, fix: GraphFix): Workflow {
  switch (fix.kind) {
    case 'set-param':
      return withParams(workflow, fix.nodeId, { [fix.param]: fix.value });
    case 'set-params':
      return withParams(workflow, fix.nodeId, fix.values);
    case 'remove-param':
      return withNode(workflow, fix.nodeId, (node) => withoutParam(node, fix.param, fix.renameTo));
    case 'set-type':
      return withNode(workflow, fix.nodeId, (node) => ({ ...node, type: fix.type, version: fix.version }));
    case 'bypass':
      return withNode(workflow, fix.nodeId, (node) => ({ ...node, mode: 'bypassed' }));
    case 'remove-edge':
      return withEdges(workflow, without(workflow.edges, fix));
    case 'connect': {
      if (!hasNode(workflow, fix.from) || !hasNode(workflow, fix.to)) return workflow;
      const rest = fix.instead === undefined ? workflow.edges : without(workflow.edges, fix.instead);
      return withEdges(workflow, fedFrom(rest, fix.from, [fix.to]));
    }
    case 'insert-nodes':
      return withInserted(workflow, fix);
  }
}

function hasNode(workflow: Workflow, [id]: Endpoint): boolean {
  return own(workflow.nodes, id) !== undefined;
}

function sameEnd(a: Endpoint, b: Endpoint): boolean {
  return a[0] === b[0] && a[1] === b[1];
}

/** The edges without this one; of equal ones the last goes, which is the one that a check complains of. */
function without(edges: readonly WorkflowEdge[], { from, to }: Edge): readonly WorkflowEdge[] {
  const at = edges.findLastIndex((edge) => sameEnd(edge.from, from) && sameEnd(edge.to, to));
  return at < 0 ? edges : edges.toSpliced(at, 1);
}

/** The edges with `to` fed from `from` alone. */
function fedFrom(
  edges: readonly WorkflowEdge[],
  from: Endpoint,
  to: readonly Endpoint[],
): readonly WorkflowEdge[] {
  const rest = edges.filter((edge) => !to.some((end) => sameEnd(edge.to, end)));
  return [...rest, ...to.map((end): WorkflowEdge => ({ from: [...from], to: [...end] }))];
}

function withEdges(workflow: Workflow, edges: readonly WorkflowEdge[]): Workflow {
  return edges === workflow.edges ? workflow : { ...workflow, edges: [...edges] };
}

function withNode(workflow: Workflow, id: string, change: (node: WorkflowNode) => WorkflowNode): Workflow {
  const node = own(workflow.nodes, id);
  return node === undefined ? workflow : { ...workflow, nodes: { ...workflow.nodes, [id]: change(node) } };
}

function withoutParam(node: WorkflowNode, param: string, renameTo: string | undefined): WorkflowNode {
  const { [param]: value, ...params } = node.params;
  if (value !== undefined && renameTo !== undefined && own(params, renameTo) === undefined)
    params[renameTo] = value;
  return { ...node, params };
}

/**
 * `id` may be the path of a node inside an instance, `<instance>/<inner>`: then the param of the instance that
 * stands for it is set, or the node inside the subgraph where there is none.
 */
function withParams(workflow: Workflow, id: string, values: Readonly<Record<string, ParamValue>>): Workflow {
  const [outer = '', inner, ...deeper] = id.split('/');
  if (inner === undefined)
    return withNode(workflow, outer, (node) => ({ ...node, params: { ...node.params, ...values } }));
  const instance = own(workflow.nodes, outer);
  const name = instance === undefined ? undefined : subgraphOf(instance.type);
  const subgraph = name === undefined ? undefined : own(workflow.subgraphs, name);
  if (instance === undefined || name === undefined || subgraph === undefined) return workflow;
  const offered = new Map(
    Object.entries(subgraph.params).map(([param, target]) => [`${target.node} ${target.param}`, param]),
  );
  const names = Object.keys(values).map((param) => offered.get(`${inner} ${param}`));
  if (deeper.length === 0 && names.every((param) => param !== undefined)) {
    const own = Object.fromEntries(Object.values(values).map((value, i) => [names[i] ?? '', value]));
    return withNode(workflow, outer, (node) => ({ ...node, params: { ...node.params, ...own } }));
  }
  const inside = withParams({ ...workflow, nodes: subgraph.nodes }, [inner, ...deeper].join('/'), values);
  const changed = { ...inside.subgraphs, [name]: { ...subgraph, nodes: inside.nodes } };
  return { ...workflow, subgraphs: changed };
}

function withInserted(workflow: Workflow, fix: InsertedNodes): Workflow {
  const sources = fix.nodes.flatMap((node) => Object.values(node.inputs));
  if (![...fix.to, ...sources].every((end) => hasNode(workflow, end))) return workflow;
  const nodes = { ...workflow.nodes };
  const places = { ...workflow.layout.nodes };
  const added: WorkflowEdge[] = [];
  let before: Endpoint | undefined = fix.instead?.from ?? sources[0];
  let passed: Endpoint | undefined;
  for (const { type, version, params, inputs, takes, gives } of fix.nodes) {
    const id = freshNodeId(type, (candidate) => own(nodes, candidate) !== undefined);
    nodes[id] = { type, version, params: { ...params } };
    places[id] = placeBetween(places, before?.[0], leftmost(places, fix.to));
    for (const [port, from] of Object.entries(inputs)) added.push({ from: [...from], to: [id, port] });
    if (takes !== undefined && passed !== undefined) added.push({ from: passed, to: [id, takes] });
    passed = [id, gives];
    before = passed;
  }
  if (passed === undefined) return workflow;
  const rest = fix.instead === undefined ? workflow.edges : without(workflow.edges, fix.instead);
  const edges = [...fedFrom(rest, passed, fix.to), ...added];
  return { ...workflow, nodes, edges, layout: { ...workflow.layout, nodes: places } };
}

/** Of the nodes that are fed, the one that stands farthest left: wires then run forward to all of them. */
function leftmost(
  places: Readonly<Record<string, readonly [number, number]>>,
  to: readonly Endpoint[],
): string | undefined {
  const [first] = to
    .map(([id]) => id)
    .sort((a, b) => (own(places, a)?.[0] ?? 0) - (own(places, b)?.[0] ?? 0));
  return first;
}

/** As wide and high, with some air, as most nodes are drawn. */
const nodeSpace = { width: 280, height: 180 } as const;

/** Halfway between two nodes (left of the second where there is no first), moved down past what stands there. */
function placeBetween(
  places: Readonly<Record<string, readonly [number, number]>>,
  before: string | undefined,
  after: string | undefined,
): [number, number] {
  const target = own(places, after ?? '') ?? [0, 0];
  const source = own(places, before ?? '') ?? [target[0] - 2 * nodeSpace.width, target[1]];
  const x = Math.round((source[0] + target[0]) / 2);
  let y = Math.round((source[1] + target[1]) / 2);
  const column = Object.values(places)
    .filter(([other]) => Math.abs(other - x) < nodeSpace.width)
    .map(([, top]) => top)
    .sort((a, b) => a - b);
  for (const top of column) if (Math.abs(top - y) < nodeSpace.height) y = top + nodeSpace.height;
  return [x, y];
}
