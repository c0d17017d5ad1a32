import { createTestContext, fakeModelFacts, fakeModelRef as model } from '@reelgraph/node-api/testing';
import { describe, expect, it } from 'vitest';
import { textEncode } from './node.ts';

describe('text-encode', () => {
  it('encodes both texts by the model', async () => {
    const ctx = createTestContext();
    const params = { prompt: 'a red circle', negativePrompt: '' };
    const { positive, negative } = await textEncode.run({ inputs: { model }, params, ctx });
    expect(positive).toEqual(await ctx.models.encodeText(model, 'a red circle', ctx.signal));
    expect(negative).toEqual(await ctx.models.encodeText(model, '', ctx.signal));
  });

  it('reads the text that is connected instead of the one typed', async () => {
    const ctx = createTestContext();
    const params = { prompt: '', negativePrompt: '' };
    const { positive } = await textEncode.run({ inputs: { model, text: 'a blue ring' }, params, ctx });
    expect(positive).toEqual(await ctx.models.encodeText(model, 'a blue ring', ctx.signal));
    const context = { models: new Map([['fake', fakeModelFacts]]) };
    expect(
      textEncode.infer!({ inputs: { model: { model: 'fake' }, text: {} }, params, context }).issues,
    ).toEqual([]);
    expect(textEncode.infer!({ inputs: { model: { model: 'fake' } }, params, context }).issues).toMatchObject(
      [{ code: 'text/empty', severity: 'error', param: 'prompt' }],
    );
  });

  it.each(['', '  \n\t'])('refuses a prompt that says nothing: %j', async (prompt) => {
    const run = textEncode.run({
      inputs: { model },
      params: { prompt, negativePrompt: 'x' },
      ctx: createTestContext(),
    });
    await expect(run).rejects.toMatchObject({ code: 'text/empty' });
  });

  it('marks its outputs with the model, so that they cannot go into another', () => {
    const inputs = { model: { family: 'toybox', model: 'fake', channels: 2 } };
    const params = { prompt: 'x', negativePrompt: '' };
    const { outputs } = textEncode.infer!({ inputs, params, context: { models: new Map() } });
    expect(outputs).toEqual({
      positive: { family: 'toybox', model: 'fake' },
      negative: { family: 'toybox', model: 'fake' },
    });
  });

  it('refuses a text that cannot fit before anything runs', () => {
    const context = { models: new Map([['fake', fakeModelFacts]]) };
    const params = { prompt: 'a'.repeat(100_000), negativePrompt: 'blurry' };
    const { issues } = textEncode.infer!({ inputs: { model: { model: 'fake' } }, params, context });
    expect(issues).toMatchObject([
      { code: 'text/too-long', param: 'prompt', message: expect.stringContaining('100000 characters') },
    ]);
  });

  it('says which words mean nothing to a small model, and what it knows', () => {
    const vocabulary = {
      topics: { colour: ['red', 'green'], shape: ['circle'] },
      words: ['a', 'red', 'green', 'circle'],
    };
    const context = { models: new Map([['fake', { ...fakeModelFacts, vocabulary }]]) };
    const issuesOf = (prompt: string) =>
      textEncode.infer!({
        inputs: { model: { model: 'fake' } },
        params: { prompt, negativePrompt: 'blurry' },
        context,
      }).issues;
    expect(issuesOf('A red circle!')).toEqual([]);
    expect(issuesOf('a red cat eats a Cat')).toMatchObject([
      {
        code: 'text/unknown-words',
        severity: 'warning',
        param: 'prompt',
        message:
          'fake is a small model and has never seen "cat", "eats", so the clip will show something else. It knows colour: red, green; shape: circle.',
      },
    ]);
  });
});
