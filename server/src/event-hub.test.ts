import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { emptyWorkflow, type RunEventBody } from '@reelgraph/graph';
import type { QueueSummary } from '@reelgraph/protocol';
import { StoreError } from '@reelgraph/store';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { EventHub } from './event-hub.ts';
import { type JournaledEvent, openRunJournal, type RunJournal } from './run-journal.ts';

const workflow = emptyWorkflow('test');

let folder: string;
let journal: RunJournal;
/** While true, every write fails as on a full disk. */
let isFull: boolean;
let nowMs: number;
let hub: EventHub;

function fillable(inner: RunJournal): RunJournal {
  const unlessFull = <A extends unknown[], R>(write: (...args: A) => R) => {
    return (...args: A): R => {
      if (isFull) throw new StoreError('store/disk-full', 'The disk is full.');
      return write(...args);
    };
  };
  return { ...inner, commit: unlessFull(inner.commit) };
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelgraph-hub-'));
  journal = openRunJournal(folder);
  isFull = false;
  nowMs = 1000;
  hub = new EventHub(fillable(journal), { clock: () => nowMs, retryMs: 5 });
});
afterEach(async () => {
  hub.close();
  journal.close();
  await rm(folder, { recursive: true, force: true });
});

function listen() {
  const events: JournaledEvent[] = [];
  const problems: string[] = [];
  hub.subscribe({
    onEvent: (event) => events.push(event),
    onPreview: () => {},
    onProblem: (code) => problems.push(code),
  });
  return { events, problems };
}
const accept = (runId: string) =>
  hub.commit(() => [{ runId, body: { type: 'run.queued', workflowName: 'test' }, request: { workflow } }]);
/** What the queue does with every report of a runner. */
function publish(runId: string, body: RunEventBody, to = hub): void {
  if (body.type === 'node.progress') to.publishProgress(runId, body);
  else to.publish(() => [{ runId, body }]);
}

describe('an event', () => {
  it('gets the next number of its run and the next cursor of all runs', () => {
    const { events } = listen();
    accept('a');
    accept('b');
    publish('a', { type: 'run.started', nodeIds: ['n'] });
    publish('b', { type: 'run.started', nodeIds: ['n'] });
    expect(events.map(({ cursor, event }) => [cursor, event.runId, event.seq])).toEqual([
      [1, 'a', 1],
      [2, 'b', 1],
      [3, 'a', 2],
      [4, 'b', 2],
    ]);
  });

  it('is in the journal before a listener hears of it', () => {
    accept('a');
    let inJournal: number | undefined;
    hub.subscribe({
      onEvent: ({ cursor }) => {
        inJournal = journal.eventsAfter(cursor - 1, 10).length;
      },
      onPreview: () => {},
      onProblem: () => {},
    });
    publish('a', { type: 'run.started', nodeIds: [] });
    expect(inJournal).toBe(1);
  });

  it('of a run that is over, or that nobody accepted, is dropped', () => {
    accept('a');
    publish('a', { type: 'run.finished', status: 'cancelled', durationMs: 0 });
    const { events } = listen();
    publish('a', { type: 'run.started', nodeIds: [] });
    publish('ghost', { type: 'run.started', nodeIds: [] });
    expect(events).toEqual([]);
  });

  it('of progress is told at most every 50 ms, but always the last step', () => {
    accept('a');
    const { events } = listen();
    const step = (number: number) =>
      publish('a', { type: 'node.progress', nodeId: 'n', step: number, totalSteps: 4 });
    step(1);
    step(2);
    nowMs += 50;
    step(3);
    step(4);
    expect(events.map(({ event }) => event.type === 'node.progress' && event.step)).toEqual([1, 3, 4]);
    expect(events.map(({ event }) => event.seq)).toEqual([2, 3, 4]);
  });

  it('of progress is told with the cursor of the event before it, and not journaled', () => {
    accept('a');
    publish('a', { type: 'run.started', nodeIds: ['n'] });
    publish('a', { type: 'node.started', nodeId: 'n' });
    const { events } = listen();
    publish('a', { type: 'node.progress', nodeId: 'n', step: 4, totalSteps: 4 });
    publish('a', { type: 'node.finished', nodeId: 'n', durationMs: 1, outputs: {} });
    expect(events.map(({ cursor, event }) => [cursor, event.seq, event.type])).toEqual([
      [3, 4, 'node.progress'],
      [4, 5, 'node.finished'],
    ]);
    expect(journal.eventsOfRun('a').map((event) => event.seq)).toEqual([1, 2, 3, 5]);
  });

  it('of a run with thousands of nodes copies nothing: the picture is taken when somebody asks', () => {
    accept('a');
    publish('a', { type: 'run.started', nodeIds: ['n', 'm'] });
    publish('a', { type: 'node.started', nodeId: 'n' });
    const before = hub.run('a');
    publish('a', { type: 'node.finished', nodeId: 'n', durationMs: 1, outputs: {} });
    expect(before?.nodes.n?.status).toBe('running');
    expect(hub.run('a')?.nodes.n?.status).toBe('finished');
  });
});

describe('who comes back', () => {
  it('hears the events since and the newest progress of each node at work, in order', () => {
    accept('a');
    publish('a', { type: 'run.started', nodeIds: ['n', 'm'] });
    publish('a', { type: 'node.started', nodeId: 'n' });
    for (const step of [1, 2]) {
      nowMs += 100;
      publish('a', { type: 'node.progress', nodeId: 'n', step, totalSteps: 4 });
    }
    publish('a', { type: 'node.started', nodeId: 'm' });
    const told = (cursor: number) =>
      hub.eventsAfter(cursor, 10)?.map(({ cursor, event }) => [cursor, event.seq, event.type]);
    const newest = [3, 5, 'node.progress'];
    expect(told(2)).toEqual([[3, 3, 'node.started'], newest, [4, 6, 'node.started']]);
    expect(told(3)).toEqual([newest, [4, 6, 'node.started']]);
    expect(told(4)).toEqual([]);
    publish('a', { type: 'node.finished', nodeId: 'n', durationMs: 1, outputs: {} });
    expect(told(3)?.map(([, seq]) => seq)).toEqual([6, 7]);
  });

  it('is told once of a report that is journaled', () => {
    accept('a');
    publish('a', { type: 'run.started', nodeIds: ['n'] });
    const body = { type: 'node.progress', nodeId: 'n', step: 4, totalSteps: 9, continuedFrom: 4 } as const;
    hub.publish(() => [{ runId: 'a', body }]);
    expect(hub.eventsAfter(1, 10)?.map(({ cursor, event }) => [cursor, event.seq])).toEqual([
      [2, 2],
      [3, 3],
    ]);
  });

  it('with a cursor of an earlier server gets the whole picture: its numbers are used again', () => {
    accept('a');
    publish('a', { type: 'run.started', nodeIds: ['n'] });
    publish('a', { type: 'node.progress', nodeId: 'n', step: 1, totalSteps: 4 });
    const again = new EventHub(journal);
    expect(again.eventsAfter(2, 10)).toBeUndefined();
    publish('a', { type: 'run.started', nodeIds: ['n'] }, again);
    expect(again.eventsAfter(2, 10)).toBeUndefined();
    expect(again.eventsAfter(3, 10)).toEqual([]);
  });
});

describe('a full disk', () => {
  it('refuses new runs and delays events; when there is room again they go on in order', async () => {
    accept('a');
    const { events, problems } = listen();
    isFull = true;
    expect(() => accept('b')).toThrow(StoreError);
    publish('a', { type: 'run.started', nodeIds: ['n'] });
    publish('a', { type: 'node.started', nodeId: 'n' });
    expect(events).toEqual([]);
    expect(problems).toEqual(['store/disk-full']);
    isFull = false;
    await vi.waitFor(() => expect(events).toHaveLength(2));
    expect(events.map(({ event }) => [event.type, event.seq])).toEqual([
      ['run.started', 2],
      ['node.started', 3],
    ]);
    accept('b');
    expect(hub.run('b')?.status).toBe('queued');
  });
});

it('a new hub on the same journal has the same picture', () => {
  accept('a');
  publish('a', { type: 'run.started', nodeIds: ['n'] });
  publish('a', { type: 'run.finished', status: 'succeeded', durationMs: 5 });
  accept('b');
  const again = new EventHub(journal);
  expect(again.runs()).toEqual(hub.runs());
  expect(again.lastCursor()).toBe(hub.lastCursor());
  expect(journal.unfinishedRunIds()).toEqual(['b']);
  expect(again.queue).toEqual(hub.queue);
});

it('tells of the queue once for many changes, and not while nothing in it changes', async () => {
  const told: QueueSummary[] = [];
  const timers: (() => void)[] = [];
  const hub = new EventHub(journal, {
    schedule: (work) => {
      timers.push(work);
      return () => {};
    },
  });
  hub.subscribe({
    onEvent: () => {},
    onPreview: () => {},
    onProblem: () => {},
    onQueue: (queue) => told.push(queue),
  });
  const elapse = () => {
    for (const work of timers.splice(0)) work();
  };
  const body = { type: 'run.queued', workflowName: 'test' } as const;
  for (const runId of ['a', 'b', 'c']) hub.commit(() => [{ runId, body, request: { workflow } }]);
  hub.commit(() => [{ body: { type: 'queue.paused' } }]);
  elapse();
  hub.commit(() => [{ runId: 'a', body: { type: 'run.assigned', attempt: 1 } }]);
  elapse();
  publish('a', { type: 'node.finished', nodeId: 'n', durationMs: 1, outputs: {} }, hub);
  elapse();
  const short = ({ isPaused, runningId, next }: QueueSummary) => [
    isPaused,
    runningId,
    next.map(({ runId }) => runId).join(' '),
  ];
  expect(told.map(short)).toEqual([
    [true, null, 'a b c'],
    [true, 'a', 'b c'],
  ]);
});

it('of thousands that wait only the next are told', () => {
  const ids = Array.from({ length: 300 }, (_, n) => `r${n}`);
  const body = { type: 'run.queued', workflowName: 'test' } as const;
  hub.commit(() => ids.map((runId) => ({ runId, body, request: { workflow } })));
  expect(hub.queueSummary()).toMatchObject({ waitingCount: 300, next: { length: 200 } });
  expect(hub.runs().map(({ runId }) => runId)).toEqual(ids.slice(0, 200).reverse());
  expect(hub.run('r299')?.status).toBe('queued');
});

it('only so many finished runs are kept in memory; older ones come from the journal', () => {
  for (let index = 0; index < 60; index += 1) {
    accept(`run-${index}`);
    publish(`run-${index}`, { type: 'run.finished', status: 'succeeded', durationMs: 0 });
  }
  expect(hub.runs().length).toBeLessThanOrEqual(51);
  expect(hub.run('run-0')?.status).toBe('succeeded');
});
