/** Sampling that trusts only the clean latent of each step, and puts new noise on it. */
import { addNoise } from './add-noise.ts';
import type { SamplerOptions, SamplerState } from './sampler.ts';
import { cleanOf, walkWithNoise } from './walk-sigmas.ts';

/**
 * x' = alphaNext x0 + sigmaNext noise, for a flow with x0 = x - sigma v: one model call per step, as Euler, but the
 * noise is new each time. A small or distilled model gains by it: what it did wrong at a high level drowns in the new
 * noise, where Euler carries it on to the end. It needs more steps than Euler to draw fine detail.
 *
 * The same step as diffusers' FlowMatchEulerDiscreteScheduler with `stochastic_sampling`, as its FlowMatchLCMScheduler,
 * and as ComfyUI's `lcm`.
 *
 * @throws the signal's reason on abort; DiffusionError 'diffusion/no-noise' without `freshNoise`,
 *   'diffusion/bad-sigmas' | 'diffusion/bad-state' | 'diffusion/not-finite'
 * @see Luo et al. 2023, arXiv:2310.04378 (multistep consistency sampling); Song et al. 2023, arXiv:2303.01469, algorithm 1
 */
export function sampleStochastic(options: SamplerOptions): Promise<SamplerState> {
  return walkWithNoise(options, ({ parametrisation, sample, output, sigma, sigmaNext }, fresh) => {
    const clean = cleanOf(parametrisation, sample, output, sigma);
    return {
      sample: fresh === undefined ? clean : addNoise(parametrisation, clean, fresh, sigmaNext),
      clean,
    };
  });
}
