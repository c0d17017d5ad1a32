/**
 * Euler's method: one model call per step. On a flow it solves dx/dsigma = v; for models that keep the variance it is
 * the same step in the coordinate x / alpha, known as DDIM.
 */
import type { Tensor } from '@reelgraph/tensor';
import { weightedSum } from './arithmetic.ts';
import { cleanWeights, noiseWeights, type Parametrisation, signalAt } from './parametrisation.ts';
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
 * x' = alpha' x0 + sigma' eps, with x0 and eps as the model sees them at `sigma`.
 *
 * @see Song et al. 2020, arXiv:2010.02502, eq. 12 with eta = 0 (DDIM); Karras et al. 2022, arXiv:2206.00364, algorithm 1
 *   without the correction, in x / alpha
 */
export function deterministicStep(
  parametrisation: Parametrisation,
  sample: Tensor<'float32'>,
  output: Tensor<'float32'>,
  sigma: number,
  sigmaNext: number,
): Tensor<'float32'> {
  if (parametrisation === 'flow') return eulerStep(sample, output, sigma, sigmaNext);
  const alphaNext = signalAt(parametrisation, sigmaNext);
  const clean = cleanWeights(parametrisation, sigma);
  const noise = noiseWeights(parametrisation, sigma);
  const weight = (i: 0 | 1): number => alphaNext * clean[i] + sigmaNext * noise[i];
  return weightedSum(weight(0), sample, weight(1), output);
}

/**
 * An Euler step where every place is at a level of its own, as in LTX-Video, whose given frames hold less noise than
 * the rest: each place goes to the highest level of the schedule below its own.
 *
 * @param sample   [B, N, C] or [B, C, T, H, W] float32; left untouched
 * @param velocity same shape
 * @param sigmaOf  level of the place that element `index` belongs to
 * @param sigmas   the schedule, descending
 * @see diffusers FlowMatchEulerDiscreteScheduler.step with `per_token_timesteps` (the formula): next = the greatest
 *   sigma below its own by more than 1e-6
 */
export function eulerStepByPlace(
  sample: Tensor<'float32'>,
  velocity: Tensor<'float32'>,
  sigmaOf: (index: number) => number,
  sigmas: readonly number[],
): Tensor<'float32'> {
  const next = new Map<number, number>();
  const data = new Float32Array(sample.data.length);
  for (let i = 0; i < data.length; i++) {
    const sigma = sigmaOf(i);
    let sigmaNext = next.get(sigma);
    if (sigmaNext === undefined) {
      sigmaNext = Math.max(0, ...sigmas.filter((level) => level < sigma - 1e-6));
      next.set(sigma, sigmaNext);
    }
    data[i] = sample.data[i]! + (sigmaNext - sigma) * velocity.data[i]!;
  }
  return { dtype: 'float32', shape: sample.shape, data };
}

/**
 * Samples with Euler steps.
 *
 * @throws the signal's reason on abort; DiffusionError 'diffusion/bad-sigmas' | 'diffusion/bad-state' | 'diffusion/not-finite'
 */
export function sampleEuler(options: SamplerOptions): Promise<SamplerState> {
  return walkSigmas(options, ({ parametrisation, sample, output, sigma, sigmaNext }) => ({
    sample: deterministicStep(parametrisation, sample, output, sigma, sigmaNext),
  }));
}
