/** Sampling that trusts only the clean latent of each step, and puts new noise on it. */
import type { Tensor } from '@reelgraph/tensor';
import { DiffusionError } from './errors.ts';
import { addFlowNoise, estimateClean } from './flow.ts';
import type { SamplerOptions, SamplerState } from './sampler.ts';
import { walkSigmas } from './walk-sigmas.ts';

/**
 * x' = (1 - sigmaNext) x0 + sigmaNext noise with x0 = x - sigma v: one model call per step, as Euler, but the
 * noise is new each time. A small or distilled model gains by it: what it did wrong at a high level drowns in the new
 * noise, where Euler carries it on to the end. It needs more steps than Euler to draw fine detail.
 *
 * The same step as diffusers' FlowMatchEulerDiscreteScheduler with `stochastic_sampling`, and as ComfyUI's `lcm`.
 *
 * @throws the signal's reason on abort; DiffusionError 'diffusion/no-noise' without `freshNoise`,
 *   'diffusion/bad-sigmas' | 'diffusion/bad-state' | 'diffusion/not-finite'
 * @see Luo et al. 2023, arXiv:2310.04378 (multistep consistency sampling); Song et al. 2023, arXiv:2303.01469, algorithm 1
 */
export function sampleStochastic(options: SamplerOptions): Promise<SamplerState> {
  const { freshNoise } = options;
  if (freshNoise === undefined)
    throw new DiffusionError(
      'diffusion/no-noise',
      'This sampler needs noise for every step, and was given none.',
    );
  const lastStep = options.sigmas.length - 2;
  let fresh: Tensor<'float32'> | undefined;
  return walkSigmas(
    options,
    ({ sample, velocity, sigma, sigmaNext }) => {
      const clean = estimateClean(sample, velocity, sigma);
      return { sample: fresh === undefined ? clean : addFlowNoise(clean, fresh, sigmaNext), clean };
    },
    // Drawing takes a few percent of a small model's time; nothing is put on the result.
    (step) => {
      fresh = step < lastStep ? freshNoise(step) : undefined;
    },
  );
}
