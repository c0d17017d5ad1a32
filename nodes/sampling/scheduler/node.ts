import { findSpacing, flowSigmas } from '@reelgraph/diffusion';
import { defineNode, type InferIssue, NodeError } from '@reelgraph/node-api';

/** Plans the way from grain to picture. */
export const scheduler = defineNode({
  type: 'scheduler',
  version: 1,
  title: 'Steps',
  description:
    'Plans in how many steps grain becomes picture, and whether more of them go to layout or to detail.',
  category: 'Sampling',
  synonyms: ['sigmas', 'basic scheduler', 'model sampling', 'shift', 'schedule'],
  inputs: {
    model: {
      type: 'model',
      label: 'Model',
      description: 'The model whose own steps and shift are taken where they are set to 0.',
      optional: true,
    },
  },
  outputs: {
    sigmas: {
      type: 'sigmas',
      label: 'Sigmas',
      description: 'How much grain is left after each step, from all to none.',
    },
  },
  params: {
    steps: {
      kind: 'integer',
      label: 'Steps',
      description:
        "More steps take longer and look cleaner; beyond 30 the gain is small. Auto (0) takes the model's own number.",
      zeroLabel: 'auto',
      default: 20,
      min: 0,
      max: 200,
    },
    shift: {
      kind: 'number',
      label: 'Shift',
      description:
        "Above 1 more steps go to layout and motion, below 1 to fine detail. Auto (0) takes the model's own.",
      zeroLabel: 'auto',
      default: 1,
      min: 0,
      max: 100,
      step: 0.1,
    },
    spacing: {
      kind: 'choice',
      label: 'Spacing',
      description:
        'How the steps lie between all grain and none. Flow models are made for even steps and a shift; the others are there to try, and for plans made elsewhere. Linear-quadratic has no use for the shift.',
      default: 'uniform',
      options: [
        { value: 'uniform', label: 'Even' },
        { value: 'simple', label: 'Simple (nearly even)' },
        { value: 'normal', label: 'Normal (down to the lowest trained)' },
        { value: 'sgm_uniform', label: 'SGM uniform (normal without its last)' },
        { value: 'karras', label: 'Karras (most at little grain)' },
        { value: 'exponential', label: 'Exponential (still more at little grain)' },
        { value: 'beta', label: 'Beta (more at both ends)' },
        { value: 'linear_quadratic', label: 'Linear-quadratic (half at nearly all grain)' },
      ],
    },
    strength: {
      kind: 'number',
      label: 'Strength',
      description:
        'How much of a given clip is made anew: at 1 all of it, from pure grain; at 0.5 its layout and motion stay. Only matters when denoising begins from a clip.',
      default: 1,
      min: 0.01,
      max: 1,
      step: 0.05,
    },
    stopAfter: {
      kind: 'integer',
      label: 'Stop after',
      description:
        'Stops after this many steps and leaves a draft: decode it to see what it is going to be, and give the one you choose to "Continue". 0 goes to the end.',
      zeroLabel: 'all steps',
      default: 0,
      min: 0,
      max: 200,
    },
  },
  cache: 'memory',
  lane: 'cpu',
  infer({ inputs, params, context }) {
    const { model, variant } = inputs.model ?? {};
    const facts = context.models.get(model ?? '');
    const own = variant === undefined ? facts?.recommended : facts?.variants?.[variant];
    const steps = params.steps > 0 ? params.steps : own?.steps;
    const issues: InferIssue[] = [];
    const plain = { steps: 20, shift: 1 };
    for (const param of ['steps', 'shift'] as const) {
      if (params[param] > 0 || inputs.model !== undefined) continue;
      issues.push({
        code: 'scheduler/no-model',
        severity: 'error',
        message: `"${param}" is set to the model's own, but no model is connected. Connect one, or choose a number.`,
        param,
        fix: { kind: 'connect', label: 'Connect the model', port: 'model' },
        otherFixes: [{ label: `Use ${plain[param]}`, param, value: plain[param] }],
      });
    }
    if (variant !== undefined && own !== undefined && params.steps > 2 * own.steps) {
      issues.push({
        code: 'scheduler/many-steps',
        severity: 'warning',
        message: `The ${variant} variant of ${model} was made for ${own.steps} steps; ${params.steps} take longer and look no better.`,
        param: 'steps',
        fix: { label: `Use ${own.steps} steps`, param: 'steps', value: own.steps },
      });
    }
    const spacing = findSpacing(params.spacing) ?? 'uniform';
    const { strength } = params;
    const planned = steps === undefined ? undefined : flowSigmas({ steps, spacing, strength }).length - 1;
    const stops = params.stopAfter > 0 && (planned === undefined || params.stopAfter < planned);
    if (params.stopAfter > 0 && !stops) {
      issues.push({
        code: 'scheduler/no-draft',
        severity: 'warning',
        message: `The plan has ${planned} steps, so stopping after ${params.stopAfter} leaves no draft: the clip is finished.`,
        param: 'stopAfter',
        fix: { label: 'Take all steps', param: 'stopAfter', value: 0 },
      });
    }
    return {
      outputs: {
        sigmas: {
          ...(planned === undefined ? {} : { steps: planned }),
          ...(stops ? { stepsDone: params.stopAfter } : {}),
        },
      },
      issues,
    };
  },
  run({ inputs, params, ctx }) {
    const facts = inputs.model === undefined ? undefined : ctx.models.facts(inputs.model);
    const steps = params.steps > 0 ? params.steps : facts?.recommended.steps;
    const shift = params.shift > 0 ? params.shift : facts?.defaultShift;
    if (steps === undefined || shift === undefined) {
      throw new NodeError(
        'scheduler/no-model',
        "Steps or shift are set to the model's own, but no model is connected.",
        { hint: 'Connect the model, or choose numbers.' },
      );
    }
    const spacing = findSpacing(params.spacing) ?? 'uniform';
    const values = flowSigmas({ steps, shift, spacing, strength: params.strength });
    const stops = params.stopAfter > 0 && params.stopAfter < values.length - 1;
    return { sigmas: { values, ...(stops ? { stopAfter: params.stopAfter } : {}) } };
  },
});
