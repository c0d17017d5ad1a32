/** What every sampler does around its own step: model calls, constraint, progress, cancel. */
import type { Tensor } from '@reelgraph/tensor';
import { estimateClean } from './flow.ts';
import { expectFinite, type SamplerOptions } from './sampler.ts';
import { checkSigmas } from './sigmas.ts';

/** Where a step begins and ends. */
export interface StepInterval {
  /** Latent at `sigma`, constrained. */
  readonly sample: Tensor<'float32'>;
  /** Model output at `sample`. */
  readonly velocity: Tensor<'float32'>;
  readonly sigma: number;
  readonly sigmaNext: number;
  /** Another model call, for methods that look at more than one place. */
  evaluate(sample: Tensor<'float32'>, sigma: number): Promise<Tensor<'float32'>>;
  constrain(sample: Tensor<'float32'>, sigma: number): Tensor<'float32'>;
}

/**
 * Walks from noise to clean by one method; `step` gives the latent at `sigmaNext`.
 *
 * @throws the signal's reason on abort; DiffusionError 'diffusion/bad-sigmas' | 'diffusion/not-finite'
 */
export async function walkSigmas(
  options: SamplerOptions,
  step: (interval: StepInterval) => Tensor<'float32'> | Promise<Tensor<'float32'>>,
): Promise<Tensor<'float32'>> {
  const { sigmas, denoise, onStep, signal } = options;
  const constrain = options.constrain ?? ((sample) => sample);
  const evaluate = async (at: Tensor<'float32'>, sigma: number): Promise<Tensor<'float32'>> => {
    signal?.throwIfAborted();
    const velocity = await denoise(at, sigma);
    expectFinite(velocity, sigma);
    return velocity;
  };
  checkSigmas(sigmas);
  const totalSteps = sigmas.length - 1;
  let sample = constrain(options.sample, sigmas[0]!);
  for (let i = 0; i < totalSteps; i++) {
    const sigma = sigmas[i]!;
    const sigmaNext = sigmas[i + 1]!;
    const before = sample;
    const velocity = await evaluate(before, sigma);
    sample = constrain(
      await step({ sample: before, velocity, sigma, sigmaNext, evaluate, constrain }),
      sigmaNext,
    );
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
