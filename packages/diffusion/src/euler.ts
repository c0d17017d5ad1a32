/** Euler's method on the flow ODE dx/dsigma = v: one model call per step. */
import type { Tensor } from '@reelgraph/tensor';
import { weightedSum } from './arithmetic.ts';
import type { SamplerOptions, SamplerState } from './sampler.ts';
import { walkSigmas } from './walk-sigmas.ts';

/**
 * One Euler step: x' = x + (sigmaNext - sigma) v.
 *
 * @param sample    latent at `sigma`, [B, C, T, H, W] float32; left untouched
 * @param velocity  model output at `sigma`, same shape
 * @returns a new latent at `sigmaNext`, same shape; at sigmaNext = 0 it estimates the clean latent
 * @throws TensorError 'tensor/shape-mismatch' when the shapes differ
 * @see Liu et al. 2022, arXiv:2209.03003 (rectified flow)
 */
export function eulerStep(
  sample: Tensor<'float32'>,
  velocity: Tensor<'float32'>,
  sigma: number,
  sigmaNext: number,
): Tensor<'float32'> {
  return weightedSum(1, sample, sigmaNext - sigma, velocity);
}

/**
 * Samples with Euler steps.
 *
 * @throws the signal's reason on abort; DiffusionError 'diffusion/bad-sigmas' | 'diffusion/bad-state' | 'diffusion/not-finite'
 */
export function sampleEuler(options: SamplerOptions): Promise<SamplerState> {
  return walkSigmas(options, ({ sample, velocity, sigma, sigmaNext }) => ({
    sample: eulerStep(sample, velocity, sigma, sigmaNext),
  }));
}
