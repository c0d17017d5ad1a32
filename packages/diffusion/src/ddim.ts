/** Steps that keep as much of the seen noise as they like and draw the rest anew. */
import type { Tensor } from '@reelgraph/tensor';
import { sumOf } from './arithmetic.ts';
import { deterministicStep } from './euler.ts';
import { noiseWeights, signalAt } from './parametrisation.ts';
import type { SamplerOptions, SamplerState } from './sampler.ts';
import { cleanOf, type StepInterval, type StepResult, walkSigmas, walkWithNoise } from './walk-sigmas.ts';

/**
 * x' = alpha' x0 + sqrt(sigma'^2 - s^2) eps + s noise, s = eta sqrt(sigma'^2 / sigma^2 (1 - alpha^2 / alpha'^2)).
 *
 * Settings: `eta` (0, no noise is drawn), `clip` (none): x0 is held within it, eps stays what the model said.
 *
 * With eta 0 it is diffusers' CogVideoXDDIMScheduler too, whose a_t x + b_t x0 is the same sum.
 *
 * @throws the signal's reason on abort; DiffusionError 'diffusion/no-noise' with an eta above 0 and no `freshNoise`,
 *   'diffusion/bad-sigmas' | 'diffusion/bad-state' | 'diffusion/not-finite'
 * @see Song et al. 2020, arXiv:2010.02502, eq. 12 and 16
 */
export function sampleDdim(options: SamplerOptions): Promise<SamplerState> {
  const { eta = 0 } = options.settings ?? {};
  if (eta > 0) return walkWithNoise(options, (interval, fresh) => ddimStep(interval, eta, fresh));
  return walkSigmas(options, (interval) => ddimStep(interval, 0));
}

function ddimStep(interval: StepInterval, eta: number, fresh?: Tensor<'float32'>): StepResult {
  const { parametrisation, sample, output, sigma, sigmaNext, settings } = interval;
  if (eta === 0 && settings.clip === undefined)
    return { sample: deterministicStep(parametrisation, sample, output, sigma, sigmaNext) };
  const clean = cleanOf(parametrisation, sample, output, sigma);
  const held = settings.clip === undefined ? clean : clip(clean, settings.clip);
  const [alpha, alphaNext] = [signalAt(parametrisation, sigma), signalAt(parametrisation, sigmaNext)];
  const deviation = eta * (sigmaNext / sigma) * Math.sqrt(Math.max(0, 1 - (alpha / alphaNext) ** 2));
  const kept = Math.sqrt(Math.max(0, sigmaNext ** 2 - deviation ** 2));
  const noise = noiseWeights(parametrisation, sigma);
  return {
    sample: sumOf([
      [alphaNext, held],
      [kept * noise[0], sample],
      [kept * noise[1], output],
      ...(fresh === undefined ? [] : [[deviation, fresh] as const]),
    ]),
    clean: held,
  };
}

/** @returns a new tensor with every element within plus and minus `bound` */
export function clip(value: Tensor<'float32'>, bound: number): Tensor<'float32'> {
  const data = value.data.map((element) => Math.min(bound, Math.max(-bound, element)));
  return { dtype: 'float32', shape: value.shape, data };
}
