import { describe, expect, test } from 'vitest';
import type { RunEventBody } from '../run-events.ts';
import { decideQueue, maxDeaths, maxInterruptions, type QueueCommand } from './decide-queue.ts';
import type { JournalEvent } from './queue-events.ts';
import { emptyQueue, type QueueState, reduceQueue, reduceQueueEvents } from './reduce-queue.ts';

/** A queue as a server holds it: commands are decided, their events numbered and folded one by one. */
function openQueue() {
  const journal: JournalEvent[] = [];
  let state: QueueState = emptyQueue;
  const tell = (command: QueueCommand) => {
    const decision = decideQueue(state, command);
    if (!decision.ok) return decision.code;
    for (const { runId, body } of decision.events) {
      const event: JournalEvent =
        runId === undefined ? { ...body, atMs: 0 } : { ...body, runId, seq: journal.length + 1, atMs: 0 };
      journal.push(event);
      state = reduceQueue(state, event);
    }
    return decision.events.map(({ body }) => body.type);
  };
  return {
    tell,
    journal,
    get state() {
      return state;
    },
    submit: (...ids: string[]) =>
      tell({ type: 'submit', runs: ids.map((runId) => ({ runId, workflowName: 'w' })) }),
    order: () => state.waiting.map(({ runId }) => runId).join(' '),
    report: (runId: string, attempt: number, body: RunEventBody) =>
      tell({ type: 'report', runId, attempt, body }),
    die: (runId: string, attempt: number, step?: number) =>
      tell({
        type: 'runner-died',
        runId,
        attempt,
        error: { code: 'runner/died', message: 'Gone.' },
        durationMs: 1,
        ...(step === undefined ? {} : { step }),
      }),
    finish: (runId: string, attempt: number, missingFiles = 0) =>
      tell({
        type: 'finish',
        runId,
        attempt,
        missingFiles,
        body: { type: 'run.finished', status: 'succeeded', durationMs: 1 },
      }),
  };
}

const nodeDone = { type: 'node.finished', nodeId: 'n', durationMs: 1, outputs: {} } as const;

describe('the order', () => {
  test('Q1 is that of acceptance within a priority, and higher priorities go first', () => {
    const queue = openQueue();
    queue.submit('a', 'b');
    queue.tell({ type: 'submit', runs: [{ runId: 'hot', workflowName: 'w', priority: 5 }] });
    queue.submit('c');
    expect(queue.order()).toBe('hot a b c');
    expect(queue.tell({ type: 'assign' })).toEqual(['run.assigned']);
    expect(queue.state.assigned?.runId).toBe('hot');
    expect(queue.tell({ type: 'assign' })).toEqual([]);
  });

  test('Q1 a run that is asked for twice is taken in once', () => {
    const queue = openQueue();
    expect(queue.submit('a', 'a')).toEqual(['run.queued']);
    expect(queue.submit('a')).toEqual([]);
    queue.tell({ type: 'cancel', runId: 'a' });
    expect(queue.submit('a')).toEqual([]);
  });

  test.each([
    ['c', { to: 'front' }, 'c a b d hot', 0],
    ['a', { to: 'back' }, 'b c d a hot', 0],
    ['d', { before: 'b' }, 'a d b c hot', 0],
    ['a', { after: 'c' }, 'b c a d hot', 0],
    ['a', { before: 'hot' }, 'a hot b c d', 9],
    ['hot', { after: 'b' }, 'a b hot c d', 0],
    ['b', { priority: 3 }, 'b a c d hot', 3],
    ['a', { before: 'b' }, 'a b c d hot', 0],
    ['a', { to: 'front' }, 'a b c d hot', 0],
    ['a', { after: 'a' }, 'a b c d hot', 0],
  ] as const)('Q2 %s moved %j: %s', (runId, target, expected, priority) => {
    const queue = openQueue();
    queue.submit('a', 'b', 'c', 'd');
    queue.tell({ type: 'submit', runs: [{ runId: 'hot', workflowName: 'w', priority: 9 }] });
    queue.tell({ type: 'move', runId, target });
    // "hot" leads by its priority; it is written last above for the eye, unless it was moved.
    const byPriority = (id: string) => queue.state.waiting.find((run) => run.runId === id)?.priority ?? 0;
    const wanted = expected
      .split(' ')
      .map((id, index) => ({ id, index }))
      .sort((x, y) => byPriority(y.id) - byPriority(x.id) || x.index - y.index)
      .map(({ id }) => id)
      .join(' ');
    expect(queue.order()).toBe(wanted);
    expect(byPriority(runId)).toBe(priority);
  });

  test('Q2 thousands of moves to one place keep the order exact', () => {
    const queue = openQueue();
    queue.submit('first', 'x', 'y', 'last');
    for (let n = 0; n < 200; n += 1) {
      queue.tell({ type: 'move', runId: n % 2 === 0 ? 'y' : 'x', target: { after: 'first' } });
      expect(queue.order()).toBe(n % 2 === 0 ? 'first y x last' : 'first x y last');
    }
  });

  test('Q2 nothing is moved ahead of the run at work, which waits at its place again when it is interrupted', () => {
    const queue = openQueue();
    queue.submit('a', 'b', 'c');
    queue.tell({ type: 'assign' });
    queue.tell({ type: 'move', runId: 'c', target: { to: 'front' } });
    queue.die('a', 1);
    expect(queue.order()).toBe('a c b');
  });

  test('Q2 what is at work, over or unknown cannot be moved', () => {
    const queue = openQueue();
    queue.submit('a', 'b', 'c');
    queue.tell({ type: 'assign' });
    queue.tell({ type: 'cancel', runId: 'b' });
    const to = { to: 'front' } as const;
    expect(queue.tell({ type: 'move', runId: 'a', target: to })).toBe('queue/run-is-at-work');
    expect(queue.tell({ type: 'move', runId: 'b', target: to })).toBe('queue/run-is-over');
    expect(queue.tell({ type: 'move', runId: 'x', target: to })).toBe('queue/unknown-run');
    expect(queue.tell({ type: 'move', runId: 'c', target: { before: 'x' } })).toBe('queue/unknown-run');
  });
});

test('Q3 a paused queue begins nothing, and what is at work goes on', () => {
  const queue = openQueue();
  queue.submit('a', 'b');
  queue.tell({ type: 'assign' });
  expect(queue.tell({ type: 'pause' })).toEqual(['queue.paused']);
  expect(queue.tell({ type: 'pause' })).toEqual([]);
  expect(queue.finish('a', 1)).toEqual(['run.finished']);
  expect(queue.tell({ type: 'assign' })).toEqual([]);
  expect(queue.tell({ type: 'resume' })).toEqual(['queue.resumed']);
  expect(queue.tell({ type: 'assign' })).toEqual(['run.assigned']);
});

describe('a cancel', () => {
  test('Q4 ends a waiting run at once, and one at work when its runner has stopped or its server has gone', () => {
    const queue = openQueue();
    queue.submit('a', 'b', 'c');
    queue.tell({ type: 'assign' });
    expect(queue.tell({ type: 'cancel-all' })).toEqual([
      'run.finished',
      'run.finished',
      'run.cancel-requested',
    ]);
    expect(queue.tell({ type: 'cancel', runId: 'a' })).toEqual([]);
    expect(queue.state.assigned).toMatchObject({ runId: 'a', isCancelling: true });
    expect(queue.tell({ type: 'recover' })).toEqual(['run.finished']);
    expect([...queue.state.ended]).toEqual([
      ['b', 'cancelled'],
      ['c', 'cancelled'],
      ['a', 'cancelled'],
    ]);
    expect(queue.tell({ type: 'cancel', runId: 'a' })).toBe('queue/run-is-over');
  });
});

describe('an attempt that is cut short', () => {
  test('Q5 waits at its place again; after three in vain the run is given up, with its reason', () => {
    const queue = openQueue();
    queue.submit('poison', 'b');
    for (let attempt = 1; attempt <= maxDeaths.runner; attempt += 1) {
      expect(queue.order().startsWith('poison')).toBe(true);
      queue.tell({ type: 'assign' });
      queue.die('poison', attempt);
    }
    expect(queue.state.ended.get('poison')).toBe('failed');
    expect(queue.journal.at(-1)).toMatchObject({
      type: 'run.finished',
      error: { code: 'runner/died', message: 'Gone. It was tried 3 times.' },
    });
    expect(queue.order()).toBe('b');
  });

  test('Q5 that came further than any before counts as the first', () => {
    const queue = openQueue();
    queue.submit('a');
    for (let attempt = 1; attempt <= 8; attempt += 1) {
      queue.tell({ type: 'assign' });
      // A step further each time: checkpoints carry it.
      expect(queue.die('a', attempt, 10 * attempt)).toEqual(['run.interrupted']);
    }
    queue.tell({ type: 'assign' });
    queue.report('a', 9, nodeDone);
    expect(queue.die('a', 9, 1)).toEqual(['run.interrupted']);
    queue.tell({ type: 'assign' });
    expect(queue.die('a', 10, 90)).toEqual(['run.interrupted']);
    queue.tell({ type: 'assign' });
    expect(queue.die('a', 11, 90)).toEqual(['run.interrupted', 'run.finished']);
  });

  test('Q5 by servers that crash is given up too, later', () => {
    const queue = openQueue();
    queue.submit('a');
    let restarts = 0;
    while (queue.state.ended.size === 0 && restarts < 50) {
      queue.tell({ type: 'assign' });
      queue.tell({ type: 'recover' });
      restarts += 1;
    }
    expect(restarts).toBe(maxDeaths.server);
    expect(queue.journal.at(-1)).toMatchObject({ error: { code: 'runner/gave-up' } });
  });

  test('Q5 by servers, each after checkpoints that came further, counts as the first', () => {
    const queue = openQueue();
    queue.submit('a');
    const lives = 3 * maxDeaths.server;
    for (let attempt = 1; queue.state.ended.size === 0; attempt += 1) {
      const step = 10 * Math.min(attempt, lives);
      queue.tell({ type: 'assign' });
      queue.report('a', attempt, nodeDone);
      queue.report('a', attempt, {
        type: 'node.progress',
        nodeId: 'm',
        step,
        totalSteps: 500,
        continuedFrom: step,
      });
      queue.report('a', attempt, { type: 'node.cached', nodeId: 'beside', source: 'disk', outputs: {} });
      queue.tell({ type: 'recover' });
    }
    expect(queue.journal.filter(({ type }) => type === 'run.interrupted')).toHaveLength(
      lives + maxDeaths.server - 1,
    );
  });

  test('Q5 that always comes a little further is given up in the end', () => {
    const queue = openQueue();
    queue.submit('a');
    let attempt = 0;
    while (queue.state.ended.size === 0 && attempt < 1000) {
      attempt += 1;
      queue.tell({ type: 'assign' });
      queue.die('a', attempt, attempt);
    }
    expect(attempt).toBe(maxInterruptions);
  });

  test('Q5 by a polite end does not count, and its number is not given again', () => {
    const queue = openQueue();
    queue.submit('a');
    for (let n = 0; n < 20; n += 1) {
      queue.tell({ type: 'assign' });
      expect(queue.tell({ type: 'release' })).toEqual(['run.released']);
    }
    expect(queue.state.waiting).toMatchObject([{ attempts: 20, deaths: { runner: 0, server: 0 } }]);
  });
});

describe('what a runner says', () => {
  test('Q6 of another attempt than the one at work changes nothing', () => {
    const queue = openQueue();
    queue.submit('a');
    queue.tell({ type: 'assign' });
    queue.die('a', 1);
    queue.tell({ type: 'assign' });
    expect(queue.finish('a', 1)).toBe('queue/stale');
    expect(queue.report('a', 1, nodeDone)).toBe('queue/stale');
    expect(queue.die('a', 1)).toBe('queue/stale');
    expect(queue.finish('a', 2)).toEqual(['run.finished']);
    expect(queue.finish('a', 2)).toBe('queue/stale');
  });

  test('Q7 a run whose files are not there has not finished: it is tried again, then failed', () => {
    const queue = openQueue();
    queue.submit('a');
    for (const attempt of [1, 2, 3]) {
      queue.tell({ type: 'assign' });
      queue.report('a', attempt, nodeDone);
      queue.finish('a', attempt, 2);
    }
    expect(queue.state.ended.get('a')).toBe('failed');
    expect(queue.journal.at(-1)).toMatchObject({
      error: { code: 'run/files-missing', message: expect.stringContaining('2 files') },
    });
  });
});

describe('the fold', () => {
  const story = () => {
    const queue = openQueue();
    queue.submit('a', 'b', 'c');
    queue.tell({ type: 'assign' });
    queue.report('a', 1, { type: 'run.started', nodeIds: ['n'] });
    queue.report('a', 1, nodeDone);
    queue.tell({ type: 'move', runId: 'c', target: { to: 'front' } });
    queue.die('a', 1, 3);
    queue.tell({ type: 'pause' });
    queue.tell({ type: 'cancel', runId: 'b' });
    return queue;
  };

  test('Q8 of the whole journal is the state, at once or event by event, also when told twice', () => {
    const { journal, state } = story();
    expect(reduceQueueEvents(emptyQueue, journal)).toEqual(state);
    expect(journal.reduce(reduceQueue, emptyQueue)).toEqual(state);
    const endings = journal.filter((event) => event.type === 'run.finished' || event.type === 'run.queued');
    expect(reduceQueueEvents(state, endings)).toEqual(state);
  });

  test('Q8 changes no state it was given', () => {
    const { journal } = story();
    let state: QueueState = emptyQueue;
    for (const event of journal) {
      const text = JSON.stringify(state);
      const next = reduceQueue(state, event);
      expect(JSON.stringify(state)).toBe(text);
      state = next;
    }
  });

  test('Q8 reads journals of before, which told a polite end as a second queueing and no assignment', () => {
    const base = { runId: 'a', atMs: 0 };
    const state = reduceQueueEvents(emptyQueue, [
      { ...base, seq: 1, type: 'run.queued', workflowName: 'w' },
      { ...base, seq: 2, type: 'run.started', nodeIds: [] },
      { ...base, seq: 3, type: 'run.queued', workflowName: 'w' },
      { ...base, seq: 4, type: 'run.started', nodeIds: [] },
    ]);
    expect(state.assigned).toMatchObject({ runId: 'a', attempts: 2, deaths: { server: 0 } });
  });
});
