/**
 * Runs wait in the journal and go through the runner one at a time, in the order they were accepted. What
 * was waiting or going on when a server ended is taken up by the next; finished nodes come from the cache.
 */
import { randomUUID } from 'node:crypto';
import type { RunEvent, RunStatus, Workflow } from '@reelgraph/graph';
import { type EventHub, isOver } from './event-hub.ts';
import type { RunJournal } from './run-journal.ts';
import { runnerDiedError } from './runner/died.ts';
import type { RunEnd, RunnerSupervisor } from './runner/supervisor.ts';

export interface RunQueueOptions {
  readonly hub: EventHub;
  readonly journal: RunJournal;
  readonly supervisor: RunnerSupervisor;
  readonly clock?: () => number;
  readonly onNote?: (note: string, details: Record<string, unknown>) => void;
}

/** Servers that may end in the middle of one run before it is given up: what ends servers must not end all. */
const maxInterruptions = 3;

export class RunQueue {
  readonly #options: RunQueueOptions;
  readonly #waiting: string[] = [];
  #current: { readonly runId: string; readonly startedAtMs: number } | undefined;
  #isStopped = false;

  constructor(options: RunQueueOptions) {
    this.#options = options;
  }

  /** Takes up what an earlier server left. */
  resume(): void {
    for (const runId of this.#options.journal.unfinishedRunIds()) {
      const interruptions = countInterruptions(this.#options.journal.eventsOfRun(runId));
      if (interruptions >= maxInterruptions) {
        this.#fail(runId, {
          code: 'runner/gave-up',
          message: `The server ended ${interruptions} times while it computed this run; it is not tried again by itself.`,
          hint: 'Run it again if the reason is gone.',
        });
      } else this.#waiting.push(runId);
    }
    this.#next();
  }

  /** Accepts a run and answers its id; acknowledge it after the journal's `flush`. */
  add(workflow: Workflow, targets: readonly string[] | undefined): string {
    const runId = randomUUID();
    this.#options.hub.accept({ runId, workflow, targets });
    this.#waiting.push(runId);
    this.#next();
    return runId;
  }

  /** Cancels a waiting or running run; a run that is over stays as it is. Answers its status now. */
  cancel(runId: string): RunStatus | undefined {
    const { hub, supervisor } = this.#options;
    const status = hub.status(runId);
    if (status === undefined || isOver({ status })) return status;
    const place = this.#waiting.indexOf(runId);
    if (place >= 0) {
      this.#waiting.splice(place, 1);
      hub.publish(runId, { type: 'run.finished', status: 'cancelled', durationMs: 0 });
    } else supervisor.cancel(runId);
    return hub.status(runId);
  }

  /** Gives nothing more to the runner; the run on it waits again, for the next server. */
  stop(): void {
    this.#isStopped = true;
    if (this.#current === undefined) return;
    const { runId } = this.#current;
    const run = this.#options.hub.run(runId);
    // Said, so that the next server can tell this from a crash.
    if (run?.status === 'running')
      this.#options.hub.publish(runId, { type: 'run.queued', workflowName: run.workflowName });
  }

  #next(): void {
    if (this.#current !== undefined || this.#isStopped) return;
    const runId = this.#waiting.shift();
    if (runId === undefined) return;
    const request = this.#options.journal.request(runId);
    if (request === undefined) {
      this.#fail(runId, {
        code: 'runner/no-request',
        message: 'What this run was asked to compute can no longer be read.',
      });
      this.#next();
      return;
    }
    const current = { runId, startedAtMs: this.#now() };
    this.#current = current;
    this.#options.supervisor
      .execute({
        runId,
        workflow: request.workflow,
        ...(request.targets === undefined ? {} : { targets: request.targets }),
      })
      .then((end) => this.#settle(current, end))
      // A fault in the bookkeeping of one run must not end the queue.
      .catch((error: unknown) => this.#options.onNote?.('run could not be settled', { runId, err: error }))
      .then(() => {
        this.#current = undefined;
        this.#next();
      })
      // Nor one in beginning the next, of which nobody else would hear: an unhandled rejection ends a server.
      .catch((error: unknown) => this.#options.onNote?.('the next run could not begin', { err: error }));
  }

  #settle(current: { runId: string; startedAtMs: number }, end: RunEnd): void {
    if (end.kind === 'finished' || this.#isStopped) return;
    const { hub } = this.#options;
    const durationMs = this.#now() - current.startedAtMs;
    if (end.wasCancelled) {
      hub.publish(current.runId, { type: 'run.finished', status: 'cancelled', durationMs });
      return;
    }
    const error = runnerDiedError(end.exit);
    const nodes = Object.entries(hub.run(current.runId)?.nodes ?? {});
    for (const [nodeId, node] of nodes) {
      if (node.status === 'running') hub.publish(current.runId, { type: 'node.failed', nodeId, error });
    }
    hub.publish(current.runId, { type: 'run.finished', status: 'failed', durationMs, error });
  }

  #fail(runId: string, error: { code: string; message: string; hint?: string }): void {
    this.#options.hub.publish(runId, { type: 'run.finished', status: 'failed', durationMs: 0, error });
  }

  #now(): number {
    return (this.#options.clock ?? Date.now)();
  }
}

/** How often a run began and was neither ended nor put back: its server was killed, or crashed. */
function countInterruptions(events: readonly RunEvent[]): number {
  let count = 0;
  for (const { type } of events) {
    if (type === 'run.started') count += 1;
    // A polite end of the server, after a start.
    else if (type === 'run.queued' && count > 0) count -= 1;
  }
  return count;
}
