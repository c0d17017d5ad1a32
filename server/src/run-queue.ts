/**
 * Runs wait in the journal and go through the runner one at a time. This is the part that acts; what is to happen
 * is decided and folded by the pure functions of `packages/graph/src/queue`, and every step is in the journal before
 * anything follows from it. What was waiting or going on when a server ended is taken up by the next; finished nodes
 * come from the cache.
 *
 * It calls back and awaits nothing, so that a simulator can stop it between any two of its effects.
 */
import { randomUUID } from 'node:crypto';
import {
  type AttemptOf,
  decideQueue,
  type FileSummary,
  type MoveTarget,
  type QueueCommand,
  type QueueState,
  type RefusalCode,
  type RunError,
  type RunEvent,
  type RunState,
  type RunStatus,
} from '@reelgraph/graph';
import { type EventHub, type HubDraft, isOver } from './event-hub.ts';
import type { RunJournal } from './run-journal.ts';
import type { RunRequest } from './run-request.ts';
import { runnerDiedError } from './runner/died.ts';
import type { RunEnd, RunJob } from './runner/supervisor.ts';

/** What is found when a run is looked at before it begins. */
export interface Inspection {
  /** Why it must not begin. */
  readonly refusal?: RunError | undefined;
  /** What earlier runs left in the runner would be too much beside it. */
  readonly needsFreshRunner?: boolean;
}

/** What the queue needs of a runner. */
export interface RunnerPort {
  /** Begins a run; what it tells goes to `RunQueue.hear`, and `ended` follows once. */
  execute(job: RunJob, ended: (end: RunEnd) => void): void;
  /** Asks the run to end, and sees to it that it does. */
  cancel(runId: string): void;
}

export interface RunQueueOptions {
  readonly hub: EventHub;
  readonly request: RunJournal['request'];
  /** Calls back when what was journaled is safe from a power cut, or cannot be made so for now. */
  readonly flushed: (done: () => void) => void;
  readonly runner: RunnerPort;
  /** Looks at a run that is about to begin: what was true when it was accepted may be so no longer. */
  readonly inspect?: (job: RunJob, done: (found: Inspection) => void) => void;
  /** How many of these files are not there, or are not whole. */
  readonly countMissing: (files: readonly FileSummary[], done: (missing: number) => void) => void;
  readonly clock?: () => number;
  readonly onNote?: (note: string, details: Record<string, unknown>) => void;
}

/** A run to take in. */
export interface NewQueuedRun extends RunRequest {
  /** The client's own id, by which it asks again after a lost answer. */
  readonly runId?: string | undefined;
  readonly priority?: number | undefined;
  /** The run that this one repeats. */
  readonly from?: string | undefined;
}

/** A command that cannot be followed now; the message is fit for a user. */
export class QueueRefusal extends Error {
  override readonly name = 'QueueRefusal';
  readonly code: RefusalCode;

  constructor(code: RefusalCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** The attempt that was given to the runner. */
interface Current extends AttemptOf {
  readonly startedAtMs: number;
  /** Number of the last report; a report told twice is one report. */
  heardSeq: number;
  /** nodeId -> furthest step, of nodes at work. */
  readonly steps: Map<string, number>;
  /** Nodes of which it is in the journal that they went on from a checkpoint. */
  readonly continued: Set<string>;
  /** The runner has it. */
  isGiven: boolean;
  /** The runner has said how the run ended. */
  isEnding: boolean;
}

export class RunQueue {
  readonly #options: RunQueueOptions;
  #current: Current | undefined;
  #isStopped = false;

  constructor(options: RunQueueOptions) {
    this.#options = options;
  }

  get #hub(): EventHub {
    return this.#options.hub;
  }

  /** Takes up what an earlier server left, and begins. `unreadable`: runs that were accepted and are lost to damage. */
  start(unreadable: readonly string[] = []): void {
    for (const runId of unreadable) {
      const error = { code: 'run/unreadable', message: 'What the journal holds of this run cannot be read.' };
      this.#hub.publish(() => [
        { runId, body: { type: 'run.finished', status: 'failed', durationMs: 0, error } },
      ]);
    }
    this.#follow({ type: 'recover' });
    this.#pump();
  }

  /**
   * Takes runs in and answers their ids; acknowledge them after the journal's `flush`.
   * @throws StoreError when they cannot be journaled: then none is
   */
  submit(runs: readonly NewQueuedRun[]): string[] {
    const requests = new Map<string, RunRequest>();
    const submitted = runs.map(({ runId = randomUUID(), priority, from, ...request }) => {
      requests.set(runId, request);
      return {
        runId,
        workflowName: request.workflow.name,
        ...(priority === undefined ? {} : { priority }),
        ...(from === undefined ? {} : { from }),
      };
    });
    this.#hub.commit((queue) =>
      this.#decide(queue, { type: 'submit', runs: submitted }).map((draft): HubDraft => {
        const request = draft.runId === undefined ? undefined : requests.get(draft.runId);
        return request === undefined ? draft : { ...draft, request };
      }),
    );
    this.#pump();
    return submitted.map(({ runId }) => runId);
  }

  /** Cancels a waiting run at once, or asks the one at work to end; answers its status now, undefined when unknown. */
  cancel(runId: string): RunStatus | undefined {
    const status = this.#hub.status(runId);
    if (status === undefined || isOver({ status })) return status;
    try {
      this.#command({ type: 'cancel', runId });
    } finally {
      // Also when it cannot be journaled: a run that fills the disk has to be stopped.
      this.#stopWork(runId);
    }
    return this.#hub.status(runId);
  }

  /** Cancels everything and answers how many runs that were. */
  cancelAll(): number {
    let count = 0;
    try {
      this.#hub.commit((queue) => {
        count = queue.waiting.length + (queue.assigned === undefined ? 0 : 1);
        return this.#decide(queue, { type: 'cancel-all' });
      });
    } finally {
      const { assigned } = this.#hub.queue;
      if (assigned !== undefined) this.#stopWork(assigned.runId);
    }
    return count;
  }

  /** @throws QueueRefusal when the run does not wait; StoreError */
  move(runId: string, target: MoveTarget): void {
    this.#command({ type: 'move', runId, target });
  }

  /** Begins no further run, also after a restart. @throws StoreError */
  pause(): void {
    this.#command({ type: 'pause' });
  }

  /** @throws StoreError */
  resume(): void {
    this.#command({ type: 'resume' });
    this.#pump();
  }

  /** Takes in what a runner says of an attempt. Whether that is the one at work is decided where it is journaled. */
  hear(event: RunEvent, { runId, attempt }: AttemptOf): void {
    if (this.#isStopped) return;
    const current = this.#currentOf(runId, attempt);
    if (current !== undefined) {
      if (current.isEnding || event.seq <= current.heardSeq) return;
      current.heardSeq = event.seq;
    }
    const { runId: _runId, seq: _seq, atMs: _atMs, ...body } = event;
    switch (body.type) {
      case 'node.progress':
        if (current === undefined) return;
        current.steps.set(body.nodeId, body.step);
        // Journaled once, so that a server after this one knows that the checkpoints had come so far.
        if (body.continuedFrom !== undefined && !current.continued.has(body.nodeId)) {
          current.continued.add(body.nodeId);
          break;
        }
        // Else not, so nothing is decided about it.
        this.#hub.publishProgress(runId, body);
        return;
      case 'run.finished':
        if (current !== undefined) current.isEnding = true;
        // After all that was told before it: that names the files.
        this.#hub.publish(
          () => [],
          () => this.#end({ runId, attempt }, body),
        );
        return;
      case 'node.finished':
      case 'node.failed':
        current?.steps.delete(body.nodeId);
    }
    this.#follow({ type: 'report', runId, attempt, body });
  }

  /** Gives nothing more to the runner; the run on it waits again, for the next server. */
  stop(): void {
    this.#isStopped = true;
    // Said, so that the next server can tell this from a crash.
    this.#follow({ type: 'release' });
  }

  /** Nobody waits for the look at a run that the runner was not given yet. */
  #stopWork(runId: string): void {
    if (this.#current?.runId === runId && !this.#current.isGiven) this.#isOverBeforeBegun(this.#current);
    else this.#options.runner.cancel(runId);
  }

  #end({ runId, attempt }: AttemptOf, body: Extract<QueueCommand, { type: 'finish' }>['body']): void {
    const nodes = Object.values(this.#hub.run(runId)?.nodes ?? {});
    const files = nodes.flatMap(({ outputs }) =>
      Object.values(outputs ?? {}).flatMap(({ file }) => (file === undefined ? [] : [file])),
    );
    this.#options.countMissing(files, (missingFiles) => {
      if (this.#isStopped) return;
      this.#follow({ type: 'finish', runId, attempt, body, missingFiles }, () =>
        this.#settle({ runId, attempt }),
      );
    });
  }

  #handleEnd(current: Current, end: RunEnd): void {
    if (this.#isStopped || current !== this.#current || current.isEnding) return;
    // A runner tells how its run ended before it ends it.
    if (end.kind === 'finished') return;
    if (end.wasCancelled) {
      this.#endCancelled(current);
      return;
    }
    current.isEnding = true;
    const { runId, attempt, startedAtMs, steps } = current;
    const error = runnerDiedError(end.exit);
    const step = Math.max(0, ...steps.values());
    const durationMs = this.#now() - startedAtMs;
    this.#follow({ type: 'runner-died', runId, attempt, error, durationMs, step }, () =>
      this.#settle(current),
    );
  }

  #endCancelled(current: Current): void {
    current.isEnding = true;
    const { runId, attempt, startedAtMs } = current;
    const body = {
      type: 'run.finished',
      status: 'cancelled',
      durationMs: this.#now() - startedAtMs,
    } as const;
    this.#follow({ type: 'finish', runId, attempt, body, missingFiles: 0 }, () => this.#settle(current));
  }

  #settle({ runId, attempt }: AttemptOf): void {
    if (this.#currentOf(runId, attempt) !== undefined) this.#current = undefined;
    this.#pump();
  }

  #currentOf(runId: string, attempt: number): Current | undefined {
    const current = this.#current;
    return current?.runId === runId && current.attempt === attempt ? current : undefined;
  }

  /** Gives the next run to the runner when that is free, and if the queue is to go on. */
  #pump(): void {
    if (this.#isStopped || this.#current !== undefined) return;
    this.#follow({ type: 'assign' }, () => this.#begin());
  }

  #begin(): void {
    const { assigned } = this.#hub.queue;
    if (this.#isStopped || this.#current !== undefined || assigned === undefined) return;
    const { runId, attempts: attempt } = assigned;
    const current: Current = {
      runId,
      attempt,
      startedAtMs: this.#now(),
      heardSeq: 0,
      steps: new Map(),
      continued: new Set(),
      isGiven: false,
      isEnding: false,
    };
    this.#current = current;
    const request = this.#request(runId);
    if (request === undefined) {
      const error = {
        code: 'runner/no-request',
        message: 'What this run was asked to compute can no longer be read.',
      };
      this.#giveUp(current, error);
      return;
    }
    // Else a run that brings the whole machine down would do so after every restart.
    this.#options.flushed(() => {
      if (this.#isOverBeforeBegun(current)) return;
      this.#inspect({ runId, attempt, ...request }, ({ refusal, needsFreshRunner = false }) => {
        if (this.#isOverBeforeBegun(current)) return;
        // What has begun before goes on: it was let begin once, and what it did is not to be lost.
        if (refusal !== undefined && !hasBegun(this.#hub.run(runId))) {
          this.#giveUp(current, refusal);
          return;
        }
        const job = { runId, attempt, ...request, needsFreshRunner };
        current.isGiven = true;
        this.#options.runner.execute(job, (end) => this.#handleEnd(current, end));
      });
    });
  }

  #inspect(job: RunJob, done: (found: Inspection) => void): void {
    if (this.#options.inspect === undefined) done({});
    else this.#options.inspect(job, done);
  }

  /** Whether the run need not be given to the runner any more; one that was cancelled meanwhile is ended. */
  #isOverBeforeBegun(current: Current): boolean {
    if (this.#isStopped || this.#current !== current || current.isEnding) return true;
    if (this.#hub.queue.assigned?.isCancelling !== true) return false;
    this.#endCancelled(current);
    return true;
  }

  #request(runId: string): ReturnType<RunJournal['request']> {
    try {
      return this.#options.request(runId);
    } catch (error) {
      // A fault in reading one request must not end the queue.
      this.#options.onNote?.('the request of a run cannot be read', { runId, err: error });
      return undefined;
    }
  }

  #giveUp(current: Current, error: RunError): void {
    current.isEnding = true;
    this.#follow({ type: 'give-up', runId: current.runId, error }, () => this.#settle(current));
  }

  /** Makes what a command comes to happen, as soon as the journal can be written. */
  #follow(command: QueueCommand, after?: () => void): void {
    this.#hub.publish((queue) => {
      const decision = decideQueue(queue, command);
      return decision.ok ? decision.events : [];
    }, after);
  }

  /** The same at once, for somebody who waits for an answer. @throws QueueRefusal; StoreError */
  #command(command: QueueCommand): void {
    this.#hub.commit((queue) => this.#decide(queue, command));
  }

  #decide(queue: QueueState, command: QueueCommand): readonly HubDraft[] {
    const decision = decideQueue(queue, command);
    if (decision.ok) return decision.events;
    throw new QueueRefusal(decision.code, decision.message);
  }

  #now(): number {
    return (this.#options.clock ?? Date.now)();
  }
}

/** In any of its attempts: the nodes of a run are known from then on. */
function hasBegun(run: RunState | undefined): boolean {
  return run !== undefined && Object.keys(run.nodes).length > 0;
}
