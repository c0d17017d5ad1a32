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

it('a run tells how often it was interrupted, what it repeats, and where a node went on', () => {
  const error = { code: 'runner/died', message: 'The process is gone.', hint: 'Run again.' };
  const text = describeRun({
    runId: '0123456789',
    workflowName: 'Text to video',
    status: 'succeeded',
    lastSeq: 9,
    attempt: 3,
    from: 'abcdefghij',
    startedAtMs: 1000,
    finishedAtMs: 4000,
    interruptions: [
      { atMs: Date.UTC(2026, 0, 2, 3, 4, 5), error },
      { atMs: Date.UTC(2026, 0, 2, 3, 4, 6), error: { code: 'server/ended', message: 'The server ended.' } },
    ],
    nodes: { denoise: { status: 'finished', durationMs: 2500, continuedFrom: 12, outputs: {} } },
  });
  expect(text.split('\n')).toEqual([
    '01234567  succeeded (ran 3.0 s, attempt 3, repeats abcdefgh)  Text to video',
    '  interrupted at 2026-01-02T03:04:05.000Z: The process is gone. [runner/died]',
    '  interrupted at 2026-01-02T03:04:06.000Z: The server ended. [server/ended]',
    '  denoise  finished in 2.5 s, continued from step 12 of an interrupted run',
  ]);
});

it('a run that was kept from beginning says why, and one that failed in a node says it there', () => {
  const error = { code: 'run/over-budget', message: 'It is over its budget.', hint: 'Allow more.' };
  const run = { runId: '0123456789', workflowName: 'Film', status: 'failed', lastSeq: 2, error } as const;
  expect(describeRun({ ...run, nodes: {} }).split('\n')).toEqual([
    '01234567  failed  Film',
    '  It is over its budget. [run/over-budget]',
    '    Allow more.',
  ]);
  expect(describeRun({ ...run, nodes: { mux: { status: 'failed', error } } }).split('\n')).toEqual([
    '01234567  failed  Film',
    '  mux  failed, It is over its budget. [run/over-budget]',
  ]);
});
