import { expect, it } from 'vitest';
import { describeRun } from './describe-run.ts';

it('a run says of every node what became of it and why, its time, its wait and its memory', () => {
  const text = describeRun({
    runId: '0123456789',
    workflowName: 'Text to video',
    status: 'partial',
    lastSeq: 9,
    attempt: 1,
    queuedAtMs: 1000,
    startedAtMs: 1050,
    finishedAtMs: 4050,
    nodes: {
      text: { status: 'cached', source: 'disk', outputs: {} },
      denoise: {
        status: 'finished',
        durationMs: 2500,
        waitedMs: 40,
        peakResidentBytes: 300 * 1024 * 1024,
        because: { code: 'param-changed', name: 'steps', from: '20', to: '30' },
        outputs: {},
      },
      save: { status: 'failed', error: { code: 'store/disk-full', message: 'The disk is full.' } },
      score: { status: 'skipped', message: 'it needs "save", which failed' },
    },
  });
  expect(text.split('\n')).toEqual([
    '01234567  partial (waited 50 ms, ran 3.0 s)  Text to video',
    '  text     from the cache (disk)',
    '  denoise  finished in 2.5 s, waited 40 ms, up to 300.0 MiB resident, because steps changed from 20 to 30',
    '  save     failed, The disk is full. [store/disk-full]',
    '  score    skipped, it needs "save", which failed',
  ]);
});
