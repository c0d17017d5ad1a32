import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { emptyWorkflow } from '@reelgraph/graph';
import { openJournal } from '@reelgraph/store';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { EventHub } from './event-hub.ts';
import { openRunJournal } from './run-journal.ts';
import { settingsBetween } from './run-request.ts';

const workflow = emptyWorkflow('test');

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelgraph-journal-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** One run that ended well, written as `end` has it. */
function writeRun(runId: string, rows: { queued?: string; end?: string; stateJson: string }): void {
  const typed = openRunJournal(folder);
  typed.close();
  const journal = openJournal(folder);
  const queued = { type: 'run.queued', workflowName: 'test', runId, seq: 1, atMs: 1 };
  const end = { type: 'run.finished', status: 'succeeded', durationMs: 1, runId, seq: 2, atMs: 2 };
  journal.commit([
    {
      accept: { runId, workflowJson: JSON.stringify(workflow), acceptedAtMs: 1 },
      event: { runId, seq: 1, json: rows.queued ?? JSON.stringify(queued) },
    },
    {
      event: { runId, seq: 2, json: rows.end ?? JSON.stringify(end) },
      status: 'succeeded',
      stateJson: rows.stateJson,
    },
  ]);
  journal.close();
}

it.each([
  ['a key of another version', '{"runId":"odd","status":"succeeded","fromAnotherVersion":1}'],
  ['no JSON', '{"runId":"od'],
])('a picture with %s is folded anew from its events, and the server starts', (_what, stateJson) => {
  writeRun('odd', { stateJson });
  const notes: unknown[] = [];
  const journal = openRunJournal(folder, { onNote: (note, details) => notes.push([note, details.runId]) });
  const hub = new EventHub(journal);
  expect(hub.run('odd')).toMatchObject({ workflowName: 'test', status: 'succeeded', lastSeq: 2 });
  expect(notes).toEqual([['a row of the journal cannot be read', 'odd']]);
  journal.close();
});

it('the events of a run come in pages, each of them once and no other run’s', () => {
  const journal = openRunJournal(folder);
  const hub = new EventHub(journal);
  for (const runId of ['long', 'other'])
    hub.commit(() => [{ runId, body: { type: 'run.queued', workflowName: 'test' }, request: { workflow } }]);
  for (const runId of ['long', 'other', 'long']) {
    hub.commit(() =>
      Array.from({ length: 250 }, (_, count) => ({
        runId,
        body: { type: 'node.started', nodeId: `n${count}` },
      })),
    );
  }
  const pages = [...journal.eventsOfRunByPage('long')];
  expect(pages.length).toBeGreaterThan(1);
  expect(pages.flat()).toEqual(journal.eventsOfRun('long'));
  expect(pages.flat()).toHaveLength(501);
  hub.close();
  journal.close();
});

it('of many old runs the newest are kept', () => {
  for (const runId of ['first', 'second', 'third']) writeRun(runId, { stateJson: '{}' });
  const journal = openRunJournal(folder, { keepFinished: 2 });
  expect(journal.newest(10).map((run) => run.runId)).toEqual(['third', 'second']);
  journal.close();
});

it('an event nobody can read is passed over; the others are told', () => {
  writeRun('odd', { stateJson: '{}', end: '{"type":"run.exploded"}' });
  const journal = openRunJournal(folder);
  expect(journal.eventsAfter(0, 10).map(({ cursor }) => cursor)).toEqual([1]);
  journal.close();
});

it('a run of which nothing can be read is still there, with its status', () => {
  writeRun('odd', { stateJson: '{}', queued: '?', end: '?' });
  const journal = openRunJournal(folder);
  expect(new EventHub(journal).runs()).toEqual([
    { runId: 'odd', workflowName: '', status: 'succeeded', lastSeq: 2, nodes: {} },
  ]);
  journal.close();
});

it('what a run sets in its workflow is kept apart and applied when it is read', () => {
  const base = {
    ...workflow,
    nodes: { noise: { type: 'noise', version: 1, params: { seed: '1', sigma: 1 } } },
  };
  const journal = openRunJournal(folder);
  const settings = { noise: { seed: '7' }, gone: { n: 1 } };
  const base0 = { type: 'run.queued', workflowName: 'test', seq: 1, atMs: 1 } as const;
  journal.commit([
    { event: { ...base0, runId: 'plain' }, request: { workflow: base } },
    { event: { ...base0, runId: 'set' }, request: { workflow: base, settings, targets: ['noise'] } },
  ]);
  expect(journal.request('plain')).toEqual({ workflow: base });
  expect(journal.request('set')).toEqual({
    workflow: {
      ...base,
      nodes: { noise: { type: 'noise', version: 1, params: { seed: '7', sigma: 1 } } },
    },
    targets: ['noise'],
  });
  expect(settingsBetween(base, journal.request('set')?.workflow ?? base)).toEqual({ noise: { seed: '7' } });
  journal.close();
});
