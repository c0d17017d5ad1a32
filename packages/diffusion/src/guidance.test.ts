import { readFileSync } from 'node:fs';
import { fromFunction, randomNormal, type Tensor, tensor } from '@reelgraph/tensor';
import { describe, expect, it } from 'vitest';
import {
  applyGuidance,
  branchesNeeded,
  type GuidanceRules,
  guide,
  guidePerpendicular,
  guideZeroStar,
  rampedScale,
  rescaleGuidance,
} from './guidance.ts';
import { runSampling } from './run-sampling.ts';
import { flowSigmas } from './sigmas.ts';

const shape = [1, 2, 2, 3, 3];
const conditional = randomNormal('1', shape);
const unconditional = randomNormal('2', shape);
const negative = randomNormal('3', shape);
const vector = (...values: number[]) => tensor('float32', [values.length], Float32Array.from(values));
const values = (of: Tensor<'float32'>) => Array.from(of.data);
const call = (step: number, totalSteps = 10) => ({ step, totalSteps, timestep: 1000 - 100 * step });

// 1e-6: float32 around 1.
const expectClose = (got: Tensor<'float32'>, wanted: readonly number[], tolerance = 1e-6) => {
  for (const [i, value] of values(got).entries())
    expect(Math.abs(value - wanted[i]!)).toBeLessThan(tolerance);
};
const dot = (a: Tensor<'float32'>, b: Tensor<'float32'>) =>
  a.data.reduce((sum, value, i) => sum + value * b.data[i]!, 0);
const spread = ({ data }: Tensor<'float32'>) => {
  const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
  return Math.sqrt(data.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (data.length - 1));
};

describe('CFG-Zero*', () => {
  it('scales the unconditional answer to lie nearest to the conditional one', () => {
    // a = <(1, 2), (2, 0)> / |(2, 0)|^2 = 1/2, so v = (1, 0) + 3 ((1, 2) - (1, 0)).
    expectClose(guideZeroStar(vector(1, 2), vector(2, 0), 3), [1, 6]);
  });

  it('is free of the length of the unconditional answer', () => {
    const long = fromFunction(shape, (i) => 7 * unconditional.data[i]!);
    expectClose(
      guideZeroStar(conditional, long, 4),
      values(guideZeroStar(conditional, unconditional, 4)),
      1e-5,
    );
  });

  it('is the conditional answer at a scale of 1, and where both agree', () => {
    expectClose(guideZeroStar(conditional, unconditional, 1), values(conditional));
    expectClose(guideZeroStar(conditional, conditional, 5), values(conditional), 1e-5);
  });

  it('stands still in the first steps, for which one branch is enough', () => {
    const rules = { zeroStar: { zeroSteps: 2 } };
    expect(branchesNeeded(4, rules, call(1))).toBe(1);
    expect(values(applyGuidance(4, rules, [conditional], call(1))).every((value) => value === 0)).toBe(true);
    expect(branchesNeeded(4, rules, call(2))).toBe(2);
    expect(applyGuidance(4, rules, [conditional, unconditional], call(2))).toEqual(
      guideZeroStar(conditional, unconditional, 4),
    );
  });
});

describe('perpendicular guidance', () => {
  it('is worked out by hand', () => {
    // p = (2, 0), n = (1, 3): across p is (0, 3). v = (1, 1) + 2 ((2, 0) - 0.5 (0, 3)).
    expectClose(guidePerpendicular(vector(3, 1), vector(1, 1), vector(2, 4), 2, 0.5), [5, -2]);
  });

  it('leaves what the prompt gives as it is: what the negative prompt adds is at right angles', () => {
    const prompt = fromFunction(shape, (i) => conditional.data[i]! - unconditional.data[i]!);
    const without = guide(conditional, unconditional, 3);
    const guided = guidePerpendicular(conditional, unconditional, negative, 3, 1);
    const added = fromFunction(shape, (i) => guided.data[i]! - without.data[i]!);
    expect(Math.abs(dot(added, prompt))).toBeLessThan(1e-4);
    expect(Math.abs(dot(added, added))).toBeGreaterThan(1);
  });

  it('is plain guidance for a negative prompt along the prompt, or of no weight', () => {
    const along = fromFunction(shape, (i) => 2 * conditional.data[i]! - unconditional.data[i]!);
    const plain = values(guide(conditional, unconditional, 3));
    expectClose(guidePerpendicular(conditional, unconditional, along, 3, 1), plain, 1e-5);
    expectClose(guidePerpendicular(conditional, unconditional, negative, 3, 0), plain, 1e-5);
    expectClose(
      guidePerpendicular(conditional, conditional, negative, 3, 1),
      values(
        fromFunction(shape, (i) => conditional.data[i]! - 3 * (negative.data[i]! - conditional.data[i]!)),
      ),
      1e-5,
    );
  });

  it('needs a third branch', () => {
    expect(branchesNeeded(3, { perpendicular: 1 }, call(0))).toBe(3);
    expect(() => applyGuidance(3, { perpendicular: 1 }, [conditional, unconditional], call(0))).toThrowError(
      'no answer to the negative prompt',
    );
  });
});

describe('rescaled guidance', () => {
  const guided = guide(conditional, unconditional, 7);

  it('has the spread of the conditional answer at 1, its own at 0, between them between', () => {
    expect(spread(rescaleGuidance(guided, conditional, 1))).toBeCloseTo(spread(conditional), 5);
    expect(rescaleGuidance(guided, conditional, 0)).toBe(guided);
    expect(spread(rescaleGuidance(guided, conditional, 0.7))).toBeCloseTo(
      0.7 * spread(conditional) + 0.3 * spread(guided),
      5,
    );
  });

  it('is the first step of LTX-Video in diffusers', () => {
    // Both answers of the model and the latents before and after a step, from a run of LTXPipeline (CPU, float32) with
    // guidance 5 and rescale 0.7: x' = x + (sigma' - sigma) v.
    const one: Record<'before' | 'after' | 'unconditional' | 'conditional', number[]> & { sigmas: number[] } =
      JSON.parse(readFileSync(new URL('./fixtures/ltx-rescaled-step.json', import.meta.url), 'utf8'));
    const of = (name: 'before' | 'unconditional' | 'conditional') => vector(...one[name]);
    const v = applyGuidance(5, { rescale: 0.7 }, [of('conditional'), of('unconditional')], call(0));
    const step = one.sigmas[1]! - one.sigmas[0]!;
    expectClose(
      fromFunction([one.after.length], (i) => one.before[i]! + step * v.data[i]!),
      one.after,
      1e-5,
    );
  });
});

describe('guidance in an interval', () => {
  const rules: GuidanceRules = { interval: { from: 0.2, to: 0.75 } };

  it('is on from int(from × steps) to before int(to × steps), and asks one branch elsewhere', () => {
    expect(Array.from({ length: 10 }, (_, step) => branchesNeeded(4, rules, call(step)))).toEqual([
      1, 1, 2, 2, 2, 2, 2, 1, 1, 1,
    ]);
    expect(applyGuidance(4, rules, [conditional, unconditional], call(0))).toBe(conditional);
    expect(applyGuidance(4, rules, [conditional, unconditional], call(2))).toEqual(
      guide(conditional, unconditional, 4),
    );
  });
});

describe("CogVideoX's rising scale", () => {
  it('is 1 + g (1 - cos(pi ((n - t) / n)^5)) / 2 of the timestep', () => {
    expect(rampedScale(6, 50, 50)).toBe(1);
    expect(rampedScale(6, 0, 50)).toBeCloseTo(7, 12);
    expect(rampedScale(6, 999, 50)).toBeCloseTo(1 + (6 * (1 - Math.cos(Math.PI * (-949 / 50) ** 5))) / 2, 12);
    const at = { step: 3, totalSteps: 50, timestep: 20 };
    expect(applyGuidance(6, { ramp: 'cogvideox' }, [conditional, unconditional], at)).toEqual(
      guide(conditional, unconditional, rampedScale(6, 20, 50)),
    );
  });
});

describe('a whole sampling', () => {
  const sample = (guidance: GuidanceRules, seen: number[] = []) =>
    runSampling(
      {
        sampler: 'euler',
        sigmas: flowSigmas({ steps: 4 }),
        guidanceScale: 3,
        guidance,
        noise: conditional,
        from: conditional,
      },
      {
        velocities: async (_, __, { branches }) => {
          seen.push(branches);
          return [conditional, unconditional, negative].slice(0, branches);
        },
        freshNoise: () => negative,
        onStep: () => undefined,
      },
    );

  it('asks for as many branches as each step needs', async () => {
    const seen: number[] = [];
    await sample({ interval: { from: 0.25, to: 0.75 }, perpendicular: 1 }, seen);
    expect(seen).toEqual([1, 3, 3, 1]);
  });

  it.each<[GuidanceRules, RegExp]>([
    [{ rescale: 1.5 }, /rescaled by 0 to 1/],
    [{ interval: { from: 0.5, to: 0.2 } }, /to a later one/],
    [{ zeroStar: { zeroSteps: -1 } }, /whole number of steps/],
    [{ perpendicular: Number.NaN }, /is a number/],
    [{ perpendicular: 1, zeroStar: { zeroSteps: 1 } }, /choose one/],
  ])('refuses %j', async (rules, message) => {
    await expect(sample(rules)).rejects.toMatchObject({
      code: 'diffusion/bad-guidance',
      message: expect.stringMatching(message),
    });
  });
});
