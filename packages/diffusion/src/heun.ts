/** Heun's method on the flow ODE: two model calls per step, second order. */
import { weightedSum } from './arithmetic.ts';
import { eulerStep } from './euler.ts';
import type { SamplerOptions, SamplerState } from './sampler.ts';
import { walkSigmas } from './walk-sigmas.ts';

/**
 * Samples with Heun steps: an Euler step predicts, the mean of the velocities at both ends corrects. The last
 * step stays Euler, because there is no velocity at sigma 0.
 *
 * @throws the signal's reason on abort; DiffusionError 'diffusion/bad-sigmas' | 'diffusion/bad-state' | 'diffusion/not-finite'
 * @see Karras et al. 2022, arXiv:2206.00364, algorithm 1, with sigma as time
 */
export function sampleHeun(options: SamplerOptions): Promise<SamplerState> {
  return walkSigmas(options, async ({ sample, velocity, sigma, sigmaNext, evaluate, constrain }) => {
    const predicted = eulerStep(sample, velocity, sigma, sigmaNext);
    if (sigmaNext === 0) return { sample: predicted };
    const velocityNext = await evaluate(constrain(predicted, sigmaNext), sigmaNext);
    return { sample: eulerStep(sample, weightedSum(0.5, velocity, 0.5, velocityNext), sigma, sigmaNext) };
  });
}
