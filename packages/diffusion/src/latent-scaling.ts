/** Between a VAE's own latent and the normalised one that the denoiser sees (each channel about N(0, 1)). */
import { formatShape, type Tensor, TensorError } from '@reelgraph/tensor';
import { DiffusionError } from './errors.ts';

/** Per channel, measured over training data; `config.json` of the VAE carries them. */
export interface LatentStatistics {
  readonly mean: readonly number[];
  /** All above 0. */
  readonly std: readonly number[];
}

function mapChannels(
  latent: Tensor<'float32'>,
  statistics: LatentStatistics,
  map: (value: number, mean: number, std: number) => number,
): Tensor<'float32'> {
  const [batch, channels] = latent.shape;
  if (latent.shape.length !== 5 || batch === undefined || channels !== statistics.mean.length) {
    throw new TensorError(
      'tensor/shape-mismatch',
      `Expected a latent [B, ${statistics.mean.length}, T, H, W], got ${formatShape(latent.shape)}.`,
    );
  }
  const { mean, std } = statistics;
  if (std.length !== mean.length || !std.every((value) => value > 0)) {
    throw new DiffusionError(
      'diffusion/bad-statistics',
      `Latent statistics need one mean and one std above 0 per channel, got ${mean.length} and ${std.length}.`,
    );
  }
  const data = new Float32Array(latent.data.length);
  const perChannel = data.length / (batch * channels);
  for (let i = 0; i < data.length; i++) {
    const channel = Math.floor(i / perChannel) % channels;
    data[i] = map(latent.data[i]!, mean[channel]!, std[channel]!);
  }
  return { dtype: 'float32', shape: latent.shape, data };
}

/**
 * (z - mean) / std per channel.
 *
 * @param latent as the VAE encoder gives it, [B, C, T, H, W] float32
 * @throws TensorError 'tensor/shape-mismatch' when C is not the number of statistics
 */
export function normaliseLatent(latent: Tensor<'float32'>, statistics: LatentStatistics): Tensor<'float32'> {
  return mapChannels(latent, statistics, (value, mean, std) => (value - mean) / std);
}

/** z * std + mean per channel: what the VAE decoder takes. The inverse of {@link normaliseLatent}. */
export function denormaliseLatent(
  latent: Tensor<'float32'>,
  statistics: LatentStatistics,
): Tensor<'float32'> {
  return mapChannels(latent, statistics, (value, mean, std) => value * std + mean);
}

/** What a linear look at a latent needs; fitted to the VAE's training data. */
export interface PreviewFit {
  /** Pixels of one latent place: [frames, rows, columns]. [1, 1, 1] shows a pixel per latent pixel. */
  readonly patch: readonly [number, number, number];
  /** [C][3 * frames * rows * columns], in the order colour, frame, row, column */
  readonly factors: readonly (readonly number[])[];
  /** [3 * frames * rows * columns] */
  readonly bias: readonly number[];
}

/** A linear look at latents of one VAE. */
export type LatentPreview = (latent: Tensor<'float32'>) => Tensor<'float32'>;

/**
 * A linear look at latents, cheap enough for every step: patch = factors^T z + bias at each latent place.
 *
 * The answer takes a normalised latent [1, C, T, h, w] float32 and gives pixels
 * [1, 3, frames * (T - 1) + 1, rows * h, columns * w] clamped to [-1, 1]; the first latent frame stands for
 * one picture, the last of its patch. It throws TensorError 'tensor/shape-mismatch' for other channels than
 * the fit has.
 */
export function createLatentPreview({ patch, factors, bias }: PreviewFit): LatentPreview {
  const patchSize = 3 * patch[0] * patch[1] * patch[2];
  const channels = factors.length;
  const flat = new Float32Array(channels * patchSize);
  for (const [channel, row] of factors.entries()) flat.set(row, channel * patchSize);
  const offset = Float32Array.from(bias);
  return (latent) => drawPatches(latent, { patch, flat, offset, channels });
}

function drawPatches(
  latent: Tensor<'float32'>,
  fit: { patch: PreviewFit['patch']; flat: Float32Array; offset: Float32Array; channels: number },
): Tensor<'float32'> {
  const { patch, flat, offset, channels } = fit;
  const [pt, ph, pw] = patch;
  const patchSize = offset.length;
  const [, given = 0, latentFrames = 0, h = 0, w = 0] = latent.shape;
  if (latent.shape.length !== 5 || given !== channels) {
    throw new TensorError(
      'tensor/shape-mismatch',
      `Expected a latent [1, ${channels}, T, H, W], got ${formatShape(latent.shape)}.`,
    );
  }
  const shape = [1, 3, pt * (latentFrames - 1) + 1, ph * h, pw * w] as const;
  const [, , frames, height, width] = shape;
  const data = new Float32Array(3 * frames * height * width);
  const place = new Float32Array(patchSize);
  const plane = latentFrames * h * w;
  for (let t = 0; t < latentFrames; t++) {
    for (let y = 0; y < h; y++) {
      for (let x = 0; x < w; x++) {
        place.set(offset);
        const from = (t * h + y) * w + x;
        for (let channel = 0; channel < channels; channel++) {
          const z = latent.data[channel * plane + from]!;
          const row = channel * patchSize;
          for (let i = 0; i < patchSize; i++) place[i]! += z * flat[row + i]!;
        }
        writePatch(place, patch, [t, y, x], data, [frames, height, width]);
      }
    }
  }
  return { dtype: 'float32', shape, data };
}

/** Copies one patch to its place; pixel frames before the first one are left out. */
function writePatch(
  place: Float32Array,
  [pt, ph, pw]: PreviewFit['patch'],
  [t, y, x]: readonly [number, number, number],
  data: Float32Array,
  [frames, height, width]: readonly [number, number, number],
): void {
  for (let colour = 0; colour < 3; colour++) {
    for (let dt = 0; dt < pt; dt++) {
      const frame = pt * t + dt - (pt - 1);
      if (frame < 0) continue;
      for (let dy = 0; dy < ph; dy++) {
        const to = ((colour * frames + frame) * height + ph * y + dy) * width + pw * x;
        const from = ((colour * pt + dt) * ph + dy) * pw;
        for (let dx = 0; dx < pw; dx++) data[to + dx] = Math.min(1, Math.max(-1, place[from + dx]!));
      }
    }
  }
}
