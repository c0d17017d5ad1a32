/**
 * What a kind of node takes, as a function of how much there is to do: a fixed share, a cost per unit of each amount
 * of work, and for the first in a process the loading of its model. Learnt from samples alone; with one sample all
 * is laid to the first amount, and the doubt is large.
 */
import type { Expected } from '@reelgraph/graph';
import type { CostSample } from './cost-samples.ts';
import { dot, fitCosts, type Measurement } from './fit-costs.ts';
import type { KnownWork } from './work.ts';

export interface CostQuestion {
  /** Undefined where sizes are not known: the answer is then what such nodes took before, whatever their size. */
  readonly work: KnownWork | undefined;
  readonly variant: string;
  readonly isCold: boolean;
}

export interface NodeCost {
  readonly timeMs: Expected;
  /** Absent when no node of the kind took long enough for its memory to be looked at. */
  readonly peakBytes?: Expected;
  readonly resultBytes: Expected;
  readonly samples: number;
  /** There is many times more, or less, to do than ever was: the likely value is a guess at best. */
  readonly isFarOutside: boolean;
}

export interface CostModel {
  costOf(question: CostQuestion): NodeCost;
}

/** Of two samples that follow each other the newer counts this much more. */
const fading = 0.97;
/** How much speaks against the fixed share; amounts follow in the order that the node names them. */
const fixedPenalty = 0.01;
const loadPenalty = 0.003;
const amountPenalties = [0.0001, 0.001, 0.003, 0.01];
/** The memory of a process is mostly there before any work. */
const basePenalty = 0.00003;
const memoryPenalties = [0.001, 0.003, 0.01, 0.03];
/** Times below this are told apart by the clock alone. */
const leastMs = 0.5;
/** No forecast is surer than this, whatever the samples say. */
const leastDoubt = 0.05;
/** Left out one by one to learn how well the others foretell it; more than these add time and no insight. */
const triedLeavingOut = 12;
/** Doubt of a peak of which little was seen. */
const firstMemoryDoubt = 0.3;
/** Doubt for every doubling of an amount beyond those that were seen: at first little is new … */
const nearDoubt = 0.08;
/** … but past this many doublings caches, threads and arenas behave as they never did in what was measured. */
const nearDoublings = 3;
const farDoubt = 0.15;
/** More than this, and it is said. */
const farDoublings = 4;
/** A range is never wider than a factor of e to this on either side: more would say nothing. */
const mostDoubt = 3;
/** Of the errors seen, this share lies within the range. */
const coveredShare = 0.85;
/** A peak that is no further above what the process held before was not reached by this node. */
const heldTolerance = 1.03;

/** @param samples at least one, oldest first */
export function createCostModel(samples: readonly CostSample[]): CostModel {
  const time = fitTime(samples);
  const memory = fitMemory(samples);
  const result = fitResult(samples);
  return {
    costOf(question) {
      const peakBytes = memory(question);
      return {
        timeMs: time.costOf(question),
        ...(peakBytes === undefined ? {} : { peakBytes }),
        resultBytes: result(question),
        samples: samples.length,
        isFarOutside: time.doublingsOutside(question) > farDoublings,
      };
    },
  };
}

interface Row extends Measurement {
  readonly variant: string;
}

interface TimeFit {
  costOf(question: CostQuestion): Expected;
  /** By how many doublings the amount that is furthest from those seen is away from them. */
  doublingsOutside(question: CostQuestion): number;
}

function fitTime(samples: readonly CostSample[]): TimeFit {
  const known = samples.flatMap(({ work, ...sample }) => (work === undefined ? [] : [{ ...sample, work }]));
  const names = namesOf(known.map(({ work }) => work.time));
  const amountsOf = (work: KnownWork, isCold: boolean): number[] => [
    1,
    isCold ? 1 : 0,
    ...names.map((name) => work.time[name] ?? 0),
  ];
  const rows = known.map(
    ({ work, isCold, durationMs, variant }, index): Row => ({
      amounts: amountsOf(work, isCold),
      total: Math.max(leastMs, durationMs),
      weight: fading ** (known.length - 1 - index),
      variant,
    }),
  );
  const penalties = [fixedPenalty, loadPenalty, ...names.map((_, index) => amountPenalties[index] ?? 1)];
  const model = rows.length === 0 ? undefined : levelled(rows, penalties);
  const errors = model === undefined ? [] : errorsLeftOut(rows, penalties);
  const doublings = (amounts: readonly number[]): number =>
    doublingsBeyond(
      rows.map((row) => row.amounts.slice(2)),
      amounts.slice(2),
    );
  return {
    costOf({ work, isCold, variant }) {
      if (work === undefined || model === undefined)
        return spreadOf(samples.map(({ durationMs }) => durationMs));
      const amounts = amountsOf(work, isCold);
      const likely = Math.max(leastMs, model(amounts, variant));
      const isForeign = !rows.some((row) => row.variant === variant);
      const loadUnknown = isCold && !rows.some((row) => row.amounts[1] === 1);
      const doubt = doubtOf(errors, rows.length) + doubtBeyond(doublings(amounts)) + (isForeign ? 0.2 : 0);
      const { low, high } = around(likely, doubt);
      return { low, likely, high: loadUnknown ? high * 1.5 : high };
    },
    doublingsOutside: ({ work, isCold }) =>
      work === undefined || rows.length === 0 ? 0 : doublings(amountsOf(work, isCold)),
  };
}

type Fitted = (amounts: readonly number[], variant: string) => number;

/** Variants of a model share the shape of their costs, and each has its level where it has been seen. */
function levelled(rows: readonly Row[], penalties: readonly number[]): Fitted {
  const costs = fitCosts(rows, penalties);
  const sums = new Map<string, { error: number; weight: number }>();
  for (const { amounts, total, weight, variant } of rows) {
    const fitted = dot(amounts, costs);
    if (!(fitted > 0)) continue;
    const sum = sums.get(variant) ?? { error: 0, weight: 0 };
    sum.error += weight * clamp(Math.log(total / fitted), -0.7, 0.7);
    sum.weight += weight;
    sums.set(variant, sum);
  }
  return (amounts, variant) => {
    const sum = sums.size < 2 ? undefined : sums.get(variant);
    // One more that agrees with all: a single sample moves the level by half.
    const level = sum === undefined ? 1 : Math.exp(sum.error / (sum.weight + 1));
    return dot(amounts, costs) * level;
  };
}

/** Logarithms of actual over foretold, each sample foretold by the others. */
function errorsLeftOut(rows: readonly Row[], penalties: readonly number[]): number[] {
  if (rows.length < 3) return [];
  return rows.slice(-triedLeavingOut).map((row) => {
    const others = levelled(
      rows.filter((other) => other !== row),
      penalties,
    );
    return Math.abs(Math.log(row.total / Math.max(leastMs, others(row.amounts, row.variant))));
  });
}

/** How far the range goes to either side, as a logarithm. */
function doubtOf(errors: readonly number[], count: number): number {
  if (count < 3) return count === 1 ? 0.7 : 0.5;
  const sorted = [...errors].sort((a, b) => a - b);
  const seen = sorted[Math.min(sorted.length - 1, Math.floor(coveredShare * sorted.length))] ?? 0;
  // Few errors seen are likely not the largest there are.
  return Math.max(leastDoubt, Math.min(1, seen) * (1 + 1 / count));
}

/**
 * How often the largest amount seen has to be doubled, or the smallest halved, to come to that of the work; of the
 * amount for which that is most. 0 within what was seen.
 */
function doublingsBeyond(seenRows: readonly (readonly number[])[], amounts: readonly number[]): number {
  let most = 0;
  for (const [column, amount] of amounts.entries()) {
    const seen = seenRows.map((row) => row[column] ?? 0).filter((value) => value > 0);
    if (amount <= 0 || seen.length === 0) continue;
    const ratio = Math.max(amount / Math.max(...seen), Math.min(...seen) / amount);
    most = Math.max(most, Math.log2(Math.max(1, ratio)));
  }
  return most;
}

function doubtBeyond(doublings: number): number {
  const near = Math.min(doublings, nearDoublings);
  return nearDoubt * near + farDoubt * (doublings - near);
}

/**
 * Most memory of the process while the node runs. A process rarely gives memory back, so where the peak is what it
 * held before, all that is known is that the node needed no more.
 */
function fitMemory(samples: readonly CostSample[]): (question: CostQuestion) => Expected | undefined {
  const known = samples.flatMap(({ work, memory }) =>
    work === undefined || memory === undefined ? [] : [{ work, memory }],
  );
  if (known.length === 0) return () => undefined;
  const names = namesOf(known.map(({ work }) => work.memory));
  const amountsOf = (work: KnownWork): number[] => [1, ...names.map((name) => work.memory[name] ?? 0)];
  const rows = known.map(({ work, memory }, index) => ({
    amounts: amountsOf(work),
    total: memory.peakBytes,
    weight: fading ** (known.length - 1 - index),
    isBound: memory.peakBytes <= heldTolerance * memory.restBytes,
  }));
  const penalties = [basePenalty, ...names.map((_, index) => memoryPenalties[index] ?? 1)];
  const costs = fitBelowBounds(rows, penalties);
  const reached = rows.filter(({ isBound }) => !isBound);
  const errors = reached.map(({ amounts, total }) => Math.abs(Math.log(total / dot(amounts, costs))));
  return ({ work }) => {
    if (work === undefined) return spreadOf(known.map(({ memory }) => memory.peakBytes));
    const likely = dot(amountsOf(work), costs);
    // Most of it is there before any work, so even a first guess is not far off.
    const seen = doubtOf(errors, reached.length);
    const seenAmounts = rows.map(({ amounts }) => amounts.slice(1));
    const outside = doublingsBeyond(seenAmounts, amountsOf(work).slice(1));
    const doubt = Math.min(seen, firstMemoryDoubt) + doubtBeyond(outside);
    return { likely, ...around(likely, doubt) };
  };
}

interface MemoryRow extends Measurement {
  /** The node needed at most this much. */
  readonly isBound: boolean;
}

function fitBelowBounds(rows: readonly MemoryRow[], penalties: readonly number[]): number[] {
  const reached = rows.filter(({ isBound }) => !isBound);
  const bounds = rows.filter(({ isBound }) => isBound);
  if (reached.length === 0) {
    const least = Math.min(...rows.map(({ total }) => total));
    return penalties.map((_, column) => (column === 0 ? least : 0));
  }
  let costs = fitCosts(reached, penalties);
  // Bounds that the fit would break take part in it, until it breaks no other.
  let broken = 0;
  for (let round = 0; round < 4; round += 1) {
    const breaking = bounds.filter(({ amounts, total }) => dot(amounts, costs) > total);
    if (breaking.length <= broken) break;
    broken = breaking.length;
    costs = fitCosts([...reached, ...breaking], penalties);
  }
  return costs;
}

function fitResult(samples: readonly CostSample[]): (question: CostQuestion) => Expected {
  const rows = samples.flatMap(({ work, resultBytes }, index) =>
    work === undefined || resultBytes <= 0
      ? []
      : [
          {
            amounts: [1, work.result.pixels ?? 0],
            total: resultBytes,
            weight: fading ** (samples.length - 1 - index),
          },
        ],
  );
  const costs = rows.length === 0 ? undefined : fitCosts(rows, [0.01, 0.001]);
  return ({ work }) => {
    if (work === undefined || costs === undefined)
      return spreadOf(samples.map(({ resultBytes }) => resultBytes));
    const likely = dot([1, work.result.pixels ?? 0], costs);
    const errors = rows.map(({ amounts, total }) => Math.abs(Math.log(total / dot(amounts, costs))));
    const seenPixels = rows.map(({ amounts }) => amounts.slice(1));
    const outside = doublingsBeyond(seenPixels, [work.result.pixels ?? 0]);
    return { likely, ...around(likely, doubtOf(errors, rows.length) + doubtBeyond(outside)) };
  };
}

function around(likely: number, doubt: number): { low: number; high: number } {
  const factor = Math.exp(Math.min(mostDoubt, doubt));
  return { low: likely / factor, high: likely * factor };
}

/** The middle of what was seen, and all of it as the range. */
function spreadOf(values: readonly number[]): Expected {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.round(share * (sorted.length - 1))] ?? 0;
  return { low: at(0), likely: at(0.5), high: at(1) };
}

/** Names of amounts, in the order of the newest sample. */
function namesOf(amounts: readonly Readonly<Record<string, number>>[]): string[] {
  const names = new Set<string>();
  for (const each of amounts.slice().reverse()) for (const name of Object.keys(each)) names.add(name);
  return [...names].slice(0, amountPenalties.length);
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
