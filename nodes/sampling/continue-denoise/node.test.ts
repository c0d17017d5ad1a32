import { type Conditioning, type Latent, NodeError, type Noise, type Sigmas } from '@reelgraph/node-api';
import {
  createFakeCheckpoints,
  createFakeModels,
  createTestContext,
  defaultParams,
  fakeModelRef as model,
} from '@reelgraph/node-api/testing';
import { full, randomNormal, zeros } from '@reelgraph/tensor';
import { describe, expect, it } from 'vitest';
import { denoise } from '../denoise/node.ts';
import { continueDenoise } from './node.ts';

const shape = [1, 2, 3, 4, 4];
const blank: Latent = {
  samples: zeros('float32', shape),
  model: 'fake',
  frameCount: 9,
  widthPx: 32,
  heightPx: 32,
};
const noise: Noise = { samples: randomNormal('7', shape), seed: '7' };
const values = [1, 0.9, 0.75, 0.5, 0.25, 0];
const prompt = await createFakeModels().encodeText(model, 'a red circle', new AbortController().signal);
// Half of the first frame is given, so that continuing has to hold it as denoising does.
const mask = zeros('float32', [1, 1, 3, 4, 4]);
mask.data.fill(1, 0, 8);
const positive: Conditioning = { ...prompt, known: { latent: full(shape, 0.125), mask } };

/** The fake model's answer bends with the sample, so that every step matters; calls are counted. */
function bendingModels() {
  const fake = createFakeModels();
  let asked = 0;
  const denoiseBent: typeof fake.denoise = async (ref, request, signal) => {
    asked += 1;
    const answers = await fake.denoise(ref, request, signal);
    return answers.map((answer) => ({ ...answer, data: answer.data.map((v, i) => v + Math.sin(5 * v + i)) }));
  };
  return { models: { ...fake, denoise: denoiseBent }, calls: () => asked };
}

async function denoised(sampler: string, sigmas: Sigmas, skipping = 0): Promise<Latent> {
  const { latent } = await denoise.run({
    inputs: { model, positive, noise, sigmas, latent: blank },
    params: defaultParams(denoise, { guidanceScale: 3, sampler, skipping }),
    ctx: createTestContext(bendingModels()),
  });
  return latent;
}
const toTheEnd = { stopAfter: 0 };

describe('continue', () => {
  it.each(['euler', 'heun'])(
    'finishes a draft to the very bytes of the undisturbed run (%s)',
    async (sampler) => {
      const undisturbed = await denoised(sampler, { values });
      for (const stopAfter of [1, 2, 3, 4]) {
        const draft = await denoised(sampler, { values, stopAfter });
        const { models, calls } = bendingModels();
        const { latent } = await continueDenoise.run({
          inputs: { model, latent: draft },
          params: toTheEnd,
          ctx: createTestContext({ models }),
        });
        expect(latent).toEqual(undisturbed);
        // Heun asks twice, but for the last step.
        expect(calls()).toBe(sampler === 'heun' ? 2 * (5 - stopAfter) - 1 : 5 - stopAfter);
      }
    },
  );

  it.each(['euler', 'heun'])(
    'leaves out the very calls that the undisturbed run did (%s)',
    async (sampler) => {
      // The fake model bends so much that only a high threshold leaves calls out.
      const undisturbed = await denoised(sampler, { values }, 100);
      expect(undisturbed).not.toEqual(await denoised(sampler, { values }));
      for (const stopAfter of [1, 2, 3, 4]) {
        const draft = await denoised(sampler, { values, stopAfter }, 100);
        const { models, calls } = bendingModels();
        const { latent } = await continueDenoise.run({
          inputs: { model, latent: draft },
          params: toTheEnd,
          ctx: createTestContext({ models }),
        });
        expect(latent).toEqual(undisturbed);
        expect(calls()).toBeLessThanOrEqual(sampler === 'heun' ? 2 * (5 - stopAfter) - 1 : 5 - stopAfter);
      }
    },
  );

  it('may stop again, and the draft of a draft finishes the same', async () => {
    const draft = await denoised('heun', { values, stopAfter: 1 });
    const ctx = createTestContext(bendingModels());
    const later = await continueDenoise.run({
      inputs: { model, latent: draft },
      params: { stopAfter: 3 },
      ctx,
    });
    expect(later.latent).toEqual(await denoised('heun', { values, stopAfter: 3 }));
    const last = await continueDenoise.run({
      inputs: { model, latent: later.latent },
      params: toTheEnd,
      ctx,
    });
    expect(last.latent).toEqual(await denoised('heun', { values }));
  });

  it('goes on from its own checkpoint when it was interrupted', async () => {
    const draft = await denoised('euler', { values, stopAfter: 2 });
    const checkpoints = createFakeCheckpoints();
    const controller = new AbortController();
    const run = (models: ReturnType<typeof bendingModels>['models'], signal: AbortSignal) =>
      continueDenoise.run({
        inputs: { model, latent: draft },
        params: toTheEnd,
        ctx: createTestContext({
          checkpoints,
          models,
          signal,
          progress: ({ step }) => step === 4 && controller.abort(new Error('the power went off')),
        }),
      });
    await expect(run(bendingModels().models, controller.signal)).rejects.toThrowError('the power');
    const { models, calls } = bendingModels();
    const { latent } = await run(models, new AbortController().signal);
    expect(latent).toEqual(await denoised('euler', { values }));
    expect(calls()).toBe(1);
  });

  const other = (change: Partial<typeof model> & { variant?: string }) => ({ ...model, ...change });
  it.each([
    ['another model', other({ name: 'other' }), 'the model fake, but this node runs other'],
    ['another variant', other({ variant: 'fast' }), 'the variant base, but this node runs fast'],
    ['other weights', other({ digest: 'f'.repeat(64) }), 'other weights of fake: 000000000000'],
  ])('does not go on with %s', async (_, wrong, message) => {
    const draft = await denoised('euler', { values, stopAfter: 2 });
    const { models, calls } = bendingModels();
    const running = continueDenoise.run({
      inputs: { model: wrong, latent: draft },
      params: toTheEnd,
      ctx: createTestContext({ models }),
    });
    await expect(running).rejects.toThrowError(message);
    await expect(running).rejects.toMatchObject({ code: 'continue/other-model' });
    expect(calls()).toBe(0);
  });

  it('says that a finished clip has no steps left, and that a stop must lie ahead', async () => {
    const ctx = createTestContext();
    const run = async (latent: Latent, stopAfter: number) =>
      await continueDenoise.run({ inputs: { model, latent }, params: { stopAfter }, ctx });
    await expect(run(blank, 0)).rejects.toBeInstanceOf(NodeError);
    await expect(run(blank, 0)).rejects.toMatchObject({ code: 'continue/finished' });
    const draft = await denoised('euler', { values, stopAfter: 3 });
    await expect(run(draft, 3)).rejects.toMatchObject({ code: 'continue/behind' });
  });

  it('says so while wiring, where it is known', () => {
    const draft = { model: 'fake', steps: 20, stepsDone: 6 };
    const codes = (latent: object, stopAfter = 0, ref: object = { model: 'fake' }) =>
      continueDenoise.infer!({
        inputs: { model: ref, latent },
        params: { stopAfter },
        context: { models: new Map() },
      }).issues.map(({ code, port, param }) => [code, port ?? param]);
    expect(codes(draft)).toEqual([]);
    expect(codes(draft, 12)).toEqual([]);
    expect(codes({ model: 'fake' })).toEqual([]);
    expect(codes({ ...draft, stepsDone: 20 })).toEqual([['continue/finished', 'latent']]);
    expect(codes(draft, 6)).toEqual([['continue/behind', 'stopAfter']]);
    expect(codes(draft, 0, { model: 'other' })).toEqual([['continue/other-model', 'latent']]);
    expect(codes(draft, 0, { model: 'fake', variant: 'fast' })).toEqual([['continue/other-model', 'latent']]);
  });

  it('tells how many steps will have been taken', () => {
    const after = (stopAfter: number) =>
      continueDenoise.infer!({
        inputs: { latent: { frameCount: 9, steps: 20, stepsDone: 6 } },
        params: { stopAfter },
        context: { models: new Map() },
      }).outputs.latent;
    expect(after(0)).toEqual({ frameCount: 9, steps: 20, stepsDone: 20 });
    expect(after(12)).toEqual({ frameCount: 9, steps: 20, stepsDone: 12 });
  });
});
