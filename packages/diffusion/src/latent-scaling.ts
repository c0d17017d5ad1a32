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

/**
 * A linear look at a latent, cheap enough for every step: rgb = factors^T z + bias per latent pixel.
 *
 * @param latent  normalised, [1, C, T, h, w] float32
 * @param factors [C][3], fitted to the VAE's training data
 * @param bias    [3]
 * @returns [1, 3, T, h, w] clamped to [-1, 1]
 */
export function latentToRgb(
  latent: Tensor<'float32'>,
  factors: readonly (readonly number[])[],
  bias: readonly number[],
): Tensor<'float32'> {
  const [, channels = 0, frames = 0, height = 0, width = 0] = latent.shape;
  if (latent.shape.length !== 5 || channels !== factors.length) {
    throw new TensorError(
      'tensor/shape-mismatch',
      `Expected a latent [1, ${factors.length}, T, H, W], got ${formatShape(latent.shape)}.`,
    );
  }
  const size = frames * height * width;
  const data = new Float32Array(3 * size);
  for (let rgb = 0; rgb < 3; rgb++) {
    const out = data.subarray(rgb * size, (rgb + 1) * size).fill(bias[rgb] ?? 0);
    for (let channel = 0; channel < channels; channel++) {
      const factor = factors[channel]?.[rgb] ?? 0;
      const from = channel * size;
      for (let i = 0; i < size; i++) out[i]! += factor * latent.data[from + i]!;
    }
  }
  for (let i = 0; i < data.length; i++) data[i] = Math.min(1, Math.max(-1, data[i]!));
  return { dtype: 'float32', shape: [1, 3, frames, height, width], data };
}
