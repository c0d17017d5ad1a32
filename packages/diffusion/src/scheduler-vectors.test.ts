/**
 * Every schedule, sampler and draw against diffusers 0.40: 95 cases of a linear toy model, made on a CPU in float32 by
 * torch 2.15 (`fixtures/scheduler-vectors.json`; its `doc` says how). Each case is set up from its class name and
 * config alone.
 */
import { readFileSync } from 'node:fs';
import { fromFunction, type Tensor, tensor } from '@reelgraph/tensor';
import { describe, expect, it } from 'vitest';
import { samplingFromDiffusers } from './diffusers-config.ts';
import { freshNoiseFrom } from './fresh-noise.ts';
import { keepsVariance, signalAt } from './parametrisation.ts';
import { findSampler } from './samplers.ts';
import { makeSchedule, type Schedule } from './schedule.ts';

interface VectorCase {
  readonly name: string;
  readonly scheduler: string;
  readonly config: Record<string, unknown>;
  readonly num_inference_steps: number;
  readonly set_timesteps_kwargs: { sigmas?: number[]; timesteps?: number[]; mu?: number };
  readonly step_kwargs: { eta?: number; s_churn?: number; s_noise?: number };
  readonly init_noise_sigma: number;
  readonly timesteps: number[];
  readonly sigmas: number[] | null;
  readonly trajectory: number[][];
  readonly trajectory_is?: string;
  readonly noise?: number[][];
}
interface Vectors {
  readonly shape: number[];
  readonly w: number[];
  readonly noise0: number[];
  readonly step_generator_seed: number;
  readonly cases: readonly VectorCase[];
}
const vectors: Vectors = JSON.parse(
  readFileSync(new URL('./fixtures/scheduler-vectors.json', import.meta.url), 'utf8'),
);
const { shape, w } = vectors;
const size = 16;

/** Their Euler, Euler ancestral and Heun walk x0 + r eps with r the ratio of noise to signal; x / alpha of ours. */
const walksRatio = new Set([
  'EulerDiscreteScheduler',
  'EulerAncestralDiscreteScheduler',
  'HeunDiscreteScheduler',
]);
/** Their Heun lists predictions and corrections. */
const isHeun = (one: VectorCase) => one.scheduler.includes('Heun');

/** Values of a list that repeats some: their Heun lists every level but the first twice. */
const distinct = (values: readonly number[]) => values.filter((value, i) => value !== values[i - 1]);

function setupOf(one: VectorCase) {
  const setup = samplingFromDiffusers({ _class_name: one.scheduler, ...one.config });
  const { eta, s_churn: churn, s_noise: noiseScale } = one.step_kwargs;
  const settings = {
    ...setup.settings,
    ...(eta === undefined ? {} : { eta }),
    ...(churn === undefined ? {} : { churn, noiseScale: noiseScale ?? 1 }),
  };
  const { sigmas, timesteps, mu } = one.set_timesteps_kwargs;
  const given = sigmas?.at(-1) === 0 ? sigmas.slice(0, -1) : sigmas;
  const schedule = makeSchedule(setup.schedule, {
    steps: one.num_inference_steps,
    sigmas: given,
    timesteps,
    mu,
  });
  const sampler = findSampler(churn === undefined ? setup.sampler : 'euler-churn')!;
  return { ...setup, settings, schedule, sampler };
}

/** Their levels from ours: ratios of noise to signal, where the variance is kept. */
function theirSigmas({ sigmas }: Schedule, one: VectorCase): number[] {
  const { parametrisation } = setupOf(one);
  return sigmas.map((sigma) =>
    keepsVariance(parametrisation) ? sigma / signalAt(parametrisation, sigma) : sigma,
  );
}

/**
 * 1e-5 of the largest element; but where theirs begins at a ratio of 4096, an element of it is rounded by 2e-4 in
 * float32 before a step brings it down to 20. See the last test.
 */
const toleranceOf = (one: VectorCase) => (one.name === 'euler_v_zsnr_trailing' ? 3e-5 : 1e-5);

const expectRelative = (got: readonly number[], wanted: readonly number[], tolerance: number) => {
  expect(got).toHaveLength(wanted.length);
  const worst = Math.max(
    ...wanted.map((value, i) => Math.abs(got[i]! - value) / Math.max(Math.abs(value), 1e-30)),
  );
  expect(wanted.every((value, i) => value !== 0 || got[i] === 0)).toBe(true);
  expect(worst).toBeLessThanOrEqual(tolerance);
};

async function toyOutput(x: Tensor<'float32'>, timestep: number): Promise<Tensor<'float32'>> {
  return fromFunction(
    x.shape,
    (i) => 0.5 * x.data[i]! - 0.25 * x.data[(i + 1) % size]! + 0.1 * w[i]! + 0.05 * (timestep / 1000),
  );
}

describe('diffusers', () => {
  it('is covered whole', () => {
    expect(vectors.cases).toHaveLength(95);
  });
});

describe.each(vectors.cases.map((one) => [one.name, one] as const))('%s', (_, one) => {
  it('lays the same levels and timesteps', () => {
    const { schedule } = setupOf(one);
    const timesteps = isHeun(one)
      ? distinct(one.timesteps)
      : one.timesteps.slice(0, schedule.timesteps.length);
    expectRelative(schedule.timesteps, timesteps, 1e-6);
    if (one.sigmas === null || one.sigmas.length === 0) return;
    expectRelative(theirSigmas(schedule, one), isHeun(one) ? distinct(one.sigmas) : one.sigmas, 1e-6);
  });

  it('begins with as much noise, and walks the same way', async () => {
    const { schedule, sampler, parametrisation, settings } = setupOf(one);
    const scale = (step: number) => {
      const target = schedule.targets?.[step - 1] ?? schedule.sigmas[step]!;
      return walksRatio.has(one.scheduler) ? 1 / signalAt(parametrisation, target) : 1;
    };
    const first = walksRatio.has(one.scheduler) ? 1 / signalAt(parametrisation, schedule.sigmas[0]!) : 1;
    expect(Math.abs(schedule.startScale * first - one.init_noise_sigma) / one.init_noise_sigma).toBeLessThan(
      1e-6,
    );

    const seen: number[][] = [];
    await sampler.sample({
      ...schedule,
      parametrisation,
      settings,
      // Their generator was seeded with one more.
      freshNoise: freshNoiseFrom(String(vectors.step_generator_seed - 1), shape, { drawOf: sampler.drawOf }),
      from: tensor(
        'float32',
        shape,
        Float32Array.from(vectors.noise0, (value) => value * schedule.startScale),
      ),
      denoise: (x, __, { timestep }) => toyOutput(x, timestep),
      onStep: ({ step, sample }) => seen.push(Array.from(sample.data, (value) => value * scale(step))),
    });
    // Their Heun shows the prediction of a step and its correction; ours the latter.
    const corrected = one.trajectory.filter((__, i) => i % 2 === 1 || i === one.trajectory.length - 1);
    const wanted = isHeun(one) ? corrected : one.trajectory.slice(0, seen.length);
    const got = one.trajectory_is === 'last step only' ? seen.slice(-1) : seen;
    expect(got).toHaveLength(wanted.length);
    for (const [i, sample] of wanted.entries()) {
      const largest = Math.max(1, ...sample.map(Math.abs));
      const worst = Math.max(...sample.map((value, at) => Math.abs(value - got[i]![at]!)));
      expect(worst / largest, `step ${i + 1}`).toBeLessThanOrEqual(toleranceOf(one));
    }
  });

  if (one.noise !== undefined)
    it('draws the same noise in the same order', () => {
      const { schedule, sampler } = setupOf(one);
      const fresh = freshNoiseFrom(String(vectors.step_generator_seed - 1), shape, {
        drawOf: (draw) => draw,
      });
      for (const [i, drawn] of one.noise!.entries()) {
        const worst = Math.max(...drawn.map((value, at) => Math.abs(value - fresh(i).data[at]!)));
        expect(worst).toBeLessThanOrEqual(1e-6);
      }
      // What they draw is what we use, with what they draw and throw away, and nothing on a clean end.
      const lastUsed = (sampler.drawOf ?? ((step) => step))(schedule.sigmas.length - 2);
      expect([lastUsed, lastUsed + 1]).toContain(one.noise!.length);
      expect(sampler.drawsNoise).toBeTruthy();
    });
});

describe('a walk that begins where all is noise', () => {
  it('is nearer to the formula than float32 lets diffusers be', async () => {
    const one = vectors.cases.find(({ name }) => name === 'euler_v_zsnr_trailing')!;
    const { schedule, sampler, parametrisation } = setupOf(one);
    const ours: Tensor<'float32'>[] = [];
    await sampler.sample({
      ...schedule,
      parametrisation,
      from: tensor(
        'float32',
        shape,
        Float32Array.from(vectors.noise0, (value) => value * schedule.startScale),
      ),
      denoise: (x, __, { timestep }) => toyOutput(x, timestep),
      onStep: ({ sample }) => ours.push(sample),
    });

    /** Their step, x + (x - x0) / r (r' - r), rounded after each operation by `f`. */
    const theirs = (f: (value: number) => number) => {
      const ratios = one.sigmas!;
      let x = vectors.noise0.map((value) => f(value * one.init_noise_sigma));
      return one.timesteps.map((timestep, step) => {
        const [ratio, next] = [ratios[step]!, ratios[step + 1]!];
        const norm = f(Math.sqrt(f(f(ratio * ratio) + 1)));
        const seen = x.map((value) => f(value / norm));
        x = x.map((value, i) => {
          const output = f(
            0.5 * seen[i]! - 0.25 * seen[(i + 1) % size]! + 0.1 * w[i]! + 0.05 * (timestep / 1000),
          );
          const clean = f(f(output * f(-ratio / norm)) + f(value / f(f(ratio * ratio) + 1)));
          return f(value + f(f(f(value - clean) / ratio) * f(next - ratio)));
        });
        return x;
      });
    };
    const apart = (a: readonly number[][], b: readonly number[][]) =>
      Math.max(
        ...a.flatMap((row, step) =>
          row.map((value, i) => Math.abs(value - b[step]![i]!) / Math.max(1, ...row.map(Math.abs))),
        ),
      );
    const doubles = theirs((value) => value);
    const scaled = ours.map((sample, i) =>
      Array.from(sample.data, (value) => value / signalAt(parametrisation, schedule.sigmas[i + 1]!)),
    );
    expect(apart(scaled, doubles)).toBeLessThan(2e-6);
    expect(apart(theirs(Math.fround), doubles)).toBeGreaterThan(1e-5);
    expect(apart(one.trajectory, theirs(Math.fround))).toBeLessThan(1e-5);
  });
});
