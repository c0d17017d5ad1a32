/** Euler's method that goes too far down and comes back up with new noise. */
import { sumOf } from './arithmetic.ts';
import { cleanWeights, noiseWeights, signalAt } from './parametrisation.ts';
import type { SamplerOptions, SamplerState } from './sampler.ts';
import { type StepInterval, walkWithNoise } from './walk-sigmas.ts';

/**
 * The ratio of noise to signal that a step goes down to before it is raised to that of `sigmaNext`. With eta 0 it is
 * the latter: Euler.
 *
 * A flow goes down to sigma' (1 + eta (sigma' / sigma - 1)); where the variance is kept, r = sigma / alpha goes to
 * sqrt(r'^2 - eta^2 r'^2 (r^2 - r'^2) / r^2).
 */
function ratioDown({ parametrisation, sigma, sigmaNext, settings: { eta = 1 } }: StepInterval): number {
  if (parametrisation === 'flow') {
    const down = sigmaNext * (1 + eta * (sigmaNext / sigma - 1));
    return down / (1 - down);
  }
  const next = sigmaNext / signalAt(parametrisation, sigmaNext);
  // (r' / r)^2, also where r is infinite.
  const share = ((next * signalAt(parametrisation, sigma)) / sigma) ** 2;
  return next * Math.sqrt(Math.max(0, 1 - eta * eta * (1 - share)));
}

/**
 * x' = alpha' (x0 + down eps + up noise) with up^2 = (sigma' / alpha')^2 - down^2.
 *
 * Settings: `eta` (1), `noiseScale` (1).
 *
 * @throws the signal's reason on abort; DiffusionError 'diffusion/no-noise' without `freshNoise`,
 *   'diffusion/bad-sigmas' | 'diffusion/bad-state' | 'diffusion/not-finite'
 * @see Karras et al. 2022, arXiv:2206.00364, and its use in k-diffusion (`sample_euler_ancestral`); for flows ComfyUI's
 *   and diffusers' LTXEulerAncestralRFScheduler (the formula)
 */
export function sampleEulerAncestral(options: SamplerOptions): Promise<SamplerState> {
  return walkWithNoise(options, (interval, fresh) => {
    const { parametrisation, sample, output, sigma, sigmaNext, settings } = interval;
    const clean = cleanWeights(parametrisation, sigma);
    if (fresh === undefined)
      return {
        sample: sumOf([
          [clean[0], sample],
          [clean[1], output],
        ]),
      };
    const noise = noiseWeights(parametrisation, sigma);
    const alphaNext = signalAt(parametrisation, sigmaNext);
    const down = alphaNext * ratioDown(interval);
    const up = Math.sqrt(Math.max(0, sigmaNext * sigmaNext - down * down));
    return {
      sample: sumOf([
        [alphaNext * clean[0] + down * noise[0], sample],
        [alphaNext * clean[1] + down * noise[1], output],
        [up * (settings.noiseScale ?? 1), fresh],
      ]),
    };
  });
}
