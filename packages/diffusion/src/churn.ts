/** Euler's method with a little new noise before every step, for models that say the noise. */
import { sumOf } from './arithmetic.ts';
import { DiffusionError } from './errors.ts';
import { signalAt } from './parametrisation.ts';
import type { SamplerOptions, SamplerState } from './sampler.ts';
import { walkWithNoise } from './walk-sigmas.ts';

/**
 * In y = x / alpha and r = sigma / alpha: y is raised to r_hat = r (1 + gamma) by noise of variance r_hat^2 - r^2, then
 * goes from there to r' along the noise that the model saw at y. gamma = min(churn / steps, sqrt 2 - 1).
 *
 * Settings: `churn` (0), `noiseScale` (1).
 *
 * @throws the signal's reason on abort; DiffusionError 'diffusion/no-noise' without `freshNoise`,
 *   'diffusion/bad-setting' for a model that does not say the noise,
 *   'diffusion/bad-sigmas' | 'diffusion/bad-state' | 'diffusion/not-finite'
 * @see Karras et al. 2022, arXiv:2206.00364, algorithm 2; the model is asked before the noise is added, as by diffusers'
 *   EulerDiscreteScheduler
 */
export function sampleEulerChurn(options: SamplerOptions): Promise<SamplerState> {
  if (options.parametrisation !== 'epsilon')
    throw new DiffusionError('diffusion/bad-setting', 'Churn is for models that say the noise (epsilon).');
  const { churn = 0, noiseScale = 1 } = options.settings ?? {};
  const steps = options.sigmas.length - 1;
  const gamma = Math.min(churn / steps, Math.SQRT2 - 1);
  return walkWithNoise(
    options,
    ({ parametrisation, sample, output, sigma, sigmaNext }, fresh) => {
      const [alpha, alphaNext] = [signalAt(parametrisation, sigma), signalAt(parametrisation, sigmaNext)];
      const ratio = sigma / alpha;
      const raised = ratio * (1 + gamma);
      const added = alphaNext * noiseScale * Math.sqrt(raised ** 2 - ratio ** 2);
      return {
        sample: sumOf([
          [alphaNext / alpha, sample],
          [sigmaNext - alphaNext * raised, output],
          ...(fresh === undefined ? [] : [[added, fresh] as const]),
        ]),
      };
    },
    { forCleanEnd: true },
  );
}
