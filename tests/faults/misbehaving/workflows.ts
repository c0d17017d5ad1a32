/** Small workflows with something wrong in them. */
import { emptyWorkflow, type Workflow } from '@reelgraph/graph';
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
