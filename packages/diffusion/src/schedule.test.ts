import { tensor } from '@reelgraph/tensor';
import { describe, expect, it } from 'vitest';
import { betaQuantile } from './beta-quantile.ts';
import { knownSchedulerClasses, samplingFromDiffusers } from './diffusers-config.ts';
import { eulerStepByPlace } from './euler.ts';
import { dynamicShiftOf } from './flow-schedule.ts';
import { makeSchedule } from './schedule.ts';
import { flowSigmas, type SigmaSpacing, sigmaSpacings } from './sigmas.ts';
import { linearQuadraticSigmas } from './spacings.ts';
import { trainedSignal } from './train-noise.ts';

const expectAll = (got: readonly number[], wanted: readonly number[], tolerance: number) => {
  expect(got).toHaveLength(wanted.length);
  for (const [i, value] of wanted.entries())
    expect(Math.abs(got[i]! - value)).toBeLessThanOrEqual(tolerance * Math.max(1e-3, Math.abs(value)));
};

describe('spacings of a flow', () => {
  // ComfyUI's comfy/samplers.py and k-diffusion, worked out apart in Python from their formulas for 6 steps and shift 3.
  it.each<[SigmaSpacing, number[]]>([
    ['simple', [1, 0.937781109, 0.857326478, 0.75, 0.600719424, 0.375562219, 0]],
    ['normal', [1, 0.923342541, 0.818923328, 0.668326693, 0.432225064, 0.008928571, 0]],
    ['sgm_uniform', [1, 0.937710438, 0.857692308, 0.751121076, 0.602150538, 0.379194631, 0]],
    ['karras', [1, 0.432649099, 0.167002589, 0.055476419, 0.014990019, 0.002994012, 0]],
    ['exponential', [1, 0.312788449, 0.097836614, 0.030602163, 0.009572003, 0.002994012, 0]],
  ])('%s is that of ComfyUI', (spacing, wanted) => {
    expectAll(flowSigmas({ steps: 6, shift: 3, spacing }), wanted, 1e-6);
  });

  it('beta is that of ComfyUI', () => {
    // Quantiles by Simpson's rule in Python, 7 steps: with an even number one of them lies between two trained levels.
    expectAll(
      flowSigmas({ steps: 7, shift: 3, spacing: 'beta' }),
      [1.0, 0.975157453, 0.91543258, 0.817561419, 0.668514412, 0.455431755, 0.188811189, 0],
      1e-6,
    );
    expect(betaQuantile(0.5, 0.6, 0.6)).toBe(0.5);
    for (const [probability, quantile] of [
      [0.01, 0.0008612388],
      [0.1, 0.0395844056],
      [0.25, 0.1756803787],
      [0.9, 0.9604155944],
    ] as const)
      expect(betaQuantile(probability, 0.6, 0.6)).toBeCloseTo(quantile, 9);
  });

  it('linear_quadratic is that of LTX-Video in diffusers', () => {
    // Fixture ltx, case condition: LTXConditionPipeline, 5 steps.
    const wanted = [1, 0.987500011920929, 0.9750000238418579, 0.8583333492279053, 0.5333333611488342, 0];
    expectAll(flowSigmas({ steps: 5, spacing: 'linear_quadratic' }), wanted, 1e-6);
    expectAll([...linearQuadraticSigmas(5), 0], wanted, 1e-6);
  });

  it.each(sigmaSpacings)('%s falls from 1 to 0 for every number of steps and shift', (spacing) => {
    for (const steps of [1, 2, 3, 8, 50, 200]) {
      for (const shift of [0.5, 1, 3, 17]) {
        const sigmas = flowSigmas({ steps, shift, spacing });
        expect(sigmas[0]).toBe(1);
        expect(sigmas.at(-1)).toBe(0);
        expect(sigmas.every((sigma, i) => i === 0 || sigma < sigmas[i - 1]!)).toBe(true);
        expect(sigmas.length - 1).toBeLessThanOrEqual(steps);
        if (spacing !== 'beta') expect(sigmas).toHaveLength(steps + 1);
      }
    }
  });

  it.each(sigmaSpacings)('%s with a strength ends as the whole plan does, in fewer steps', (spacing) => {
    const part = flowSigmas({ steps: 8, shift: 3, spacing, strength: 0.5 });
    expect(part).toHaveLength(5);
    expect(part[0]).toBeLessThan(1);
    if (spacing !== 'train') expectAll(part, flowSigmas({ steps: 8, shift: 3, spacing }).slice(-5), 1e-12);
  });
});

describe('schedules of packages', () => {
  const setup = (className: string, config: Record<string, unknown> = {}) =>
    samplingFromDiffusers({ _class_name: className, _diffusers_version: '0.40.0.dev0', ...config });

  it('of Wan are those of its pipeline', () => {
    // Fixture wan-t2v: cases unipc (6 steps), dpmpp2m (5 steps) and euler (4 steps), with whole configs as diffusers writes them.
    const multistep = {
      num_train_timesteps: 1000,
      beta_start: 0.0001,
      beta_end: 0.02,
      beta_schedule: 'linear',
      solver_order: 2,
      prediction_type: 'flow_prediction',
      thresholding: false,
      dynamic_thresholding_ratio: 0.995,
      sample_max_value: 1.0,
      lower_order_final: true,
      use_karras_sigmas: false,
      use_exponential_sigmas: false,
      use_beta_sigmas: false,
      use_flow_sigmas: true,
      timestep_spacing: 'linspace',
      steps_offset: 0,
      final_sigmas_type: 'zero',
      rescale_betas_zero_snr: false,
      use_dynamic_shifting: false,
      time_shift_type: 'exponential',
    };
    const unipc = setup('UniPCMultistepScheduler', {
      ...multistep,
      predict_x0: true,
      solver_type: 'bh2',
      disable_corrector: [],
      flow_shift: 3.0,
    });
    expect(unipc).toMatchObject({ parametrisation: 'flow', sampler: 'unipc' });
    const six = makeSchedule(unipc.schedule, { steps: 6 });
    expect(six.timesteps).toEqual([999, 937, 857, 750, 600, 376]);
    expectAll(
      six.sigmas,
      [
        0.9999989867210388, 0.937570333480835, 0.8573265075683594, 0.7503747940063477, 0.6007194519042969,
        0.3764044940471649, 0,
      ],
      1e-7,
    );
    const dpm = setup('DPMSolverMultistepScheduler', {
      ...multistep,
      algorithm_type: 'dpmsolver++',
      solver_type: 'midpoint',
      euler_at_final: false,
      use_lu_lambdas: false,
      flow_shift: 5.0,
      lambda_min_clipped: '-inf',
    });
    expect(makeSchedule(dpm.schedule, { steps: 5 }).timesteps).toEqual([999, 952, 882, 768, 555]);
    const euler = setup('FlowMatchEulerDiscreteScheduler', { shift: 5.0 });
    expectAll(
      makeSchedule(euler.schedule, { steps: 4 }).timesteps,
      [1000, 909.7071533203125, 717.3174438476562, 24.414066314697266],
      1e-6,
    );
  });

  it('of LTX-Video depend on the size of the clip', () => {
    const { schedule, shiftLine } = setup('FlowMatchEulerDiscreteScheduler', {
      use_dynamic_shifting: true,
      base_shift: 0.95,
      max_shift: 2.05,
      base_image_seq_len: 1024,
      max_image_seq_len: 4096,
      shift_terminal: 0.1,
    });
    // Fixture ltx, case t2v: 3 × 4 × 8 places, sigmas of the pipeline from 1 to 1/n.
    const mu = dynamicShiftOf(96, shiftLine!);
    const sigmas = Array.from({ length: 6 }, (_, i) => 1 - (i * (1 - 1 / 6)) / 5);
    expectAll(
      makeSchedule(schedule, { steps: 6, sigmas, mu }).sigmas,
      [
        1, 0.8798990249633789, 0.7380015850067139, 0.567781925201416, 0.35982048511505127,
        0.10000002384185791, 0,
      ],
      1e-6,
    );
    expect(() => makeSchedule(schedule, { steps: 6 })).toThrowError('depends on the size of the clip');
    // One step has nothing to stretch.
    expect(makeSchedule(schedule, { steps: 1, mu }).sigmas).toEqual([1, 0]);
  });

  it('are plain data, safe in JSON', () => {
    for (const className of knownSchedulerClasses) {
      const made = setup(className);
      expect(JSON.parse(JSON.stringify(made))).toEqual(made);
      const schedule = makeSchedule(made.schedule, { steps: 7 });
      expect(JSON.parse(JSON.stringify(schedule))).toEqual(schedule);
      expect(schedule.timesteps).toHaveLength(7);
    }
  });

  it('of whole timesteps lead by equal strides beside where the next step begins', () => {
    const { schedule } = setup('CogVideoXDDIMScheduler', {
      prediction_type: 'v_prediction',
      rescale_betas_zero_snr: true,
      timestep_spacing: 'trailing',
    });
    expect(makeSchedule(schedule, { steps: 8 }).targets).toBeUndefined();
    // 1000 / 6 is no whole number: timesteps 999, 832, 666 …, and steps down by 166.
    const six = makeSchedule(schedule, { steps: 6 });
    expect(six.timesteps).toEqual([999, 832, 666, 499, 332, 166]);
    expect(six.targets).toHaveLength(6);
    const { targets: next, timesteps } = { targets: six.targets!, timesteps: six.timesteps };
    const signal = trainedSignal({
      steps: 1000,
      betaStart: 0.00085,
      betaEnd: 0.012,
      betas: 'scaled_linear',
      zeroSnr: true,
      snrShift: 3,
    });
    for (const [i, timestep] of timesteps.slice(0, -1).entries())
      expect(next[i]).toBeCloseTo(Math.sqrt(1 - signal[timestep - 166]!), 12);
    expect(six.sigmas[0]).toBe(1);
  });

  it('round halves to the even number, as numpy does', () => {
    const { schedule } = setup('DDIMScheduler', { timestep_spacing: 'trailing' });
    // 1000 - i 62.5: 937.5, 875, 812.5, 750, 687.5, 625 …, less 1.
    expect(makeSchedule(schedule, { steps: 16 }).timesteps.slice(0, 6)).toEqual([
      999, 937, 874, 811, 749, 687,
    ]);
  });

  it('of flows are levels of float32: 1 - sigma of the first is 1.3 % more than 1e-6', () => {
    const { schedule } = setup('UniPCMultistepScheduler', {
      prediction_type: 'flow_prediction',
      use_flow_sigmas: true,
    });
    const { sigmas } = makeSchedule(schedule, { steps: 6 });
    expect(sigmas[0]).toBe(0.9999989867210388);
    expect(sigmas.every((sigma) => Math.fround(sigma) === sigma)).toBe(true);
  });

  it('cannot have more steps than there are timesteps', () => {
    expect(() => makeSchedule(setup('DDIMScheduler').schedule, { steps: 1001 })).toThrowError(
      'trained on 1000',
    );
    expect(() => makeSchedule(setup('LCMScheduler').schedule, { steps: 51 })).toThrowError('distilled to 50');
    expect(() => makeSchedule(setup('DDIMScheduler').schedule, { steps: 4, sigmas: [1, 0.5] })).toThrowError(
      'Only flow models',
    );
    expect(() =>
      makeSchedule(setup('FlowMatchEulerDiscreteScheduler').schedule, { steps: 2, sigmas: [1, 0] }),
    ).toThrowError('above 0 and up to 1');
  });

  it.each<[string, Record<string, unknown>, RegExp]>([
    ['PNDMScheduler', {}, /no scheduler class "PNDMScheduler" here\. Known: FlowMatchEuler/],
    ['EulerDiscreteScheduler', { new_key: 1 }, /a key "new_key" that is not known.*Known: .*beta_start/],
    [
      'EulerDiscreteScheduler',
      { beta_schedule: 'sigmoid' },
      /"beta_schedule": "sigmoid".*expected linear, scaled_linear/,
    ],
    ['EulerDiscreteScheduler', { beta_end: 'much' }, /"beta_end": "much".*expected a number/],
    [
      'UniPCMultistepScheduler',
      { prediction_type: 'epsilon', use_flow_sigmas: true },
      /expected flow_prediction/,
    ],
    ['UniPCMultistepScheduler', { thresholding: true }, /"thresholding": true/],
    ['UniPCMultistepScheduler', { use_karras_sigmas: true, use_beta_sigmas: true }, /only one spacing/],
    ['DPMSolverMultistepScheduler', { algorithm_type: 'sde-dpmsolver' }, /"algorithm_type": "sde-dpmsolver"/],
    ['FlowMatchEulerDiscreteScheduler', { stochastic_sampling: 'yes' }, /expected true or false/],
    ['FlowMatchEulerDiscreteScheduler', { num_train_timesteps: 500 }, /"num_train_timesteps": 500/],
  ])('refuse %s with %j by name', (className, config, message) => {
    expect(() => setup(className, config)).toThrowError(
      expect.objectContaining({ code: 'diffusion/unknown-config', message: expect.stringMatching(message) }),
    );
  });

  it('pass over what a checkpoint carries along from another class', () => {
    // The config of Stable Video Diffusion, as published.
    const svd = setup('EulerDiscreteScheduler', {
      beta_end: 0.012,
      beta_schedule: 'scaled_linear',
      beta_start: 0.00085,
      clip_sample: false,
      interpolation_type: 'linear',
      num_train_timesteps: 1000,
      prediction_type: 'v_prediction',
      set_alpha_to_one: false,
      sigma_max: 700.0,
      sigma_min: 0.002,
      skip_prk_steps: true,
      steps_offset: 1,
      timestep_spacing: 'leading',
      timestep_type: 'continuous',
      trained_betas: null,
      use_karras_sigmas: true,
    });
    expect(svd).toMatchObject({ parametrisation: 'v', sampler: 'euler' });
    // Where the class has the key, it counts.
    expect(setup('DDIMScheduler', { clip_sample: false, skip_prk_steps: true }).settings).toEqual({});
    expect(setup('DDIMScheduler').settings).toEqual({ clip: 1 });
  });

  it('refuse a config without a class', () => {
    expect(() => samplingFromDiffusers({ shift: 3 })).toThrowError('no "_class_name"');
    expect(() => samplingFromDiffusers({ _class_name: 'constructor' })).toThrowError('no scheduler class');
  });
});

describe('a step where each place has its own level', () => {
  it('goes to the highest level of the schedule below its own', () => {
    // LTX-Video: x' = x - (own - next) v; places at 0.9, at 0.45 between two levels, at 0.5 but for rounding, at 0.
    const own = [0.9, 0.45, 0.5 + 1e-7, 0];
    const sample = tensor('float32', [4], Float32Array.of(1, 1, 1, 1));
    const velocity = tensor('float32', [4], Float32Array.of(2, 2, 2, 2));
    const next = eulerStepByPlace(sample, velocity, (i) => own[i]!, [1, 0.9, 0.5, 0.2, 0]);
    expectAll(Array.from(next.data), [1 - 0.8, 1 - 0.5, 1 - 0.6, 1], 1e-6);
  });
});
