import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseWorkflow, type Workflow } from '@reelgraph/graph';
import { projectRoot } from '../support/server.ts';

/** The shipped text-to-video workflow with some params changed: `{ 'noise.seed': '7' }`. */
export function textToVideo(params: Readonly<Record<string, string | number>> = {}): Workflow {
  const parsed = parseWorkflow(readFileSync(join(projectRoot, 'workflows/text-to-video.json'), 'utf8'));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
  const workflow = structuredClone(parsed.workflow);
  for (const [path, value] of Object.entries(params)) {
    const [nodeId = '', param = ''] = path.split('.');
    const node = workflow.nodes[nodeId];
    if (!node) throw new Error(`text-to-video has no node "${nodeId}"`);
    node.params[param] = value;
  }
  return workflow;
}

/** The same up to the decoded frames, which go to the bench instead of into a file. */
export function textToFrames(params: Readonly<Record<string, string | number>> = {}): Workflow {
  const workflow = textToVideo(params);
  delete workflow.nodes.mux;
  delete workflow.nodes.save;
  workflow.nodes.capture = { type: 'capture', version: 1, params: {} };
  workflow.edges = workflow.edges.filter((edge) => !['mux', 'save'].includes(edge.to[0]));
  workflow.edges.push({ from: ['decode', 'frames'], to: ['capture', 'frames'] });
  return { ...workflow, inputs: {}, outputs: {} };
}
