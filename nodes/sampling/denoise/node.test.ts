import { samplers, walksFor } from '@reelgraph/diffusion';
import type { Conditioning, DenoiseRequest, KnownLatent, Latent, Noise, Sigmas } from '@reelgraph/node-api';
import {
  createFakeCheckpoints,
  createFakeModels,
  createTestContext,
  defaultParams,
  fakeModelFacts,
  fakeTarget,
  fakeModelRef as model,
} from '@reelgraph/node-api/testing';
import { full, randomNormal, zeros } from '@reelgraph/tensor';
import { describe, expect, it } from 'vitest';
import { denoise } from './node.ts';

const shape = [1, 2, 3, 4, 4];
const latent: Latent = {
  samples: zeros('float32', shape),
  model: 'fake',
  frameCount: 9,
  widthPx: 32,
  heightPx: 32,
};
const noise: Noise = { samples: randomNormal('7', shape), seed: '7' };
const sigmas: Sigmas = { values: [1, 0.75, 0.5, 0.25, 0] };
const encode = (text: string): Promise<Conditioning> =>
  createFakeModels().encodeText(model, text, new AbortController().signal);
const positive = await encode('a red circle');
const negative = await encode('blurry');
const inputs = { model, positive, negative, noise, sigmas, latent };
const params = defaultParams(denoise, { guidanceScale: 1, sampler: 'euler' });

/** The fake model, and how often it was asked. */
function countingModels() {
  const fake = createFakeModels();
  let asked = 0;
  const denoiseCounted: typeof fake.denoise = (...call) => {
    asked += 1;
    return fake.denoise(...call);
  };
  return { models: { ...fake, denoise: denoiseCounted }, calls: () => asked };
}

// 1e-5: float32 sums around 1.
const expectAll = (data: Float32Array, value: number) => {
  for (const element of data) expect(Math.abs(element - value)).toBeLessThan(1e-5);
};

describe('denoise', () => {
  it.each(samplers.filter((entry) => walksFor(entry, 'flow')).map(({ name }) => name))(
    'walks from noise to what the prompt says (%s)',
    async (sampler) => {
      const { latent: done } = await denoise.run({
        inputs,
        params: { ...params, sampler },
        ctx: createTestContext(),
      });
      expect(done).toMatchObject({ model: 'fake', frameCount: 9, widthPx: 32, heightPx: 32 });
      expectAll(done.samples.data, fakeTarget(positive));
    },
  );

  it('goes past the prompt, away from the negative, with guidance', async () => {
    const ctx = createTestContext();
    const { latent: done } = await denoise.run({ inputs, params: { ...params, guidanceScale: 3 }, ctx });
    expectAll(done.samples.data, fakeTarget(negative) + 3 * (fakeTarget(positive) - fakeTarget(negative)));
  });

  it('asks for both branches in one call, and for one when guidance is off', async () => {
    const fake = createFakeModels();
    const asked: number[] = [];
    const models = {
      ...fake,
      denoise: (ref: typeof model, request: DenoiseRequest, signal: AbortSignal) => {
        asked.push(request.branches.length);
        return fake.denoise(ref, request, signal);
      },
    };
    await denoise.run({
      inputs,
      params: { ...params, guidanceScale: 2 },
      ctx: createTestContext({ models }),
    });
    await denoise.run({ inputs, params, ctx: createTestContext({ models }) });
    expect(asked).toEqual([2, 2, 2, 2, 1, 1, 1, 1]);
  });

  it("takes the model's own guidance at 0", async () => {
    const run = async (guidanceScale: number) =>
      (await denoise.run({ inputs, params: { ...params, guidanceScale }, ctx: createTestContext() })).latent;
    expect(await run(0)).toEqual(await run(fakeModelFacts.recommended.guidanceScale));
  });

  it("takes the model's own sampler with auto, and Euler where it has none", async () => {
    // After two of four steps, because in the end every sampler finds what the fake model has in mind.
    const run = async (sampler: string, own?: string) => {
      const fake = createFakeModels();
      const recommended = { ...fakeModelFacts.recommended, ...(own === undefined ? {} : { sampler: own }) };
      const models = { ...fake, facts: () => ({ ...fakeModelFacts, recommended }) };
      const { latent: draft } = await denoise.run({
        inputs: { ...inputs, sigmas: { ...sigmas, stopAfter: 2 } },
        params: { ...params, sampler },
        ctx: createTestContext({ models }),
      });
      return draft.samples;
    };
    expect(await run('auto', 'stochastic')).toEqual(await run('stochastic'));
    expect(await run('auto')).toEqual(await run('euler'));
    expect(await run('euler', 'stochastic')).toEqual(await run('euler'));
    expect(await run('stochastic')).not.toEqual(await run('euler'));
  });

  it('says when a variant is given another guidance than it was made for', () => {
    const fast = { ...fakeModelFacts.recommended, steps: 2, guidanceScale: 1 };
    const issues = (guidanceScale: number) =>
      denoise.infer!({
        inputs: { model: { model: 'fake', variant: 'fast' } },
        params: { ...params, guidanceScale },
        context: { models: new Map([['fake', { ...fakeModelFacts, variants: { fast } }]]) },
      }).issues;
    expect(issues(3)).toMatchObject([
      { code: 'denoise/other-guidance', severity: 'warning', fix: { value: 1 } },
    ]);
    expect([...issues(0), ...issues(1)]).toEqual([]);
  });

  it('steers away from the empty prompt when no negative is connected', async () => {
    const without = { model, positive, noise, sigmas, latent };
    const empty = { ...inputs, negative: await encode('') };
    const run = async (given: typeof without) =>
      (
        await denoise.run({
          inputs: given,
          params: { ...params, guidanceScale: 4 },
          ctx: createTestContext(),
        })
      ).latent;
    expect(await run(without)).toEqual(await run(empty));
  });

  it('reports every step and offers a preview of each', async () => {
    const ctx = createTestContext();
    await denoise.run({ inputs, params, ctx });
    expect(ctx.progressUpdates.map(({ step, totalSteps }) => `${step}/${totalSteps}`)).toEqual([
      '0/4',
      '1/4',
      '2/4',
      '3/4',
      '4/4',
    ]);
    expect(ctx.previews.map(({ pixels }) => pixels.shape)).toEqual(Array(4).fill([1, 3, 3, 4, 4]));
    // 9 frames at 8 a second in 3 tiles: the preview lasts as long as the clip.
    expect(ctx.previews[0]?.fps).toBeCloseTo(8 / 3, 5);
  });

  it('keeps known frames exactly as they were given', async () => {
    const mask = zeros('float32', [1, 1, 3, 4, 4]);
    mask.data.fill(1, 0, 16);
    const known: KnownLatent = { latent: full(shape, 0.125), mask };
    const { latent: done } = await denoise.run({
      inputs: { ...inputs, positive: { ...positive, known } },
      params: { ...params, guidanceScale: 3 },
      ctx: createTestContext(),
    });
    for (const channel of [0, 1]) {
      expect(Array.from(done.samples.data.subarray(channel * 48, channel * 48 + 16))).toEqual(
        Array(16).fill(0.125),
      );
      expect(done.samples.data[channel * 48 + 16]).not.toBe(0.125);
    }
  });

  it('changes a filled latent only as far as the plan starts with noise', async () => {
    const filled = { ...latent, samples: full(shape, 0.5) };
    const fake = createFakeModels();
    const seen: number[] = [];
    const models = {
      ...fake,
      denoise: (ref: typeof model, request: DenoiseRequest, signal: AbortSignal) => {
        seen.push(request.sample.data[0]!);
        return fake.denoise(ref, request, signal);
      },
    };
    await denoise.run({
      inputs: { ...inputs, latent: filled, sigmas: { values: [0.5, 0] } },
      params,
      ctx: createTestContext({ models }),
    });
    expect(seen[0]).toBeCloseTo(0.25 + 0.5 * noise.samples.data[0]!, 5);
  });

  it('stops when cancelled, with the reason', async () => {
    const controller = new AbortController();
    const reason = new Error('cancelled');
    const ctx = createTestContext({
      signal: controller.signal,
      progress: ({ step }) => {
        if (step === 2) controller.abort(reason);
      },
    });
    await expect(denoise.run({ inputs, params, ctx })).rejects.toBe(reason);
  });

  it('names what does not fit before any step is taken', async () => {
    const ctx = createTestContext();
    const other = { ...latent, model: 'other' };
    await expect(denoise.run({ inputs: { ...inputs, latent: other }, params, ctx })).rejects.toMatchObject({
      code: 'denoise/wrong-model',
    });
    const small = { samples: randomNormal('7', [1, 2, 1, 4, 4]), seed: '7' };
    await expect(denoise.run({ inputs: { ...inputs, noise: small }, params, ctx })).rejects.toMatchObject({
      code: 'denoise/wrong-size',
      message: expect.stringContaining('[1, 2, 1, 4, 4]'),
    });
    expect(ctx.progressUpdates).toEqual([]);
  });

  it('goes on from the last checkpoint of an interrupted run, to the very bytes', async () => {
    const { latent: undisturbed } = await denoise.run({ inputs, params, ctx: createTestContext() });
    const checkpoints = createFakeCheckpoints();
    const controller = new AbortController();
    const interrupted = createTestContext({
      checkpoints,
      signal: controller.signal,
      progress: ({ step }) => step === 3 && controller.abort(new Error('the power went off')),
    });
    await expect(denoise.run({ inputs, params, ctx: interrupted })).rejects.toThrowError('the power');
    expect(checkpoints.saved).toEqual([1, 2, 3]);

    const { models, calls } = countingModels();
    const ctx = createTestContext({ checkpoints, models });
    const { latent: finished } = await denoise.run({ inputs, params, ctx });
    expect(finished).toEqual(undisturbed);
    expect(calls()).toBe(1);
    expect(ctx.progressUpdates.map(({ step }) => step)).toEqual([3, 4]);
  });

  describe('with steps skipped', () => {
    const long = { ...inputs, sigmas: { values: [1, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125, 0] } };
    const skipping = { ...params, skipping: 0.5 };

    it('asks in the first two steps and the last where the answer stays as it was, and says what it saved', async () => {
      const { models, calls } = countingModels();
      const ctx = createTestContext({ models });
      await denoise.run({ inputs: long, params: skipping, ctx });
      expect(calls()).toBe(3);
      expect(ctx.progressUpdates.map(({ step }) => step)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
      expect(ctx.progressUpdates.slice(2).map(({ message }) => message)).toEqual([
        undefined,
        '1 model call saved',
        '2 model calls saved',
        '3 model calls saved',
        '4 model calls saved',
        '5 model calls saved',
        '5 model calls saved',
      ]);
    });

    it('goes on from a checkpoint to the very bytes, without the calls that were saved', async () => {
      const { latent: undisturbed } = await denoise.run({
        inputs: long,
        params: skipping,
        ctx: createTestContext(),
      });
      const checkpoints = createFakeCheckpoints();
      const controller = new AbortController();
      const interrupted = createTestContext({
        checkpoints,
        signal: controller.signal,
        progress: ({ step }) => step === 5 && controller.abort(new Error('the power went off')),
      });
      await expect(denoise.run({ inputs: long, params: skipping, ctx: interrupted })).rejects.toThrowError(
        'the power',
      );
      const { models, calls } = countingModels();
      const ctx = createTestContext({ checkpoints, models });
      expect((await denoise.run({ inputs: long, params: skipping, ctx })).latent).toEqual(undisturbed);
      expect(calls()).toBe(1);
      expect(ctx.progressUpdates.at(-1)?.message).toBe('5 model calls saved');
    });

    it('tells while wiring that new grain leaves nothing to skip', () => {
      const issuesOf = (change: Partial<typeof params>) =>
        denoise.infer!({
          inputs: { model: { model: 'fake' } },
          params: { ...params, ...change },
          context: { models: new Map([['fake', fakeModelFacts]]) },
        }).issues;
      expect(issuesOf({ sampler: 'stochastic', skipping: 0.1 })).toMatchObject([
        {
          code: 'denoise/nothing-to-skip',
          severity: 'warning',
          param: 'skipping',
          fix: { param: 'sampler', value: 'euler' },
        },
      ]);
      expect(issuesOf({ sampler: 'stochastic' })).toEqual([]);
      expect(issuesOf({ sampler: 'unipc', skipping: 0.1 })).toEqual([]);
    });

    it('foretells no work, which is seen only when calls are left out', () => {
      const workOf = (threshold: number) =>
        denoise.work!({
          inputs: {
            model: { model: 'fake' },
            latent: { frameCount: 9, widthPx: 32, heightPx: 32 },
            sigmas: { steps: 8 },
          },
          outputs: {},
          params: { ...params, skipping: threshold },
          context: { models: new Map([['fake', fakeModelFacts]]) },
        });
      expect(workOf(0)).toMatchObject({ time: { calls: 8 } });
      expect(workOf(0.1)).toBeUndefined();
    });
  });

  it('ends no step before the one before it is saved', async () => {
    const saves: PromiseWithResolvers<void>[] = [];
    const checkpoints = {
      ...createFakeCheckpoints(),
      save() {
        const save = Promise.withResolvers<void>();
        saves.push(save);
        return save.promise;
      },
    };
    const { models, calls } = countingModels();
    const ctx = createTestContext({ checkpoints, models });
    const done = denoise.run({ inputs, params, ctx });
    for (const step of [1, 2, 3]) {
      while (saves.length < step) await new Promise(setImmediate);
      for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
      expect(calls(), 'it is at the next one').toBe(step + 1);
      expect(ctx.progressUpdates.at(-1)?.step).toBe(step);
      saves[step - 1]?.resolve();
    }
    await done;
  });

  it('saves no checkpoint of the last step, which is the result', async () => {
    const checkpoints = createFakeCheckpoints();
    await denoise.run({ inputs, params, ctx: createTestContext({ checkpoints }) });
    expect(checkpoints.saved).toEqual([1, 2, 3]);
  });

  it('leaves a draft where the plan stops, with all that the rest follows from', async () => {
    const { models, calls } = countingModels();
    const { latent: draft } = await denoise.run({
      inputs: { ...inputs, sigmas: { ...sigmas, stopAfter: 2 } },
      params: defaultParams(denoise, { guidanceScale: 3, sampler: 'heun' }),
      ctx: createTestContext({ models }),
    });
    expect(calls()).toBe(4);
    expect(draft.unfinished).toMatchObject({
      step: 2,
      sigmas: sigmas.values,
      sampler: 'heun',
      guidanceScale: 3,
      branches: [positive, negative],
      noise: { seed: '7' },
      model: { name: 'fake' },
    });
    // The fake model points straight at its target, and noise is left over.
    const target = fakeTarget(negative) + 3 * (fakeTarget(positive) - fakeTarget(negative));
    expectAll(draft.unfinished?.estimate.data ?? new Float32Array(1), target);
    expect(Math.abs(draft.samples.data[0]! - target)).toBeGreaterThan(1e-3);
  });

  it('keeps in a draft what the model reads of pictures, and not the pictures', async () => {
    const still = { pixels: zeros('float32', [1, 3, 1, 32, 32]), frame: 0 };
    const read = { channels: full([1, 5, 3, 4, 4], 0.5), tokens: full([1, 2, 3], 0.25) };
    const guided: Conditioning = { ...positive, guide: { ...read, stills: [still] } };
    const { latent: draft } = await denoise.run({
      inputs: { ...inputs, positive: guided, sigmas: { ...sigmas, stopAfter: 2 } },
      params,
      ctx: createTestContext(),
    });
    expect(draft.unfinished?.branches[0]).toEqual({ ...positive, guide: read });
  });

  it('does not cover a draft with new noise', async () => {
    const stopped = { ...inputs, sigmas: { ...sigmas, stopAfter: 2 } };
    const { latent: draft } = await denoise.run({ inputs: stopped, params, ctx: createTestContext() });
    await expect(
      denoise.run({ inputs: { ...inputs, latent: draft }, params, ctx: createTestContext() }),
    ).rejects.toMatchObject({ code: 'denoise/draft' });
    const { issues } = denoise.infer!({
      inputs: { latent: { model: 'fake', steps: 4, stepsDone: 2 } },
      params,
      context: { models: new Map() },
    });
    expect(issues).toMatchObject([{ code: 'denoise/draft', port: 'latent' }]);
  });

  it('tells while wiring how many steps the clip will have taken', () => {
    const facts = (stepsDone?: number) =>
      denoise.infer!({
        inputs: { sigmas: { steps: 20, ...(stepsDone === undefined ? {} : { stepsDone }) } },
        params,
        context: { models: new Map() },
      }).outputs.latent;
    expect(facts()).toEqual({ steps: 20, stepsDone: 20 });
    expect(facts(6)).toEqual({ steps: 20, stepsDone: 6 });
  });

  it('refuses mixed models and sizes while wiring', () => {
    const wired = {
      model: { model: 'fake' },
      positive: { model: 'other' },
      latent: { model: 'fake', frameCount: 9, widthPx: 32 },
      noise: { model: 'fake', frameCount: 17, widthPx: 32 },
    };
    const { issues, outputs } = denoise.infer!({ inputs: wired, params, context: { models: new Map() } });
    expect(issues.map(({ code, port }) => [code, port])).toEqual([
      ['denoise/wrong-model', 'positive'],
      ['denoise/wrong-size', 'noise'],
    ]);
    expect(outputs.latent).toEqual(wired.latent);
  });

  it.each(samplers.filter((entry) => !walksFor(entry, 'flow')).map(({ name }) => name))(
    'refuses %s for a flow model, while wiring and when run',
    async (sampler) => {
      const infer = (name: string) =>
        denoise.infer!({
          inputs: { model: { model: 'fake' } },
          params: { ...params, sampler: name },
          context: { models: new Map([['fake', fakeModelFacts]]) },
        }).issues;
      expect(infer(sampler)).toMatchObject([
        {
          code: 'denoise/other-sampler',
          severity: 'error',
          message: `The sampler "${sampler}" does not walk for ${fakeModelFacts.name}, which predicts flow.`,
          param: 'sampler',
          fix: { param: 'sampler', value: 'auto' },
          otherFixes: [{ param: 'sampler', value: 'euler' }],
        },
      ]);
      expect(infer('auto')).toEqual([]);
      expect(infer('unipc')).toEqual([]);
      const ctx = createTestContext();
      await expect(denoise.run({ inputs, params: { ...params, sampler }, ctx })).rejects.toMatchObject({
        code: 'denoise/other-sampler',
      });
    },
  );
});
