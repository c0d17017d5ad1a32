import {
  addFlowNoise,
  findSampler,
  guide,
  keepKnown,
  type SamplerStep,
  samplers,
  usesGuidance,
} from '@reelgraph/diffusion';
import { type Conditioning, defineNode, type InferIssue, type Latent, NodeError } from '@reelgraph/node-api';
import { formatShape, sameShape } from '@reelgraph/tensor';

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
      description: "The finished clip in the model's compressed form.",
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
      description: 'How each step is taken.',
      default: samplers[0].name,
      options: samplers.map(({ name, label }) => ({ value: name, label })),
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
    for (const port of ['positive', 'negative', 'noise', 'latent'] as const) {
      const other = inputs[port]?.model;
      if (model?.model !== undefined && other !== undefined && other !== model.model) {
        issues.push({
          code: 'denoise/wrong-model',
          severity: 'error',
          message: `"${port}" was made with the model ${other}, but this node runs ${model.model}. Connect one model to both.`,
          port,
        });
      }
    }
    for (const size of ['frameCount', 'widthPx', 'heightPx'] as const) {
      const [a, b] = [inputs.noise?.[size], latent?.[size]];
      if (a !== undefined && b !== undefined && a !== b) {
        issues.push({
          code: 'denoise/wrong-size',
          severity: 'error',
          message: `The noise was drawn for another clip size (${a} instead of ${b}). Connect the noise to the same latent as this node.`,
          port: 'noise',
        });
        break;
      }
    }
    return { outputs: { latent: { ...latent } }, issues };
  },
  async run({ inputs, params, ctx }) {
    const { model, positive, noise, latent } = inputs;
    const facts = ctx.models.facts(model);
    const sampler = findSampler(params.sampler) ?? samplers[0];
    const guidanceScale = params.guidanceScale > 0 ? params.guidanceScale : facts.recommended.guidanceScale;
    expectFit(inputs);

    const branches: Conditioning[] = [positive];
    if (usesGuidance(guidanceScale)) {
      branches.push(inputs.negative ?? (await ctx.models.encodeText(model, '', ctx.signal)));
    }
    const { known } = positive;
    const sigmas = inputs.sigmas.values;
    const totalSteps = sigmas.length - 1;
    ctx.progress({ step: 0, totalSteps, message: 'Preparing the model' });

    const onStep = (done: SamplerStep) => {
      ctx.progress({ step: done.step, totalSteps });
      ctx.preview(() => {
        const pixels = ctx.models.previewLatent(model, done.estimateClean());
        // A preview with fewer frames than the clip moves as fast as the clip will.
        return { pixels, fps: (facts.recommended.fps * (pixels.shape[2] ?? 1)) / latent.frameCount };
      });
    };
    const { sample: samples } = await sampler.sample({
      sigmas,
      from: addFlowNoise(latent.samples, noise.samples, sigmas[0] ?? 1),
      async denoise(sample, sigma) {
        const request = { sample, sigma, branches, ...(known === undefined ? {} : { known }) };
        const [conditional, unconditional] = await ctx.models.denoise(model, request, ctx.signal);
        if (conditional === undefined) throw new NodeError('denoise/no-answer', 'The model gave no answer.');
        return unconditional === undefined ? conditional : guide(conditional, unconditional, guidanceScale);
      },
      ...(known === undefined
        ? {}
        : { constrain: (sample, sigma) => keepKnown(sample, known, noise.samples, sigma) }),
      onStep,
      signal: ctx.signal,
    });
    return { latent: { ...latent, samples } };
  },
});

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
