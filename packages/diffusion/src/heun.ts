/** Heun's method: two model calls per step, second order. */
import type { Tensor } from '@reelgraph/tensor';
import { sumOf, weightedSum } from './arithmetic.ts';
import { deterministicStep, eulerStep } from './euler.ts';
import { noiseWeights, signalAt } from './parametrisation.ts';
import type { SamplerOptions, SamplerState } from './sampler.ts';
import { type StepInterval, walkSigmas } from './walk-sigmas.ts';

/**
 * Samples with Heun steps: an Euler step predicts, the mean of the slopes at both ends corrects. The last step stays
 * Euler, because there is no slope at sigma 0.
 *
 * @throws the signal's reason on abort; DiffusionError 'diffusion/bad-sigmas' | 'diffusion/bad-state' | 'diffusion/not-finite'
 * @see Karras et al. 2022, arXiv:2206.00364, algorithm 1, with sigma (of a flow) or sigma / alpha as time
 */
export function sampleHeun(options: SamplerOptions): Promise<SamplerState> {
  return walkSigmas(options, async (interval) => {
    const { parametrisation, sample, output, sigma, sigmaNext, evaluateNext } = interval;
    const predicted = deterministicStep(parametrisation, sample, output, sigma, sigmaNext);
    if (sigmaNext === 0) return { sample: predicted };
    const outputNext = await evaluateNext(predicted);
    if (parametrisation !== 'flow') return { sample: corrected(interval, predicted, outputNext) };
    return { sample: eulerStep(sample, weightedSum(0.5, output, 0.5, outputNext), sigma, sigmaNext) };
  });
}

/** In y = x / alpha and r = sigma / alpha the slope dy / dr is the noise that the model sees. */
function corrected(
  { parametrisation, sample, output, sigma, sigmaNext }: StepInterval,
  predicted: Tensor<'float32'>,
  outputNext: Tensor<'float32'>,
): Tensor<'float32'> {
  const [alpha, alphaNext] = [signalAt(parametrisation, sigma), signalAt(parametrisation, sigmaNext)];
  // Half of the way in r, in the coordinate of x at the end.
  const half = (sigmaNext - (sigma * alphaNext) / alpha) / 2;
  const now = noiseWeights(parametrisation, sigma);
  const next = noiseWeights(parametrisation, sigmaNext);
  return sumOf([
    [alphaNext / alpha + half * now[0], sample],
    [half * now[1], output],
    [half * next[0], predicted],
    [half * next[1], outputNext],
  ]);
}
