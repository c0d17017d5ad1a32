import {
  DiffusionError,
  findSpacing,
  flowSigmas,
  parseSchedulerConfig,
  type SigmaSpacing,
  samplingFromDiffusers,
  shiftSigma,
} from '@reelgraph/diffusion';
import { defineNode, type InferIssue, NodeError, type RecommendedSettings } from '@reelgraph/node-api';
import { layPlan, needsClip, parseLevels, type SchedulerConfig } from '../model-plan.ts';

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
    latent: {
      type: 'latent',
      label: 'Latent',
      description: 'The strip to fill, for models whose shift follows the size of the clip (LTX-Video).',
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
        "How the steps lie between all grain and none. Even is as the model's own scheduler has it, where it brings one; the others are there to try, and for plans made elsewhere. Linear-quadratic has no use for the shift.",
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
    levels: {
      kind: 'text',
      label: 'Levels',
      description:
        'Grain levels of your own, from 1 down, apart by commas; the number of steps follows from them. For distilled models that were made for certain levels. Empty takes the spacing.',
      default: '',
      multiline: false,
      maxLength: 4000,
      placeholder: '1, 0.993, 0.987, 0.981, 0.975, 0.909, 0.725, 0.03',
    },
    config: {
      kind: 'text',
      label: 'Scheduler config',
      description:
        "A scheduler_config.json of diffusers in place of the model's own: it says how steps are laid and which sampler takes them. Empty takes the model's own.",
      default: '',
      multiline: true,
      maxLength: 20_000,
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
    const config = configOf(params.config, own, issues);
    if (config !== undefined && needsClip(config, params.shift) && !('latent' in inputs)) {
      issues.push({
        code: 'scheduler/no-clip',
        severity: 'error',
        message: `${model ?? 'This model'} lays its steps by the size of the clip. Connect the latent, or set a shift.`,
        port: 'latent',
        fix: { kind: 'connect', label: 'Connect the latent', port: 'latent' },
        otherFixes: [{ label: 'Use a shift of 3', param: 'shift', value: 3 }],
      });
    }
    const spacing = findSpacing(params.spacing) ?? 'uniform';
    const { strength } = params;
    const planned =
      steps === undefined ? undefined : stepsPlanned(params, { steps, spacing, strength, config }, issues);
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
    const config =
      params.config.trim() === '' ? facts?.recommended.scheduler : parseSchedulerConfig(params.config);
    const stopping = (values: readonly number[]) =>
      params.stopAfter > 0 && params.stopAfter < values.length - 1 ? { stopAfter: params.stopAfter } : {};
    if (config !== undefined && steps !== undefined) {
      const laid = layPlan({
        config,
        steps,
        shift: params.shift,
        spacing: findSpacing(params.spacing) ?? 'uniform',
        ownLevels: facts?.recommended.levels,
        levels: parseLevels(params.levels),
        strength: params.strength,
        clip: inputs.latent,
        model: facts,
      });
      return { sigmas: { ...laid, ...stopping(laid.values) } };
    }
    const shift = params.shift > 0 ? params.shift : facts?.defaultShift;
    if (steps === undefined || shift === undefined) {
      throw new NodeError(
        'scheduler/no-model',
        "Steps or shift are set to the model's own, but no model is connected.",
        { hint: 'Connect the model, or choose numbers.' },
      );
    }
    const levels = parseLevels(params.levels);
    const spacing = findSpacing(params.spacing) ?? 'uniform';
    const values =
      levels.length > 0
        ? [...levels.map((level) => shiftSigma(level, shift)), 0]
        : flowSigmas({ steps, shift, spacing, strength: params.strength });
    return { sigmas: { values, ...stopping(values) } };
  },
});

/** The scheduler that lays the steps, if one does. */
function configOf(
  text: string,
  own: RecommendedSettings | undefined,
  issues: InferIssue[],
): SchedulerConfig | undefined {
  if (text.trim() === '') return own?.scheduler;
  try {
    const config = parseSchedulerConfig(text);
    samplingFromDiffusers(config);
    return config;
  } catch (error) {
    if (!(error instanceof DiffusionError)) throw error;
    const message = `${error.message} Leave it empty to take the model's own.`;
    const fix = { label: "Use the model's own", param: 'config', value: '' };
    issues.push({ code: 'scheduler/bad-config', severity: 'error', message, param: 'config', fix });
    return undefined;
  }
}

/** How many steps there will be; undefined where the levels given make none. */
function stepsPlanned(
  params: { readonly levels: string },
  {
    steps,
    spacing,
    strength,
    config,
  }: { steps: number; spacing: SigmaSpacing; strength: number; config: SchedulerConfig | undefined },
  issues: InferIssue[],
): number | undefined {
  let levels: readonly number[];
  try {
    levels = parseLevels(params.levels);
  } catch (error) {
    if (!(error instanceof NodeError)) throw error;
    const fix = { label: 'Leave the levels out', param: 'levels', value: '' };
    issues.push({ code: error.code, severity: 'error', message: error.message, param: 'levels', fix });
    return undefined;
  }
  const asked = levels.length > 0 ? levels.length : steps;
  const isOwn = levels.length > 0 || spacing === 'uniform' || spacing === 'linear_quadratic';
  if (config !== undefined && isOwn) return Math.max(1, Math.min(Math.trunc(asked * strength), asked));
  return levels.length > 0 ? asked : flowSigmas({ steps, spacing, strength }).length - 1;
}
