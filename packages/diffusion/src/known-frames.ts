/**
 * Frames that are given and must come out as they are: a first frame to animate, a last one to reach, the end
 * of a clip to go on from. They are latent frames with a mask, so that all of these are one thing.
 */
import { formatShape, type Tensor, TensorError, zeros } from '@reelgraph/tensor';
import { addNoise } from './add-noise.ts';
import type { Parametrisation } from './parametrisation.ts';

/** Pictures that pull a clip by their strength, as LTX-Video's conditions; see `sampleByPlace`. */
export interface KeyframeHold {
  readonly kind: 'by-strength';
  /** Noise put anew on places of strength 1 in every step, in shares of (timestep / 1000)^2. */
  readonly noiseScale: number;
  /**
   * Frame of the clip that each latent frame stands at which comes before those of the clip. `latent` and `mask` have
   * so many frames more than the clip.
   */
  readonly guideFrames: readonly number[];
  /** Latent places of a token: the order that noise is drawn in. */
  readonly patchSize: readonly [number, number, number];
}

/**
 * How given places are held while a clip is sampled: with as much noise as the rest (`noised`), which a model expects
 * that was trained by noising whole clips; as they are at every level (`clean`), where the model is told the level of
 * each place; or only as far as their strength goes.
 */
export type Hold = { readonly kind: 'noised' } | { readonly kind: 'clean' } | KeyframeHold;

/** Clean latent frames. */
export interface KnownFrames {
  /** [1, C, T, H, W] float32, normalised; zeros where nothing is known */
  readonly latent: Tensor<'float32'>;
  /** [1, 1, T, H, W] float32; 1 where `latent` is given, 0 elsewhere; held by strength, the strength of each place */
  readonly mask: Tensor<'float32'>;
  /** `noised` when absent. */
  readonly hold?: Hold | undefined;
}

/** Nothing known yet, for a latent of this shape [1, C, T, H, W]. */
export function nothingKnown(shape: readonly number[]): KnownFrames {
  return { latent: zeros('float32', shape), mask: zeros('float32', shape.with(1, 1)) };
}

function expectFit(known: KnownFrames, shape: readonly number[]): void {
  const fits =
    shape.length === 5 &&
    known.latent.shape.every((dimension, axis) => dimension === shape[axis]) &&
    known.mask.shape.every((dimension, axis) => dimension === (axis === 1 ? 1 : shape[axis]));
  if (!fits) {
    throw new TensorError(
      'tensor/shape-mismatch',
      `Known frames ${formatShape(known.latent.shape)} were made for another size than the latent ${formatShape(shape)}.`,
    );
  }
}

/**
 * The sample with known places on their way from noise to clean:
 * mask * (alpha * known + sigma * noise) + (1 - mask) * sample, with alpha = 1 - sigma for a flow.
 *
 * Applied before every model call and at the end. A known place carries as much noise as the rest of the
 * sample, which is what a model trained by noising whole clips expects; at sigma 0 it is exactly `known`.
 *
 * @param sample [1, C, T, H, W] float32 at `sigma`; left untouched
 * @param noise  what the sampling began from, same shape
 * @throws TensorError 'tensor/shape-mismatch' when `known` or `noise` was made for another size
 */
export function keepKnown(
  sample: Tensor<'float32'>,
  known: KnownFrames,
  noise: Tensor<'float32'>,
  sigma: number,
  parametrisation: Parametrisation = 'flow',
): Tensor<'float32'> {
  expectFit(known, sample.shape);
  const held = addNoise(parametrisation, known.latent, noise, sigma);
  const places = known.mask.data.length;
  const data = new Float32Array(sample.data.length);
  for (let i = 0; i < data.length; i++) {
    const mask = known.mask.data[i % places]!;
    data[i] = mask * held.data[i]! + (1 - mask) * sample.data[i]!;
  }
  return { dtype: 'float32', shape: sample.shape, data };
}

/**
 * Adds latent frames to what is known, starting at latent frame `at`; what was known there is replaced.
 *
 * @param known  left untouched
 * @param frames [1, C, n, H, W] float32, normalised
 * @throws TensorError 'tensor/shape-mismatch' | 'tensor/out-of-range' when the frames do not fit there
 */
export function addKnownFrames(known: KnownFrames, frames: Tensor<'float32'>, at: number): KnownFrames {
  const [, channels = 0, total = 0, height = 0, width = 0] = known.latent.shape;
  const [, ownChannels, count = 0, ownHeight, ownWidth] = frames.shape;
  if (ownChannels !== channels || ownHeight !== height || ownWidth !== width) {
    throw new TensorError(
      'tensor/shape-mismatch',
      `Frames ${formatShape(frames.shape)} do not fit into ${formatShape(known.latent.shape)}.`,
    );
  }
  if (!Number.isInteger(at) || at < 0 || at + count > total) {
    throw new TensorError(
      'tensor/out-of-range',
      `Latent frames ${at} to ${at + count - 1} are outside the ${total} of the clip.`,
    );
  }
  const latent = known.latent.data.slice();
  const mask = known.mask.data.slice();
  const perFrame = height * width;
  for (let channel = 0; channel < channels; channel++) {
    const from = channel * count * perFrame;
    latent.set(frames.data.subarray(from, from + count * perFrame), (channel * total + at) * perFrame);
  }
  mask.fill(1, at * perFrame, (at + count) * perFrame);
  return {
    latent: { dtype: 'float32', shape: known.latent.shape, data: latent },
    mask: { dtype: 'float32', shape: known.mask.shape, data: mask },
  };
}
