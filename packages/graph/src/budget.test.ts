import { describe, expect, it } from 'vitest';
import { excessesOf, isLimited, refusalOf } from './budget.ts';
import { type Expected, forecastText, type RunForecast } from './forecast.ts';

const about = (likely: number): Expected => ({ low: 0.8 * likely, likely, high: 1.25 * likely });
const mebibyte = 1024 ** 2;
const forecast: RunForecast = {
  nodes: { denoise: { state: 'runs', samples: 3, timeMs: about(20_000) } },
  timeMs: about(20_000),
  peakBytes: about(400 * mebibyte),
  diskBytes: about(10 * mebibyte),
  unknown: [],
};

describe('a budget', () => {
  it('is broken by the likely value, and not by the end of the range', () => {
    expect(excessesOf(forecast, { timeMs: 20_000 })).toEqual([]);
    expect(excessesOf(forecast, { timeMs: 19_999 }).map(({ what }) => what)).toEqual(['time']);
  });

  it('names every limit that is broken', () => {
    const budget = { timeMs: 1, memoryBytes: 1, diskBytes: 1 };
    expect(excessesOf(forecast, budget).map(({ what }) => what)).toEqual(['time', 'memory', 'disk']);
  });

  it('is not broken by what nobody knows', () => {
    const { timeMs: _, ...unknown } = forecast;
    expect(excessesOf({ ...unknown, unknown: ['denoise'] }, { timeMs: 1 })).toEqual([]);
  });

  it('without a limit there is none', () => {
    expect([isLimited({}), isLimited({ diskBytes: 5 })]).toEqual([false, true]);
  });
});

it('a refusal has the figures, the limits and what would fit', () => {
  const excesses = excessesOf(forecast, { timeMs: 5000, memoryBytes: 300 * mebibyte });
  expect(
    refusalOf(excesses, [{ label: '17 frames instead of 81' }, { label: '6 steps instead of 24' }]),
  ).toEqual({
    code: 'run/over-budget',
    message:
      'The run is over its budget and was not started: it would take 20.0 s (16.0 s to 25.0 s), the budget is 5.0 s; it would need 400.0 MiB (320.0 MiB to 500.0 MiB) of memory, the budget is 300.0 MiB.',
    hint: 'What would fit: 17 frames instead of 81; or 6 steps instead of 24. Or allow more.',
  });
  expect(refusalOf(excesses, []).hint).toMatch(/^No smaller size, length or number of steps/);
});

describe('a forecast in a sentence', () => {
  it('has time, memory and results', () => {
    expect(forecastText(forecast)).toBe(
      '20.0 s (16.0 s to 25.0 s), peak memory 400.0 MiB (320.0 MiB to 500.0 MiB), 10.0 MiB of results.',
    );
  });

  it('says what it does not know', () => {
    const nodes = { ...forecast.nodes, score: { state: 'runs', samples: 0 } as const };
    expect(forecastText({ ...forecast, nodes, unknown: ['score'] })).toMatch(
      /^At least .*; no data yet for score\.$/,
    );
  });

  it('says which of its nodes are far outside of what was measured, and count', () => {
    const node = (likely: number) =>
      ({
        state: 'runs',
        samples: 5,
        timeMs: { low: 0, likely, high: 2 * likely },
        isFarOutside: true,
      }) as const;
    const nodes = { decode: node(15_000), noise: node(3) };
    expect(forecastText({ ...forecast, nodes })).toMatch(
      /results; far outside of what was measured: decode\.$/,
    );
    const many = Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((id) => [id, node(15_000)]));
    expect(forecastText({ ...forecast, nodes: many })).toMatch(/measured: a, b, c, d and 1 more\.$/);
  });

  it('makes no figure up', () => {
    const nodes = { score: { state: 'runs', samples: 0 } as const };
    expect(forecastText({ nodes, unknown: ['score'] })).toMatch(/^No data yet/);
  });

  it('says when there is nothing to compute', () => {
    const nodes = { score: { state: 'cached', samples: 0 } as const };
    expect(forecastText({ nodes, unknown: [] })).toBe('Everything comes from the cache.');
  });
});
