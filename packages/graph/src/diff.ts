/** What differs in meaning between two documents. Layout, groups, comments and titles of nodes have none. */
import type { Workflow, WorkflowNode } from './document.ts';
import { sortedEdges, stringifyWorkflow } from './stringify.ts';
import { own } from './subgraph-types.ts';

/** One difference, in words; `kind` and ids for programs. */
export interface WorkflowChange {
  readonly kind:
    | 'document'
    | 'node-added'
    | 'node-removed'
    | 'node-changed'
    | 'edge-added'
    | 'edge-removed'
    | 'interface'
    | 'subgraph';
  readonly message: string;
  readonly nodeId?: string;
  readonly param?: string;
}

/** The canonical text of what a document means: equal for two documents that differ in nothing but looks. */
export function semanticText(workflow: Workflow): string {
  const untitled = (nodes: Readonly<Record<string, WorkflowNode>>): Record<string, WorkflowNode> =>
    Object.fromEntries(
      Object.entries(nodes).map(([id, { type, version, mode, params }]): [string, WorkflowNode] => [
        id,
        { type, version, ...(mode === undefined ? {} : { mode }), params },
      ]),
    );
  const subgraphs = Object.entries(workflow.subgraphs).map(
    ([name, subgraph]) =>
      [name, { ...subgraph, nodes: untitled(subgraph.nodes), layout: { nodes: {} } }] as const,
  );
  return stringifyWorkflow({
    ...workflow,
    nodes: untitled(workflow.nodes),
    subgraphs: Object.fromEntries(subgraphs),
    groups: {},
    comments: {},
    layout: { nodes: {} },
  });
}

/** Whether two documents mean the same. */
export function semanticEqual(a: Workflow, b: Workflow): boolean {
  return semanticText(a) === semanticText(b);
}

/** The differences in meaning from `before` to `after`, in the order of the document. */
export function diffWorkflows(before: Workflow, after: Workflow): WorkflowChange[] {
  const changes: WorkflowChange[] = [];
  for (const field of ['name', 'description'] as const) {
    if (before[field] !== after[field]) {
      changes.push({
        kind: 'document',
        message: `${field}: ${show(before[field])} -> ${show(after[field])}`,
      });
    }
  }
  for (const side of ['inputs', 'outputs'] as const) {
    for (const name of new Set([...Object.keys(before[side]), ...Object.keys(after[side])])) {
      const [old, now] = [own<object>(before[side], name), own<object>(after[side], name)];
      if (show(old) !== show(now))
        changes.push({ kind: 'interface', message: `${side}.${name}: ${show(old)} -> ${show(now)}` });
    }
  }
  for (const id of new Set([...Object.keys(before.nodes), ...Object.keys(after.nodes)])) {
    changes.push(...diffNode(id, own(before.nodes, id), own(after.nodes, id)));
  }
  const names = (workflow: Workflow): string[] =>
    sortedEdges(workflow.edges).map(({ from, to }) => `${from.join('.')} -> ${to.join('.')}`);
  const [oldEdges, newEdges] = [new Set(names(before)), new Set(names(after))];
  for (const edge of oldEdges)
    if (!newEdges.has(edge)) changes.push({ kind: 'edge-removed', message: `- ${edge}` });
  for (const edge of newEdges)
    if (!oldEdges.has(edge)) changes.push({ kind: 'edge-added', message: `+ ${edge}` });
  for (const name of new Set([...Object.keys(before.subgraphs), ...Object.keys(after.subgraphs)])) {
    const only = (workflow: Workflow): string => {
      const subgraph = own(workflow.subgraphs, name);
      return semanticText({
        ...workflow,
        name: '',
        description: '',
        inputs: {},
        outputs: {},
        nodes: {},
        edges: [],
        subgraphs: subgraph === undefined ? {} : { [name]: subgraph },
      });
    };
    if (only(before) !== only(after))
      changes.push({ kind: 'subgraph', message: `subgraph "${name}" changed` });
  }
  return changes;
}

function diffNode(
  id: string,
  old: WorkflowNode | undefined,
  now: WorkflowNode | undefined,
): WorkflowChange[] {
  if (now === undefined)
    return [{ kind: 'node-removed', message: `- ${id} (${old?.type ?? ''})`, nodeId: id }];
  if (old === undefined) return [{ kind: 'node-added', message: `+ ${id} (${now.type})`, nodeId: id }];
  const changes: WorkflowChange[] = [];
  for (const field of ['type', 'version', 'mode'] as const) {
    if (old[field] !== now[field]) {
      changes.push({
        kind: 'node-changed',
        message: `${id}: ${field} ${show(old[field])} -> ${show(now[field])}`,
        nodeId: id,
      });
    }
  }
  for (const param of new Set([...Object.keys(old.params), ...Object.keys(now.params)])) {
    const [from, to] = [own(old.params, param), own(now.params, param)];
    if (from !== to)
      changes.push({
        kind: 'node-changed',
        message: `${id}.${param}: ${show(from)} -> ${show(to)}`,
        nodeId: id,
        param,
      });
  }
  return changes;
}

function show(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value);
}
