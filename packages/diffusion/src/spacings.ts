/** Ways to lay noise levels between two bounds, whatever path they are levels of. All fall from `highest`. */
import { betaQuantile } from './beta-quantile.ts';

/** `count` numbers from `first` to `last` in equal steps; `first` alone for one. */
export function linearly(first: number, last: number, count: number): number[] {
  if (count === 1) return [first];
  return Array.from({ length: count }, (_, i) =>
    i === count - 1 ? last : first + ((last - first) / (count - 1)) * i,
  );
}

/** Bounds, both of them levels. */
export interface SigmaBounds {
  readonly highest: number;
  readonly lowest: number;
}

/**
 * (max^(1/7) + t (min^(1/7) - max^(1/7)))^7 for t from 0 to 1: dense at low levels.
 *
 * @see Karras et al. 2022, arXiv:2206.00364, eq. 5
 */
export function karrasSigmas({ highest, lowest }: SigmaBounds, count: number): number[] {
  const rho = 7;
  const [top, bottom] = [highest ** (1 / rho), lowest ** (1 / rho)];
  return linearly(0, 1, count).map((t) => (top + t * (bottom - top)) ** rho);
}

/** Levels whose logarithms are in equal steps. */
export function exponentialSigmas({ highest, lowest }: SigmaBounds, count: number): number[] {
  return linearly(Math.log(highest), Math.log(lowest), count).map(Math.exp);
}

/**
 * Levels at the quantiles of a beta distribution, dense at both ends.
 *
 * @see Lee et al. 2024, arXiv:2407.12173 ("Beta sampling is all you need"), with a = b = 0.6
 */
export function betaSigmas({ highest, lowest }: SigmaBounds, count: number): number[] {
  return linearly(0, 1, count).map((t) => lowest + betaQuantile(1 - t, 0.6, 0.6) * (highest - lowest));
}

/**
 * `count` levels from 1: the first half falls to 1 - threshold in equal steps, the rest by a parabola that goes on with
 * the same slope and reaches 0 after `count` steps.
 *
 * @see Polyak et al. 2024, arXiv:2410.13720 (Movie Gen, linear-quadratic schedule); as in Mochi and LTX-Video
 */
export function linearQuadraticSigmas(count: number, threshold = 0.025): number[] {
  if (count === 1) return [1];
  const linear = Math.floor(count / 2);
  const rest = count - linear;
  const slope = threshold / linear;
  const bend = (linear - threshold * count) / (linear * rest * rest);
  const tilt = slope - (2 * (linear - threshold * count)) / (rest * rest);
  return Array.from({ length: count }, (_, i) =>
    i < linear ? 1 - i * slope : 1 - (bend * i * i + tilt * i + bend * linear * linear),
  );
}
