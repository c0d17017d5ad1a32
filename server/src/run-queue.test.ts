import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { emptyWorkflow, maxDeaths, type RunEvent, type RunEventBody } from '@reelgraph/graph';
import { openJournal, StoreError } from '@reelgraph/store';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EventHub } from './event-hub.ts';
import { openRunJournal, type RunJournal } from './run-journal.ts';
import { type Inspection, QueueRefusal, RunQueue, type RunQueueOptions } from './run-queue.ts';
import type { RunEnd, RunJob } from './runner/supervisor.ts';

const workflow = emptyWorkflow('test');

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelgraph-queue-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A server's queue over a runner that does what the test says, when it says it. */
function openQueue(
  change: Partial<RunJournal> = {},
  disk = { isFull: false },
  inspect?: RunQueueOptions['inspect'],
) {
  const inner = openRunJournal(folder);
  const journal: RunJournal = {
    ...inner,
    commit: (events) => {
      if (disk.isFull) throw new StoreError('store/disk-full', 'The disk is full.');
      return inner.commit(events);
    },
  };
  const timers: (() => void)[] = [];
  const hub = new EventHub(
    { ...journal, ...change },
    {
      clock: () => 1000,
      schedule: (work) => {
        timers.push(work);
        return () => {};
      },
    },
  );
  const begun: RunJob[] = [];
  const cancelled: string[] = [];
  const notes: string[] = [];
  let missing = 0;
  let seq = 0;
  let ended: (end: RunEnd) => void = () => {};
  const queue = new RunQueue({
    hub,
    request: change.request ?? journal.request,
    flushed: (done) => done(),
    ...(inspect === undefined ? {} : { inspect }),
    runner: {
      execute: (job, whenEnded) => {
        begun.push(job);
        ended = whenEnded;
        seq = 0;
      },
      cancel: (runId) => cancelled.push(runId),
    },
    countMissing: (_files, done) => done(missing),
    onNote: (note) => notes.push(note),
  });
  queue.start(hub.unreadableRunIds);
  const job = (): RunJob => {
    const last = begun.at(-1);
    if (last === undefined) throw new Error('nothing was begun');
    return last;
  };
  const say = (body: RunEventBody, again = false) => {
    if (!again) seq += 1;
    queue.hear({ ...body, runId: job().runId, seq, atMs: 0 }, job());
  };
  return {
    hub,
    queue,
    begun,
    cancelled,
    notes,
    say,
    submit: (...ids: string[]) => queue.submit(ids.map((runId) => ({ workflow, runId }))),
    order: () => begun.map(({ runId, attempt }) => `${runId}${attempt}`).join(' '),
    finish: (status: 'succeeded' | 'cancelled' = 'succeeded') => {
      say({ type: 'run.finished', status, durationMs: 1 });
      ended({ kind: 'finished' });
    },
    die: (wasCancelled = false) =>
      ended({ kind: 'died', exit: { code: null, signal: 'SIGSEGV', stderrTail: '' }, wasCancelled }),
    loseFiles: (count: number) => {
      missing = count;
    },
    /** Lets every timer run out. */
    elapse: () => {
      for (const work of timers.splice(0)) work();
    },
    end(how: 'politely' | 'crash') {
      if (how === 'politely') queue.stop();
      hub.close();
      journal.close();
    },
  };
}
const nodeDone = { type: 'node.finished', nodeId: 'n', durationMs: 1, outputs: {} } as const;

it('runs go to the runner one at a time, in the order of the queue', () => {
  const server = openQueue();
  server.submit('a', 'b', 'c');
  server.queue.move('c', { to: 'front' });
  expect(server.order()).toBe('a1');
  server.finish();
  server.finish();
  expect(server.order()).toBe('a1 c1 b1');
  server.end('politely');
});

describe('a server that ends', () => {
  it('by crashes any number of times goes on with a run whose checkpoints come further', () => {
    const reports = (): RunEvent[] => {
      const journal = openRunJournal(folder);
      const events = journal.eventsOfRun('a').filter(({ type }) => type === 'node.progress');
      journal.close();
      return events;
    };
    for (let life = 1; life <= 2 * maxDeaths.server; life += 1) {
      const server = openQueue();
      server.submit('a');
      expect(server.order()).toBe(`a${life}`);
      server.say({ type: 'run.started', nodeIds: ['n'] });
      for (const step of [10 * life, 10 * life + 1]) {
        const continuedFrom = 10 * life;
        server.say({ type: 'node.progress', nodeId: 'n', step, totalSteps: 500, continuedFrom });
      }
      expect(server.hub.run('a')?.nodes.n).toMatchObject({ step: 10 * life + 1 });
      server.end('crash');
    }
    expect(reports()).toHaveLength(2 * maxDeaths.server);
    const server = openQueue();
    server.say(nodeDone);
    server.finish();
    expect(server.hub.run('a')).toMatchObject({ status: 'succeeded' });
    server.end('politely');
  });

  it('politely any number of times leaves a run as it was', () => {
    for (let restart = 0; restart < 15; restart += 1) {
      const server = openQueue();
      server.submit('a');
      expect(server.order()).toBe(`a${restart + 1}`);
      server.end('politely');
    }
    const server = openQueue();
    server.finish();
    expect(server.hub.run('a')).toMatchObject({ status: 'succeeded' });
    server.end('politely');
  });

  it('by a crash hands order, priorities, pause and wishes to cancel to the next', () => {
    const first = openQueue();
    first.submit('a', 'b', 'c', 'd');
    first.queue.submit([{ workflow, runId: 'hot', priority: 3 }]);
    first.queue.move('d', { before: 'b' });
    first.queue.pause();
    first.queue.cancel('a');
    first.queue.cancel('c');
    expect(first.cancelled).toContain('a');
    first.end('crash');

    const second = openQueue();
    expect(second.hub.run('a')?.status).toBe('cancelled');
    expect(second.hub.queueSummary()).toMatchObject({
      isPaused: true,
      runningId: null,
      next: [{ runId: 'hot', priority: 3 }, { runId: 'd' }, { runId: 'b' }],
    });
    expect(second.order()).toBe('');
    second.queue.resume();
    second.finish();
    second.finish();
    expect(second.order()).toBe('hot1 d1 b1');
    second.end('politely');
  });

  it('again and again in one run gives it up; a run beside it goes on', () => {
    let server = openQueue();
    server.submit('a', 'b');
    for (let crash = 0; crash < 10; crash += 1) {
      expect(server.order()).toBe(`a${crash + 1}`);
      server.end('crash');
      server = openQueue();
    }
    expect(server.hub.run('a')).toMatchObject({ status: 'failed', error: { code: 'runner/gave-up' } });
    expect(server.order()).toBe('b1');
    server.end('politely');
  });
});

describe('a runner that dies', () => {
  it('is tried again with the run at its place; a run that kills it three times has failed, with the reason', () => {
    const server = openQueue();
    server.submit('poison', 'next');
    for (const attempt of [1, 2, 3]) {
      expect(server.order().split(' ').at(-1)).toBe(`poison${attempt}`);
      server.say({ type: 'run.started', nodeIds: ['n'] });
      server.say({ type: 'node.started', nodeId: 'n' });
      server.die();
    }
    expect(server.hub.run('poison')).toMatchObject({
      status: 'failed',
      attempt: 3,
      error: { code: 'runner/died', message: expect.stringMatching(/SIGSEGV.*tried 3 times/) },
      interruptions: { length: 3 },
      nodes: { n: { status: 'failed', error: { code: 'runner/died' } } },
    });
    expect(server.order()).toBe('poison1 poison2 poison3 next1');
    server.end('politely');
  });

  it('in a run that gets further each time is tried as often as that takes', () => {
    const server = openQueue();
    server.submit('long');
    for (let attempt = 1; attempt <= 7; attempt += 1) {
      server.say({ type: 'run.started', nodeIds: ['n'] });
      server.say({ type: 'node.progress', nodeId: 'n', step: attempt, totalSteps: 50 });
      server.die();
    }
    server.say(nodeDone);
    server.finish();
    expect(server.hub.run('long')).toMatchObject({ status: 'succeeded', attempt: 8 });
    server.end('politely');
  });

  it('on a cancel ends the run as cancelled', () => {
    const server = openQueue();
    server.submit('a');
    server.queue.cancel('a');
    server.die(true);
    expect(server.hub.run('a')?.status).toBe('cancelled');
    server.end('politely');
  });
});

it('what a runner says twice, or of an attempt that is over, counts once', () => {
  const server = openQueue();
  server.submit('a', 'b');
  const [late] = server.begun;
  server.say({ type: 'run.started', nodeIds: ['n'] });
  server.say(nodeDone);
  server.say(nodeDone, true);
  expect(server.hub.queue.assigned?.reached.nodes).toBe(1);
  server.die();
  if (late === undefined) throw new Error('nothing was begun');
  server.queue.hear(
    { type: 'run.finished', status: 'succeeded', durationMs: 1, runId: 'a', seq: 9, atMs: 0 },
    late,
  );
  expect(server.hub.run('a')?.status).toBe('running');
  server.finish();
  expect(server.order()).toBe('a1 a2 b1');
  server.end('politely');
});

it('a run has not succeeded while files of its results are missing', () => {
  const server = openQueue();
  server.submit('a');
  server.loseFiles(1);
  server.finish();
  expect(server.hub.run('a')).toMatchObject({
    status: 'running',
    attempt: 2,
    interruptions: [{ error: { code: 'run/files-missing' } }],
  });
  server.loseFiles(0);
  server.finish();
  expect(server.hub.run('a')?.status).toBe('succeeded');
  server.end('politely');
});

it('what cannot be done is refused, and changes nothing', () => {
  const server = openQueue();
  server.submit('a', 'b');
  expect(() => server.queue.move('a', { to: 'back' })).toThrow(QueueRefusal);
  expect(() => server.queue.move('x', { to: 'back' })).toThrow(/no run "x"/);
  expect(server.queue.cancel('x')).toBeUndefined();
  server.queue.cancel('b');
  expect(server.queue.cancel('b')).toBe('cancelled');
  expect(server.queue.cancelAll()).toBe(1);
  expect(server.cancelled).toContain('a');
  server.end('politely');
});

it('a journal that cannot be written delays what happened and begins nothing; then all goes on in order', () => {
  const disk = { isFull: false };
  const server = openQueue({}, disk);
  server.submit('a', 'b');
  disk.isFull = true;
  expect(() => server.submit('c')).toThrow(StoreError);
  expect(() => server.queue.pause()).toThrow(StoreError);
  server.say(nodeDone);
  server.finish();
  server.elapse();
  expect([server.order(), server.hub.run('a')?.status]).toEqual(['a1', 'running']);
  disk.isFull = false;
  server.elapse();
  expect([server.order(), server.hub.run('a')?.status]).toEqual(['a1 b1', 'succeeded']);
  expect(server.hub.run('a')?.nodes.n?.status).toBe('finished');
  server.end('politely');
});

it('a run at work is stopped also when the wish cannot be journaled: it may be what fills the disk', () => {
  const disk = { isFull: false };
  const server = openQueue({}, disk);
  server.submit('a');
  disk.isFull = true;
  expect(() => server.queue.cancel('a')).toThrow(StoreError);
  expect(server.cancelled).toEqual(['a']);
  server.finish('cancelled');
  disk.isFull = false;
  server.elapse();
  expect(server.hub.run('a')?.status).toBe('cancelled');
  server.end('politely');
});

it('what happened is written with the next command that can be, and nothing waits any longer', () => {
  const disk = { isFull: false };
  const server = openQueue({}, disk);
  server.submit('a', 'b');
  disk.isFull = true;
  server.say(nodeDone);
  disk.isFull = false;
  server.queue.pause();
  expect(server.hub.run('a')?.nodes.n?.status).toBe('finished');
  server.finish();
  expect(server.hub.run('a')?.status).toBe('succeeded');
  server.end('politely');
});

it('a run of which the journal can read nothing has failed, and those beside it go on', () => {
  const journal = openJournal(folder);
  const accept = { runId: 'torn', workflowJson: '{}', acceptedAtMs: 1 };
  journal.commit([{ accept, event: { runId: 'torn', seq: 1, json: '{"type":"run.qu' } }]);
  journal.close();
  const server = openQueue();
  server.submit('a');
  expect(server.hub.run('torn')).toMatchObject({ status: 'failed', error: { code: 'run/unreadable' } });
  expect(server.order()).toBe('a1');
  server.end('politely');
  expect(openQueue().hub.unreadableRunIds).toEqual([]);
});

it('a run whose request cannot be read has failed, and the next goes on', () => {
  const server = openQueue({
    request: (runId) => {
      if (runId === 'torn') throw new StoreError('store/io', 'The disk answered EIO.');
      return { workflow };
    },
  });
  server.submit('torn', 'b');
  expect(server.notes).toEqual(['the request of a run cannot be read']);
  expect(server.hub.run('torn')).toMatchObject({ status: 'failed', error: { code: 'runner/no-request' } });
  expect(server.order()).toBe('b1');
  server.end('politely');
});

describe('a run that is about to begin is looked at again', () => {
  const refusal = { code: 'run/over-budget', message: 'It would take too long.', hint: 'Allow more.' };

  /** Looks that are answered when the test says so. */
  function openInspected() {
    const looks: { readonly job: RunJob; readonly answer: (found: Inspection) => void }[] = [];
    const server = openQueue({}, undefined, (job, done) => looks.push({ job, answer: done }));
    const answer = (found: Inspection) => looks.shift()?.answer(found);
    return { ...server, looks, answer };
  }

  it('when its turn comes and not before; refused, it fails with the reason, and the next has its turn', () => {
    const { looks, answer, ...server } = openInspected();
    server.submit('a', 'b');
    expect(looks.map(({ job }) => job.runId)).toEqual(['a']);
    expect(server.order()).toBe('');
    answer({ refusal });
    expect(server.hub.run('a')).toMatchObject({ status: 'failed', error: refusal });
    answer({});
    expect(server.order()).toBe('b1');
    server.end('politely');
  });

  it('and has a fresh runner where the old one holds too much', () => {
    const { answer, ...server } = openInspected();
    server.submit('a', 'b');
    answer({ needsFreshRunner: true });
    server.finish();
    answer({});
    expect(server.begun.map(({ needsFreshRunner }) => needsFreshRunner)).toEqual([true, false]);
    server.end('politely');
  });

  it('but once begun it is not refused: it goes on after its runner died', () => {
    const { answer, ...server } = openInspected();
    server.submit('a');
    answer({});
    server.say({ type: 'run.started', nodeIds: ['n'] });
    server.die();
    answer({ refusal });
    expect(server.order()).toBe('a1 a2');
    server.end('politely');
  });

  it('and ends as cancelled when that was asked for meanwhile', () => {
    const { looks, answer, ...server } = openInspected();
    server.submit('a', 'b');
    // A look may take its time: nobody waits for it.
    expect(server.queue.cancel('a')).toBe('cancelled');
    expect(looks.map(({ job }) => job.runId)).toEqual(['a', 'b']);
    answer({});
    expect(server.order()).toBe('');
    answer({});
    expect(server.order()).toBe('b1');
    server.end('politely');
  });

  it('and ends with all the others', () => {
    const { answer, ...server } = openInspected();
    server.submit('a', 'b');
    expect(server.queue.cancelAll()).toBe(2);
    expect(['a', 'b'].map((runId) => server.hub.status(runId))).toEqual(['cancelled', 'cancelled']);
    answer({});
    expect(server.order()).toBe('');
    server.end('politely');
  });

  it('and is refused too when an earlier server had looked at it and begun nothing', () => {
    const first = openInspected();
    first.submit('a');
    first.end('politely');
    const { answer, ...next } = openInspected();
    answer({ refusal });
    expect(next.hub.run('a')).toMatchObject({ status: 'failed', error: refusal });
    next.end('politely');
  });

  it('by the next server when this one ended meanwhile', () => {
    const { answer, ...server } = openInspected();
    server.submit('a');
    server.end('politely');
    answer({});
    expect(server.order()).toBe('');
    const next = openInspected();
    expect(next.looks.map(({ job }) => job.runId)).toEqual(['a']);
    next.end('politely');
  });
});
