/** Cost models against a machine whose truth is known: time and memory by formula, with noise of a busy machine. */
import { describe, expect, it } from 'vitest';
import { createCostModel } from './cost-model.ts';
import type { CostSample } from './cost-samples.ts';

/** Seeded noise, so that every run of the test sees the same; mulberry32 of Tommy Ettinger. */
function noiseOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Clip {
  readonly places: number;
  readonly steps: number;
}

const mebibyte = 1024 ** 2;
const loadMs = 400;
const timeOf = ({ places, steps }: Clip): number =>
  30 + steps * (3 + 0.05 * places + 0.000004 * places * places);
const peakOf = ({ places }: Clip): number => mebibyte * (200 + 0.04 * places);
const workOf = ({ places, steps }: Clip) => ({
  time: { places: steps * places, calls: steps, pairs: steps * places * places },
  memory: { places },
  result: { pixels: 64 * places },
});

interface SampleOptions {
  readonly isCold?: boolean;
  readonly variant?: string;
  readonly factor?: number;
  readonly restBytes?: number;
}

function sample(clip: Clip, { isCold = false, variant = 'base', factor = 1, restBytes = 0 }: SampleOptions) {
  const made: CostSample = {
    durationMs: factor * (timeOf(clip) + (isCold ? loadMs : 0)),
    work: workOf(clip),
    variant,
    isCold,
    memory: { restBytes, peakBytes: Math.max(restBytes, peakOf(clip)) },
    resultBytes: 1000 + 64 * clip.places * 4,
  };
  return made;
}

const tried: readonly Clip[] = [
  { places: 160, steps: 24 },
  { places: 320, steps: 12 },
  { places: 640, steps: 4 },
  { places: 320, steps: 30 },
  { places: 1280, steps: 8 },
];
const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
const ask = (clip: Clip, isCold = false, variant = 'base') => ({ work: workOf(clip), variant, isCold });

describe('after five runs with noise of up to 20 %', () => {
  const noise = noiseOf(7);
  const busy = (): number => 1 + 0.4 * (noise() - 0.5);
  const model = createCostModel(
    tried.map((clip, index) => sample(clip, { isCold: index === 0, factor: busy() })),
  );
  const unseen = Array.from(
    { length: 200 },
    (): Clip => ({ places: 100 + Math.floor(1300 * noise()), steps: 4 + Math.floor(28 * noise()) }),
  );

  it('times of unseen settings are foretold, and most lie within the range', () => {
    const foretold = unseen.map((clip) => {
      const actual = busy() * timeOf(clip);
      const { low, likely, high } = model.costOf(ask(clip)).timeMs;
      return { error: Math.abs(likely / actual - 1), isWithin: low <= actual && actual <= high };
    });
    expect(median(foretold.map(({ error }) => error))).toBeLessThan(0.15);
    expect(foretold.filter(({ isWithin }) => isWithin).length / unseen.length).toBeGreaterThan(0.7);
  });

  it('so is the peak of memory', () => {
    const errors = unseen.map((clip) =>
      Math.abs((model.costOf(ask(clip)).peakBytes?.likely ?? 0) / peakOf(clip) - 1),
    );
    expect(median(errors)).toBeLessThan(0.05);
  });

  it('and the size of the result', () => {
    const { resultBytes } = model.costOf(ask({ places: 500, steps: 10 }));
    expect(resultBytes.likely / (1000 + 64 * 500 * 4)).toBeCloseTo(1, 1);
  });
});

it('loading a model is told apart from the work', () => {
  const model = createCostModel(tried.flatMap((clip, index) => sample(clip, { isCold: index < 2 })));
  const clip = { places: 400, steps: 10 };
  const [warm, cold] = [model.costOf(ask(clip)).timeMs, model.costOf(ask(clip, true)).timeMs];
  expect(cold.likely - warm.likely).toBeGreaterThan(0.7 * loadMs);
  expect(cold.likely - warm.likely).toBeLessThan(1.3 * loadMs);
});

it('the fewer the samples, the wider the range', () => {
  const clip = { places: 320, steps: 12 };
  const widths = [1, 2, 5].map((count) => {
    const samples = tried.slice(0, count).map((each) => sample(each, {}));
    const { low, high } = createCostModel(samples).costOf(ask(clip)).timeMs;
    return high / low;
  });
  expect(widths[0]).toBeGreaterThan(widths[1] ?? 0);
  expect(widths[1]).toBeGreaterThan(widths[2] ?? 0);
  expect(widths[2]).toBeGreaterThan(1);
});

it('work far beyond what was seen is foretold with more doubt', () => {
  const model = createCostModel(tried.map((clip) => sample(clip, {})));
  const widthAt = (places: number): number => {
    const { low, high } = model.costOf(ask({ places, steps: 12 })).timeMs;
    return high / low;
  };
  expect(widthAt(20_000)).toBeGreaterThan(widthAt(640));
});

it('far outside of what was seen the range goes on widening, with the distance, and that is said', () => {
  const exact = createCostModel(tried.map((clip) => sample(clip, {})));
  const factorAt = (places: number): number => {
    const { timeMs } = exact.costOf(ask({ places, steps: 8 }));
    return timeMs.high / timeMs.likely;
  };
  const factors = [1280, 5000, 20_000, 80_000, 320_000].map(factorAt);
  expect(factors).toEqual(factors.toSorted((a, b) => a - b));
  expect(new Set(factors).size).toBe(factors.length);
  expect(exact.costOf(ask({ places: 700, steps: 10 })).isFarOutside).toBe(false);
  expect(exact.costOf(ask({ places: 80_000, steps: 8 })).isFarOutside).toBe(true);
  expect(exact.costOf(ask({ places: 2, steps: 8 })).isFarOutside).toBe(true);
});

it('a machine that turns out five times slower on a clip ten thousand times larger is within the range', () => {
  // As measured on a resize: 17 frames of 64 px tell little of a minute of 720p.
  const pixelsOf = (count: number, width: number, height: number): number => count * width * height;
  const clip = (count: number, side: number): CostSample => ({
    durationMs: 4 + pixelsOf(count, side, side) / 20_000,
    work: {
      time: { pixels: pixelsOf(count, side, side) },
      memory: { pixels: pixelsOf(count, side, side) },
      result: { pixels: pixelsOf(count, side, side) },
    },
    variant: '',
    isCold: false,
    resultBytes: 100,
  });
  const seen = [9, 17, 13, 17, 9].map((count) => clip(count, 64));
  const pixels = { pixels: pixelsOf(1440, 1280, 720) };
  const { timeMs } = createCostModel(seen).costOf({
    work: { time: pixels, memory: pixels, result: pixels },
    variant: '',
    isCold: false,
  });
  expect(timeMs.high / timeMs.likely).toBeGreaterThan(5);
  expect(timeMs.likely / timeMs.low).toBeGreaterThan(5);
});

it('a variant that costs more has its own level, and one that was never seen takes that of the others', () => {
  const slow = tried.map((clip) => sample(clip, { variant: 'slow', factor: 1.5 }));
  const model = createCostModel([...tried.map((clip) => sample(clip, {})), ...slow]);
  const clip = { places: 500, steps: 10 };
  const likely = (variant: string): number => model.costOf(ask(clip, false, variant)).timeMs.likely;
  expect(likely('slow') / likely('base')).toBeGreaterThan(1.3);
  expect(likely('slow') / likely('base')).toBeLessThan(1.7);
  const [base, other] = ['base', 'other'].map((variant) => model.costOf(ask(clip, false, variant)).timeMs);
  expect((other?.high ?? 0) / (other?.low ?? 1)).toBeGreaterThan((base?.high ?? 0) / (base?.low ?? 1));
});

it('what a process held before a node began is no need of the node', () => {
  // Most ran in a process that had grown to 320 MiB for another reason.
  const grown = [...tried, ...tried, ...tried, ...tried].map((clip) =>
    sample(clip, { restBytes: 320 * mebibyte }),
  );
  const model = createCostModel([...tried.map((clip) => sample(clip, {})), ...grown]);
  const clip = { places: 400, steps: 10 };
  const likely = model.costOf(ask(clip)).peakBytes?.likely ?? 0;
  expect(likely / peakOf(clip)).toBeCloseTo(1, 1);
});

it('a peak that stayed below what the fit says lowers it', () => {
  const big = { places: 4000, steps: 2 };
  const free = [tried[0], tried[1]].flatMap((clip) => (clip === undefined ? [] : sample(clip, {})));
  // Held 250 MiB and needed no more, although the two small ones foretell 360.
  const held: CostSample = {
    ...sample(big, {}),
    memory: { restBytes: 250 * mebibyte, peakBytes: 251 * mebibyte },
  };
  const before = createCostModel(free).costOf(ask(big)).peakBytes?.likely ?? 0;
  const after = createCostModel([...free, held]).costOf(ask(big)).peakBytes?.likely ?? 0;
  expect(after).toBeLessThan(0.9 * before);
});

it('without a size the answer is what such nodes took, whatever their size', () => {
  const model = createCostModel(tried.map((clip) => sample(clip, {})));
  const { timeMs } = model.costOf({ work: undefined, variant: 'base', isCold: false });
  const times = tried.map(timeOf);
  expect(timeMs.low).toBeCloseTo(Math.min(...times));
  expect(timeMs.high).toBeCloseTo(Math.max(...times));
});

it('a node that was always over before memory was looked at has no peak', () => {
  const { memory: _, ...quick } = sample(tried[0] ?? { places: 1, steps: 1 }, {});
  expect(createCostModel([quick]).costOf(ask({ places: 100, steps: 2 })).peakBytes).toBeUndefined();
});
