/** One way to sample for all nodes that do: from noise or from a draft, to the end or to a draft. */
import {
  callsSaved,
  findSampler,
  freshNoiseFrom,
  keyframeNoiseShape,
  parseSamplerState,
  runSampling,
  type SamplerState,
  withoutGuides,
} from '@reelgraph/diffusion';
import {
  type GrainPosition,
  type Latent,
  type ModelRef,
  NodeError,
  type PortFacts,
  type RunContext,
  type SamplingRequest,
  type SamplingState,
  type SamplingStep,
  type UnfinishedSampling,
} from '@reelgraph/node-api';
import type { Tensor } from '@reelgraph/tensor';

/** Whether a latent with these facts is known to have steps left. */
export function isDraft({ steps, stepsDone }: PortFacts): boolean {
  return steps !== undefined && stepsDone !== undefined && stepsDone < steps;
}

/** What does not change from the first step to the last. */
export type SamplingPlan = Omit<UnfinishedSampling, 'step' | 'memory' | 'estimate'>;

export interface SampleRequest {
  readonly plan: SamplingPlan;
  /** [1, C, T, H, W] at `sigmas[0]`, or the state after a step. */
  readonly from: Tensor<'float32'> | SamplerState;
  /** Leaves a draft after this many steps, counted from the first; goes to the end when absent. */
  readonly stopAfter?: number | undefined;
  /** The clip that is sampled; its samples are replaced. */
  readonly latent: Latent;
}

/**
 * Samples, with a checkpoint and a preview after every step. The conditional branch says which frames are known.
 *
 * @throws NodeError 'denoise/unknown-sampler'; what the samplers and the model throw
 */
export async function sampleClip(request: SampleRequest, ctx: RunContext): Promise<Latent> {
  const { plan, latent } = request;
  const { sigmas, branches, model } = plan;
  const facts = ctx.models.facts(model);
  if (findSampler(plan.sampler) === undefined) {
    throw new NodeError('denoise/unknown-sampler', `There is no sampler "${plan.sampler}".`);
  }
  const known = branches[0]?.known;
  const fps = plan.rules?.frameRate ?? facts.recommended.fps;
  const totalSteps = sigmas.length - 1;
  const lastStep = Math.min(totalSteps, request.stopAfter ?? totalSteps);

  const { shape } = 'memory' in request.from ? request.from.sample : request.from;
  const saved = await ctx.checkpoints.load((state) => {
    const parsed = parseSamplerState(state, shape, totalSteps);
    return parsed !== undefined && parsed.step < lastStep ? parsed : undefined;
  });
  const from = saved?.state ?? request.from;
  const firstStep = 'memory' in from ? from.step : 0;
  ctx.progress({ step: firstStep, totalSteps: lastStep, message: 'Preparing the model' });

  let estimate = latent.samples;
  const onStep = (done: SamplingStep) => {
    const { step, sample, memory } = done;
    let saved: Promise<void> | undefined;
    if (step < lastStep) saved = ctx.checkpoints.save(step, () => ({ step, sample, memory }));
    else if (step < totalSteps) estimate = withoutGuides(done.estimateClean(), known);
    const calls = callsSaved(memory);
    ctx.progress({
      step,
      totalSteps: lastStep,
      ...(calls === 0 ? {} : { message: `${calls} model ${calls === 1 ? 'call' : 'calls'} saved` }),
    });
    ctx.preview(() => {
      const pixels = ctx.models.previewLatent(model, withoutGuides(done.estimateClean(), known));
      // A preview with fewer frames than the clip moves as fast as the clip will.
      return { pixels, fps: (fps * (pixels.shape[2] ?? 1)) / latent.frameCount };
    });
    return saved;
  };
  const sampling = { ...plan, known, from, stopAfter: lastStep };
  const { sample, step, memory } = await takeSteps(sampling, onStep, ctx);
  const { model: name, frameCount, widthPx, heightPx } = latent;
  return {
    samples: step < totalSteps ? sample : withoutGuides(sample, known),
    model: name,
    frameCount,
    widthPx,
    heightPx,
    ...(plan.rules?.frameRate === undefined ? {} : { fps }),
    ...(facts.decoderNoise === true ? { grain: grainAfter(plan, sample) } : {}),
    ...(step < totalSteps ? { unfinished: { ...plan, step, memory, estimate } } : {}),
  };
}

/** Where the stream of the seed stands when the last step is done: a decoder goes on there. */
function grainAfter({ noise, branches, sigmas }: SamplingPlan, { shape }: Tensor<'float32'>): GrainPosition {
  const { seed, drawn = [noise.samples.shape] } = noise;
  const hold = branches[0]?.known?.hold;
  // Without noise on pictures the steps draw none.
  if (hold?.kind !== 'by-strength' || hold.noiseScale === 0) return { seed, drawn };
  const ofStep = keyframeNoiseShape(shape, hold.patchSize);
  return { seed, drawn: [...drawn, ...sigmas.slice(1).map(() => ofStep)] };
}

/** Where the model runs, if there is such a place; else here, call by call. */
function takeSteps(
  sampling: SamplingRequest & { readonly model: ModelRef },
  onStep: (step: SamplingStep) => Promise<void> | undefined,
  { models, signal }: RunContext,
): Promise<SamplingState> {
  const { model, branches, known, noise, sampler, rules } = sampling;
  if (models.sample !== undefined) return models.sample(model, sampling, onStep, signal);
  let saved: Promise<void> | undefined;
  return runSampling(
    { ...sampling, ...rules, noise: noise.samples },
    {
      async velocities(sample, sigma, { timestep, branches: count, expert }) {
        const answers = await models.denoise(
          model,
          {
            sample,
            sigma,
            timestep,
            branches: branches.slice(0, count),
            expert,
            ...(rules?.frameRate === undefined ? {} : { frameRate: rules.frameRate }),
            ...(rules?.guidance?.embedded === undefined ? {} : { guidance: rules.guidance.embedded }),
            ...(known === undefined ? {} : { known }),
          },
          signal,
        );
        await saved;
        return answers;
      },
      freshNoise: freshNoiseFrom(noise.seed, noise.samples.shape, { drawOf: findSampler(sampler)?.drawOf }),
      onStep(step) {
        saved = onStep(step);
      },
      signal,
    },
  );
}
