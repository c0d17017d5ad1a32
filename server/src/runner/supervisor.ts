/**
 * Keeps one runner alive and gives it one run at a time. Inference blocks its process and native code can
 * crash it, so it never runs in the server; what a crash costs is the run that was on it.
 *
 *   starting ──ready──> idle ──run──> running ──run.finished──> idle
 *      ^                  │              │ cancel: asked softly, killed after a deadline
 *      └──── exit ────────┴──────────────┘
 */
import type { Workflow } from '@reelgraph/graph';
import type { FromRunner, Preview } from '@reelgraph/protocol';
import type { RunnerExit, RunnerProcess, StartRunner } from './runner-process.ts';

type RunEvent = Extract<FromRunner, { type: 'event' }>['event'];

export interface RunJob {
  readonly runId: string;
  readonly workflow: Workflow;
  readonly targets?: readonly string[];
}

/** How a run left the runner. */
export type RunEnd =
  | { readonly kind: 'finished' }
  /** The process ended before the run did; `wasCancelled` when that was our doing on a cancel. */
  | { readonly kind: 'died'; readonly exit: RunnerExit; readonly wasCancelled: boolean };

export interface SupervisorOptions {
  readonly startRunner: StartRunner;
  /** Time a run gets to end by itself after a cancel. */
  readonly cancelDeadlineMs?: number;
  /** Wait before starting again after a runner died without having become ready. */
  readonly restartDelayMs?: number;
  readonly onEvent: (event: RunEvent) => void;
  readonly onPreview: (preview: Preview) => void;
  /** Something a run goes on in spite of. */
  readonly onWarning?: (warning: Extract<FromRunner, { type: 'warning' }>) => void;
  readonly onNote?: (note: string, details: Record<string, unknown>) => void;
}

interface Task {
  readonly job: RunJob;
  readonly settle: (end: RunEnd) => void;
  isCancelled: boolean;
  killTimer?: ReturnType<typeof setTimeout>;
}

type State =
  | { readonly kind: 'down'; readonly timer?: ReturnType<typeof setTimeout> }
  | { readonly kind: 'starting'; readonly runner: RunnerProcess }
  | { readonly kind: 'idle'; readonly runner: RunnerProcess }
  | { readonly kind: 'running'; readonly runner: RunnerProcess };

/** Tries before a run is given up that no runner lives long enough to take. */
const maxFailedStarts = 3;

export class RunnerSupervisor {
  readonly #options: SupervisorOptions;
  #state: State = { kind: 'down' };
  #task: Task | undefined;
  #failedStarts = 0;
  #isStopped = false;
  #onStopped: (() => void) | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /** Process id of the runner, for tests and the log. */
  get pid(): number | undefined {
    return this.#state.kind === 'down' ? undefined : this.#state.runner.pid;
  }

  /** Starts a runner ahead of the first run. */
  start(): void {
    if (this.#isStopped || this.#state.kind !== 'down') return;
    clearTimeout(this.#state.timer);
    let alive = true;
    const runner = this.#options.startRunner({
      onMessage: (message) => {
        if (alive) this.#handle(message, runner);
      },
      onBadMessage: (error) => {
        this.#options.onNote?.('runner sent an unreadable message', { err: error });
        runner.kill();
      },
      onExit: (exit) => {
        alive = false;
        this.#handleExit(exit);
      },
    });
    this.#state = { kind: 'starting', runner };
  }

  /** Executes one run; its events go to `onEvent`. Callers wait for one before they give the next. */
  execute(job: RunJob): Promise<RunEnd> {
    if (this.#task !== undefined)
      throw new Error(`runner is busy with ${this.#task.job.runId}; execute() takes one run at a time`);
    if (this.#isStopped) throw new Error('execute() after stop()');
    return new Promise((settle) => {
      this.#task = { job, settle, isCancelled: false };
      if (this.#state.kind === 'down') this.start();
      else this.#giveTask();
    });
  }

  /** Asks the run to end, and kills the runner if it has not after the deadline. Unknown ids are ignored. */
  cancel(runId: string): void {
    const task = this.#task;
    if (task === undefined || task.job.runId !== runId || task.isCancelled) return;
    task.isCancelled = true;
    if (this.#state.kind !== 'running') {
      // Still waiting for a runner: nothing was begun.
      this.#end({ kind: 'died', exit: { code: null, signal: null, stderrTail: '' }, wasCancelled: true });
      return;
    }
    const { runner } = this.#state;
    runner.send({ type: 'cancel', runId });
    task.killTimer = setTimeout(() => {
      this.#options.onNote?.('run did not end after a cancel; runner is killed', { runId });
      runner.kill();
    }, this.#options.cancelDeadlineMs ?? 3000);
  }

  /** Ends the runner; a run on it ends as died. Resolves when no process is left. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    const state = this.#state;
    if (state.kind === 'down') {
      clearTimeout(state.timer);
      return;
    }
    await new Promise<void>((stopped) => {
      this.#onStopped = stopped;
      state.runner.kill();
    });
  }

  #handle(message: FromRunner, runner: RunnerProcess): void {
    switch (message.type) {
      case 'ready':
        if (this.#state.kind !== 'starting') return;
        this.#failedStarts = 0;
        this.#state = { kind: 'idle', runner };
        this.#giveTask();
        return;
      case 'preview':
        if (message.preview.runId === this.#task?.job.runId) this.#options.onPreview(message.preview);
        return;
      case 'warning':
        this.#options.onWarning?.(message);
        return;
      case 'event': {
        // Late words about a run that is over change nothing.
        if (message.event.runId !== this.#task?.job.runId) return;
        this.#options.onEvent(message.event);
        if (message.event.type === 'run.finished') {
          this.#state = { kind: 'idle', runner };
          this.#end({ kind: 'finished' });
        }
      }
    }
  }

  #giveTask(): void {
    if (this.#task === undefined || this.#state.kind !== 'idle') return;
    const { runner } = this.#state;
    const { job } = this.#task;
    this.#state = { kind: 'running', runner };
    runner.send({
      type: 'run',
      runId: job.runId,
      workflow: job.workflow,
      ...(job.targets === undefined ? {} : { targets: [...job.targets] }),
    });
  }

  #handleExit(exit: RunnerExit): void {
    const before = this.#state;
    this.#state = { kind: 'down' };
    if (this.#isStopped) {
      this.#end({ kind: 'died', exit, wasCancelled: this.#task?.isCancelled ?? false });
      this.#onStopped?.();
      return;
    }
    this.#options.onNote?.('runner ended', { ...exit });
    if (before.kind === 'starting') {
      this.#failedStarts += 1;
      if (this.#failedStarts >= maxFailedStarts) {
        this.#failedStarts = 0;
        this.#end({ kind: 'died', exit, wasCancelled: false });
        // The next run tries again; without one there is no use in a loop of failing starts.
        return;
      }
      this.#state = {
        kind: 'down',
        timer: setTimeout(() => this.start(), this.#options.restartDelayMs ?? 500),
      };
      return;
    }
    const task = this.#task;
    this.start();
    if (before.kind === 'running')
      this.#end({ kind: 'died', exit, wasCancelled: task?.isCancelled ?? false });
  }

  #end(end: RunEnd): void {
    const task = this.#task;
    if (task === undefined) return;
    this.#task = undefined;
    clearTimeout(task.killTimer);
    task.settle(end);
  }
}
