import {
  addNoise,
  findSampler,
  type Parametrisation,
  samplers,
  usesGuidance,
  walksFor,
} from '@reelgraph/diffusion';
import {
  type Conditioning,
  defineNode,
  type InferIssue,
  type Latent,
  type ModelFacts,
  NodeError,
  type PortFacts,
} from '@reelgraph/node-api';
import { formatShape, sameShape } from '@reelgraph/tensor';
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
    issues.push(...fitIssues(inputs));
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
    const model = context.models.get(inputs.model?.model ?? '');
    const own = recommendedOf(model, inputs.model?.variant);
    const { steps, stepsDone = steps } = inputs.sigmas ?? {};
    const guidanceScale = params.guidanceScale > 0 ? params.guidanceScale : own?.guidanceScale;
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
    const wanted = params.sampler === 'auto' ? facts.recommended.sampler : params.sampler;
    const sampler = findSampler(wanted ?? '') ?? samplers[0];
    const guidanceScale = params.guidanceScale > 0 ? params.guidanceScale : facts.recommended.guidanceScale;
    if (!walksFor(sampler, predictionOf(facts))) {
      throw new NodeError('denoise/other-sampler', otherSampler(sampler.name, facts), {
        hint: 'Set the sampler to "auto" or "euler".',
      });
    }
    expectFit(inputs);
    expectNoDraft(latent);

    const branches: Conditioning[] = [positive];
    if (usesGuidance(guidanceScale)) {
      branches.push(inputs.negative ?? (await ctx.models.encodeText(model, '', ctx.signal)));
    }
    const { values: sigmas, stopAfter } = inputs.sigmas;
    const request = {
      plan: { sigmas, sampler: sampler.name, guidanceScale, branches, noise, model },
      from: addNoise(predictionOf(facts), latent.samples, noise.samples, sigmas[0] ?? 1),
      stopAfter,
      latent,
    };
    return { latent: await sampleClip(request, ctx) };
  },
});

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
