import { flowSigmas } from '@reelgraph/diffusion';
import {
  createTestContext,
  defaultParams,
  fakeModelFacts,
  fakeModelRef as model,
} from '@reelgraph/node-api/testing';
import { describe, expect, it } from 'vitest';
import { scheduler } from './node.ts';

const defaults = defaultParams(scheduler, { steps: 4 });
const plan = async (params: Partial<typeof defaults>, inputs: { model?: typeof model } = {}) =>
  (await scheduler.run({ inputs, params: { ...defaults, ...params }, ctx: createTestContext() })).sigmas
    .values;
const infer = (params: Partial<typeof defaults>, wire?: { model: string; variant?: string }) => {
  const fast = { ...fakeModelFacts.recommended, steps: 2, guidanceScale: 1 };
  return scheduler.infer!({
    inputs: wire === undefined ? {} : { model: wire },
    params: { ...defaults, ...params },
    context: { models: new Map([['fake', { ...fakeModelFacts, variants: { fast } }]]) },
  });
};

describe('scheduler', () => {
  it('plans from all noise to none', async () => {
    expect(await plan({})).toEqual([1, 0.75, 0.5, 0.25, 0]);
  });

  it('spends more steps on layout when shifted', async () => {
    expect(await plan({ steps: 2, shift: 3 })).toEqual([1, 0.75, 0]);
  });

  it('lays the steps as it is told', async () => {
    expect(await plan({ steps: 2, shift: 3, spacing: 'karras' })).toEqual(
      flowSigmas({ steps: 2, shift: 3, spacing: 'karras' }),
    );
    expect(await plan({ steps: 4, spacing: 'linear_quadratic', strength: 0.5 })).toEqual(
      flowSigmas({ steps: 4, spacing: 'linear_quadratic' }).slice(2),
    );
  });

  it('says how many steps there are where a spacing has no more', async () => {
    const many = { steps: 200, spacing: 'beta' } as const;
    const { sigmas } = infer(many).outputs;
    expect(sigmas).toEqual({ steps: (await plan(many)).length - 1 });
    expect(sigmas?.steps).toBeLessThan(200);
  });

  it('starts later with less strength, and says how many steps are left', async () => {
    expect(await plan({ strength: 0.5 })).toEqual([0.5, 0.25, 0]);
    expect(infer({ strength: 0.5 }).outputs.sigmas).toEqual({ steps: 2 });
  });

  it("takes the model's own numbers where they are 0", async () => {
    const own = await plan({ steps: 0, shift: 0 }, { model });
    expect(own).toHaveLength(5);
    expect(own).toEqual(await plan({ steps: 4, shift: 3 }));
    expect(infer({ steps: 0 }, { model: 'fake' }).outputs.sigmas).toEqual({ steps: 4 });
    expect(infer({ steps: 0 }, { model: 'fake', variant: 'fast' }).outputs.sigmas).toEqual({ steps: 2 });
  });

  it('needs a model for that, while wiring and when run', async () => {
    expect(infer({ steps: 0, shift: 0 }).issues.map(({ code, param }) => [code, param])).toEqual([
      ['scheduler/no-model', 'steps'],
      ['scheduler/no-model', 'shift'],
    ]);
    await expect(plan({ steps: 0 })).rejects.toMatchObject({ code: 'scheduler/no-model' });
  });

  it('says when a few-step variant is given many', () => {
    expect(infer({ steps: 20 }, { model: 'fake', variant: 'fast' }).issues).toMatchObject([
      { code: 'scheduler/many-steps', severity: 'warning', fix: { param: 'steps', value: 2 } },
    ]);
    expect(infer({ steps: 4 }, { model: 'fake', variant: 'fast' }).issues).toEqual([]);
    expect(infer({ steps: 20 }, { model: 'fake' }).issues).toEqual([]);
  });

  it('may stop before the end and leave a draft', async () => {
    const draft = { ...defaults, stopAfter: 3 };
    const { sigmas } = await scheduler.run({ inputs: {}, params: draft, ctx: createTestContext() });
    expect(sigmas).toEqual({ values: [1, 0.75, 0.5, 0.25, 0], stopAfter: 3 });
    expect(infer({ stopAfter: 3 })).toEqual({ outputs: { sigmas: { steps: 4, stepsDone: 3 } }, issues: [] });
  });

  it('says that a stop at or behind the end leaves no draft', async () => {
    const whole = { ...defaults, stopAfter: 4 };
    const { sigmas } = await scheduler.run({ inputs: {}, params: whole, ctx: createTestContext() });
    expect(sigmas).toEqual({ values: [1, 0.75, 0.5, 0.25, 0] });
    expect(infer({ stopAfter: 4 })).toMatchObject({
      outputs: { sigmas: { steps: 4 } },
      issues: [{ code: 'scheduler/no-draft', severity: 'warning', fix: { param: 'stopAfter', value: 0 } }],
    });
  });
});
