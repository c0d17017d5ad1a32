/**
 * Schedules of flow-matching models: which noise levels a sampler visits.
 *
 * diffusers calls this part "scheduler" together with the sampler; here a scheduler only makes `sigmas`.
 */
import { DiffusionError } from './errors.ts';

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

/**
 * Which unshifted levels the steps take.
 * - `uniform`: 1, (n-1)/n, … 1/n — every step covers the same share of the way
 * - `train`: from 1 down to the lowest trained level, 1/1000, as diffusers' `set_timesteps(n)`; its end
 *   points are already shifted once before the shift is applied
 */
export type SigmaSpacing = 'uniform' | 'train';

/**
 * Noise levels for `steps` steps: descending, `steps + 1` values, the last is 0. With a strength below 1 there are
 * fewer: the same pace over the rest of the way, `max(1, round(steps * strength))` steps.
 *
 * @param options.shift    see {@link shiftSigma}; 1 when absent
 * @param options.strength unshifted level of the first step, above 0 to 1; 1 (all noise) when absent. A clip noised to
 *   the first sigma keeps the more of itself the lower it is
 * @throws DiffusionError 'diffusion/bad-steps' | 'diffusion/bad-shift' | 'diffusion/bad-strength'
 * @see diffusers FlowMatchEulerDiscreteScheduler (the formulas, not its code)
 */
export function flowSigmas(options: {
  steps: number;
  shift?: number;
  spacing?: SigmaSpacing;
  strength?: number;
}): readonly number[] {
  const { steps, shift = 1, spacing = 'uniform', strength = 1 } = options;
  if (!Number.isInteger(steps) || steps < 1) {
    throw new DiffusionError('diffusion/bad-steps', `Sampling takes at least 1 step, got ${steps}.`);
  }
  if (!(shift > 0 && Number.isFinite(shift))) {
    throw new DiffusionError('diffusion/bad-shift', `The shift is a number above 0, got ${shift}.`);
  }
  if (!(strength > 0 && strength <= 1)) {
    throw new DiffusionError(
      'diffusion/bad-strength',
      `The strength is a number above 0 and up to 1, got ${strength}.`,
    );
  }
  const count = Math.max(1, Math.round(steps * strength));
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

/**
 * Checks a schedule that came from elsewhere.
 *
 * @throws DiffusionError 'diffusion/bad-sigmas' unless it has two or more values, falls all the way and ends at 0
 */
export function checkSigmas(sigmas: readonly number[]): void {
  const falls = sigmas.every(
    (sigma, i) => Number.isFinite(sigma) && (i === 0 || sigma < (sigmas[i - 1] ?? 0)),
  );
  if (sigmas.length < 2 || !falls || sigmas.at(-1) !== 0) {
    throw new DiffusionError(
      'diffusion/bad-sigmas',
      `A schedule has two or more noise levels, each lower than the one before, and ends at 0; got [${sigmas
        .slice(0, 8)
        .join(', ')}${sigmas.length > 8 ? ', …' : ''}].`,
    );
  }
}
