import type { Latent } from '@reelgraph/node-api';
import { createTestContext, defaultParams, fakeModelFacts } from '@reelgraph/node-api/testing';
import { zeros } from '@reelgraph/tensor';
import { describe, expect, it } from 'vitest';
import { layPlan, parseLevels } from './model-plan.ts';
import { scheduler } from './scheduler/node.ts';

const unipc = {
  _class_name: 'UniPCMultistepScheduler',
  prediction_type: 'flow_prediction',
  use_flow_sigmas: true,
  flow_shift: 3,
};
const ltx = {
  _class_name: 'FlowMatchEulerDiscreteScheduler',
  use_dynamic_shifting: true,
  base_shift: 0.95,
  max_shift: 2.05,
  base_image_seq_len: 1024,
  max_image_seq_len: 4096,
  shift_terminal: 0.1,
};
const plain = { steps: 4, shift: 0, spacing: 'uniform', levels: [], strength: 1 } as const;
const near = (values: readonly number[]) => values.map((value) => Math.round(value * 1e4) / 1e4);

describe('a plan by a scheduler config', () => {
  it('has the levels, whole timesteps and sampler of its class', () => {
    const { values, plan } = layPlan({ ...plain, config: unipc });
    expect(near(values)).toEqual([1, 0.9001, 0.7504, 0.501, 0]);
    expect(plan).toMatchObject({ sampler: 'unipc', timesteps: [999, 900, 750, 500], startScale: 1 });
    expect(plan?.settings).toMatchObject({ order: 2, solver: 'bh2' });
  });

  it('takes a shift of one’s own under the name of its class', () => {
    const { plan } = layPlan({ ...plain, config: unipc, shift: 1 });
    expect(plan?.timesteps).toEqual([999, 750, 500, 250]);
  });

  it('takes levels of one’s own, and shifts them', () => {
    const { values } = layPlan({
      ...plain,
      config: { ...ltx, use_dynamic_shifting: false, shift_terminal: null },
      levels: [1, 0.5],
    });
    expect(near(values)).toEqual([1, 0.5, 0]);
  });

  it('a shift that follows the size asks for the clip', () => {
    const model = { vaeScale: { spatial: 8, temporal: 8 } };
    const clip = { frameCount: 17, widthPx: 64, heightPx: 32 };
    const own = { ...plain, config: ltx, ownLevels: 'even', model } as const;
    expect(() => layPlan(own)).toThrowError('no clip is connected');
    const small = layPlan({ ...own, steps: 6, clip });
    // As in tests/golden/ltx/cases/t2v.
    expect(near(small.values)).toEqual([1, 0.8799, 0.738, 0.5678, 0.3598, 0.1, 0]);
    const large = layPlan({ ...own, steps: 6, clip: { ...clip, widthPx: 640, heightPx: 320 } });
    expect(large.values[1]).toBeGreaterThan(small.values[1] ?? 1);
  });

  it('a clip that is made anew takes the last share of the steps', () => {
    const { values, plan } = layPlan({ ...plain, config: unipc, strength: 0.5 });
    expect(plan?.timesteps).toEqual([750, 500]);
    expect(values).toHaveLength(3);
  });
});

it('levels are read as people write them', () => {
  expect(parseLevels('')).toEqual([]);
  expect(parseLevels('1, 0.9;0.5\n0')).toEqual([1, 0.9, 0.5]);
  expect(() => parseLevels('1000, 900')).toThrowError('from 1 down');
});

describe('the node that plans', () => {
  const facts = { ...fakeModelFacts, recommended: { ...fakeModelFacts.recommended, scheduler: ltx } };
  const context = { models: new Map([['fake', facts]]) };
  const infer = (own: Parameters<typeof defaultParams<typeof scheduler.params>>[1], wired = false) =>
    scheduler.infer!({
      inputs: { model: { model: 'fake' }, ...(wired ? { latent: {} } : {}) },
      params: defaultParams(scheduler, { shift: 0, ...own }),
      context,
    }).issues.map(({ code }) => code);

  it('asks for the latent while wiring, where the model needs it', () => {
    expect(infer({})).toEqual(['scheduler/no-clip']);
    expect(infer({}, true)).toEqual([]);
    expect(infer({ shift: 2 })).toEqual([]);
  });

  it('refuses a config that is not known, and levels that are none', () => {
    expect(infer({ config: '{' }, true)).toEqual(['scheduler/bad-config']);
    expect(infer({ config: '{"_class_name": "Unheard"}' }, true)).toEqual(['scheduler/bad-config']);
    expect(infer({ levels: '3, 2' }, true)).toEqual(['scheduler/bad-levels']);
  });

  it('takes a config as Python writes it, class and config apart', async () => {
    const config = `{"class_name": "DPMSolverMultistepScheduler", "config": {"prediction_type": "flow_prediction",
      "use_flow_sigmas": true, "flow_shift": 5.0, "lambda_min_clipped": -Infinity}}`;
    const latent: Latent = {
      samples: zeros('float32', [1, 2, 3, 4, 4]),
      model: 'fake',
      frameCount: 9,
      widthPx: 32,
      heightPx: 32,
    };
    const { sigmas } = await scheduler.run({
      inputs: { latent },
      params: defaultParams(scheduler, { steps: 5, shift: 0, config }),
      ctx: createTestContext(),
    });
    // As in tests/golden/wan-t2v/cases/dpmpp2m.
    expect(sigmas.plan?.timesteps).toEqual([999, 952, 882, 768, 555]);
  });
});
