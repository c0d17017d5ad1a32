import { join } from 'node:path';
import type { RunEvent, Workflow } from '@reelgraph/graph';
import type { LiveAnswer } from '@reelgraph/protocol';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { runnerDiedError } from './died.ts';
import { forkRunner, type RunnerListener } from './runner-process.ts';
import { RunnerSupervisor, type SupervisorOptions } from './supervisor.ts';

const startRunner = forkRunner({ entry: join(import.meta.dirname, '../testing/fake-runner.ts'), args: [] });
let supervisor: RunnerSupervisor | undefined;

afterEach(async () => {
  await supervisor?.stop();
});

function workflow(name: string): Workflow {
  return {
    reelgraph: 1,
    name,
    description: '',
    inputs: {},
    outputs: {},
    nodes: {},
    edges: [],
    subgraphs: {},
    groups: {},
    comments: {},
    layout: { nodes: {} },
  };
}

function startSupervisor(options: Partial<SupervisorOptions> = {}) {
  const events: RunEvent[] = [];
  const waiting: { type: string; done: () => void }[] = [];
  supervisor = new RunnerSupervisor({
    startRunner,
    onEvent: (event) => {
      events.push(event);
      for (const waiter of waiting.splice(0)) {
        if (waiter.type === event.type) waiter.done();
        else waiting.push(waiter);
      }
    },
    onPreview: () => {},
    ...options,
  });
  supervisor.start();
  const next = (type: RunEvent['type']) => new Promise<void>((done) => waiting.push({ type, done }));
  return { supervisor, events, next };
}

describe('a runner', () => {
  it('executes one run after the other in the same process', async () => {
    const { supervisor, events } = startSupervisor();
    expect(await supervisor.execute({ runId: 'a', attempt: 1, workflow: workflow('ok') })).toEqual({
      kind: 'finished',
    });
    const pid = supervisor.pid;
    expect(await supervisor.execute({ runId: 'b', attempt: 1, workflow: workflow('ok') })).toEqual({
      kind: 'finished',
    });
    expect(supervisor.pid).toBe(pid);
    expect(events.filter((event) => event.type === 'run.finished').map((event) => event.runId)).toEqual([
      'a',
      'b',
    ]);
  });

  it('that kills itself costs its run alone: the next run goes on in a fresh process', async () => {
    const { supervisor } = startSupervisor();
    const end = await supervisor.execute({ runId: 'a', attempt: 1, workflow: workflow('die') });
    expect(end).toMatchObject({ kind: 'died', exit: { signal: 'SIGKILL' }, wasCancelled: false });
    expect(await supervisor.execute({ runId: 'b', attempt: 1, workflow: workflow('ok') })).toEqual({
      kind: 'finished',
    });
  });

  it('that ends by itself in the middle of a run tells its exit code', async () => {
    const { supervisor } = startSupervisor();
    const end = await supervisor.execute({ runId: 'a', attempt: 1, workflow: workflow('exit') });
    expect(end).toMatchObject({ kind: 'died', exit: { code: 7, signal: null } });
  });

  it('that sends what nobody can read is replaced', async () => {
    const { supervisor } = startSupervisor();
    expect(await supervisor.execute({ runId: 'a', attempt: 1, workflow: workflow('garbage') })).toMatchObject(
      {
        kind: 'died',
      },
    );
    expect(await supervisor.execute({ runId: 'b', attempt: 1, workflow: workflow('ok') })).toEqual({
      kind: 'finished',
    });
  });

  it('that is gone says nothing more of the one after it', async () => {
    const listeners: RunnerListener[] = [];
    const { supervisor } = startSupervisor({
      startRunner: (given) => {
        listeners.push(given);
        const kill = () => given.onExit({ code: null, signal: 'SIGKILL', stderrTail: '' });
        return { pid: 1, send: () => {}, kill };
      },
    });
    listeners[0]?.onMessage({ type: 'ready' });
    const first = supervisor.execute({ runId: 'a', attempt: 1, workflow: workflow('ok') });
    listeners[0]?.onExit({ code: 9, signal: null, stderrTail: '' });
    listeners[0]?.onBadMessage(new Error('read late'));
    listeners[1]?.onMessage({ type: 'ready' });
    expect(await first).toMatchObject({ kind: 'died', exit: { code: 9 } });
    const second = supervisor.execute({ runId: 'b', attempt: 1, workflow: workflow('ok') });
    listeners[1]?.onExit({ code: 7, signal: null, stderrTail: '' });
    expect(await second).toEqual({
      kind: 'died',
      exit: { code: 7, signal: null, stderrTail: '' },
      wasCancelled: false,
    });
  });

  it('that cannot start is tried a few times, then its run ends as died', async () => {
    let starts = 0;
    const broken = forkRunner({ entry: join(import.meta.dirname, 'no-such-file.ts'), args: [] });
    const { supervisor } = startSupervisor({
      restartDelayMs: 1,
      startRunner: (listener) => {
        starts += 1;
        return broken(listener);
      },
    });
    expect(await supervisor.execute({ runId: 'a', attempt: 1, workflow: workflow('ok') })).toMatchObject({
      kind: 'died',
    });
    expect(starts).toBe(3);
  });
});

describe('a sign of life', () => {
  it('that stays away for too long ends the process, and its run with the reason', async () => {
    const { supervisor } = startSupervisor({ silenceMs: 400 });
    const end = await supervisor.execute({ runId: 'a', attempt: 1, workflow: workflow('hang') });
    expect(end).toMatchObject({
      kind: 'died',
      wasCancelled: false,
      exit: { signal: 'SIGKILL', endedBecause: { kind: 'silent', forMs: 400 } },
    });
    const next = startSupervisor();
    expect(await next.supervisor.execute({ runId: 'b', attempt: 1, workflow: workflow('ok') })).toEqual({
      kind: 'finished',
    });
    await supervisor.stop();
  });

  it('is every word of the runner: one that is at work for longer than the limit is left alone', async () => {
    vi.useFakeTimers();
    try {
      let listener: RunnerListener | undefined;
      let kills = 0;
      const { supervisor } = startSupervisor({
        silenceMs: 60_000,
        startRunner: (given) => {
          listener = given;
          return {
            pid: 1,
            send: () => {},
            kill: () => {
              kills += 1;
              given.onExit({ code: null, signal: 'SIGKILL', stderrTail: '' });
            },
          };
        },
      });
      listener?.onMessage({ type: 'ready' });
      const run = supervisor.execute({ runId: 'a', attempt: 1, workflow: workflow('ok') });
      for (let second = 0; second < 300; second += 50) {
        vi.advanceTimersByTime(50_000);
        listener?.onMessage({ type: 'alive' });
      }
      expect(kills).toBe(0);
      vi.advanceTimersByTime(60_000);
      expect(kills).toBe(1);
      expect(await run).toMatchObject({ kind: 'died', exit: { endedBecause: { forMs: 60_000 } } });
    } finally {
      vi.useRealTimers();
    }
  });
});

it('a runner that says it is spent ends with its run, and the next run has a fresh one at once', async () => {
  const { supervisor, events } = startSupervisor({ restartDelayMs: 1_000_000 });
  // More often than a runner may die: being spent is no failure of it.
  const pids = new Set<number | undefined>();
  for (const runId of ['a', 'b', 'c', 'd']) {
    expect(await supervisor.execute({ runId, attempt: 1, workflow: workflow('spent') })).toEqual({
      kind: 'finished',
    });
    pids.add(supervisor.pid);
  }
  expect(pids.size).toBe(4);
  expect(events.filter(({ type }) => type === 'run.finished')).toHaveLength(4);
});

it('a run that needs a fresh runner has one, and the run after it stays there', async () => {
  const { supervisor } = startSupervisor({ restartDelayMs: 1_000_000 });
  const pids: (number | undefined)[] = [];
  for (const needsFreshRunner of [undefined, true, false]) {
    const job = { runId: `run-${pids.length}`, attempt: 1, workflow: workflow('ok'), needsFreshRunner };
    expect(await supervisor.execute(job)).toEqual({ kind: 'finished' });
    pids.push(supervisor.pid);
  }
  expect(pids[1]).not.toBe(pids[0]);
  expect(pids[2]).toBe(pids[1]);
});

it('a runner that dies whenever it is ready is not started for ever', async () => {
  let starts = 0;
  await new Promise<void>((givenUp) => {
    startSupervisor({
      restartDelayMs: 1,
      onNote: (note) => {
        if (note.includes('does not stay alive')) givenUp();
      },
      startRunner: (listener) => {
        starts += 1;
        setImmediate(() => {
          listener.onMessage({ type: 'ready' });
          listener.onExit({ code: 1, signal: null, stderrTail: '' });
        });
        return { pid: starts, send: () => {}, kill: () => {} };
      },
    });
  });
  expect(starts).toBe(3);
  expect(supervisor?.pid).toBeUndefined();
});

describe('a node that is played', () => {
  it('waits for a runner that starts, plays beside a run, and is lost with the runner', async () => {
    const told: LiveAnswer[] = [];
    let lost = 0;
    const heard = (type: string) =>
      vi.waitFor(() => expect(told.map((answer) => answer.type)).toContain(type), { timeout: 10_000 });
    const { supervisor, next } = startSupervisor({
      onLive: (answer) => told.push(answer),
      onRunnerLost: () => {
        lost += 1;
      },
    });
    // Nothing has started a runner yet.
    supervisor.sendLive({ type: 'live.open', liveId: 'a', nodeType: 'world', params: {} });
    await heard('live.opened');
    const run = supervisor.execute({ runId: 'a', attempt: 1, workflow: workflow('slow') });
    await next('node.progress');
    supervisor.sendLive({ type: 'live.act', liveId: 'a', action: 'left' });
    await heard('live.frame');
    supervisor.sendLive({ type: 'live.act', liveId: 'a', action: 'die' });
    expect(await run).toMatchObject({ kind: 'died' });
    expect(lost).toBe(1);
  });
});

describe('stop', () => {
  it('asks a runner to end before it kills it, and what its run says then is not heard', async () => {
    const sent: string[] = [];
    let wasKilled = false;
    const { supervisor, events } = startSupervisor({
      stopDeadlineMs: 60_000,
      startRunner: (listener) => {
        setImmediate(() => listener.onMessage({ type: 'ready' }));
        return {
          pid: 1,
          send: (message) => {
            sent.push(message.type);
            if (message.type !== 'shutdown') return;
            const event = { type: 'run.finished', status: 'cancelled', durationMs: 1 } as const;
            listener.onMessage({ type: 'event', event: { ...event, runId: 'a', seq: 2, atMs: 0 } });
            setImmediate(() => listener.onExit({ code: 0, signal: null, stderrTail: '' }));
          },
          kill: () => {
            wasKilled = true;
          },
        };
      },
    });
    const run = supervisor.execute({ runId: 'a', attempt: 1, workflow: workflow('ok') });
    await new Promise((done) => setImmediate(done));
    await supervisor.stop();
    expect(await run).toMatchObject({ kind: 'died' });
    expect(sent).toEqual(['run', 'shutdown']);
    expect(wasKilled).toBe(false);
    expect(events).toEqual([]);
  });

  it('leaves no process behind, also while a run hangs', async () => {
    const { supervisor, next } = startSupervisor({ stopDeadlineMs: 100 });
    const run = supervisor.execute({ runId: 'a', attempt: 1, workflow: workflow('hang') });
    await next('node.started');
    const pid = supervisor.pid ?? 0;
    await supervisor.stop();
    expect(await run).toMatchObject({ kind: 'died' });
    expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
  });
});

describe('cancel', () => {
  it('asks softly: the runner stays', async () => {
    const { supervisor, events, next } = startSupervisor();
    const run = supervisor.execute({ runId: 'a', attempt: 1, workflow: workflow('slow') });
    await next('node.progress');
    const pid = supervisor.pid;
    supervisor.cancel('a');
    expect(await run).toEqual({ kind: 'finished' });
    expect(events.at(-1)).toMatchObject({ type: 'run.finished', status: 'cancelled' });
    expect(supervisor.pid).toBe(pid);
  });

  it('kills a runner that does not answer, after the deadline', async () => {
    const { supervisor, next } = startSupervisor({ cancelDeadlineMs: 200 });
    const run = supervisor.execute({ runId: 'a', attempt: 1, workflow: workflow('hang') });
    await next('node.started');
    supervisor.cancel('a');
    expect(await run).toMatchObject({ kind: 'died', wasCancelled: true, exit: { signal: 'SIGKILL' } });
    expect(await supervisor.execute({ runId: 'b', attempt: 1, workflow: workflow('ok') })).toEqual({
      kind: 'finished',
    });
  });

  it('of a run that still waits for its runner ends it at once', async () => {
    const { supervisor } = startSupervisor();
    const run = supervisor.execute({ runId: 'a', attempt: 1, workflow: workflow('hang') });
    supervisor.cancel('a');
    expect(await run).toMatchObject({ kind: 'died', wasCancelled: true });
  });

  it('of another run changes nothing', async () => {
    const { supervisor } = startSupervisor();
    const run = supervisor.execute({ runId: 'a', attempt: 1, workflow: workflow('ok') });
    supervisor.cancel('b');
    expect(await run).toEqual({ kind: 'finished' });
  });
});

it.each([
  [{ code: null, signal: 'SIGSEGV' }, 'runner/died', /crashed \(SIGSEGV\)/],
  [{ code: null, signal: 'SIGKILL' }, 'runner/died', /killed from outside \(SIGKILL\)/],
  [{ code: 9, signal: null }, 'runner/died', /exit code 9/],
  [{ code: null, signal: null }, 'runner/died', /could not be started/],
  [
    { code: null, signal: 'SIGKILL', outOfMemory: true },
    'runner/out-of-memory',
    /memory ran out \(SIGKILL\)/,
  ],
  [
    { code: null, signal: 'SIGKILL', endedBecause: { kind: 'silent', forMs: 60_000 } },
    'runner/silent',
    /no sign of life for 60 s/,
  ],
  [{ code: null, signal: 'SIGKILL', endedBecause: { kind: 'unreadable' } }, 'runner/died', /nobody can read/],
] as const)('a died runner is told in a sentence: %o', (exit, code, sentence) => {
  expect(runnerDiedError({ ...exit, stderrTail: '' })).toMatchObject({
    code,
    message: expect.stringMatching(sentence),
    hint: expect.stringContaining('What was finished is kept'),
  });
});
