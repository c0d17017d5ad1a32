import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseWorkflow, type Workflow } from '@reelgraph/graph';
import { projectRoot } from '../support/server.ts';

/** Params by node and name: `{ 'noise.seed': '7' }`. */
export type ParamChanges = Readonly<Record<string, string | number>>;

/** A shipped workflow with some params changed. */
export function shippedWorkflow(name: string, params: ParamChanges): Workflow {
  const parsed = parseWorkflow(readFileSync(join(projectRoot, 'workflows', `${name}.json`), 'utf8'));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
  const workflow = structuredClone(parsed.workflow);
  for (const [path, value] of Object.entries(params)) {
    const [nodeId = '', param = ''] = path.split('.');
    const node = workflow.nodes[nodeId];
    if (!node) throw new Error(`${name} has no node "${nodeId}"`);
    node.params[param] = value;
  }
  return workflow;
}

/** The shipped text-to-video workflow with some params changed. */
export function textToVideo(params: ParamChanges = {}): Workflow {
  return shippedWorkflow('text-to-video', params);
}

/**
 * A shipped workflow up to its frames, which go to the bench instead of into a file. What it would load comes
 * from the bench too: a loading node becomes `given`, under its own id.
 */
export function workflowToFrames(name: string, params: ParamChanges = {}): Workflow {
  const workflow = shippedWorkflow(name, params);
  const made = workflow.edges.find((edge) => edge.to[0] === 'mux' && edge.to[1] === 'frames');
  if (made === undefined) throw new Error(`${name} muxes no frames`);
  delete workflow.nodes.mux;
  delete workflow.nodes.save;
  workflow.nodes.capture = { type: 'capture', version: 1, params: {} };
  workflow.edges = workflow.edges.filter((edge) => !['mux', 'save'].includes(edge.to[0]));
  workflow.edges.push({ from: made.from, to: ['capture', 'frames'] });
  for (const [id, node] of Object.entries(workflow.nodes)) {
    if (!['load-video', 'load-image'].includes(node.type)) continue;
    workflow.nodes[id] = { type: 'given', version: 1, params: { name: id } };
  }
  return { ...workflow, inputs: {}, outputs: {} };
}

/** Text to video up to the decoded frames. */
export function textToFrames(params: ParamChanges = {}): Workflow {
  return workflowToFrames('text-to-video', params);
}
