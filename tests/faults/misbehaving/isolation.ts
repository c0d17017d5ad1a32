/**
 * Runs that end their process, hold it up or never end, each with a good run waiting behind it: the bad one must fail
 * with its reason, the good one must succeed soon, and the server must not notice.
 */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createClient } from '@reelgraph/client';
import type { RunError, RunEvent, RunStatus, Workflow } from '@reelgraph/graph';
import { endMarked, markName, processesMarked, temporaryFiles } from '../../support/leftovers.ts';
import { startServer, temporaryFolder } from '../../support/server.ts';
import { writeHostileModels } from './models.ts';
import { misbehaving, readingPrompt } from './workflows.ts';

export interface BadRun {
  /** `native crash while a model is opened` */
  readonly name: string;
  readonly workflow: Workflow;
  readonly targets?: readonly string[];
  /** What history must say of it. */
  readonly code: string;
  readonly message: RegExp;
  /** How often it is tried before it is given up. */
  readonly attempts: number;
  /** Bytes that the server and all that comes from it may take: beyond them the system ends a process. */
  readonly memoryLimit?: number;
}

/** Until a process that says nothing, or a node that shows no sign of life, is given up. */
const patienceSeconds = 5;

/** Everything that the tests try. */
export const badRuns: readonly BadRun[] = [
  {
    name: 'native crash while a model is opened',
    workflow: misbehaving('opens a model that crashes the runtime'),
    code: 'runner/died',
    message: /SIGSEGV/,
    attempts: 3,
  },
  { name: 'abort()', workflow: misbehaving('aborts'), code: 'runner/died', message: /SIGABRT/, attempts: 3 },
  {
    name: 'exit in mid-node',
    workflow: misbehaving('exits'),
    code: 'runner/died',
    message: /exit code 3/,
    attempts: 3,
  },
  {
    name: 'kill -9',
    workflow: misbehaving('is killed'),
    code: 'runner/died',
    message: /SIGKILL/,
    attempts: 3,
  },
  {
    name: 'crash beside a program that the node started',
    workflow: misbehaving('dies with a program at work'),
    code: 'runner/died',
    message: /SIGSEGV/,
    attempts: 3,
  },
  {
    name: 'heap out of memory',
    workflow: misbehaving('fills the heap'),
    code: 'runner/out-of-memory',
    message: /memory ran out/,
    attempts: 3,
  },
  {
    name: 'killed by the system for lack of memory',
    workflow: misbehaving('fills the memory'),
    code: 'runner/out-of-memory',
    message: /memory ran out \(SIGKILL\)/,
    attempts: 3,
    memoryLimit: 700 * 1024 ** 2,
  },
  {
    name: 'endless loop in the thread of runs',
    workflow: misbehaving('loops for ever'),
    code: 'runner/silent',
    message: /no sign of life for 5 s/,
    attempts: 3,
  },
  {
    name: 'endless loop in a thread of the node',
    workflow: misbehaving('loops for ever in a thread of its own'),
    code: 'engine/stalled',
    message: /no sign of life/,
    attempts: 1,
  },
  {
    name: 'endless session.run',
    workflow: readingPrompt('endless', 'a circle'),
    targets: ['prompt'],
    code: 'engine/stalled',
    message: /no sign of life/,
    attempts: 1,
  },
  {
    name: 'a node that never answers',
    workflow: misbehaving('never answers'),
    code: 'engine/stalled',
    message: /no sign of life/,
    attempts: 1,
  },
];

export interface Isolation {
  readonly status: RunStatus;
  readonly error: RunError | undefined;
  readonly attempts: number;
  /** Whether the run behind it succeeded. */
  readonly nextSucceeded: boolean;
  /** From each end of the bad run's attempts to the next beginning of a run, milliseconds. */
  readonly gapsMs: readonly number[];
  /** What was left when both were over, beside the server and its runner. */
  readonly leftovers: readonly string[];
  readonly serverLived: boolean;
}

/** Whether groups of processes can be given a limit of memory here (Linux, cgroup 1, as root). */
export function canLimitMemory(): boolean {
  return existsSync(memoryGroups) && process.getuid?.() === 0;
}
const memoryGroups = '/sys/fs/cgroup/memory/memory.limit_in_bytes';

/** Tries bad runs one after the other on a server each. */
export async function isolate(bad: BadRun): Promise<Isolation> {
  const scratch = await temporaryFolder();
  const models = join(scratch.path, 'models');
  const dataFolder = join(scratch.path, 'data');
  const mark = randomUUID();
  await writeHostileModels(models);
  const server = await startServer({
    dataFolder,
    entry: join(import.meta.dirname, 'server.ts'),
    args: ['--models', models],
    env: {
      [markName]: mark,
      REELGRAPH_SILENT_SECONDS: String(patienceSeconds),
      REELGRAPH_STALL_MINUTES: String(patienceSeconds / 60),
      // So that a heap is full before the machine is.
      NODE_OPTIONS: '--max-old-space-size=160',
    },
  });
  const group = bad.memoryLimit === undefined ? undefined : await limitMemory(mark, bad.memoryLimit);
  const client = createClient({ baseUrl: server.baseUrl });
  try {
    const events: { event: RunEvent; atMs: number }[] = [];
    const heard = Promise.withResolvers<void>();
    let lastId = '';
    const connection = client.connectEvents({
      onWelcome: () => undefined,
      onEvent: ({ event }) => {
        events.push({ event, atMs: performance.now() });
        if (event.type === 'run.finished' && event.runId === lastId) heard.resolve();
      },
      onPreview: () => undefined,
    });
    // Both are there before either begins.
    await client.pauseQueue();
    const { runId } = await client.startRun(
      bad.workflow,
      bad.targets === undefined ? {} : { targets: bad.targets },
    );
    // It needs a model: what holds the bad run's would hold it up too.
    lastId = (await client.startRun(readingPrompt('toybox', 'a circle'), { targets: ['prompt'] })).runId;
    await client.resumeQueue();
    await heard.promise;
    const { run } = await client.getRun(runId);
    const next = await client.getRun(lastId);
    const gapsMs: number[] = [];
    let endedAt: number | undefined;
    for (const { event, atMs } of events) {
      const isEnd =
        event.runId === runId && (event.type === 'run.interrupted' || event.type === 'run.finished');
      if (isEnd) endedAt ??= atMs;
      if (event.type !== 'run.started' || endedAt === undefined) continue;
      gapsMs.push(atMs - endedAt);
      endedAt = undefined;
    }
    connection.close();
    return {
      status: run.status,
      error: run.error,
      attempts: run.attempt ?? 0,
      nextSucceeded: next.run.status === 'succeeded',
      gapsMs,
      leftovers: await leftoversOf(),
      serverLived: server.process.exitCode === null && server.process.signalCode === null,
    };
  } finally {
    await server.stop('SIGKILL');
    await endMarked(mark);
    await group?.remove();
    await scratch.dispose();
  }

  /** A runner that has just come removes what the one before it left. */
  async function leftoversOf(): Promise<string[]> {
    const { pid } = (await client.getHealth()).runner;
    const known = [server.process.pid, pid];
    const others = processesMarked(mark).filter((one) => !known.includes(one.pid));
    return [...others.map(({ command }) => command), ...temporaryFiles(dataFolder)];
  }
}

/** Puts everything that carries the mark into a group with a limit; what they start is in it too. */
async function limitMemory(mark: string, bytes: number): Promise<{ remove: () => Promise<void> }> {
  const folder = `/sys/fs/cgroup/memory/reelgraph-${mark}`;
  await mkdir(folder);
  await writeFile(join(folder, 'memory.limit_in_bytes'), String(bytes));
  for (const { pid } of processesMarked(mark)) await writeFile(join(folder, 'cgroup.procs'), String(pid));
  return {
    async remove() {
      // Busy until the last of them is gone for the system too.
      for (let tries = 1; ; tries += 1) {
        try {
          return await rmdir(folder);
        } catch (error) {
          if (tries === 100) throw error;
          await pause(50);
        }
      }
    },
  };
}
