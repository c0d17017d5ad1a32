/**
 * How a family asks its denoiser for velocities. Pure, and found by the family's name, so that it works in the thread
 * of the session as well as in that of the service.
 */
import type { Conditioning, KnownLatent } from '@reelgraph/node-api';
import type { Tensor } from '@reelgraph/tensor';
import { openCogVideoXDenoiser } from './cogvideox-denoiser.ts';
import { openHunyuanDenoiser } from './hunyuan-denoiser.ts';
import { openLtxDenoiser } from './ltx-denoiser.ts';
import { openToyboxDenoiser } from './toybox-denoiser.ts';
import { openWanDenoiser } from './wan-denoiser.ts';

/** Plain data of a family's own, from `FamilyModel.clipSettings` to its denoiser. */
export type ClipSettings = Readonly<Record<string, number | boolean | readonly number[]>>;

/** What stays the same from the first step of a clip to the last. */
export interface ClipToDenoise {
  /** [1, C, T, H, W] */
  readonly shape: readonly number[];
  readonly branches: readonly Conditioning[];
  readonly known?: KnownLatent | undefined;
  readonly settings?: ClipSettings | undefined;
}

export interface Denoiser {
  /** Inputs of the graph for a sample at a noise level, fed as `timestep`; they hold until the next call. */
  feedsAt(sample: Tensor<'float32'>, sigma: number, timestep: number): Readonly<Record<string, Tensor>>;
  /** Velocity per branch, each of the shape of the sample, from the outputs of the graph. */
  velocitiesOf(outputs: Readonly<Record<string, Tensor>>): readonly Tensor<'float32'>[];
}

/** @throws TensorError 'tensor/shape-mismatch' when branches do not fit together */
export type OpenDenoiser = (clip: ClipToDenoise) => Denoiser;

const denoisers: Readonly<Record<string, OpenDenoiser>> = {
  toybox: openToyboxDenoiser,
  wan: openWanDenoiser,
  ltx: openLtxDenoiser,
  hunyuanvideo: openHunyuanDenoiser,
  cogvideox: openCogVideoXDenoiser,
};

/** @param family as in `ModelFacts.family` */
export function denoiserOf(family: string): OpenDenoiser {
  const open = Object.hasOwn(denoisers, family) ? denoisers[family] : undefined;
  if (open === undefined) throw new Error(`The family "${family}" has no denoiser.`);
  return open;
}
