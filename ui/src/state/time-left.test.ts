import type { RunForecast, RunState } from '@reelgraph/graph';
import { expect, it } from 'vitest';
import { timeLeftMs } from './time-left.ts';

const about = (likely: number) => ({ low: likely / 2, likely, high: 2 * likely });
const runs = (likely: number) => ({ state: 'runs' as const, samples: 3, timeMs: about(likely) });

/** prompt ─ denoise ─ decode, and a score beside the decode. */
const forecast: RunForecast = {
  nodes: {
    prompt: { state: 'cached', samples: 0 },
    denoise: runs(8000),
    decode: runs(1000),
    score: runs(1000),
  },
  timeMs: about(9000),
  unknown: [],
};
const run = (nodes: RunState['nodes']): RunState => ({
  runId: 'r',
  workflowName: 'w',
  status: 'running',
  lastSeq: 1,
  nodes,
});

it('counts what waits by the forecast, what runs by its own rate, and what is side by side once', () => {
  const waiting = { status: 'waiting' } as const;
  const beginning = run({ prompt: { status: 'cached' }, denoise: waiting, decode: waiting, score: waiting });
  expect(timeLeftMs(beginning, forecast)).toBeCloseTo(9000);
  const sampling = run({ denoise: { status: 'running', etaSeconds: 3 }, decode: waiting, score: waiting });
  expect(timeLeftMs(sampling, forecast)).toBeCloseTo(0.9 * (3000 + 2000));
  expect(timeLeftMs(run({ denoise: { status: 'finished' } }), forecast)).toBe(0);
});

it('says nothing where a node has no data yet', () => {
  expect(timeLeftMs(run({}), { ...forecast, unknown: ['denoise'] })).toBeUndefined();
});
