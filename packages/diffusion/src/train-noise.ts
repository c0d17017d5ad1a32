/**
 * The share of the clean latent at every timestep that a model was trained on, from its betas: alpha_bar, the product
 * of 1 - beta up to there.
 *
 * torch keeps them in float32, and its roundings move the levels by up to 1e-6; they are made here as there.
 */
import { DiffusionError } from './errors.ts';

/** Plain data. */
export interface TrainNoise {
  /** 1000 for all models known. */
  readonly steps: number;
  readonly betaStart: number;
  readonly betaEnd: number;
  readonly betas: 'linear' | 'scaled_linear' | 'squaredcos_cap_v2';
  /** Whether the last timestep is all noise: Lin et al. 2023, arXiv:2305.08891, algorithm 1. */
  readonly zeroSnr?: true;
  /**
   * As CogVideoX: in doubles, with the ratio of signal to noise divided by this before `zeroSnr`, a / (s + (1 - s) a).
   */
  readonly snrShift?: number;
}

const f = Math.fround;

/** torch.linspace in float32: from both ends, so that they are met. */
function linspace32(first: number, last: number, count: number): number[] {
  const [start, end] = [f(first), f(last)];
  const step = f(f(end - start) / (count - 1));
  return Array.from({ length: count }, (_, i) =>
    i < count / 2 ? f(start + f(step * i)) : f(end - f(step * (count - 1 - i))),
  );
}

function betasOf({ steps, betaStart, betaEnd, betas }: TrainNoise, isDouble: boolean): number[] {
  switch (betas) {
    case 'linear':
      return linspace32(betaStart, betaEnd, steps);
    case 'scaled_linear': {
      const [start, end] = [Math.sqrt(betaStart), Math.sqrt(betaEnd)];
      if (!isDouble) return linspace32(start, end, steps).map((root) => f(root * root));
      return Array.from({ length: steps }, (_, i) => (start + ((end - start) / (steps - 1)) * i) ** 2);
    }
    case 'squaredcos_cap_v2': {
      // Nichol & Dhariwal 2021, arXiv:2102.09672, eq. 17
      const bar = (t: number): number => Math.cos((((t + 0.008) / 1.008) * Math.PI) / 2) ** 2;
      return Array.from({ length: steps }, (_, i) =>
        f(Math.min(1 - bar((i + 1) / steps) / bar(i / steps), 0.999)),
      );
    }
  }
}

/** Products in doubles, kept in float32: what torch.cumprod does on a CPU. */
function productsOf(betas: readonly number[], round: (value: number) => number): number[] {
  let product = 1;
  return betas.map((beta) => {
    product *= round(1 - beta);
    return round(product);
  });
}

/** The square roots moved and stretched, so that the last is 0 and the first stays. */
function toZeroSnr(bars: readonly number[], round: (value: number) => number): number[] {
  const roots = bars.map((bar) => round(Math.sqrt(bar)));
  const [first, last] = [roots[0]!, roots.at(-1)!];
  const stretch = round(first / round(first - last));
  return roots.map((root) => round(round(round(root - last) * stretch) ** 2));
}

/**
 * alpha_bar by timestep, falling from almost 1.
 *
 * @throws DiffusionError 'diffusion/bad-setting' when the betas are not between 0 and 1
 */
export function trainedSignal(noise: TrainNoise): readonly number[] {
  const { steps, betaStart, betaEnd, snrShift } = noise;
  const isFit =
    Number.isInteger(steps) &&
    steps >= 2 &&
    steps <= 100_000 &&
    0 < betaStart &&
    betaStart <= betaEnd &&
    betaEnd < 1;
  if (!isFit)
    throw new DiffusionError(
      'diffusion/bad-setting',
      `A model is trained on 2 or more timesteps with betas from above 0 to below 1; got ${steps} from ${betaStart} to ${betaEnd}.`,
    );
  if (snrShift !== undefined) {
    const isDouble = noise.betas === 'scaled_linear';
    const exact = (value: number): number => value;
    const bars = productsOf(betasOf(noise, isDouble), isDouble ? exact : f).map(
      (bar) => bar / (snrShift + (1 - snrShift) * bar),
    );
    return noise.zeroSnr === true ? toZeroSnr(bars, exact) : bars;
  }
  const betas = betasOf(noise, false);
  if (noise.zeroSnr !== true) return productsOf(betas, f);
  const bars = toZeroSnr(productsOf(betas, f), f);
  const again = bars.map((bar, i) => f(1 - (i === 0 ? bar : f(bar / bars[i - 1]!))));
  return productsOf(again, f);
}
