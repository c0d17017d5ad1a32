import {
  addNoise,
  byPlaceSampler,
  findSampler,
  type Parametrisation,
  samplers,
  sigmaToTimestep,
  trainTimesteps,
  usesGuidance,
  walksFor,
} from '@reelgraph/diffusion';
import {
  type BeginRequest,
  type Conditioning,
  defineNode,
  type InferIssue,
  type Latent,
  type ModelFacts,
  NodeError,
  type PortFacts,
  type SamplingRules,
  type SamplingStart,
  type SigmaPlan,
} from '@reelgraph/node-api';
import { formatShape, sameShape } from '@reelgraph/tensor';
import { missingPictureIssues } from '../../model/needs-pictures.ts';
import { fitIssues } from '../fit-issues.ts';
import { isDraft, sampleClip } from '../sample-clip.ts';
import { recommendedOf, samplerOf, samplingWork } from '../sampling-work.ts';

/** Turns grain into a clip, step by step. */
export const denoise = defineNode({
  type: 'denoise',
  version: 1,
  title: 'Denoise',
  description:
    'The model at work: it takes grain away step by step until the clip your prompt describes is left.',
  category: 'Sampling',
  synonyms: ['ksampler', 'sampler', 'generate', 'dit', 'diffusion', 'cfg'],
  inputs: {
    model: { type: 'model', label: 'Model', description: 'The model that makes the clip.' },
    positive: { type: 'conditioning', label: 'Positive', description: 'What should be seen.' },
    negative: {
      type: 'conditioning',
      label: 'Negative',
      description: 'What to steer away from. Without it the model steers away from an empty prompt.',
      optional: true,
    },
    noise: { type: 'noise', label: 'Noise', description: 'The grain to start from.' },
    sigmas: { type: 'sigmas', label: 'Sigmas', description: 'The plan of steps.' },
    latent: {
      type: 'latent',
      label: 'Latent',
      description:
        'The strip to fill. A blank one makes a new clip; a filled one is changed as far as the first step has grain.',
    },
  },
  outputs: {
    latent: {
      type: 'latent',
      label: 'Latent',
      description:
        "The finished clip in the model's compressed form; a draft where the plan of steps stops before its end.",
    },
  },
  params: {
    guidanceScale: {
      kind: 'number',
      label: 'Guidance',
      description:
        "How strictly the prompt is followed. 1 is free and twice as fast, 3 to 6 is usual, much more looks burnt. Auto (0) takes the model's own.",
      zeroLabel: 'auto',
      default: 4,
      min: 0,
      max: 30,
      step: 0.5,
    },
    sampler: {
      kind: 'choice',
      label: 'Sampler',
      description:
        "How each step is taken. Auto takes the model's own. UniPC and DPM++ 2M look back at earlier steps and need few; those with new grain differ from seed to seed in more than the beginning.",
      default: 'auto',
      options: [
        { value: 'auto', label: 'Auto' },
        ...samplers.map(({ name, label }) => ({ value: name, label })),
      ],
    },
    guidanceRescale: {
      kind: 'number',
      label: 'Guidance rescale',
      description:
        'Brings the contrast back that strong guidance burns: 0 leaves it, 0.7 is usual for models that need it.',
      default: 0,
      min: 0,
      max: 1,
      step: 0.05,
    },
    guidanceFrom: {
      kind: 'number',
      label: 'Guidance from',
      description:
        'Share of the steps after which guidance begins; without guidance a step takes half the time.',
      default: 0,
      min: 0,
      max: 1,
      step: 0.05,
    },
    guidanceTo: {
      kind: 'number',
      label: 'Guidance to',
      description: 'Share of the steps after which guidance ends.',
      default: 1,
      min: 0,
      max: 1,
      step: 0.05,
    },
    guidanceRamp: {
      kind: 'boolean',
      label: 'Rising guidance',
      description: 'The guidance rises over the steps, as CogVideoX calls dynamic.',
      default: false,
    },
    zeroStar: {
      kind: 'boolean',
      label: 'CFG-Zero*',
      description:
        'Fits the answer to the negative prompt to that of the prompt before they are set against each other. For flow models in few steps.',
      default: false,
    },
    zeroSteps: {
      kind: 'integer',
      label: 'Zero steps',
      description: 'With CFG-Zero*: so many first steps stand still.',
      default: 1,
      min: 0,
      max: 20,
    },
    boundary: {
      kind: 'number',
      label: 'Expert switch',
      description:
        "For models with two networks (Wan 2.2 A14B): the share of the way, in timesteps, below which the second takes over. Auto (0) takes the model's own.",
      zeroLabel: 'auto',
      default: 0,
      min: 0,
      max: 1,
      step: 0.005,
    },
    trueGuidance: {
      kind: 'number',
      label: 'True guidance',
      description:
        'For models that take the guidance as an input (HunyuanVideo): how strictly the negative prompt is steered away from besides. 1 is off and twice as fast.',
      default: 1,
      min: 1,
      max: 30,
      step: 0.5,
    },
    guidanceScale2: {
      kind: 'number',
      label: 'Guidance of the second expert',
      description: 'How strictly the second network follows the prompt. Same (0) takes the guidance above.',
      zeroLabel: 'same',
      default: 0,
      min: 0,
      max: 30,
      step: 0.5,
    },
    frameRate: {
      kind: 'number',
      label: 'Frame rate',
      description:
        "Frames a second the model takes the clip to have; more look slower to it. Only some models are told (LTX-Video). Auto (0) takes the model's own.",
      zeroLabel: 'auto',
      default: 0,
      min: 0,
      max: 240,
      step: 1,
      unit: 'fps',
    },
    skipping: {
      kind: 'number',
      label: 'Step skipping',
      description:
        'Leaves the model out of steps while its answer is expected to change by less than this share of its size: 0.05 is hardly seen, 0.2 is faster and changes details. For plans of many steps and samplers without new grain. 0 is off.',
      zeroLabel: 'off',
      default: 0,
      min: 0,
      max: 1,
      step: 0.01,
    },
    pictureNoise: {
      kind: 'number',
      label: 'Grain on pictures',
      description:
        'How much new grain given pictures get in every step, where the model holds them by their strength (LTX-Video keyframes); it helps motion.',
      default: 0.15,
      min: 0,
      max: 1,
      step: 0.05,
    },
  },
  preview: 'progress',
  cache: 'disk',
  lane: 'inference',
  infer({ inputs, params, context }) {
    const issues: InferIssue[] = [];
    const { model, latent } = inputs;
    const variant = model?.variant;
    const own =
      variant === undefined ? undefined : context.models.get(model?.model ?? '')?.variants?.[variant];
    if (own !== undefined && params.guidanceScale > 0 && params.guidanceScale !== own.guidanceScale) {
      issues.push({
        code: 'denoise/other-guidance',
        severity: 'warning',
        message: `The ${variant} variant of ${model?.model} was made for guidance ${own.guidanceScale}; ${params.guidanceScale} is likely to look worse${own.guidanceScale === 1 ? ' and takes twice the time' : ''}.`,
        param: 'guidanceScale',
        fix: {
          label: `Use guidance ${own.guidanceScale}`,
          param: 'guidanceScale',
          value: own.guidanceScale,
        },
      });
    }
    const facts = context.models.get(model?.model ?? '');
    const recommended = recommendedOf(facts, variant);
    const sampler = findSampler(samplerOf(params.sampler, recommended?.sampler));
    if (facts !== undefined && sampler !== undefined && !walksFor(sampler, predictionOf(facts))) {
      issues.push({
        code: 'denoise/other-sampler',
        severity: 'error',
        message: otherSampler(sampler.name, facts),
        param: 'sampler',
        fix: { label: "Use the model's own", param: 'sampler', value: 'auto' },
        otherFixes: [{ label: 'Use Euler', param: 'sampler', value: 'euler' }],
      });
    }
    if (params.skipping > 0 && sampler?.drawsNoise !== undefined) {
      issues.push({
        code: 'denoise/nothing-to-skip',
        severity: 'warning',
        message: `The sampler "${sampler.name}" adds new grain in every step, so that hardly any can be skipped.`,
        param: 'skipping',
        fix: { label: 'Use Euler', param: 'sampler', value: 'euler' },
        otherFixes: [{ label: 'Skip no steps', param: 'skipping', value: 0 }],
      });
    }
    if (params.boundary > 0 && facts !== undefined && facts.secondExpert === undefined) {
      issues.push({
        code: 'denoise/no-second-expert',
        severity: 'error',
        message: `${facts.name} has one network for all of the way; there is no second one to change to.`,
        param: 'boundary',
        fix: { label: 'Set it to auto', param: 'boundary', value: 0 },
      });
    }
    if (params.guidanceFrom > params.guidanceTo) {
      issues.push({
        code: 'denoise/guidance-interval',
        severity: 'error',
        message: `Guidance would begin (${params.guidanceFrom}) after it ends (${params.guidanceTo}).`,
        param: 'guidanceFrom',
        fix: { label: 'Begin at once', param: 'guidanceFrom', value: 0 },
      });
    }
    issues.push(...fitIssues(inputs), ...missingPictureIssues(facts, inputs.positive));
    if (latent !== undefined && isDraft(latent)) {
      issues.push({
        code: 'denoise/draft',
        severity: 'error',
        message: `This latent is a draft, stopped after ${latent.stepsDone} of ${latent.steps} steps, and would be covered with new grain. Connect it to "Continue".`,
        port: 'latent',
        fix: {
          kind: 'convert',
          label: 'Finish it first',
          port: 'latent',
          through: [{ type: 'continue-denoise', inputs: { model: 'model' } }],
        },
      });
    }
    const { steps, stepsDone = steps } = inputs.sigmas ?? {};
    const made: PortFacts = {
      ...latent,
      ...(variant === undefined ? {} : { variant }),
      ...(steps === undefined || stepsDone === undefined ? {} : { steps, stepsDone }),
    };
    return { outputs: { latent: made }, issues };
  },
  work({ inputs, params, context }) {
    // How many calls will be left out is seen only while they are.
    if (params.skipping > 0) return undefined;
    const model = context.models.get(inputs.model?.model ?? '');
    const own = recommendedOf(model, inputs.model?.variant);
    const { steps, stepsDone = steps } = inputs.sigmas ?? {};
    const asked = params.guidanceScale > 0 ? params.guidanceScale : own?.guidanceScale;
    const guidanceScale = model?.embedsGuidance === true ? params.trueGuidance : asked;
    return samplingWork({
      model,
      latent: inputs.latent,
      steps: stepsDone,
      branches: guidanceScale === undefined || usesGuidance(guidanceScale) ? 2 : 1,
      sampler: samplerOf(params.sampler, own?.sampler),
    });
  },
  async run({ inputs, params, ctx }) {
    const { model, positive, noise, latent } = inputs;
    const facts = ctx.models.facts(model);
    const { values: sigmas, stopAfter, plan: laid } = inputs.sigmas;
    const own = facts.recommended.sampler ?? laid?.sampler;
    const wanted = params.sampler === 'auto' ? own : params.sampler;
    const sampler = findSampler(wanted ?? '') ?? samplers[0];
    const asked = params.guidanceScale > 0 ? params.guidanceScale : facts.recommended.guidanceScale;
    const guidanceScale = facts.embedsGuidance === true ? params.trueGuidance : asked;
    if (!walksFor(sampler, predictionOf(facts))) {
      throw new NodeError('denoise/other-sampler', otherSampler(sampler.name, facts), {
        hint: 'Set the sampler to "auto" or "euler".',
      });
    }
    expectFit(inputs);
    expectNoDraft(latent);

    const rules = rulesOf({ params, facts, asked, guidanceScale, laid, sampler: sampler.name });
    const isNew = latent.samples.data.every((value) => value === 0);
    const first = sigmas[0] ?? 1;
    const begin = {
      clip: latent.samples,
      spread: latent.spread,
      noise,
      conditioning: positive,
      // A clip made from nothing begins with the noise alone, also where the first level is a little below it.
      sigma: isNew ? (laid?.startScale ?? first) : first,
      timestep: rules?.timesteps?.[0] ?? sigmaToTimestep(first),
      pictureNoise: params.pictureNoise,
    };
    const start = ctx.models.begin?.(model, begin) ?? beginPlainly(begin, facts);
    const isByPlace = start.known?.hold?.kind === 'by-strength';
    if (isByPlace && sampler.name !== 'euler') throw onlyEuler(facts, sampler.name);

    const branches: Conditioning[] = [withKnown(positive, start)];
    if (usesGuidance(guidanceScale) || usesGuidance(rules?.experts?.guidanceScale ?? 1)) {
      branches.push(inputs.negative ?? (await ctx.models.encodeText(model, '', ctx.signal)));
    }
    const plan = {
      sigmas,
      sampler: isByPlace ? byPlaceSampler.name : sampler.name,
      guidanceScale,
      ...(rules === undefined ? {} : { rules }),
      branches,
      noise: start.noise,
      model,
    };
    return { latent: await sampleClip({ plan, from: start.from, stopAfter, latent }, ctx) };
  },
});

interface RuleParams {
  readonly guidanceRescale: number;
  readonly guidanceFrom: number;
  readonly guidanceTo: number;
  readonly guidanceRamp: boolean;
  readonly zeroStar: boolean;
  readonly zeroSteps: number;
  readonly boundary: number;
  readonly guidanceScale2: number;
  readonly frameRate: number;
  readonly skipping: number;
}

/** What the sampling follows besides levels, sampler and guidance scale; undefined where all is plain. */
function rulesOf({
  params,
  facts,
  asked,
  guidanceScale,
  laid,
  sampler,
}: {
  readonly params: RuleParams;
  readonly facts: ModelFacts;
  /** The scale asked for, which some models take as an input. */
  readonly asked: number;
  readonly guidanceScale: number;
  readonly laid: SigmaPlan | undefined;
  readonly sampler: string;
}): SamplingRules | undefined {
  const { guidanceRescale: rescale, guidanceFrom: from, guidanceTo: to } = params;
  const guidance = {
    ...(rescale > 0 ? { rescale } : {}),
    ...(from > 0 || to < 1 ? { interval: { from, to } } : {}),
    ...(facts.embedsGuidance === true ? { embedded: asked } : {}),
    ...(params.guidanceRamp ? { ramp: 'cogvideox' as const } : {}),
    ...(params.zeroStar ? { zeroStar: { zeroSteps: params.zeroSteps } } : {}),
  };
  const boundary = params.boundary > 0 ? params.boundary : facts.secondExpert?.boundary;
  const second = params.guidanceScale2 > 0 ? params.guidanceScale2 : guidanceScale;
  const rules: SamplingRules = {
    ...(laid === undefined ? {} : { timesteps: laid.timesteps }),
    ...(laid?.targets === undefined ? {} : { targets: laid.targets }),
    ...(laid?.partial === undefined ? {} : { partial: laid.partial }),
    ...(laid?.sampler === sampler ? { settings: laid.settings } : {}),
    ...(Object.keys(guidance).length === 0 ? {} : { guidance }),
    ...(boundary === undefined
      ? {}
      : { experts: { below: boundary * trainTimesteps, guidanceScale: second } }),
    ...(params.frameRate > 0 ? { frameRate: params.frameRate } : {}),
    ...(params.skipping > 0 ? { skipping: params.skipping } : {}),
  };
  return Object.keys(rules).length === 0 ? undefined : rules;
}

/** Where a host leaves it to the nodes: noise on the clip, and the frames that are known. */
function beginPlainly({ clip, noise, conditioning, sigma }: BeginRequest, facts: ModelFacts): SamplingStart {
  const { known } = conditioning;
  const from = addNoise(predictionOf(facts), clip, noise.samples, sigma);
  return { from, noise, ...(known === undefined ? {} : { known }) };
}

/** The conditioning with its pictures in their places. */
function withKnown(
  { known: _, pictures: __, guide, ...text }: Conditioning,
  { known }: SamplingStart,
): Conditioning {
  const { stills: ___, ...read } = guide ?? {};
  return {
    ...text,
    ...(known === undefined ? {} : { known }),
    ...(guide === undefined ? {} : { guide: read }),
  };
}

function onlyEuler({ name }: ModelFacts, sampler: string): NodeError {
  return new NodeError(
    'denoise/other-sampler',
    `With pictures held by their strength ${name} is walked by Euler only, not by "${sampler}".`,
    { hint: 'Set the sampler to "euler".' },
  );
}

function predictionOf({ parametrisation = 'flow' }: ModelFacts): Parametrisation {
  return parametrisation;
}

function otherSampler(sampler: string, facts: ModelFacts): string {
  return `The sampler "${sampler}" does not walk for ${facts.name}, which predicts ${predictionOf(facts)}.`;
}

/** @throws NodeError 'denoise/draft' */
function expectNoDraft({ unfinished }: Latent): void {
  if (unfinished === undefined) return;
  throw new NodeError(
    'denoise/draft',
    `The latent is a draft, stopped after ${unfinished.step} of ${unfinished.sigmas.length - 1} steps.`,
    { hint: 'Connect it to "Continue", which takes the remaining steps.' },
  );
}

/** @throws NodeError 'denoise/wrong-model' | 'denoise/wrong-size' before any time is spent */
function expectFit(inputs: {
  model: { name: string };
  positive: Conditioning;
  noise: { samples: Latent['samples'] };
  latent: Latent;
}): void {
  const { model, positive, noise, latent } = inputs;
  if (latent.model !== model.name) {
    throw new NodeError(
      'denoise/wrong-model',
      `The latent was made for the model ${latent.model}, but this node runs ${model.name}.`,
      {
        hint: 'Connect the same model to both.',
      },
    );
  }
  if (!sameShape(noise.samples.shape, latent.samples.shape)) {
    throw new NodeError(
      'denoise/wrong-size',
      `The noise ${formatShape(noise.samples.shape)} was drawn for another clip size than the latent ${formatShape(latent.samples.shape)}.`,
      { hint: 'Connect the noise to the same latent as this node.' },
    );
  }
  if (positive.known !== undefined && !sameShape(positive.known.latent.shape, latent.samples.shape)) {
    throw new NodeError(
      'denoise/wrong-size',
      `The picture was placed into a clip of another size ${formatShape(positive.known.latent.shape)} than the latent ${formatShape(latent.samples.shape)}.`,
      { hint: 'Connect the image conditioning to the same latent as this node.' },
    );
  }
}
