/**
 * Every change a person can make to a workflow, as recipes on a draft. They know nothing of React or rete, so
 * each one is tested as a plain function.
 */
import {
  type Endpoint,
  freshNodeId,
  type NodeTypeInfo,
  type ParamValue,
  type Workflow,
  type WorkflowEdge,
  type WorkflowNode,
} from '@reelgraph/graph';
import type { Draft } from 'immer';

export type WorkflowDraft = Draft<Workflow>;
export type Point = readonly [x: number, y: number];

/** Some nodes and the edges among them: what copy puts on the clipboard and paste takes. */
export interface GraphFragment {
  readonly nodes: Readonly<Record<string, WorkflowNode>>;
  readonly edges: readonly WorkflowEdge[];
  readonly positions: Readonly<Record<string, Point>>;
}

/** The same text for the same edge. Ids and port names contain no space, so the text is unambiguous. */
export function edgeKey(edge: { readonly from: Endpoint; readonly to: Endpoint }): string {
  return `${edge.from[0]} ${edge.from[1]} ${edge.to[0]} ${edge.to[1]}`;
}

/** A new node of a type with the defaults of its params. */
export function nodeOfType(info: NodeTypeInfo): WorkflowNode {
  const params: Record<string, ParamValue> = {};
  for (const [name, param] of Object.entries(info.params)) params[name] = param.default;
  return { type: info.type, version: info.version, params };
}

export function addNode(draft: WorkflowDraft, id: string, node: WorkflowNode, at: Point): void {
  draft.nodes[id] = { ...node, params: { ...node.params } };
  draft.layout.nodes[id] = [Math.round(at[0]), Math.round(at[1])];
}

/** Removes nodes with all that refers to them: their edges, places and exposed names. */
export function removeNodes(draft: WorkflowDraft, ids: Iterable<string>): void {
  const gone = new Set(ids);
  for (const id of gone) {
    delete draft.nodes[id];
    delete draft.layout.nodes[id];
  }
  if (draft.edges.some((edge) => gone.has(edge.from[0]) || gone.has(edge.to[0]))) {
    draft.edges = draft.edges.filter((edge) => !gone.has(edge.from[0]) && !gone.has(edge.to[0]));
  }
  for (const [name, input] of Object.entries(draft.inputs))
    if (gone.has(input.node)) delete draft.inputs[name];
  for (const [name, output] of Object.entries(draft.outputs))
    if (gone.has(output.node)) delete draft.outputs[name];
}

/** Connects an output with an input; an input holds one edge, so the one it had is replaced. */
export function connect(draft: WorkflowDraft, from: Endpoint, to: Endpoint): void {
  const at = draft.edges.findIndex((edge) => edge.to[0] === to[0] && edge.to[1] === to[1]);
  const present = draft.edges[at];
  if (present) {
    if (present.from[0] === from[0] && present.from[1] === from[1]) return;
    present.from = [from[0], from[1]];
    return;
  }
  draft.edges.push({ from: [from[0], from[1]], to: [to[0], to[1]] });
}

export function disconnect(
  draft: WorkflowDraft,
  edge: { readonly from: Endpoint; readonly to: Endpoint },
): void {
  const key = edgeKey(edge);
  const at = draft.edges.findIndex((candidate) => edgeKey(candidate) === key);
  if (at >= 0) draft.edges.splice(at, 1);
}

export function moveNodes(draft: WorkflowDraft, positions: ReadonlyMap<string, Point>): void {
  for (const [id, [x, y]] of positions) {
    if (!draft.nodes[id]) continue;
    const at = draft.layout.nodes[id];
    const next: [number, number] = [Math.round(x), Math.round(y)];
    if (!at || at[0] !== next[0] || at[1] !== next[1]) draft.layout.nodes[id] = next;
  }
}

export function setParam(draft: WorkflowDraft, id: string, param: string, value: ParamValue): void {
  const node = draft.nodes[id];
  if (node) node.params[param] = value;
}

/** An empty title shows the title of the type again. */
export function setTitle(draft: WorkflowDraft, id: string, title: string): void {
  const node = draft.nodes[id];
  if (!node) return;
  if (title.trim() === '') delete node.title;
  else node.title = title.slice(0, 200);
}

/** Sets the mode on all the nodes, or takes it off when all of them have it. */
export function toggleMode(draft: WorkflowDraft, ids: Iterable<string>, mode: 'muted' | 'bypassed'): void {
  const nodes = [...ids].flatMap((id) => draft.nodes[id] ?? []);
  const allHaveIt = nodes.every((node) => node.mode === mode);
  for (const node of nodes) {
    if (allHaveIt) delete node.mode;
    else node.mode = mode;
  }
}

/** Copies nodes and the edges among them out of a workflow. */
export function fragmentOf(workflow: Workflow, ids: Iterable<string>): GraphFragment {
  const wanted = new Set(ids);
  const nodes: Record<string, WorkflowNode> = {};
  const positions: Record<string, Point> = {};
  for (const id of wanted) {
    const node = workflow.nodes[id];
    if (!node) continue;
    nodes[id] = node;
    positions[id] = workflow.layout.nodes[id] ?? [0, 0];
  }
  const edges = workflow.edges.filter((edge) => nodes[edge.from[0]] && nodes[edge.to[0]]);
  return { nodes, edges, positions };
}

/**
 * Puts a fragment into the workflow with its top left corner at `at`.
 * Ids that are taken get a new number. Returns the ids that the nodes have now.
 */
export function pasteFragment(draft: WorkflowDraft, fragment: GraphFragment, at: Point): string[] {
  const places = Object.keys(fragment.nodes).map((id) => fragment.positions[id] ?? ([0, 0] as const));
  const left = Math.min(...places.map((place) => place[0]));
  const top = Math.min(...places.map((place) => place[1]));
  const renamed = new Map<string, string>();
  for (const [id, node] of Object.entries(fragment.nodes)) {
    const fresh = freshNodeId(id, (candidate) => draft.nodes[candidate] !== undefined);
    renamed.set(id, fresh);
    const [x, y] = fragment.positions[id] ?? [left, top];
    addNode(draft, fresh, node, [at[0] + x - left, at[1] + y - top]);
  }
  for (const edge of fragment.edges) {
    const from = renamed.get(edge.from[0]);
    const to = renamed.get(edge.to[0]);
    if (from && to) draft.edges.push({ from: [from, edge.from[1]], to: [to, edge.to[1]] });
  }
  return [...renamed.values()];
}
