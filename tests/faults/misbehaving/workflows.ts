/** Workflows of the fault runs: small ones with something wrong in them, and shipped ones with other params. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { emptyWorkflow, parseWorkflow, type Workflow } from '@reelgraph/graph';
import { projectRoot } from '../../support/server.ts';
import type { Misdeed } from './nodes.ts';

/** One node that does this, and gives the number. */
export function misbehaving(how: Misdeed, number = 0): Workflow {
  return {
    ...emptyWorkflow(how),
    nodes: { node: { type: 'misbehave', version: 1, params: { how, number } } },
  };
}

/** Reads a prompt with this model; `prompt` is its node. */
export function readingPrompt(model: string, prompt: string): Workflow {
  return {
    ...emptyWorkflow(`Prompt of ${model}`),
    nodes: {
      model: { type: 'load-model', version: 1, params: { model } },
      prompt: { type: 'text-encode', version: 1, params: { prompt } },
    },
    edges: [{ from: ['model', 'model'], to: ['prompt', 'model'] }],
  };
}

/** A shipped workflow. */
export function readWorkflow(name: string): Workflow {
  const parsed = parseWorkflow(readFileSync(join(projectRoot, 'workflows', `${name}.json`), 'utf8'));
  if (!parsed.ok) throw new Error(`${name}: ${JSON.stringify(parsed.issues)}`);
  return parsed.workflow;
}

/** The same workflow with nodes that note every step. */
export function notingSteps(workflow: Workflow): Workflow {
  const nodes = Object.entries(workflow.nodes).map(([id, node]) => [
    id,
    ['denoise', 'continue-denoise'].includes(node.type) ? { ...node, type: `noted-${node.type}` } : node,
  ]);
  return { ...workflow, nodes: Object.fromEntries(nodes) };
}

/** Sets params of a node in place. */
export function setParams(
  workflow: Workflow,
  nodeId: string,
  params: Readonly<Record<string, string | number>>,
): void {
  const node = workflow.nodes[nodeId];
  if (node === undefined) throw new Error(`"${workflow.name}" has no node "${nodeId}".`);
  Object.assign(node.params, params);
}
