/** UniPC: a multistep predictor whose result is corrected for free when the model has seen it. */
import type { Tensor } from '@reelgraph/tensor';
import { sumOf } from './arithmetic.ts';
import { DiffusionError } from './errors.ts';
import {
  expectOrder,
  followedOf,
  type IntegratorLevel,
  integratorLevel,
  recall,
  recallTensor,
  remember,
} from './exponential-integrator.ts';
import type { SamplerOptions, SamplerState } from './sampler.ts';
import { type StepInterval, type StepResult, walkSigmas } from './walk-sigmas.ts';

/**
 * The first level is moved by so little where it is all noise: there the logarithm is infinite, and with it the
 * weights of the second step. As in diffusers' UniPCMultistepScheduler.
 */
const firstShare = { flow: 1e-6, constantVariance: 2 ** -24 };

/**
 * UniPC-p. Settings: `order` (2), `solver` 'bh1' or 'bh2' (bh2), `follows` ('clean'), `lowerOrderFinal`,
 * `skipCorrector`.
 *
 * @throws the signal's reason on abort; DiffusionError 'diffusion/bad-setting' | 'diffusion/bad-sigmas' |
 *   'diffusion/bad-state' | 'diffusion/not-finite'
 * @see Zhao et al. 2023, arXiv:2302.04867, algorithms 1 and 2, with B(h) of section 4.1; the order per step as in
 *   diffusers' UniPCMultistepScheduler
 */
export function sampleUniPc(options: SamplerOptions): Promise<SamplerState> {
  const { order = 2, solver = 'bh2' } = options.settings ?? {};
  expectOrder(order);
  if (solver !== 'bh1' && solver !== 'bh2')
    throw new DiffusionError('diffusion/bad-setting', `UniPC is solved by "bh1" or "bh2", got "${solver}".`);
  return walkSigmas(options, (interval) => uniPcStep(interval, order, solver));
}

function uniPcStep(interval: StepInterval, order: number, solver: 'bh1' | 'bh2'): StepResult {
  const { sample, step, totalSteps, sigmas, sigmaNext, memory, settings } = interval;
  const { follows, lowerOrderFinal = true, skipCorrector = [] } = settings;
  const earlier = recall(memory, step, order);
  const seen = followedOf(interval, follows);
  const levelAt = (sigma: number) => levelOf(interval, sigma);
  const levelsBack = (from: number): IntegratorLevel[] =>
    earlier.map((_, i) => from - 1 - i).flatMap((at) => (at < 0 ? [] : [levelAt(sigmas[at]!)]));

  let corrected = sample;
  const [before, ...beforeThat] = earlier;
  if (before !== undefined && !skipCorrector.includes(step - 1)) {
    const [from, ...back] = levelsBack(step);
    corrected = multistep({
      sample: recallTensor(memory, 'sample', step),
      from: from!,
      to: levelAt(interval.sigma),
      seen: before,
      earlier: beforeThat.map((value, i) => ({ value, level: back[i]! })),
      ahead: seen,
      order: orderOf(step - 1),
      solver,
    });
  }

  const back = levelsBack(step);
  const end = multistep({
    sample: corrected,
    from: levelAt(interval.sigma),
    to: levelAt(sigmaNext),
    seen,
    earlier: earlier.map((value, i) => ({ value, level: back[i]! })),
    order: orderOf(step),
    solver,
  });
  return {
    sample: end,
    ...(follows === 'noise' ? {} : { clean: seen }),
    memory: { ...remember(seen, earlier, order), sample: corrected },
  };

  /** Rises from 1, and falls to 1 at the end. */
  function orderOf(at: number): number {
    const highest = Math.min(order, at + 1);
    return lowerOrderFinal ? Math.min(highest, totalSteps - at) : highest;
  }
}

function levelOf({ parametrisation, settings }: StepInterval, sigma: number): IntegratorLevel {
  const share = parametrisation === 'flow' ? firstShare.flow : firstShare.constantVariance / 2;
  return integratorLevel(parametrisation, Math.min(sigma, 1 - share), settings.follows);
}

interface Multistep {
  readonly sample: Tensor<'float32'>;
  readonly from: IntegratorLevel;
  readonly to: IntegratorLevel;
  /** What the model saw at `from`. */
  readonly seen: Tensor<'float32'>;
  /** What it saw before, the last first. */
  readonly earlier: readonly { readonly value: Tensor<'float32'>; readonly level: IntegratorLevel }[];
  /** What it saw at `to`: present in the corrector. */
  readonly ahead?: Tensor<'float32'>;
  readonly order: number;
  readonly solver: 'bh1' | 'bh2';
}

/** x' = (r' / r) x - w' expm1(-h) m0 - w' B(h) sum_k rho_k (m_k - m0) / r_k, where r_k = 1 stands for what is ahead. */
function multistep({ sample, from, to, seen, earlier, ahead, order, solver }: Multistep): Tensor<'float32'> {
  const h = to.time - from.time;
  const used = earlier.slice(0, order - 1);
  const ratios = used.map(({ level }) => (level.time - from.time) / h);
  const base = Math.expm1(-h);
  const scale = solver === 'bh1' ? -h : base;
  const terms: [number, Tensor<'float32'>][] = [[to.rest / from.rest, sample]];
  let ofSeen = -to.weight * base;
  const add = (weight: number, value: Tensor<'float32'>): void => {
    terms.push([weight, value]);
    ofSeen -= weight;
  };
  if (ahead !== undefined || used.length > 0) {
    const nodes = ahead === undefined ? ratios : [...ratios, 1];
    const rhos = weightsOf(nodes, -h, scale);
    for (const [k, { value }] of used.entries()) add((-to.weight * scale * rhos[k]!) / ratios[k]!, value);
    if (ahead !== undefined) add(-to.weight * scale * rhos.at(-1)!, ahead);
  }
  terms.push([ofSeen, seen]);
  return sumOf(terms);
}

/**
 * The rho that solve sum_k nodes_k^(i - 1) rho_k = phi_(i+1)(h) i! / B(h) for i = 1 … count. One unknown is set to
 * 1 / 2, its value as h goes to 0, as in the authors' code.
 */
function weightsOf(nodes: readonly number[], h: number, scale: number): number[] {
  if (nodes.length === 1) return [0.5];
  const wanted: number[] = [];
  let phi = Math.expm1(h) / h - 1;
  let factorial = 1;
  for (let i = 1; i <= nodes.length; i++) {
    wanted.push((phi * factorial) / scale);
    factorial *= i + 1;
    phi = phi / h - 1 / factorial;
  }
  const rows = nodes.map((_, i) => nodes.map((node) => node ** i));
  return solve(rows, wanted);
}

/** Gauss and Jordan with pivots, for the three unknowns that there are at most. */
function solve(rows: readonly (readonly number[])[], wanted: readonly number[]): number[] {
  const table = rows.map((row, i) => [...row, wanted[i]!]);
  const size = table.length;
  for (let column = 0; column < size; column++) {
    let pivot = column;
    for (let row = column + 1; row < size; row++)
      if (Math.abs(table[row]![column]!) > Math.abs(table[pivot]![column]!)) pivot = row;
    [table[column], table[pivot]] = [table[pivot]!, table[column]!];
    const lead = table[column]!;
    for (const [row, values] of table.entries()) {
      if (row === column) continue;
      const factor = values[column]! / lead[column]!;
      for (let i = column; i <= size; i++) values[i] = values[i]! - factor * lead[i]!;
    }
  }
  return table.map((row, i) => row[size]! / row[i]!);
}
