/**
 * What a model was trained on, apart from how a sampler walks: how noise is put on a clean latent, and what the model
 * says of a noised one. With `alpha` the share of the clean latent and `sigma` that of the noise,
 *
 *   x = alpha x0 + sigma eps,
 *
 * a flow takes the straight path, alpha = 1 - sigma, and the others keep the variance, alpha^2 + sigma^2 = 1. Both go
 * from sigma 1, all noise, to sigma 0. The third path in use, x0 + s eps with s up to infinity, is the second one
 * with x divided by alpha; programs that walk it give the model the divided sample, so nothing is lost here.
 */

/**
 * What the output of the model is.
 * - `flow`: eps - x0, the velocity dx / dsigma of the straight path
 * - `v`: alpha eps - sigma x0, the velocity along a path of constant variance
 * - `epsilon`: the noise
 * - `x0`: the clean latent
 *
 * @see Liu et al. 2022, arXiv:2209.03003 (flow); Salimans & Ho 2022, arXiv:2202.00512, appendix D (v, epsilon, x0)
 */
export type Parametrisation = 'flow' | 'v' | 'epsilon' | 'x0';

/** Weights of a sum of the sample and the model's output. */
export type OutputWeights = readonly [ofSample: number, ofOutput: number];

/** alpha at a noise level from 0 to 1. */
export function signalAt(parametrisation: Parametrisation, sigma: number): number {
  return parametrisation === 'flow' ? 1 - sigma : Math.sqrt((1 - sigma) * (1 + sigma));
}

/** x0 = ofSample x + ofOutput output. */
export function cleanWeights(parametrisation: Parametrisation, sigma: number): OutputWeights {
  const alpha = signalAt(parametrisation, sigma);
  switch (parametrisation) {
    case 'flow':
      return [1, -sigma];
    case 'v':
      return [alpha, -sigma];
    case 'epsilon':
      return [1 / alpha, -sigma / alpha];
    case 'x0':
      return [0, 1];
  }
}

/** eps = ofSample x + ofOutput output. */
export function noiseWeights(parametrisation: Parametrisation, sigma: number): OutputWeights {
  const alpha = signalAt(parametrisation, sigma);
  switch (parametrisation) {
    case 'flow':
      return [1, alpha];
    case 'v':
      return [sigma, alpha];
    case 'epsilon':
      return [0, 1];
    case 'x0':
      return [1 / sigma, -alpha / sigma];
  }
}

/** ln(alpha / sigma), half the logarithm of the signal-to-noise ratio: the time of exponential integrators. */
export function logSignalToNoise(parametrisation: Parametrisation, sigma: number): number {
  return Math.log(signalAt(parametrisation, sigma)) - Math.log(sigma);
}

/** The level of a path of constant variance at which noise and signal have the ratio `ratio`, 0 to infinity. */
export function sigmaOfRatio(ratio: number): number {
  return Number.isFinite(ratio) ? ratio / Math.sqrt(1 + ratio * ratio) : 1;
}

/** Whether the levels of a path of constant variance are meant, not of the straight one. */
export function keepsVariance(parametrisation: Parametrisation): boolean {
  return parametrisation !== 'flow';
}
