/** Calls that are left out: by hand, without any left out, stopped and gone on with, and with every sampler. */
import { fromFunction, randomNormal, type Tensor } from '@reelgraph/tensor';
import { describe, expect, it } from 'vitest';
import { CallSkipping, callsSaved } from './call-skipping.ts';
import { freshNoiseFrom } from './fresh-noise.ts';
import { type BranchCall, runSampling, type SamplingJob } from './run-sampling.ts';
import type { SamplerState } from './sampler.ts';
import { parseSamplerState } from './sampler-state.ts';
import { samplers, walksFor } from './samplers.ts';
import { flowSigmas } from './sigmas.ts';

type Float = Tensor<'float32'>;

const vector = (...values: number[]): Float => fromFunction([values.length], (i) => values[i]!);
const call = (step: number, change: Partial<BranchCall> = {}): BranchCall => ({
  ...{ timestep: 500, step, totalSteps: 6, branches: 2, expert: 'first' },
  ...change,
});

/** Calls in order; `undefined` where the model was not asked. */
async function walk(
  skipping: CallSkipping,
  calls: readonly (readonly [BranchCall, input: Float, outputs: readonly Float[]])[],
): Promise<{ asked: boolean[]; answers: number[][][] }> {
  const asked: boolean[] = [];
  const answers: number[][][] = [];
  for (const [at, input, outputs] of calls) {
    let isAsked = false;
    const given = await skipping.answers(input, at, async () => {
      isAsked = true;
      return outputs;
    });
    asked.push(isAsked);
    answers.push(given.map(({ data }) => [...data]));
  }
  return { asked, answers };
}

describe('a walk of six steps by hand', () => {
  // Inputs fall by 0.5 in mean; all numbers are sums of powers of two, so that nothing is rounded.
  const calls = [
    [call(0), vector(8, -8), [vector(4, -4), vector(2, 2)]],
    // |x - x_c| = 1, |v - v_c| = 0.5: k = 0.5
    [call(1), vector(7, -7), [vector(4.5, -3.5), vector(1, 1)]],
    // E = 0.5 * 0.5 / 4 = 0.0625
    [call(2), vector(6.5, -6.5), [vector(99, 99), vector(99, 99)]],
    // E = 0.0625 + 0.5 * 1 / 4 = 0.1875
    [call(3), vector(5.5, -5.5), [vector(99, 99), vector(99, 99)]],
    // E = 0.1875 + 0.5 * 0.5 / 4 = 0.25 is not below 0.25
    [call(4), vector(5, -5), [vector(6, -6), vector(0, 0)]],
    [call(5), vector(5, -5), [vector(1, 1), vector(3, 3)]],
  ] as const;

  it('leaves out the third and the fourth, each v = x + (v_c - x_c) of its branch', async () => {
    const skipping = new CallSkipping(0.25);
    const { asked, answers } = await walk(skipping, calls);
    expect(asked).toEqual([true, true, false, false, true, true]);
    expect(answers.slice(2, 4)).toEqual([
      [
        [4, -3],
        [0.5, 1.5],
      ],
      [
        [3, -2],
        [-0.5, 2.5],
      ],
    ]);
    expect(callsSaved(skipping.memory())).toBe(2);
  });

  it('adds up what it expects since the last call that was computed, and begins anew with one', async () => {
    const skipping = new CallSkipping(0.25);
    await walk(skipping, calls.slice(0, 4));
    expect(skipping.memory()).toMatchObject({ 'skip.rate': 0.5, 'skip.change': 0.1875 });
    await walk(skipping, calls.slice(4, 5));
    // From the call before it that was computed: |x - x_c| = 2, |v - v_c| = (1.5 + 2.5) / 2.
    expect(skipping.memory()).toMatchObject({ 'skip.rate': 1, 'skip.change': 0, 'skip.saved': 2 });
  });

  it('asks where the first change reaches the threshold already', async () => {
    const { asked } = await walk(new CallSkipping(0.0625), calls.slice(0, 3));
    expect(asked).toEqual([true, true, true]);
  });

  it('asks in the first and in the last step however high the threshold is', async () => {
    const { asked } = await walk(new CallSkipping(1e9), calls);
    expect(asked).toEqual([true, true, false, false, false, true]);
  });

  it.each<[string, Partial<BranchCall>]>([
    ['more branches are needed than were computed', { branches: 3 }],
    ['another network takes over', { expert: 'second' }],
  ])('asks when %s', async (_, change) => {
    const skipping = new CallSkipping(0.25);
    await walk(skipping, calls.slice(0, 2));
    const { asked } = await walk(skipping, [[call(2, change), calls[2][1], calls[2][2]]]);
    expect(asked).toEqual([true]);
  });

  it('gives one branch where only one is needed', async () => {
    const skipping = new CallSkipping(0.25);
    await walk(skipping, calls.slice(0, 2));
    const { answers } = await walk(skipping, [[call(2, { branches: 1 }), calls[2][1], []]]);
    expect(answers).toEqual([[[4, -3]]]);
  });

  it('does not judge by an output of zeros or by inputs that stand still', async () => {
    const zero = vector(0, 0);
    const zeros = [call(0), call(1), call(2)].map((at, i) => [at, vector(3 - i, 0), [zero, zero]] as const);
    expect((await walk(new CallSkipping(0.5), zeros)).asked).toEqual([true, true, true]);
    const still = [call(0), call(1), call(2)].map((at) => [at, vector(3, 0), [vector(1, 1), zero]] as const);
    expect((await walk(new CallSkipping(0.5), still)).asked).toEqual([true, true, true]);
  });

  it.each([0, -0.1, Number.NaN, Number.POSITIVE_INFINITY])('refuses the threshold %s', (threshold) => {
    expect(() => new CallSkipping(threshold)).toThrowError(
      expect.objectContaining({ code: 'diffusion/bad-skipping' }),
    );
  });
});

const shape = [1, 4, 2, 2, 2];
const noise = randomNormal('7', shape);
const forFlows = samplers.filter((entry) => walksFor(entry, 'flow')).map(({ name }) => name);

/** A sampling of twelve steps with guidance, and how often its model was asked. */
async function sample(change: Partial<SamplingJob> = {}) {
  let asked = 0;
  const states: SamplerState[] = [];
  const end = await runSampling(
    {
      ...{
        sampler: 'euler',
        sigmas: flowSigmas({ steps: 12, shift: 3 }),
        guidanceScale: 3,
        noise,
        from: noise,
      },
      ...change,
    },
    {
      // A field that bends, and goes on with the noise.
      velocities: async (x, sigma, { branches }) => {
        asked += 1;
        return [0.5, -0.2, 0.1]
          .slice(0, branches)
          .map((towards) =>
            fromFunction(shape, (i) => noise.data[i]! - towards * Math.sin(x.data[i]! + sigma)),
          );
      },
      freshNoise: freshNoiseFrom('9', shape),
      onStep: ({ step, sample: latent, memory }) => states.push({ step, sample: latent, memory }),
    },
  );
  return { end, asked, states };
}

describe.each(forFlows)('sampling by %s', (sampler) => {
  it('with the threshold 0 is the very sampling without one', async () => {
    const plain = await sample({ sampler });
    expect(await sample({ sampler, skipping: 0 })).toEqual(plain);
    expect(callsSaved(plain.end.memory)).toBe(0);
  });

  it('asks for every call that is not saved, and takes all steps', async () => {
    const plain = await sample({ sampler });
    const { end, asked, states } = await sample({ sampler, skipping: 0.3 });
    expect(callsSaved(end.memory)).toBeGreaterThan(0);
    expect(asked + callsSaved(end.memory)).toBe(plain.asked);
    expect(states.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    expect(end.sample).not.toEqual(plain.end.sample);
  });

  it('goes on from any step to the very same end, also from a file', async () => {
    const whole = await sample({ sampler, skipping: 0.3 });
    for (const state of whole.states) {
      const from = parseSamplerState(structuredClone(state), shape, 12)!;
      const rest = await sample({ sampler, skipping: 0.3, from });
      expect(rest.end).toEqual(whole.end);
      expect(rest.states).toEqual(whole.states.slice(state.step));
    }
  });

  it('stopped on the way leaves the state of that step', async () => {
    const whole = await sample({ sampler, skipping: 0.3 });
    const draft = await sample({ sampler, skipping: 0.3, stopAfter: 5 });
    expect(draft.end).toEqual(whole.states[4]);
  });
});

it('does not go on with skipping from a sampling that was begun without', async () => {
  const { end } = await sample({ stopAfter: 5 });
  await expect(sample({ skipping: 0.3, from: end })).rejects.toMatchObject({ code: 'diffusion/bad-state' });
});

it('asks again at the step where guidance begins', async () => {
  const { asked, end } = await sample({ skipping: 1e9, guidance: { interval: { from: 0.5, to: 1 } } });
  // The first two, the one that needs a second branch, the last.
  expect([asked, callsSaved(end.memory)]).toEqual([4, 8]);
});
