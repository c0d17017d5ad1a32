/** Small edits of a document, as a person makes them while wiring. */
import {
  type Endpoint,
  freshNodeId,
  type ParamValue,
  type Workflow,
  type WorkflowEdge,
} from '@reelgraph/graph';
import { builtinNodes } from '@reelgraph/nodes';

/** `[node id, port]` written `id.port`. */
export const end = (text: string): Endpoint => {
  const [id = '', port = ''] = text.split('.');
  return [id, port];
};

export function addNode(
  workflow: Workflow,
  type: string,
  params: Readonly<Record<string, ParamValue>> = {},
  inputs: Readonly<Record<string, Endpoint>> = {},
): string {
  const id = freshNodeId(type, (candidate) => workflow.nodes[candidate] !== undefined);
  const version = builtinNodes.get(type)?.version ?? 1;
  workflow.nodes[id] = { type, version, params: { ...params } };
  for (const [port, from] of Object.entries(inputs)) connect(workflow, from, [id, port]);
  return id;
}

/** Feeds an input from another output. */
export function connect(workflow: Workflow, from: Endpoint, to: Endpoint): void {
  workflow.edges = workflow.edges.filter((edge) => edge.to.join('.') !== to.join('.'));
  workflow.edges.push({ from: [...from], to: [...to] });
}

export function nodesOf(workflow: Workflow, ...types: readonly string[]): string[] {
  return Object.keys(workflow.nodes).filter((id) => types.includes(workflow.nodes[id]?.type ?? ''));
}

export function edgeInto(workflow: Workflow, id: string, port: string): WorkflowEdge | undefined {
  return workflow.edges.find(({ to }) => to[0] === id && to[1] === port);
}

export function sourceOf(workflow: Workflow, id: string, port: string): Endpoint | undefined {
  return edgeInto(workflow, id, port)?.from;
}

export function setParam(workflow: Workflow, id: string, param: string, value: ParamValue): void {
  const node = workflow.nodes[id];
  if (node !== undefined) node.params[param] = value;
}

/** Type of a port of a node in the document. */
export function portType(
  workflow: Workflow,
  [id, port]: Endpoint,
  side: 'inputs' | 'outputs',
): string | undefined {
  return builtinNodes.get(workflow.nodes[id]?.type ?? '')?.[side][port]?.type;
}
