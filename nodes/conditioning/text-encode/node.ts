import { defineNode, NodeError } from '@reelgraph/node-api';

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
  infer({ inputs }) {
    const facts = {
      ...(inputs.model?.family === undefined ? {} : { family: inputs.model.family }),
      ...(inputs.model?.model === undefined ? {} : { model: inputs.model.model }),
    };
    return { outputs: { positive: facts, negative: facts }, issues: [] };
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
