/**
 * What DPM-Solver++ and UniPC share: steps that solve the linear part of the ODE exactly and follow what is left, the
 * clean latent or the noise as the model sees it, by a polynomial through earlier steps.
 *
 * With w the weight in x of what is followed, r that of the other, and time = ln(w / r) (for the clean latent the
 * log signal-to-noise ratio, for the noise its negative):
 *
 *   x' = (r' / r) x - w' expm1(-h) m + …, h = time' - time.
 *
 * @see Lu et al. 2022, arXiv:2211.01095 (DPM-Solver++), proposition 4.1; Zhao et al. 2023, arXiv:2302.04867 (UniPC)
 */
import type { Tensor } from '@reelgraph/tensor';
import { weightedSum } from './arithmetic.ts';
import { DiffusionError } from './errors.ts';
import { logSignalToNoise, noiseWeights, type Parametrisation, signalAt } from './parametrisation.ts';
import type { SamplerMemory, SamplerSettings } from './sampler.ts';
import { cleanOf, type StepInterval } from './walk-sigmas.ts';

type Followed = NonNullable<SamplerSettings['follows']>;

/** A noise level as an integrator sees it. */
export interface IntegratorLevel {
  readonly weight: number;
  readonly rest: number;
  readonly time: number;
}

/** @param follows 'clean' when absent */
export function integratorLevel(
  parametrisation: Parametrisation,
  sigma: number,
  follows: Followed = 'clean',
): IntegratorLevel {
  const alpha = signalAt(parametrisation, sigma);
  const time = logSignalToNoise(parametrisation, sigma);
  return follows === 'clean'
    ? { weight: alpha, rest: sigma, time }
    : { weight: sigma, rest: alpha, time: -time };
}

/** The clean latent or the noise that the model sees. */
export function followedOf(interval: StepInterval, follows: Followed = 'clean'): Tensor<'float32'> {
  const { parametrisation, sample, output, sigma } = interval;
  if (follows === 'clean') return cleanOf(parametrisation, sample, output, sigma);
  const [ofSample, ofOutput] = noiseWeights(parametrisation, sigma);
  return weightedSum(ofSample, sample, ofOutput, output);
}

const nameOf = (ago: number): string => `seen${ago}`;

/**
 * What earlier steps followed, the last first: `count` of them, or as many as there were.
 *
 * @throws DiffusionError 'diffusion/bad-state' when the memory is of another method
 */
export function recall(memory: SamplerMemory, step: number, count: number): Tensor<'float32'>[] {
  return Array.from({ length: Math.min(count, step) }, (_, i) => recallTensor(memory, nameOf(i + 1), step));
}

/** @throws DiffusionError 'diffusion/bad-state' when it is not there */
export function recallTensor(memory: SamplerMemory, name: string, step: number): Tensor<'float32'> {
  const value = memory[name];
  if (typeof value === 'object' && isFloat(value)) return value;
  throw new DiffusionError(
    'diffusion/bad-state',
    `Sampling cannot go on after step ${step}: it was begun with another sampler or with other settings.`,
  );
}

function isFloat(value: Tensor): value is Tensor<'float32'> {
  return value.dtype === 'float32';
}

/** What the next step recalls: this one's and those of `earlier`, `count` in all. */
export function remember(
  seen: Tensor<'float32'>,
  earlier: readonly Tensor<'float32'>[],
  count: number,
): Record<string, Tensor<'float32'>> {
  const kept = [seen, ...earlier].slice(0, count);
  return Object.fromEntries(kept.map((value, i) => [nameOf(i + 1), value]));
}

/**
 * The order of a method that reaches back to the first step.
 *
 * @throws DiffusionError 'diffusion/bad-setting' unless it is 1, 2 or 3
 */
export function expectOrder(order: number): number {
  if (order === 1 || order === 2 || order === 3) return order;
  throw new DiffusionError('diffusion/bad-setting', `The order of a sampler is 1, 2 or 3, got ${order}.`);
}
