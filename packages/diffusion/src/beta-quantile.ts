/** Quantiles of the beta distribution, for noise levels that are dense at both ends. */

/** Digits of the fraction; it converges in some dozen terms. */
const smallest = 1e-300;
const closeEnough = 1e-16;
const mostTerms = 300;

/**
 * ln Gamma(x) for x > 0, by Lanczos' series with g = 7 and nine terms.
 *
 * @see Lanczos 1964, SIAM J. Numer. Anal. 1, 86; coefficients by Godfrey
 */
function logGamma(x: number): number {
  const coefficients = [
    676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406, 12.507343278686905,
    -0.13857109526572012, 9.984369578019572e-6, 1.5056327351493116e-7,
  ];
  const at = x - 1;
  const base = at + 7.5;
  const sum = coefficients.reduce((total, c, i) => total + c / (at + i + 1), 0.9999999999998099);
  return 0.5 * Math.log(2 * Math.PI) + (at + 0.5) * Math.log(base) - base + Math.log(sum);
}

/**
 * The regularised incomplete beta function I_x(a, b), by its continued fraction (Lentz' method).
 *
 * @see Abramowitz & Stegun 1964, 26.5.8
 */
function betaDistribution(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - betaDistribution(1 - x, b, a);
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x));
  const away = (value: number): number => (Math.abs(value) < smallest ? smallest : value);
  let c = 1;
  let d = 1 / away(1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  for (let m = 1; m <= mostTerms; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / away(1 + even * d);
    c = away(1 + even / c);
    fraction *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away(1 + odd * d);
    c = away(1 + odd / c);
    fraction *= d * c;
    if (Math.abs(d * c - 1) < closeEnough) break;
  }
  return (front * fraction) / a;
}

/**
 * The x with I_x(a, b) = probability, by bisection: the distribution rises from 0 to 1.
 *
 * @param probability 0 … 1
 * @param a above 0
 * @param b above 0
 */
export function betaQuantile(probability: number, a: number, b: number): number {
  if (probability <= 0) return 0;
  if (probability >= 1) return 1;
  // Its middle, which bisection would miss by a rounding.
  if (probability === 0.5 && a === b) return 0.5;
  let [low, high] = [0, 1];
  for (let i = 0; i < 1100 && low < high; i++) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) break;
    if (betaDistribution(middle, a, b) < probability) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
