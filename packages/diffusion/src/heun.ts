/** Heun's method on the flow ODE: two model calls per step, second order. */
import type { Tensor } from '@reelgraph/tensor';
import { weightedSum } from './arithmetic.ts';
import { eulerStep } from './euler.ts';
import { estimateClean } from './flow.ts';
import { expectFinite, type SamplerOptions } from './sampler.ts';
import { checkSigmas } from './sigmas.ts';

/**
 * Samples with Heun steps: an Euler step predicts, the mean of the velocities at both ends corrects. The last
 * step stays Euler, because there is no velocity at sigma 0.
 *
 * @throws the signal's reason on abort; DiffusionError 'diffusion/bad-sigmas' | 'diffusion/not-finite'
 * @see Karras et al. 2022, arXiv:2206.00364, algorithm 1, with sigma as time
 */
export async function sampleHeun(options: SamplerOptions): Promise<Tensor<'float32'>> {
  const { sigmas, denoise, onStep, signal } = options;
  const constrain = options.constrain ?? ((sample) => sample);
  checkSigmas(sigmas);
  const totalSteps = sigmas.length - 1;
  let sample = constrain(options.sample, sigmas[0]!);
  for (let i = 0; i < totalSteps; i++) {
    signal?.throwIfAborted();
    const sigma = sigmas[i]!;
    const sigmaNext = sigmas[i + 1]!;
    const before = sample;
    const velocity = await denoise(before, sigma);
    expectFinite(velocity, sigma);
    sample = constrain(eulerStep(before, velocity, sigma, sigmaNext), sigmaNext);
    if (sigmaNext > 0) {
      signal?.throwIfAborted();
      const velocityNext = await denoise(sample, sigmaNext);
      expectFinite(velocityNext, sigmaNext);
      const mean = weightedSum(0.5, velocity, 0.5, velocityNext);
      sample = constrain(eulerStep(before, mean, sigma, sigmaNext), sigmaNext);
    }
    onStep?.({
      step: i + 1,
      totalSteps,
      sigma: sigmaNext,
      sample,
      estimateClean: () => constrain(estimateClean(before, velocity, sigma), 0),
    });
  }
  return sample;
}
