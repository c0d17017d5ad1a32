/** One way to sample for all nodes that do: from noise or from a draft, to the end or to a draft. */
import {
  findSampler,
  freshNoiseFrom,
  guide,
  keepKnown,
  parseSamplerState,
  type SamplerState,
  type SamplerStep,
} from '@reelgraph/diffusion';
import {
  type Latent,
  NodeError,
  type PortFacts,
  type RunContext,
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
 * @throws NodeError 'denoise/unknown-sampler' | 'denoise/no-answer'; what the samplers and the model throw
 */
export async function sampleClip(request: SampleRequest, ctx: RunContext): Promise<Latent> {
  const { plan, latent } = request;
  const { sigmas, branches, noise, guidanceScale, model } = plan;
  const facts = ctx.models.facts(model);
  const sampler = findSampler(plan.sampler);
  if (sampler === undefined) {
    throw new NodeError('denoise/unknown-sampler', `There is no sampler "${plan.sampler}".`);
  }
  const known = branches[0]?.known;
  const totalSteps = sigmas.length - 1;
  const lastStep = Math.min(totalSteps, request.stopAfter ?? totalSteps);

  const { shape } = latent.samples;
  const saved = await ctx.checkpoints.load((state) => {
    const parsed = parseSamplerState(state, shape, totalSteps);
    return parsed !== undefined && parsed.step < lastStep ? parsed : undefined;
  });
  const from = saved?.state ?? request.from;
  const firstStep = 'memory' in from ? from.step : 0;
  ctx.progress({ step: firstStep, totalSteps: lastStep, message: 'Preparing the model' });

  let estimate = latent.samples;
  const onStep = (done: SamplerStep) => {
    const { step, sample, memory } = done;
    if (step < lastStep) ctx.checkpoints.save(step, () => ({ step, sample, memory }));
    else if (step < totalSteps) estimate = done.estimateClean();
    ctx.progress({ step, totalSteps: lastStep });
    ctx.preview(() => {
      const pixels = ctx.models.previewLatent(model, done.estimateClean());
      // A preview with fewer frames than the clip moves as fast as the clip will.
      return { pixels, fps: (facts.recommended.fps * (pixels.shape[2] ?? 1)) / latent.frameCount };
    });
  };
  const { sample, step, memory } = await sampler.sample({
    sigmas,
    from,
    stopAfter: lastStep,
    freshNoise: freshNoiseFrom(noise.seed, shape),
    async denoise(at, sigma) {
      const call = { sample: at, sigma, branches, ...(known === undefined ? {} : { known }) };
      const [conditional, unconditional] = await ctx.models.denoise(model, call, ctx.signal);
      if (conditional === undefined) throw new NodeError('denoise/no-answer', 'The model gave no answer.');
      return unconditional === undefined ? conditional : guide(conditional, unconditional, guidanceScale);
    },
    ...(known === undefined ? {} : { constrain: (at, sigma) => keepKnown(at, known, noise.samples, sigma) }),
    onStep,
    signal: ctx.signal,
  });
  const { model: name, frameCount, widthPx, heightPx } = latent;
  return {
    samples: sample,
    model: name,
    frameCount,
    widthPx,
    heightPx,
    ...(step < totalSteps ? { unfinished: { ...plan, step, memory, estimate } } : {}),
  };
}
