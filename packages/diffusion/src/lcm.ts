/** Sampling of latent consistency models: each step names the clean latent and is noised to the next level. */

import { addNoise } from './add-noise.ts';
import { weightedSum } from './arithmetic.ts';
import { clip } from './ddim.ts';
import type { SamplerOptions, SamplerState } from './sampler.ts';
import { cleanOf, walkWithNoise } from './walk-sigmas.ts';

/** Standard deviation of the data that the boundary condition was written for. */
const dataDeviation = 0.5;

/**
 * x0' = c_out x0 + c_skip x, x' = alpha' x0' + sigma' noise; c_skip = d^2 / ((k t)^2 + d^2) and
 * c_out = k t / sqrt((k t)^2 + d^2) make the model an identity at t = 0, with t the timestep, d = 0.5.
 *
 * Settings: `timestepScaling` k (10), `clip` (none).
 *
 * @throws the signal's reason on abort; DiffusionError 'diffusion/no-noise' without `freshNoise`,
 *   'diffusion/bad-sigmas' | 'diffusion/bad-state' | 'diffusion/not-finite'
 * @see Luo et al. 2023, arXiv:2310.04378, eq. 9 and algorithm 3; Song et al. 2023, arXiv:2303.01469, appendix C
 */
export function sampleLcm(options: SamplerOptions): Promise<SamplerState> {
  const { timestepScaling = 10, clip: bound } = options.settings ?? {};
  return walkWithNoise(options, ({ parametrisation, sample, output, sigma, sigmaNext, timestep }, fresh) => {
    const seen = cleanOf(parametrisation, sample, output, sigma);
    const scaled = timestep * timestepScaling;
    const norm = scaled * scaled + dataDeviation * dataDeviation;
    const clean = weightedSum(
      scaled / Math.sqrt(norm),
      bound === undefined ? seen : clip(seen, bound),
      (dataDeviation * dataDeviation) / norm,
      sample,
    );
    return {
      sample: fresh === undefined ? clean : addNoise(parametrisation, clean, fresh, sigmaNext),
      clean,
    };
  });
}
