/**
 * The straight path of flow matching: x_sigma = (1 - sigma) x0 + sigma noise, with velocity v = noise - x0.
 *
 * @see Liu et al. 2022, arXiv:2209.03003; Lipman et al. 2022, arXiv:2210.02747
 */
import type { Tensor } from '@reelgraph/tensor';
import { weightedSum } from './arithmetic.ts';

/**
 * A clean latent moved to noise level `sigma`; at sigma 1 it is the noise itself.
 *
 * @param clean [B, C, T, H, W] float32, normalised
 * @param noise standard normal, same shape
 * @throws TensorError 'tensor/shape-mismatch'
 */
export function addFlowNoise(
  clean: Tensor<'float32'>,
  noise: Tensor<'float32'>,
  sigma: number,
): Tensor<'float32'> {
  return weightedSum(1 - sigma, clean, sigma, noise);
}

/**
 * The clean latent that a velocity points to: x0 = x - sigma v.
 *
 * @param sample   latent at `sigma`, [B, C, T, H, W] float32
 * @param velocity model output there, same shape
 * @throws TensorError 'tensor/shape-mismatch'
 */
export function estimateClean(
  sample: Tensor<'float32'>,
  velocity: Tensor<'float32'>,
  sigma: number,
): Tensor<'float32'> {
  return weightedSum(1, sample, -sigma, velocity);
}
