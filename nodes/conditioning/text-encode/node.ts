import { defineNode, type InferIssue, NodeError } from '@reelgraph/node-api';

/** A token rarely stands for more than a word; a text beyond this cannot fit, however it is cut into tokens. */
const maxCharactersPerToken = 64;

/** Turns words into what steers the video model. */
export const textEncode = defineNode({
  type: 'text-encode',
  version: 1,
  title: 'Prompt',
  description:
    'Reads your description of the shot, and what should not be in it, into a form the model understands.',
  category: 'Conditioning',
  synonyms: ['clip text encode', 'prompt', 'text', 'positive', 'negative', 'caption'],
  inputs: {
    model: { type: 'model', label: 'Model', description: 'The model that will read the text.' },
  },
  outputs: {
    positive: { type: 'conditioning', label: 'Positive', description: 'What should be seen.' },
    negative: {
      type: 'conditioning',
      label: 'Negative',
      description: 'What to steer away from; an empty text means "nothing in particular".',
    },
  },
  params: {
    prompt: {
      kind: 'text',
      label: 'Prompt',
      description:
        'What is seen, where, and how it moves. For example: a small red circle moves right on a navy background.',
      default: '',
      multiline: true,
      maxLength: 100_000,
      placeholder: 'a large red circle moves right on a navy background',
      required: true,
    },
    negativePrompt: {
      kind: 'text',
      label: 'Negative prompt',
      description: 'What you do not want to see. May stay empty.',
      default: '',
      multiline: true,
      maxLength: 100_000,
    },
  },
  cache: 'disk',
  lane: 'inference',
  infer({ inputs, params, context }) {
    const { family, model } = inputs.model ?? {};
    const facts = { ...(family === undefined ? {} : { family }), ...(model === undefined ? {} : { model }) };
    const maxTokens = context.models.get(model ?? '')?.maxTextTokens;
    const issues: InferIssue[] = [];
    for (const param of ['prompt', 'negativePrompt'] as const) {
      if (maxTokens === undefined || params[param].length <= maxTokens * maxCharactersPerToken) continue;
      issues.push({
        code: 'text/too-long',
        severity: 'error',
        message: `The text has ${params[param].length} characters; the model ${model} reads at most ${maxTokens} tokens (a word is one or a few). Shorten it.`,
        param,
      });
    }
    return { outputs: { positive: facts, negative: facts }, issues };
  },
  async run({ inputs, params, ctx }) {
    if (params.prompt.trim() === '') {
      throw new NodeError('text/empty', 'The prompt is empty: there is nothing to make a video of.', {
        hint: 'Describe what is seen, where, and how it moves.',
      });
    }
    const positive = await ctx.models.encodeText(inputs.model, params.prompt, ctx.signal);
    const negative = await ctx.models.encodeText(inputs.model, params.negativePrompt, ctx.signal);
    return { positive, negative };
  },
});
