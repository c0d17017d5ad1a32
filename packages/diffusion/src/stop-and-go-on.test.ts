/** Sampling that stops between two steps and goes on, in this process or from a file, gives the same bits. */
import { fromFunction, randomNormal, type Tensor } from '@reelgraph/tensor';
import { describe, expect, it } from 'vitest';
import { weightedSum } from './arithmetic.ts';
import { sampleDdim } from './ddim.ts';
import { sampleDpmSolver } from './dpm-solver.ts';
import { freshNoiseFrom } from './fresh-noise.ts';
import { keepKnown } from './known-frames.ts';
import type { Parametrisation } from './parametrisation.ts';
import type { Sampler, SamplerSettings, SamplerState, SamplerStep } from './sampler.ts';
import { parseSamplerState } from './sampler-state.ts';
import { findSampler, samplers, walksFor } from './samplers.ts';
import { flowSigmas } from './sigmas.ts';
import { sampleUniPc } from './unipc.ts';
import { walkSigmas } from './walk-sigmas.ts';

const shape = [1, 4, 2, 2, 2];
const noise = randomNormal('7', shape);
const flow = flowSigmas({ steps: 6, shift: 3 });

/** A field that bends, so that every step matters. */
async function velocityAt(x: Tensor<'float32'>, sigma: number): Promise<Tensor<'float32'>> {
  return fromFunction(shape, (i) => Math.sin(3 * x.data[i]!) - 0.3 * x.data[(i + 1) % 32]! + sigma);
}

/** Some places are held, some by half: holding them twice would move them. */
const known = {
  latent: randomNormal('8', shape),
  mask: fromFunction([1, 1, 2, 2, 2], (i) => [1, 0.3, 0, 0, 0.7, 0, 0, 0][i]!),
};

/** Two steps at once: Adams and Bashforth's second order, which needs the velocity of the step before. */
const adams: Sampler = (options) =>
  walkSigmas(options, ({ sample, output: velocity, sigma, sigmaNext, memory }) => {
    const { velocityBefore, sigmaBefore } = memory;
    const slope =
      typeof velocityBefore === 'object' && typeof sigmaBefore === 'number'
        ? extrapolate(velocity, velocityBefore, (sigmaNext - sigma) / (sigma - sigmaBefore) / 2)
        : velocity;
    return {
      sample: weightedSum(1, sample, sigmaNext - sigma, slope),
      memory: { velocityBefore: velocity, sigmaBefore: sigma },
    };
  });

function extrapolate(now: Tensor<'float32'>, before: Tensor, by: number): Tensor<'float32'> {
  return fromFunction(shape, (i) => now.data[i]! + by * (now.data[i]! - Number(before.data[i])));
}

/** New noise with every step, drawn from a seed that moves on. */
const ancestral: Sampler = (options) =>
  walkSigmas(options, ({ sample, output: velocity, sigma, sigmaNext, memory }) => {
    const seed = String(memory.seed ?? '100');
    const fresh = randomNormal(seed, shape);
    return {
      sample: weightedSum(1, weightedSum(1, sample, sigmaNext - sigma, velocity), 0.1 * sigmaNext, fresh),
      memory: { seed: String(Number(seed) + 1) },
    };
  });

interface Method {
  readonly name: string;
  readonly sample: Sampler;
  readonly parametrisation: Parametrisation;
  readonly settings?: SamplerSettings;
}

const kinds = ['flow', 'v', 'epsilon', 'x0'] as const;
const methods: readonly Method[] = [
  ...samplers.flatMap((entry) =>
    kinds
      .filter((parametrisation) => walksFor(entry, parametrisation))
      .map((parametrisation) => ({ ...entry, parametrisation })),
  ),
  { name: 'unipc of order 3', sample: sampleUniPc, parametrisation: 'flow', settings: { order: 3 } },
  {
    name: 'unipc uncorrected for a while',
    sample: sampleUniPc,
    parametrisation: 'flow',
    settings: { skipCorrector: [0, 1, 3] },
  },
  { name: 'dpmpp of order 3', sample: sampleDpmSolver, parametrisation: 'v', settings: { order: 3 } },
  { name: 'ddim with noise', sample: sampleDdim, parametrisation: 'v', settings: { eta: 0.7, clip: 2 } },
  { name: 'a method of two steps', sample: adams, parametrisation: 'flow' },
  { name: 'a method that draws noise', sample: ancestral, parametrisation: 'flow' },
];

describe.each(methods)('$name for $parametrisation', ({ sample, parametrisation, settings }) => {
  // The others end in infinity where all is noise.
  const sigmas = parametrisation === 'flow' ? flow : flow.map((sigma) => sigma * 0.999);
  const constrain = (x: Tensor<'float32'>, sigma: number) =>
    keepKnown(x, known, noise, sigma, parametrisation);
  const walk: Sampler = (options) =>
    sample({ freshNoise: freshNoiseFrom('9', shape), parametrisation, settings, ...options });
  const whole = (onStep?: (step: SamplerStep) => void) =>
    walk({ sigmas, from: noise, denoise: velocityAt, constrain, ...(onStep ? { onStep } : {}) });

  it.each([1, 2, 3, 4, 5])('stopped after step %i and gone on gives the very same latent', async (stop) => {
    const undisturbed = await whole();
    const draft = await walk({ sigmas, from: noise, denoise: velocityAt, constrain, stopAfter: stop });
    expect(draft.step).toBe(stop);
    const seen: number[] = [];
    const finished = await walk({
      sigmas,
      from: draft,
      denoise: velocityAt,
      constrain,
      onStep: ({ step }) => seen.push(step),
    });
    expect(finished).toEqual(undisturbed);
    expect(seen).toEqual([1, 2, 3, 4, 5, 6].slice(stop));
  });

  it('goes on from a file as from memory', async () => {
    const undisturbed = await whole();
    const draft = await walk({ sigmas, from: noise, denoise: velocityAt, constrain, stopAfter: 3 });
    const read = parseSamplerState(structuredClone(draft), shape, 6)!;
    expect(await walk({ sigmas, from: read, denoise: velocityAt, constrain })).toEqual(undisturbed);
  });

  it('goes on from what any step showed', async () => {
    const states: SamplerState[] = [];
    const undisturbed = await whole(({ step, sample, memory }) => states.push({ step, sample, memory }));
    for (const from of states) {
      const finished = await walk({ sigmas, from, denoise: velocityAt, constrain });
      expect(finished.sample.data).toEqual(undisturbed.sample.data);
    }
  });

  it('has nothing left to do after the last step', async () => {
    const undisturbed = await whole();
    const denoise = () => Promise.reject(new Error('the model was asked'));
    expect(await walk({ sigmas, from: undisturbed, denoise, constrain })).toEqual(undisturbed);
  });
});

describe('a state from elsewhere', () => {
  const state: SamplerState = { step: 2, sample: noise, memory: { seed: '3', velocityBefore: noise } };

  it('is taken when it fits', () => {
    expect(parseSamplerState(structuredClone(state), shape, 6)).toEqual(state);
  });

  it.each([
    ['nothing', undefined],
    ['a list', [state]],
    ['a step beyond the schedule', { ...state, step: 7 }],
    ['half a step', { ...state, step: 1.5 }],
    ['another size', { ...state, sample: randomNormal('7', [1, 4, 2, 2, 3]) }],
    ['a sample that is no tensor', { ...state, sample: [1, 2] }],
    ['numbers that are not finite', { ...state, sample: fromFunction(shape, () => Number.NaN) }],
    ['a memory of something else', { ...state, memory: { open: true } }],
    ['no memory', { step: 2, sample: noise }],
  ])('is refused when it is %s', (_, value) => {
    expect(parseSamplerState(value, shape, 6)).toBeUndefined();
  });

  it.each(['unipc', 'dpmpp-2m', 'dpmpp-2m-sde'])(
    'is refused by %s when another sampler began it',
    async (name) => {
      const { sample } = findSampler(name)!;
      const from = { ...state, memory: { seed: '3' } };
      await expect(
        sample({ sigmas: flow, from, denoise: velocityAt, freshNoise: freshNoiseFrom('9', shape) }),
      ).rejects.toMatchObject({ code: 'diffusion/bad-state' });
    },
  );

  it('does not go on in a shorter schedule', async () => {
    const from = { ...state, step: 4, memory: {} };
    await expect(
      samplers[0].sample({ sigmas: flowSigmas({ steps: 3 }), from, denoise: velocityAt }),
    ).rejects.toMatchObject({ code: 'diffusion/bad-state' });
  });
});
