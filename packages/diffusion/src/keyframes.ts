/**
 * Pictures that pull a clip by their strength, as LTX-Video takes them from version 0.9.5 on: every place of the latent
 * is at a level of its own, no higher than its strength leaves room for.
 *
 * @see diffusers LTXConditionPipeline (the formulas)
 */
import { elementCount, type Tensor } from '@reelgraph/tensor';
import { DiffusionError } from './errors.ts';
import { eulerStepByPlace, sampleEuler } from './euler.ts';
import { type FreshNoise, freshNoiseFrom } from './fresh-noise.ts';
import type { KeyframeHold, KnownFrames } from './known-frames.ts';
import { type PatchSize, unpatchify } from './patchify.ts';
import type { SamplerOptions, SamplerState } from './sampler.ts';
import { trainTimesteps } from './sigmas.ts';
import { walkWithNoise } from './walk-sigmas.ts';

/** Timestep of a place, in float32: t, but at most 1000 (1 - strength). */
export function placeTimestep(timestep: number, strength: number): number {
  return Math.min(timestep, Math.fround(Math.fround(1 - strength) * trainTimesteps));
}

/** Strengths so near to 1 hold a place altogether. */
const hardStrength = 1 - 1e-6;

function holdOf({ hold }: KnownFrames): KeyframeHold {
  if (hold?.kind === 'by-strength') return hold;
  throw new DiffusionError('diffusion/bad-state', 'These frames are not held by their strength.');
}

/**
 * Noise of the steps, drawn on in the stream of the seed, in the order of tokens.
 *
 * @param drawn shapes that were drawn from the stream before
 * @param shape of the sample, [1, C, T, H, W]
 */
export function keyframeNoise(
  { seed, drawn }: { readonly seed: string; readonly drawn: readonly (readonly number[])[] },
  shape: readonly number[],
  patchSize: PatchSize,
): FreshNoise {
  const draw = freshNoiseFrom(seed, keyframeNoiseShape(shape, patchSize), { after: drawn });
  return (step) => unpatchify(draw(step), shape, patchSize);
}

/** [1, N, D]: the tokens of a sample [1, C, T, H, W]. */
export function keyframeNoiseShape(shape: readonly number[], patchSize: PatchSize): readonly number[] {
  const depth = (shape[1] ?? 0) * elementCount(patchSize);
  return [1, elementCount(shape) / depth, depth];
}

/**
 * Places of strength 1 with new noise on them: given + scale noise (t / 1000)^2. The others stay.
 *
 * @param sample [1, C, T, H, W] float32; left untouched
 * @param noise  same shape
 */
export function disturbKeyframes(
  sample: Tensor<'float32'>,
  held: KnownFrames,
  noise: Tensor<'float32'>,
  timestep: number,
): Tensor<'float32'> {
  const { latent, mask } = held;
  const scale = holdOf(held).noiseScale * (timestep / trainTimesteps) ** 2;
  const places = mask.data.length;
  const data = sample.data.slice();
  for (let i = 0; i < data.length; i++) {
    if (mask.data[i % places]! > hardStrength) data[i] = latent.data[i]! + scale * noise.data[i]!;
  }
  return { dtype: 'float32', shape: sample.shape, data };
}

/** [1, C, E + T, H, W] without the E frames that stand for pictures and are none of the clip. */
export function withoutGuides(sample: Tensor<'float32'>, known: KnownFrames | undefined): Tensor<'float32'> {
  const extra = known?.hold?.kind === 'by-strength' ? known.hold.guideFrames.length : 0;
  if (extra === 0) return sample;
  const [, channels = 0, frames = 0, height = 0, width = 0] = sample.shape;
  const plane = height * width;
  const kept = (frames - extra) * plane;
  const data = new Float32Array(channels * kept);
  for (let channel = 0; channel < channels; channel++) {
    const from = (channel * frames + extra) * plane;
    data.set(sample.data.subarray(from, from + kept), channel * kept);
  }
  return { dtype: 'float32', shape: sample.shape.with(2, frames - extra), data };
}

/**
 * Euler where every place steps from its own level to the next one of the schedule; what has reached the level that its
 * strength asks for stays. Places of strength 1 are given new noise for the next step. Without such places it is
 * Euler.
 *
 * A sample that a walk begins from has the noise of the first step on it already: see {@link disturbKeyframes}.
 *
 * @throws the signal's reason on abort; DiffusionError 'diffusion/no-noise' without `freshNoise`,
 *   'diffusion/bad-sigmas' | 'diffusion/bad-state' | 'diffusion/not-finite'
 */
export function sampleByPlace(options: SamplerOptions): Promise<SamplerState> {
  const { held, timesteps, sigmas } = options;
  if (held === undefined) return sampleEuler(options);
  const { mask, latent } = held;
  const places = mask.data.length;
  return walkWithNoise(options, ({ sample, output, step, timestep }, fresh) => {
    const levelOf = (index: number): number =>
      Math.fround(placeTimestep(timestep, mask.data[index % places]!) / trainTimesteps);
    const stepped = eulerStepByPlace(sample, output, levelOf, sigmas);
    const clean = new Float32Array(sample.data.length);
    for (let i = 0; i < clean.length; i++) {
      const strength = mask.data[i % places]!;
      if (timestep / trainTimesteps - 1e-6 >= 1 - strength) stepped.data[i] = sample.data[i]!;
      clean[i] = strength > hardStrength ? latent.data[i]! : sample.data[i]! - levelOf(i) * output.data[i]!;
    }
    const next = timesteps?.[step + 1] ?? sigmas[step + 1]! * trainTimesteps;
    return {
      sample: fresh === undefined ? stepped : disturbKeyframes(stepped, held, fresh, next),
      clean: { dtype: 'float32', shape: sample.shape, data: clean },
    };
  });
}
