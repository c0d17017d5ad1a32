import { defineNode, type InferIssue, maxTextCharacters, NodeError } from '@reelgraph/node-api';

const examplePrompt = 'a large red circle moves right on a navy background';

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
    text: {
      type: 'text',
      label: 'Text',
      description: 'A prompt from another node; while connected, it stands in for the one typed here.',
      optional: true,
    },
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
      placeholder: examplePrompt,
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
    const { maxTextTokens: maxTokens, vocabulary, cutsText } = context.models.get(model ?? '') ?? {};
    const issues: InferIssue[] = [];
    const isTyped = !('text' in inputs);
    if (isTyped && params.prompt.trim() === '') {
      const message = 'The prompt is empty: there is nothing to make a video of.';
      const fix = { label: 'Use an example', param: 'prompt', value: examplePrompt };
      issues.push({ code: 'text/empty', severity: 'error', message, param: 'prompt', fix });
    }
    for (const param of isTyped ? (['prompt', 'negativePrompt'] as const) : (['negativePrompt'] as const)) {
      if (maxTokens === undefined || params[param].length <= maxTextCharacters(maxTokens)) continue;
      issues.push({
        code: 'text/too-long',
        severity: cutsText === true ? 'warning' : 'error',
        message: `The text has ${params[param].length} characters; the model ${model} reads at most ${maxTokens} tokens (a word is one or a few). ${cutsText === true ? 'What is beyond is not read.' : 'Shorten it.'}`,
        param,
        fix: {
          label: 'Shorten it',
          param,
          value: shortened(params[param], maxTextCharacters(maxTokens)),
        },
      });
    }
    const unknown = vocabulary === undefined || !isTyped ? [] : wordsOutside(params.prompt, vocabulary.words);
    if (vocabulary !== undefined && unknown.length > 0) {
      const shown = unknown.slice(0, 5).map((word) => `"${word}"`);
      const topics = Object.entries(vocabulary.topics).map(
        ([topic, names]) => `${topic}: ${names.join(', ')}`,
      );
      issues.push({
        code: 'text/unknown-words',
        severity: 'warning',
        message: `${model} is a small model and has never seen ${shown.join(', ')}${unknown.length > shown.length ? ' …' : ''}, so the clip will show something else. It knows ${topics.join('; ')}.`,
        param: 'prompt',
      });
    }
    return { outputs: { positive: facts, negative: facts }, issues };
  },
  async run({ inputs, params, ctx }) {
    const prompt = inputs.text ?? params.prompt;
    if (prompt.trim() === '') {
      throw new NodeError('text/empty', 'The prompt is empty: there is nothing to make a video of.', {
        hint: 'Describe what is seen, where, and how it moves.',
      });
    }
    const positive = await ctx.models.encodeText(inputs.model, prompt, ctx.signal);
    const negative = await ctx.models.encodeText(inputs.model, params.negativePrompt, ctx.signal);
    return { positive, negative };
  },
});

/** The whole words at the beginning of a text that have room in so many characters. */
function shortened(text: string, most: number): string {
  const start = text.slice(0, most);
  const lastSpace = start.search(/\s\S*$/);
  return (lastSpace > 0 ? start.slice(0, lastSpace) : start).trimEnd();
}

/** Words of a text that are not among those known, each once, in order. */
function wordsOutside(text: string, known: readonly string[]): string[] {
  const words =
    text
      .slice(0, 2000)
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? [];
  const all = new Set(known);
  return [...new Set(words)].filter((word) => !all.has(word));
}
