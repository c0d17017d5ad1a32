/**
 * Schedules of flow-matching models: which noise levels a sampler visits.
 *
 * diffusers calls this part "scheduler" together with the sampler; here a scheduler only makes `sigmas`.
 */
import { betaQuantile } from './beta-quantile.ts';
import { DiffusionError } from './errors.ts';
import { exponentialSigmas, karrasSigmas, linearly, linearQuadraticSigmas } from './spacings.ts';

/** Timestep of sigma 1, the scale on which flow models were trained. */
export const trainTimesteps = 1000;

/**
 * Moves a noise level towards 1, so that more steps are spent where the layout of the picture is decided:
 * s(x) = k x / (1 + (k - 1) x).
 *
 * @param sigma 0 … 1
 * @param shift k > 0; 1 changes nothing, real models use 3 to 17
 * @see Esser et al. 2024, arXiv:2403.03206, eq. 23 (resolution-dependent shift)
 */
export function shiftSigma(sigma: number, shift: number): number {
  return (shift * sigma) / (1 + (shift - 1) * sigma);
}

/** Sigma as the number the model is fed: 0 … 1000. */
export function sigmaToTimestep(sigma: number): number {
  return sigma * trainTimesteps;
}

/** @throws DiffusionError 'diffusion/bad-steps' unless it is a whole number from 1 on */
export function expectSteps(steps: number): number {
  if (Number.isInteger(steps) && steps >= 1) return steps;
  throw new DiffusionError('diffusion/bad-steps', `Sampling takes at least 1 step, got ${steps}.`);
}

/** @throws DiffusionError 'diffusion/bad-shift' unless it is above 0 */
export function expectShift(shift: number): number {
  if (shift > 0 && Number.isFinite(shift)) return shift;
  throw new DiffusionError('diffusion/bad-shift', `The shift is a number above 0, got ${shift}.`);
}

/**
 * Which levels the steps of a flow take. Levels of `uniform` and `train` are unshifted, so that with a strength they
 * begin anywhere; the others are those of ComfyUI's schedulers of the same name for a flow model.
 * - `uniform`: 1, (n-1)/n, … 1/n — every step covers the same share of the way
 * - `train`: from 1 down to the lowest trained level, 1/1000, as diffusers' `set_timesteps(n)`; its end
 *   points are already shifted once before the shift is applied
 * - `simple`: every 1000/n-th of the 1000 trained levels, from the highest
 * - `normal`: as `train`; `sgm_uniform`: so with one step more, whose last level is left out
 * - `karras`, `exponential`, `beta`: see `spacings.ts`, between 1 and the lowest trained level; `beta` takes the
 *   nearest trained levels, each once, so that there may be fewer steps
 * - `linear_quadratic`: see `spacings.ts`; unshifted
 */
export const sigmaSpacings = [
  'uniform',
  'train',
  'simple',
  'normal',
  'sgm_uniform',
  'karras',
  'exponential',
  'beta',
  'linear_quadratic',
] as const;
export type SigmaSpacing = (typeof sigmaSpacings)[number];

/** The spacing of that name, or undefined. */
export function findSpacing(name: string): SigmaSpacing | undefined {
  return sigmaSpacings.find((spacing) => spacing === name);
}

/**
 * Noise levels for `steps` steps: descending, `steps + 1` values, the last is 0. With a strength below 1 there are
 * fewer: the same pace over the rest of the way, `max(1, round(steps * strength))` steps.
 *
 * @param options.shift    see {@link shiftSigma}; 1 when absent
 * @param options.strength unshifted level of the first step, above 0 to 1; 1 (all noise) when absent. A clip noised to
 *   the first sigma keeps the more of itself the lower it is. Spacings other than `uniform` and `train` take the last
 *   of their steps instead
 * @throws DiffusionError 'diffusion/bad-steps' | 'diffusion/bad-shift' | 'diffusion/bad-strength'
 * @see diffusers FlowMatchEulerDiscreteScheduler; ComfyUI comfy/samplers.py (the formulas, not their code)
 */
export function flowSigmas(options: {
  steps: number;
  shift?: number;
  spacing?: SigmaSpacing;
  strength?: number;
}): readonly number[] {
  const { spacing = 'uniform', strength = 1 } = options;
  const steps = expectSteps(options.steps);
  const shift = expectShift(options.shift ?? 1);
  if (!(strength > 0 && strength <= 1)) {
    throw new DiffusionError(
      'diffusion/bad-strength',
      `The strength is a number above 0 and up to 1, got ${strength}.`,
    );
  }
  const count = Math.max(1, Math.round(steps * strength));
  if (spacing !== 'uniform' && spacing !== 'train') {
    const levels = spacedLevels(spacing, steps, shift);
    return [...levels.slice(-count), 0];
  }
  const first = strength;
  const last = spacing === 'uniform' ? strength / count : shiftSigma(1 / trainTimesteps, shift);
  const sigmas: number[] = [];
  for (let i = 0; i < count; i++) {
    const level = count === 1 ? first : first + ((last - first) * i) / (count - 1);
    sigmas.push(shiftSigma(level, shift));
  }
  sigmas.push(0);
  return sigmas;
}

/** Levels above 0. */
function spacedLevels(
  spacing: Exclude<SigmaSpacing, 'uniform' | 'train'>,
  steps: number,
  shift: number,
): number[] {
  const lowest = shiftSigma(1 / trainTimesteps, shift);
  const bounds = { highest: 1, lowest };
  switch (spacing) {
    case 'simple':
      return simpleLevels(steps).map((level) => shiftSigma(level, shift));
    case 'normal':
      return linearly(1, lowest, steps).map((level) => shiftSigma(level, shift));
    case 'sgm_uniform':
      return linearly(1, lowest, steps + 1)
        .slice(0, -1)
        .map((level) => shiftSigma(level, shift));
    case 'karras':
      return karrasSigmas(bounds, steps);
    case 'exponential':
      return exponentialSigmas(bounds, steps);
    case 'beta':
      return betaLevels(steps).map((level) => shiftSigma(level, shift));
    case 'linear_quadratic':
      return linearQuadraticSigmas(steps);
  }
}

/** Every so many of the trained levels, unshifted; each once where there are more steps than levels. */
function simpleLevels(steps: number): number[] {
  const stride = trainTimesteps / steps;
  const places = Array.from({ length: steps }, (_, i) => trainTimesteps - Math.floor(i * stride));
  return [...new Set(places)].map((place) => place / trainTimesteps);
}

/** Trained levels, unshifted, at the quantiles of the beta distribution; each once. */
function betaLevels(steps: number): number[] {
  const last = trainTimesteps - 1;
  const places = Array.from({ length: steps }, (_, i) =>
    Math.round(betaQuantile(1 - i / steps, 0.6, 0.6) * last),
  );
  return [...new Set(places)].map((place) => (place + 1) / trainTimesteps);
}

/**
 * Checks a schedule that came from elsewhere.
 *
 * @param partial it may end above 0, stay at a level, or rise all the way
 * @throws DiffusionError 'diffusion/bad-sigmas' unless it has two or more values, falls all the way and ends at 0
 */
export function checkSigmas(sigmas: readonly number[], partial = false): void {
  const follows = (order: (sigma: number, before: number) => boolean): boolean =>
    sigmas.every((sigma, i) => Number.isFinite(sigma) && (i === 0 || order(sigma, sigmas[i - 1]!)));
  const isWalk = partial
    ? follows((sigma, before) => sigma <= before) || follows((sigma, before) => sigma >= before)
    : follows((sigma, before) => sigma < before) && sigmas.at(-1) === 0;
  if (sigmas.length >= 2 && isWalk) return;
  const found = `got [${sigmas.slice(0, 8).join(', ')}${sigmas.length > 8 ? ', …' : ''}]`;
  throw new DiffusionError(
    'diffusion/bad-sigmas',
    partial
      ? `A schedule has two or more noise levels, which fall or rise all the way; ${found}.`
      : `A schedule has two or more noise levels, each lower than the one before, and ends at 0; ${found}.`,
  );
}
