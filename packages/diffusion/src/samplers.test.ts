import { readFileSync } from 'node:fs';
import { fromFunction, NoiseGenerator, randomNormal, type Tensor, tensor } from '@reelgraph/tensor';
import { describe, expect, it } from 'vitest';
import { sampleEuler } from './euler.ts';
import { freshNoiseFrom } from './fresh-noise.ts';
import { cleanWeights } from './parametrisation.ts';
import { findSampler, noiseEnd, samplers, walksFor } from './samplers.ts';
import { flowSigmas, sigmaToTimestep } from './sigmas.ts';
import { sampleStochastic } from './stochastic.ts';

interface Vectors {
  noise0: number[];
  step_generator_seed: number;
  w: number[];
  cases: {
    name: string;
    scheduler: string;
    config: { shift: number; stochastic_sampling?: boolean };
    set_timesteps_kwargs: { sigmas?: number[] };
    timesteps: number[];
    sigmas: number[];
    trajectory: number[][];
    /** Drawn by the methods that draw some. */
    noise?: number[][];
  }[];
}
// Trajectories of a linear toy model through diffusers 0.40 on a CPU in float32; the file's `doc` says how.
const vectors: Vectors = JSON.parse(
  readFileSync(new URL('./fixtures/flow-scheduler-vectors.json', import.meta.url), 'utf8'),
);
const shape = [1, 4, 1, 2, 2];
const named = (name: string) => findSampler(name)!.sample;

async function toyVelocity(x: Tensor<'float32'>, sigma: number): Promise<Tensor<'float32'>> {
  const t = sigmaToTimestep(sigma) / 1000;
  return fromFunction(
    x.shape,
    (i) => 0.5 * x.data[i]! - 0.25 * x.data[(i + 1) % 16]! + 0.1 * vectors.w[i]! + 0.05 * t,
  );
}

// 1e-5: both sides keep samples in float32 but order their sums differently.
const expectClose = (got: ArrayLike<number>, wanted: readonly number[]) => {
  expect(got.length).toBe(wanted.length);
  for (let i = 0; i < got.length; i++) expect(Math.abs(got[i]! - wanted[i]!)).toBeLessThan(1e-5);
};

/** One value per step: diffusers' Heun lists every level but the first twice. */
const distinct = (values: readonly number[]) => values.filter((value, i) => value !== values[i - 1]);

describe('a strength below 1', () => {
  it('starts later, at the level it names, and goes at the same pace', () => {
    expect(flowSigmas({ steps: 8, strength: 0.5 })).toEqual([0.5, 0.375, 0.25, 0.125, 0]);
    expect(flowSigmas({ steps: 4, strength: 0.5, shift: 3 })[0]).toBeCloseTo(0.75, 12);
  });

  it('is the whole schedule at 1, and at least one step', () => {
    expect(flowSigmas({ steps: 20, shift: 2, strength: 1 })).toEqual(flowSigmas({ steps: 20, shift: 2 }));
    expect(flowSigmas({ steps: 4, strength: 0.01 })).toHaveLength(2);
  });

  it.each([0, -1, 1.5, Number.NaN])('refuses %d', (strength) => {
    expect(() => flowSigmas({ steps: 4, strength })).toThrowError(/above 0 and up to 1/);
  });
});

describe('trajectories equal diffusers', () => {
  for (const one of vectors.cases) {
    it(one.name, async () => {
      const steps = 8;
      const sigmas = flowSigmas({
        steps,
        shift: one.config.shift,
        spacing: one.set_timesteps_kwargs.sigmas === undefined ? 'train' : 'uniform',
      });
      expectClose(sigmas, distinct(one.sigmas));
      const timesteps = distinct(one.timesteps);
      // 2e-4 of 1000: diffusers rounds timesteps to float32.
      for (const [i, t] of timesteps.entries())
        expect(Math.abs(sigmaToTimestep(sigmas[i]!) - t)).toBeLessThan(2e-4);

      const isHeun = one.scheduler === 'FlowMatchHeunDiscreteScheduler';
      const seen: Tensor<'float32'>[] = [];
      const name = isHeun ? 'heun' : one.config.stochastic_sampling ? 'stochastic' : 'euler';
      await named(name)({
        sigmas,
        // Their generator was seeded with one more.
        freshNoise: freshNoiseFrom(String(vectors.step_generator_seed - 1), shape),
        from: tensor('float32', shape, Float32Array.from(vectors.noise0)),
        denoise: toyVelocity,
        onStep: ({ sample }) => seen.push(sample),
      });
      // diffusers' Heun records the prediction and the correction of a step; ours is seen once, corrected.
      const wanted = isHeun ? one.trajectory.filter((_, i) => i % 2 === 1 || i === 14) : one.trajectory;
      expect(seen).toHaveLength(wanted.length);
      for (const [i, sample] of seen.entries()) expectClose(sample.data, wanted[i]!);
    });
  }
});

const kinds = ['flow', 'v', 'epsilon', 'x0'] as const;
const walks = samplers.flatMap((entry) =>
  kinds.filter((kind) => walksFor(entry, kind)).map((kind) => ({ ...entry, kind })),
);

describe.each(walks)('every sampler: $name for $kind', ({ sample, kind }) => {
  const run: typeof sample = (options) =>
    sample({ freshNoise: freshNoiseFrom('3', shape), parametrisation: kind, ...options });
  const start = fromFunction(shape, (i) => i / 4);
  const target = fromFunction(shape, (i) => 1 - i / 8);
  // What a model says that always sees the same clean latent: output = (x0 - ofSample x) / ofOutput.
  const straight = async (x: Tensor<'float32'>, sigma: number) => {
    const [ofSample, ofOutput] = cleanWeights(kind, sigma);
    return fromFunction(shape, (i) => (target.data[i]! - ofSample * x.data[i]!) / ofOutput);
  };
  // Only a flow and v can be asked where all is noise.
  const sigmasOf = (steps: number, shift = 1) =>
    flowSigmas({ steps, shift }).map((sigma) => (kind === 'flow' ? sigma : 0.999 * sigma));

  it('follows a straight path to its end, whatever the number of steps', async () => {
    for (const steps of [1, 2, 7]) {
      const { sample: end } = await run({
        sigmas: sigmasOf(steps, 3),
        from: start,
        denoise: straight,
      });
      expectClose(end.data, Array.from(target.data));
    }
  });

  it('counts steps and offers the clean estimate', async () => {
    const seen: string[] = [];
    await run({
      sigmas: sigmasOf(3),
      from: start,
      denoise: straight,
      onStep: (step) => {
        seen.push(`${step.step}/${step.totalSteps} ${step.sigma.toFixed(2)}`);
        expectClose(step.estimateClean().data, Array.from(target.data));
      },
    });
    expect(seen).toEqual(['1/3 0.67', '2/3 0.33', '3/3 0.00']);
  });

  it('gives every model call and the result through the constraint', async () => {
    const held = (x: Tensor<'float32'>) => fromFunction(shape, (i) => (i < 4 ? 9 : x.data[i]!));
    const { sample: end } = await run({
      sigmas: sigmasOf(2),
      from: start,
      constrain: held,
      denoise: async (x, sigma) => {
        expect(Array.from(x.data.subarray(0, 4))).toEqual([9, 9, 9, 9]);
        return straight(x, sigma);
      },
    });
    expect(Array.from(end.data.subarray(0, 4))).toEqual([9, 9, 9, 9]);
  });

  it('stops between steps when cancelled, with the reason given', async () => {
    const controller = new AbortController();
    const reason = new Error('cancelled by the user');
    let calls = 0;
    const running = run({
      sigmas: sigmasOf(5),
      from: start,
      signal: controller.signal,
      denoise: async (x, sigma) => {
        calls++;
        controller.abort(reason);
        return straight(x, sigma);
      },
    });
    await expect(running).rejects.toBe(reason);
    expect(calls).toBe(1);
  });

  it('stops at the first number that is not finite', async () => {
    const denoise = async (x: Tensor<'float32'>) => fromFunction(x.shape, (i) => (i === 3 ? Number.NaN : 0));
    await expect(run({ sigmas: [0.9, 0], from: start, denoise })).rejects.toMatchObject({
      code: 'diffusion/not-finite',
    });
  });
});

describe('noise of the steps', () => {
  const shape = [1, 4, 2, 2];

  it('is the stream of the seed after, one draw after the other', () => {
    const { noise = [] } = vectors.cases.find(({ name }) => name === 'fm_euler_stochastic_shift3')!;
    const fresh = freshNoiseFrom(String(vectors.step_generator_seed - 1), shape);
    expect(noise.length).toBe(8);
    for (const [i, drawn] of noise.entries()) expectClose(fresh(i).data, drawn);
  });

  it('is the same in whatever order it is asked for', () => {
    const inOrder = freshNoiseFrom('5', shape);
    const [first, , third] = [inOrder(0), inOrder(1), inOrder(2)];
    const anyhow = freshNoiseFrom('5', shape);
    expect(anyhow(2)).toEqual(third);
    expect(anyhow(0)).toEqual(first);
    expect(anyhow(0)).toEqual(first);
  });

  it('follows the greatest seed by the least', () => {
    expect(freshNoiseFrom('18446744073709551615', shape)(0)).toEqual(randomNormal('0', shape));
  });

  it('is drawn for every step but a clean end, unless the method needs it there', () => {
    const ends = samplers.map((entry) => [
      entry.name,
      noiseEnd(entry, [1, 0.5, 0]),
      noiseEnd(entry, [1, 0.5]),
    ]);
    expect(ends.filter(([, clean]) => clean !== 0)).toEqual([
      ['stochastic', 1, 1],
      ['dpmpp-2m-sde', 1, 1],
      ['euler-ancestral', 1, 1],
      ['euler-churn', 2, 1],
      ['ddim', 1, 1],
      ['cogvideox-dpm', 1, 1],
      ['lcm', 1, 1],
    ]);
  });

  it('goes on in the stream of the seed, where one generator draws all', () => {
    const one = new NoiseGenerator('5');
    one.normal([3]);
    one.normal(shape);
    one.normal(shape);
    expect(freshNoiseFrom('5', shape, { after: [[3], shape] })(1)).toEqual(one.normal(shape));
  });

  it('is taken by the draws that a sampler names', () => {
    const all = freshNoiseFrom('5', shape);
    const every = freshNoiseFrom('5', shape, { drawOf: (step) => 2 * step });
    expect([every(0), every(2), every(1)]).toEqual([all(0), all(4), all(2)]);
  });

  it('is missed by the sampler that needs it', () => {
    const from = fromFunction(shape, () => 0);
    expect(() => sampleStochastic({ sigmas: [1, 0], from, denoise: async (x) => x })).toThrowError(
      'needs noise for every step',
    );
  });
});

describe('schedules', () => {
  it.each([[[0]], [[1, 0.5]], [[1, 1, 0]], [[0.5, 1, 0]], [[Number.NaN, 0]]])(
    'refuses %j',
    async (sigmas) => {
      const from = fromFunction([1], () => 0);
      await expect(sampleEuler({ sigmas, from, denoise: async (x) => x })).rejects.toMatchObject({
        code: 'diffusion/bad-sigmas',
      });
    },
  );

  it('fall from 1 to 0 for every number of steps and shift', () => {
    for (const steps of [1, 2, 20, 50]) {
      for (const shift of [0.5, 1, 3, 17]) {
        const sigmas = flowSigmas({ steps, shift });
        expect(sigmas).toHaveLength(steps + 1);
        expect(sigmas[0]).toBe(1);
        expect(sigmas.at(-1)).toBe(0);
        expect(sigmas.every((sigma, i) => i === 0 || sigma < sigmas[i - 1]!)).toBe(true);
      }
    }
  });

  it('need steps and a shift above 0', () => {
    expect(() => flowSigmas({ steps: 0 })).toThrowError('at least 1 step');
    expect(() => flowSigmas({ steps: 4, shift: 0 })).toThrowError('a number above 0');
  });
});

describe('a consistency model', () => {
  it('is an identity at timestep 0, and keeps c_skip of the sample above it', async () => {
    const from = fromFunction([2], () => 1);
    const end = async (timestep: number) =>
      (
        await findSampler('lcm')!.sample({
          sigmas: [0.5, 0],
          timesteps: [timestep],
          parametrisation: 'x0',
          from,
          denoise: async () => fromFunction([2], () => 3),
          freshNoise: () => from,
        })
      ).sample.data[0];
    expect(await end(0)).toBe(1);
    // k t = 0.5 = d: c_skip = 1/2, c_out = 1 / sqrt 2.
    expect(await end(0.05)).toBeCloseTo(3 / Math.SQRT2 + 0.5, 6);
  });
});
