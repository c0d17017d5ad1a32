/** How much sampling there is to do: what the time and the memory of a denoiser grow with. */
import { samplers } from '@reelgraph/diffusion';
import type { ModelFacts, NodeWork, PortFacts } from '@reelgraph/node-api';

export interface SamplingExtent {
  readonly model: ModelFacts | undefined;
  /** Size and frames of the clip. */
  readonly latent: PortFacts | undefined;
  readonly steps: number | undefined;
  /** Conditionings evaluated in each call: 2 with guidance. */
  readonly branches: number;
  readonly sampler: string | undefined;
}

/**
 * Model calls, the places of the latent that they see, and pairs of places, which attention compares. Undefined where
 * size or steps are not known.
 */
export function samplingWork({
  model,
  latent,
  steps,
  branches,
  sampler,
}: SamplingExtent): NodeWork | undefined {
  const { widthPx, heightPx, frameCount } = latent ?? {};
  if (model === undefined || steps === undefined) return undefined;
  if (widthPx === undefined || heightPx === undefined || frameCount === undefined) return undefined;
  const { spatial, temporal } = model.vaeScale;
  const latentFrames = Math.floor((frameCount - 1) / temporal) + 1;
  const places = branches * latentFrames * (widthPx / spatial) * (heightPx / spatial);
  const pairs = places * (places / branches);
  // Heun looks twice at every step but the last.
  const calls = sampler === 'heun' ? Math.max(1, 2 * steps - 1) : steps;
  return {
    time: { places: calls * places, calls, pairs: calls * pairs },
    memory: { places, pairs },
  };
}

/** The sampler that a name stands for, where `auto` is the model's own. */
export function samplerOf(name: string, own: string | undefined): string {
  return name === 'auto' ? (own ?? samplers[0].name) : name;
}

/** What the model recommends, for the variant that is used. */
export function recommendedOf(model: ModelFacts | undefined, variant: string | undefined) {
  return variant === undefined ? model?.recommended : (model?.variants?.[variant] ?? model?.recommended);
}
