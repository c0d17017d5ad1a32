/**
 * Histories of a server's life, made from a seed: people who start, order and cancel runs, a runner that works, dies
 * and lies, a disk that fails, a process that ends between any two of its effects. The queue in them is the real one
 * (`RunQueue`, `EventHub` and the fold of `packages/graph/src/queue`); clock, disk and runner are made up. After every
 * commit and every action it is held against `queue-model.ts`.
 */
import {
  emptyQueue,
  emptyWorkflow,
  type JournalEvent,
  type MoveTarget,
  type QueueState,
  type RunEvent,
  type RunEventBody,
  reduceQueueEvents,
} from '@reelgraph/graph';
import { StoreError } from '@reelgraph/store';
import { EventHub } from '../event-hub.ts';
import { QueueRefusal, RunQueue } from '../run-queue.ts';
import type { RunEnd, RunJob } from '../runner/supervisor.ts';
import { BrokenPromise, emptyModel, follow, isKnown, moved, type QueueModel } from './queue-model.ts';
import { createRandom, shrink } from './random.ts';
import { SimulatedJournal } from './simulated-journal.ts';

/** How often each thing happens, against the others. */
const weighted = [
  ['submit', 9],
  ['submit many', 2],
  ['submit again', 2],
  ['move', 6],
  ['cancel', 3],
  ['cancel all', 0.4],
  ['pause', 1.5],
  ['resume', 2],
  /** The disk, the runner or a timer does the next thing it has to do. */
  ['work', 40],
  ['say again', 2],
  ['say late', 2],
  ['lose a file', 2],
  ['runner dies', 4],
  ['disk fails', 2],
  /** The process ends after a number of effects. */
  ['server dies', 4],
  ['power goes', 2],
  ['server ends', 2],
] as const;
export type ActionKind = (typeof weighted)[number][0];

/** One thing that happens; `n` chooses on what. Fit for any moment, so that a history can be shortened. */
export interface Action {
  readonly kind: ActionKind;
  readonly n: number;
}

const totalWeight = weighted.reduce((sum, [, weight]) => sum + weight, 0);

/** The history of a seed. */
export function historyOf(seed: number): readonly Action[] {
  const random = createRandom(seed);
  const length = 5 + Math.floor(random() * 45);
  return Array.from({ length }, () => {
    let left = random() * totalWeight;
    const chosen = weighted.find(([, weight]) => {
      left -= weight;
      return left < 0;
    });
    return { kind: chosen?.[0] ?? 'work', n: Math.floor(random() * 1_000_000) };
  });
}

/** Lets a history happen. @throws BrokenPromise, or what the code under it throws and nobody expected */
export function simulate(history: readonly Action[]): void {
  const world = new World();
  for (const action of history) world.happen(action);
  world.comeToRest();
}

export interface FailedHistory {
  readonly seed: number;
  readonly error: unknown;
  /** The shortest found that fails. */
  readonly history: readonly Action[];
}

/** Simulates the histories of `count` seeds from `firstSeed`; answers the first that fails. */
export function findFailure(firstSeed: number, count: number): FailedHistory | undefined {
  for (let seed = firstSeed; seed < firstSeed + count; seed += 1) {
    if (failureOf(historyOf(seed)) === undefined) continue;
    const history = shrink(historyOf(seed), (shorter) => failureOf(shorter) !== undefined);
    return { seed, error: failureOf(history), history };
  }
  return undefined;
}

function failureOf(history: readonly Action[]): unknown {
  try {
    simulate(history);
    return undefined;
  } catch (error) {
    return error;
  }
}

/** Ends the process at an effect. */
class ProcessEnded extends Error {}

/** A run on the simulated runner. */
interface Task {
  readonly job: RunJob;
  readonly ended: (end: RunEnd) => void;
  readonly script: readonly RunEventBody[];
  at: number;
  isCancelled: boolean;
}

/** A server process, with what dies with it. */
interface Process {
  readonly hub: EventHub;
  readonly queue: RunQueue;
}

const workflow = emptyWorkflow('simulated');
const digestOf = (runId: string, nodeId: string) =>
  `${runId}-${nodeId}`
    .replace(/[^0-9a-f]/g, 'a')
    .padEnd(64, '0')
    .slice(0, 64);

class World {
  #timeMs = 0;
  #submitted = 0;
  #process: Process | undefined;
  #effectsLeft = Number.POSITIVE_INFINITY;
  #model: QueueModel = emptyModel;
  /** `[n]`: the model after n commits. */
  readonly #models: QueueModel[] = [emptyModel];
  readonly #journal = new SimulatedJournal(
    () => this.#effect(),
    (events) => this.#remember(events),
  );
  readonly #files = new Set<string>();
  #filesToLose = 0;
  /** Run and attempt of what a runner has really computed to its end. */
  readonly #completed = new Set<string>();
  readonly #acknowledged = new Set<string>();
  /** Runs that nothing has happened to but their computation. */
  readonly #troubled = new Set<string>();
  #move: { readonly runId: string; readonly target: MoveTarget } | undefined;
  // What dies with the process:
  #flushes: (() => void)[] = [];
  #timers: (() => void)[] = [];
  #task: Task | undefined;
  #said: { readonly event: RunEvent; readonly job: RunJob }[] = [];

  happen({ kind, n }: Action): void {
    this.#timeMs += 10;
    this.#live(() => {
      const { queue } = this.#boot();
      switch (kind) {
        case 'submit':
          return this.#submit([this.#submitted++], n);
        case 'submit many':
          return this.#submit([this.#submitted++, this.#submitted++, this.#submitted++], n);
        case 'submit again':
          return this.#submitted > 0 ? this.#submit([n % this.#submitted], n) : undefined;
        case 'move':
          return this.#askToMove(n);
        case 'cancel':
          this.#troubled.add(runName(n % (this.#submitted + 1)));
          queue.cancel(runName(n % (this.#submitted + 1)));
          return;
        case 'cancel all':
          for (let k = 0; k < this.#submitted; k += 1) this.#troubled.add(runName(k));
          queue.cancelAll();
          return;
        case 'pause':
          return queue.pause();
        case 'resume':
          return queue.resume();
        case 'work':
          return this.#work(n);
        case 'say again':
          return this.#repeat(this.#said.length - 1);
        case 'say late':
          return this.#repeat(n % Math.max(1, this.#said.length));
        case 'lose a file':
          this.#filesToLose = 1 + (n % 2);
          return;
        case 'runner dies':
          return this.#killRunner();
        case 'disk fails':
          this.#journal.failing = 1 + (n % 3);
          return;
        case 'server dies':
          this.#effectsLeft = n % 6;
          return;
        case 'power goes':
          this.#end();
          this.#cutPower(n);
          return;
        case 'server ends':
          queue.stop();
          this.#end();
      }
    });
    this.#checkMemory();
  }

  /** No more faults: everything that was accepted comes to its end. */
  comeToRest(): void {
    this.#effectsLeft = Number.POSITIVE_INFINITY;
    this.#journal.failing = 0;
    this.#filesToLose = 0;
    this.#live(() => this.#boot().queue.resume());
    for (let step = 0; step < 5000; step += 1) {
      if (this.#flushes.length + this.#timers.length === 0 && this.#task === undefined) break;
      this.#live(() => this.#work(1));
      this.#checkMemory();
    }
    const process = this.#process;
    if (process === undefined) throw new BrokenPromise('the server is not there at the end');
    const { waiting, assigned } = process.hub.queue;
    if (waiting.length > 0 || assigned !== undefined)
      throw new BrokenPromise(`at rest, ${assigned?.runId ?? waiting[0]?.runId} has not ended`);
    for (const runId of this.#acknowledged) {
      const status = this.#model.ended.get(runId);
      if (status === undefined) throw new BrokenPromise(`${runId} was acknowledged and is lost`);
      if (status !== 'succeeded' && !this.#troubled.has(runId))
        throw new BrokenPromise(`${runId} ended as ${status}, and nothing had happened to it`);
    }
    const again = reduceQueueEvents(emptyQueue, this.#journal.queueEvents());
    if (textOf(again) !== textOf(process.hub.queue))
      throw new BrokenPromise('the journal folds to another state than the server holds');
  }

  /** Does something that the process may not outlive, or may not be able to do. */
  #live(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (error instanceof ProcessEnded) this.#end();
      else if (!(error instanceof StoreError || error instanceof QueueRefusal)) throw error;
    }
    this.#move = undefined;
  }

  #effect(): void {
    this.#effectsLeft -= 1;
    if (this.#effectsLeft < 0) throw new ProcessEnded();
  }

  /** The server, started when there is none. */
  #boot(): Process {
    if (this.#process !== undefined) return this.#process;
    this.#journal.recover();
    const clock = () => this.#timeMs;
    const hub = new EventHub(this.#journal, {
      clock,
      schedule: (work) => {
        this.#timers.push(work);
        return () => {
          this.#timers = this.#timers.filter((other) => other !== work);
        };
      },
    });
    if (hub.unreadableRunIds.length > 0)
      throw new BrokenPromise(`${hub.unreadableRunIds[0]} is in the journal and not in the queue`);
    const queue = new RunQueue({
      hub,
      clock,
      request: () => ({ workflow }),
      flushed: (done) => {
        this.#effect();
        this.#flushes.push(done);
      },
      runner: {
        execute: (job, ended) => this.#execute(job, ended),
        cancel: (runId) => {
          this.#effect();
          if (this.#task?.job.runId === runId) this.#task.isCancelled = true;
        },
      },
      countMissing: (files, done) => {
        this.#effect();
        done(files.filter(({ digest }) => !this.#files.has(digest)).length);
      },
    });
    this.#process = { hub, queue };
    for (const runId of this.#acknowledged) {
      if (!isKnown(this.#model, runId)) throw new BrokenPromise(`${runId} was acknowledged and is lost`);
    }
    queue.start();
    return this.#process;
  }

  /** The process is gone, and its runner with it. */
  #end(): void {
    if (this.#model.assigned !== undefined) this.#troubled.add(this.#model.assigned.runId);
    this.#process = undefined;
    this.#effectsLeft = Number.POSITIVE_INFINITY;
    this.#flushes = [];
    this.#timers = [];
    this.#task = undefined;
    this.#journal.failing = 0;
  }

  #cutPower(n: number): void {
    this.#journal.cutPower(n % 4);
    this.#journal.recover();
    this.#models.length = this.#journal.length + 1;
    this.#model = this.#models.at(-1) ?? emptyModel;
  }

  #remember(events: readonly JournalEvent[]): void {
    this.#model = follow(this.#model, events, {
      isComplete: (runId, attempt) => this.#completed.has(`${runId} ${attempt}`) && this.#hasFiles(runId),
      takeMove: () => {
        const move = this.#move;
        this.#move = undefined;
        return move;
      },
    });
    this.#models.push(this.#model);
  }

  #checkMemory(): void {
    const process = this.#process;
    if (process === undefined) return;
    const { order, assigned, isPaused } = this.#model;
    const { queue } = process.hub;
    const wanted = `${isPaused} ${assigned?.runId} ${says(order)}`;
    const found = `${queue.isPaused} ${queue.assigned?.runId} ${says(queue.waiting)}`;
    if (wanted !== found) throw new BrokenPromise(`the queue should be "${wanted}", and is "${found}"`);
  }

  #submit(numbers: readonly number[], n: number): void {
    const { queue } = this.#boot();
    const priority = n % 5 === 0 ? 1 + (n % 2) : 0;
    const ids = queue.submit(
      numbers.map((number) => ({ workflow, runId: runName(number), ...(priority > 0 ? { priority } : {}) })),
    );
    this.#effect();
    // The answer is sent when the flush it waits for is done.
    this.#flushes.push(() => {
      for (const runId of ids) this.#acknowledged.add(runId);
    });
  }

  #askToMove(n: number): void {
    const { order } = this.#model;
    const runId = order[n % Math.max(1, order.length)]?.runId ?? 'nobody';
    const beside = order[(n >> 4) % Math.max(1, order.length)]?.runId ?? 'nobody';
    const targets: readonly MoveTarget[] = [
      { to: 'front' },
      { to: 'back' },
      { before: beside },
      { after: beside },
      { priority: n % 3 },
    ];
    const target = targets[(n >> 8) % targets.length] ?? { to: 'front' };
    const { queue } = this.#boot();
    this.#move = { runId, target };
    queue.move(runId, target);
    this.#effect();
    if (this.#move !== undefined && says(moved(this.#model, runId, target).order) !== says(this.#model.order))
      throw new BrokenPromise(`${runId} was to be moved ${JSON.stringify(target)}, and nothing happened`);
  }

  /** Something that has to be done is done: by the disk, the runner, or a timer. */
  #work(n: number): void {
    const flushes = this.#flushes;
    if (flushes.length > 0) {
      this.#flushes = [];
      this.#journal.flushNow();
      for (const done of flushes) done();
    } else if (this.#task !== undefined) this.#step(this.#task, n);
    else for (const work of this.#timers.splice(0)) work();
  }

  #execute(job: RunJob, ended: (end: RunEnd) => void): void {
    this.#effect();
    const { runId, attempt } = job;
    if (this.#task !== undefined) throw new BrokenPromise(`${runId} was given to a runner at work`);
    if (this.#model.ended.has(runId)) throw new BrokenPromise(`${runId} was computed after it had ended`);
    if (this.#model.assigned?.runId !== runId || this.#model.assigned.attempt !== attempt)
      throw new BrokenPromise(`${runId} was computed and is not on record as being at work`);
    this.#task = { job, ended, script: scriptOf(runId), at: 0, isCancelled: false };
    this.#effect();
  }

  #step(task: Task, n: number): void {
    const { job, ended, script } = task;
    const body = script[task.at];
    task.at += 1;
    if (task.isCancelled) {
      this.#troubled.add(job.runId);
      this.#task = undefined;
      if (n % 3 === 0) {
        ended({ kind: 'died', exit: { code: null, signal: 'SIGKILL', stderrTail: '' }, wasCancelled: true });
        return;
      }
      this.#say(task, { type: 'run.finished', status: 'cancelled', durationMs: 1 });
      ended({ kind: 'finished' });
      return;
    }
    // Poison: the runner dies here, whenever it comes here.
    if (body === undefined) {
      this.#killRunner();
      return;
    }
    if (body.type === 'node.finished') {
      if (this.#filesToLose > 0) {
        this.#filesToLose -= 1;
        this.#troubled.add(job.runId);
        this.#files.delete(digestOf(job.runId, body.nodeId));
      } else this.#files.add(digestOf(job.runId, body.nodeId));
    }
    if (body.type !== 'run.finished') {
      this.#say(task, body);
      return;
    }
    this.#completed.add(`${job.runId} ${job.attempt}`);
    this.#task = undefined;
    this.#say(task, body);
    ended({ kind: 'finished' });
  }

  #say({ job, at }: Task, body: RunEventBody): void {
    const event: RunEvent = { ...body, runId: job.runId, seq: at, atMs: this.#timeMs };
    this.#said.push({ event, job });
    this.#process?.queue.hear(event, job);
  }

  #repeat(index: number): void {
    const said = this.#said[index];
    if (said !== undefined) this.#boot().queue.hear(said.event, said.job);
  }

  #killRunner(): void {
    const task = this.#task;
    if (task === undefined) return;
    this.#troubled.add(task.job.runId);
    this.#task = undefined;
    task.ended({
      kind: 'died',
      exit: { code: null, signal: 'SIGSEGV', stderrTail: '' },
      wasCancelled: task.isCancelled,
    });
  }

  #hasFiles(runId: string): boolean {
    return scriptOf(runId).every(
      (body) => body.type !== 'node.finished' || this.#files.has(digestOf(runId, body.nodeId)),
    );
  }
}

function runName(number: number): string {
  return `r${number}`;
}

const scripts = new Map<string, readonly RunEventBody[]>();

/** What a runner tells of a run; one that is poison ends without an end. */
function scriptOf(runId: string): readonly RunEventBody[] {
  const known = scripts.get(runId);
  if (known !== undefined) return known;
  const number = Number(runId.slice(1));
  const nodeIds = ['a', 'b', 'c'].slice(0, 1 + (number % 3));
  const script: RunEventBody[] = [{ type: 'run.started', nodeIds }];
  for (const nodeId of nodeIds) {
    script.push({ type: 'node.started', nodeId });
    if (number % 2 === 0) script.push({ type: 'node.progress', nodeId, step: 1, totalSteps: 2 });
    const file = {
      digest: digestOf(runId, nodeId),
      mediaType: 'video/mp4',
      byteLength: 1,
      name: 'clip.mp4',
    };
    script.push({
      type: 'node.finished',
      nodeId,
      durationMs: 1,
      outputs: { video: { type: 'video', facts: {}, file } },
    });
  }
  if (number % 5 === 4) script.length = 1 + (number % (script.length - 1));
  else script.push({ type: 'run.finished', status: 'succeeded', durationMs: 1 });
  scripts.set(runId, script);
  return script;
}

function says(runs: readonly { readonly runId: string }[]): string {
  return runs.map(({ runId }) => runId).join(' ');
}

function textOf(state: QueueState): string {
  return JSON.stringify({ ...state, ended: [...state.ended] });
}
