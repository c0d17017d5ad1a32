import type { NodeRunState } from '@reelgraph/graph';
import { expect, it } from 'vitest';
import { smallCatalogue } from '../testing/small-graph.ts';
import { runFacts } from './run-facts.ts';

const info = smallCatalogue.get('denoise');

function linesOf(run: NodeRunState): string[] {
  if (info === undefined) throw new Error('there is no denoise');
  return runFacts(run, info).map(({ label, text }) => `${label}: ${text}`);
}

it('a node that ran tells its time, its wait and in which lane, its memory, and why it ran', () => {
  const run: NodeRunState = {
    status: 'finished',
    durationMs: 7600,
    waitedMs: 340,
    lane: 'inference:cpu',
    peakResidentBytes: 280 * 1024 * 1024,
    because: { code: 'param-changed', name: 'steps', from: '4', to: '5' },
    continuedFrom: 3,
    outputs: { latent: { type: 'latent', facts: { frameCount: 17 } } },
  };
  expect(linesOf(run)).toEqual([
    'State: finished',
    'Time: 7.6 s',
    'Waited: 340 ms for its turn in lane inference:cpu',
    'Peak memory: 280.0 MiB of its process',
    'It ran: because Steps changed from 4 to 5',
    'Continued: from step 3 of an interrupted run',
    'latent: 17 frames',
  ]);
});

it('one that did not run tells where its result came from, or what it waits for', () => {
  expect(linesOf({ status: 'cached', source: 'disk' })).toEqual([
    'State: cached',
    'Taken from: cache on disk',
  ]);
  expect(linesOf({ status: 'waiting', message: 'waiting for another run' })).toEqual([
    'State: waiting for another run',
  ]);
});
