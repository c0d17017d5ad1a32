import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { emptyWorkflow, type RunEvent } from '@reelgraph/graph';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { EventHub } from './event-hub.ts';
import { openRunJournal, type RunJournal } from './run-journal.ts';
import { RunQueue } from './run-queue.ts';
import { RunnerSupervisor } from './runner/supervisor.ts';

const workflow = emptyWorkflow('test');

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelgraph-queue-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A server's queue over a runner that begins every run and ends none by itself. */
function openQueue(change: (journal: RunJournal) => RunJournal = (journal) => journal) {
  const journal = openRunJournal(folder);
  const hub = new EventHub(change(journal));
  const notes: string[] = [];
  let finish: (runId: string) => void = () => {};
  const supervisor = new RunnerSupervisor({
    onEvent: ({ runId, seq: _seq, atMs: _atMs, ...body }) => hub.publish(runId, body),
    onPreview: () => {},
    startRunner: (listener) => {
      const say = (event: RunEvent) => listener.onMessage({ type: 'event', event });
      finish = (runId) =>
        say({ type: 'run.finished', status: 'succeeded', durationMs: 1, runId, seq: 9, atMs: 0 });
      queueMicrotask(() => listener.onMessage({ type: 'ready' }));
      const end = () => listener.onExit({ code: 0, signal: null, stderrTail: '' });
      return {
        pid: 1,
        send: (message) => {
          if (message.type === 'run')
            say({ type: 'run.started', nodeIds: ['n'], runId: message.runId, seq: 1, atMs: 0 });
          if (message.type === 'shutdown') end();
        },
        kill: end,
      };
    },
  });
  const queue = new RunQueue({
    hub,
    journal: change(journal),
    supervisor,
    onNote: (note) => notes.push(note),
  });
  supervisor.start();
  queue.resume();
  return {
    hub,
    queue,
    notes,
    finish: (runId: string) => finish(runId),
    isRunning: (runId: string) => vi.waitFor(() => expect(hub.run(runId)?.status).toBe('running')),
    async end(how: 'politely' | 'crash') {
      if (how === 'politely') queue.stop();
      // A crash writes nothing more.
      else journal.close();
      await supervisor.stop();
      hub.close();
      journal.close();
    },
  };
}

it('a run outlives any number of polite restarts', async () => {
  let server = openQueue();
  const runId = server.queue.add(workflow, undefined);
  for (let restart = 0; restart < 5; restart += 1) {
    await server.isRunning(runId);
    await server.end('politely');
    server = openQueue();
  }
  await server.isRunning(runId);
  server.finish(runId);
  expect(server.hub.run(runId)?.status).toBe('succeeded');
  await server.end('politely');
});

it('a run in which servers crash again and again is given up', async () => {
  let server = openQueue();
  const runId = server.queue.add(workflow, undefined);
  for (const how of ['crash', 'politely', 'crash', 'crash'] as const) {
    await server.isRunning(runId);
    await server.end(how);
    server = openQueue();
  }
  expect(server.hub.run(runId)).toMatchObject({ status: 'failed', error: { code: 'runner/gave-up' } });
  await server.end('politely');
});

it('a fault in beginning the next run is noted and ends nothing', async () => {
  let reads = 0;
  const server = openQueue((journal) => ({
    ...journal,
    request: (runId) => {
      reads += 1;
      if (reads === 2) throw new Error('the disk is gone');
      return journal.request(runId);
    },
  }));
  const first = server.queue.add(workflow, undefined);
  server.queue.add(workflow, undefined);
  await server.isRunning(first);
  server.finish(first);
  await vi.waitFor(() => expect(server.notes).toEqual(['the next run could not begin']));
  const third = server.queue.add(workflow, undefined);
  await server.isRunning(third);
  await server.end('politely');
});
