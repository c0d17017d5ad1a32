/**
 * Keeps one runner alive and gives it one run at a time. Inference blocks its process and native code can
 * crash it, so it never runs in the server; what a crash costs is the run that was on it.
 *
 *   starting ──ready──> idle ──run──> running ──run.finished──> idle
 *      ^                  │              │ cancel: asked softly, killed after a deadline
 *      ├──── exit ────────┴──────────────┤
 *      └──── exit ──────────────────── spent   its run is over and left something behind, or the next needs a fresh one: killed
 *
 * A runner that says nothing for too long is killed wherever it stands.
 */
import type { Workflow } from '@reelgraph/graph';
import type { FromRunner, LiveAnswer, LiveRequest, Preview } from '@reelgraph/protocol';
import type { RunnerExit, RunnerProcess, StartRunner } from './runner-process.ts';

type RunEvent = Extract<FromRunner, { type: 'event' }>['event'];

export interface RunJob {
  readonly runId: string;
  /** How many times it was given to a runner, with this one. */
  readonly attempt: number;
  readonly workflow: Workflow;
  readonly targets?: readonly string[] | undefined;
  /** A runner that has run something before is replaced first. */
  readonly needsFreshRunner?: boolean | undefined;
}

/** How a run left the runner. */
export type RunEnd =
  | { readonly kind: 'finished' }
  /** The process ended before the run did; `wasCancelled` when that was our doing on a cancel. */
  | { readonly kind: 'died'; readonly exit: RunnerExit; readonly wasCancelled: boolean };

export interface SupervisorOptions {
  readonly startRunner: StartRunner;
  /** Time a run gets to end by itself after a cancel; the runner is killed then. */
  readonly cancelDeadlineMs?: number;
  /** A runner that says nothing for this long is killed; infinite: never. */
  readonly silenceMs?: number;
  /** Wait before starting again after a runner died young; doubles with every one that does. */
  readonly restartDelayMs?: number;
  /** A runner that lives this long after it became ready, or finishes a run, has started well. */
  readonly settledAfterMs?: number;
  /** Time a runner gets to end by itself on `stop`. */
  readonly stopDeadlineMs?: number;
  readonly onEvent: (event: RunEvent, job: RunJob) => void;
  readonly onPreview: (preview: Preview) => void;
  /** Something a run goes on in spite of. */
  readonly onWarning?: (warning: Extract<FromRunner, { type: 'warning' }>) => void;
  /** What nodes that are played say. */
  readonly onLive?: (answer: LiveAnswer) => void;
  /** The runner is gone, and with it every node that was played and whatever it had in the making. */
  readonly onRunnerLost?: () => void;
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
  | { readonly kind: 'idle'; readonly runner: RunnerProcess; readonly readyAtMs: number }
  | { readonly kind: 'running'; readonly runner: RunnerProcess; readonly readyAtMs: number }
  /** Its run is over, and it is being ended for what it holds. */
  | { readonly kind: 'spent'; readonly runner: RunnerProcess };

/** Starts in a row that may go wrong before no more is tried until somebody wants a run. */
const maxFailedStarts = 3;
/** Stops the run within a second, together with what is around it. */
const defaultCancelDeadlineMs = 600;
/** Work that holds the runner's thread, such as a pass over a long clip, takes seconds. */
const defaultSilenceMs = 60_000;
/** One that starts has nothing to say yet, and may find the machine busy. */
const startSilenceMs = 60_000;
/** Looks at a runner within the time that it may be silent: a server that was held up itself has heard nothing. */
const looksPerSilence = 6;

export class RunnerSupervisor {
  readonly #options: SupervisorOptions;
  #state: State = { kind: 'down' };
  #task: Task | undefined;
  #failedStarts = 0;
  #isStopped = false;
  /** Said to nodes that are played, while the runner starts. */
  #liveWaiting: LiveRequest[] = [];
  #onStopped: (() => void) | undefined;
  #stopTimer: ReturnType<typeof setTimeout> | undefined;
  #silenceTimer: ReturnType<typeof setInterval> | undefined;
  /** Looks in a row that found nothing said since the last. */
  #silentLooks = 0;
  #endedBecause: RunnerExit['endedBecause'];
  /** The runner has said that it must not be given another run. */
  #isSpent = false;

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
    this.#isSpent = false;
    this.#endedBecause = undefined;
    const runner = this.#options.startRunner({
      onMessage: (message) => {
        if (!alive) return;
        this.#silentLooks = 0;
        this.#handle(message, runner);
      },
      onBadMessage: (error) => {
        // What is read after its end says nothing of the next one.
        if (!alive) return;
        this.#options.onNote?.('runner sent an unreadable message', { err: error });
        this.#endedBecause ??= { kind: 'unreadable' };
        runner.kill();
      },
      onExit: (exit) => {
        alive = false;
        clearInterval(this.#silenceTimer);
        this.#handleExit(
          this.#endedBecause === undefined ? exit : { ...exit, endedBecause: this.#endedBecause },
        );
      },
    });
    this.#state = { kind: 'starting', runner };
    this.#watchForSilence(runner);
  }

  #watchForSilence(runner: RunnerProcess): void {
    const forMs = this.#options.silenceMs ?? defaultSilenceMs;
    this.#silentLooks = 0;
    if (!Number.isFinite(forMs)) return;
    this.#silenceTimer = setInterval(() => {
      this.#silentLooks += 1;
      const isStarting = this.#state.kind === 'starting';
      const silentMs = (this.#silentLooks * forMs) / looksPerSilence;
      if (silentMs < (isStarting ? Math.max(forMs, startSilenceMs) : forMs)) return;
      if (this.#endedBecause !== undefined) return;
      this.#endedBecause = { kind: 'silent', forMs: silentMs };
      this.#options.onNote?.('runner shows no sign of life and is killed', { silentMs });
      runner.kill();
    }, forMs / looksPerSilence);
  }

  /** Executes one run; its events go to `onEvent`. Callers wait for one before they give the next. */
  execute(job: RunJob): Promise<RunEnd> {
    if (this.#task !== undefined)
      throw new Error(`runner is busy with ${this.#task.job.runId}; execute() takes one run at a time`);
    if (this.#isStopped) throw new Error('execute() after stop()');
    return new Promise((settle) => {
      this.#task = { job, settle, isCancelled: false };
      if (this.#state.kind === 'down') this.start();
      else if (this.#state.kind === 'idle' && job.needsFreshRunner === true)
        this.#replace(this.#state.runner);
      else this.#giveTask();
    });
  }

  #replace(runner: RunnerProcess): void {
    this.#state = { kind: 'spent', runner };
    runner.kill();
  }

  /** Passes a word on to the nodes that are played, beside whatever run goes on; starts a runner if there is none. */
  sendLive(request: LiveRequest): void {
    if (this.#isStopped) return;
    if (this.#state.kind === 'idle' || this.#state.kind === 'running') {
      this.#state.runner.send(request);
      return;
    }
    this.#liveWaiting.push(request);
    this.start();
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
    }, this.#options.cancelDeadlineMs ?? defaultCancelDeadlineMs);
  }

  /**
   * Ends the runner: it is asked first, so that it can write what it still holds, and killed after a deadline. A
   * run on it ends as died and tells nothing more. Resolves when no process is left.
   */
  async stop(): Promise<void> {
    this.#isStopped = true;
    const state = this.#state;
    if (state.kind === 'down') {
      clearTimeout(state.timer);
      return;
    }
    await new Promise<void>((stopped) => {
      this.#onStopped = stopped;
      if (state.kind === 'starting') {
        // It holds nothing yet, and would first have to finish starting to hear of it.
        state.runner.kill();
        return;
      }
      state.runner.send({ type: 'shutdown' });
      this.#stopTimer = setTimeout(() => state.runner.kill(), this.#options.stopDeadlineMs ?? 2000);
    });
  }

  #handle(message: FromRunner, runner: RunnerProcess): void {
    // What a run says while it is being ended is not what the next server will take it up from.
    if (this.#isStopped) return;
    switch (message.type) {
      case 'ready':
        if (this.#state.kind !== 'starting') return;
        this.#state = { kind: 'idle', runner, readyAtMs: performance.now() };
        for (const request of this.#liveWaiting.splice(0)) runner.send(request);
        this.#giveTask();
        return;
      case 'alive':
        return;
      case 'spent':
        this.#isSpent = true;
        return;
      case 'preview':
        if (message.preview.runId === this.#task?.job.runId) this.#options.onPreview(message.preview);
        return;
      case 'warning':
        this.#options.onWarning?.(message);
        return;
      case 'live.opened':
      case 'live.frame':
      case 'live.ended':
        this.#options.onLive?.(message);
        return;
      case 'event': {
        // Late words about a run that is over change nothing.
        if (message.event.runId !== this.#task?.job.runId) return;
        this.#options.onEvent(message.event, this.#task.job);
        if (message.event.type === 'run.finished' && this.#state.kind === 'running') {
          this.#failedStarts = 0;
          this.#leaveRun(this.#state);
          this.#end({ kind: 'finished' });
        }
      }
    }
  }

  /** The run is over: the runner is free, unless something of the run goes on in it. */
  #leaveRun(state: Extract<State, { kind: 'running' }>): void {
    if (!this.#isSpent) {
      this.#state = { ...state, kind: 'idle' };
      return;
    }
    this.#options.onNote?.('run left something behind that does not end; runner is replaced', {
      runId: this.#task?.job.runId,
    });
    this.#replace(state.runner);
  }

  #giveTask(): void {
    if (this.#task === undefined || this.#state.kind !== 'idle') return;
    const { runner } = this.#state;
    const { job } = this.#task;
    this.#state = { ...this.#state, kind: 'running' };
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
    this.#liveWaiting = [];
    this.#options.onRunnerLost?.();
    if (this.#isStopped) {
      clearTimeout(this.#stopTimer);
      this.#end({ kind: 'died', exit, wasCancelled: this.#task?.isCancelled ?? false });
      this.#onStopped?.();
      return;
    }
    this.#options.onNote?.('runner ended', { ...exit });
    if (before.kind === 'running') {
      // The run is what it died of, and the run is over with it.
      const wasCancelled = this.#task?.isCancelled ?? false;
      this.start();
      this.#end({ kind: 'died', exit, wasCancelled });
      return;
    }
    if (before.kind === 'spent') {
      this.start();
      return;
    }
    const livedMs = before.kind === 'idle' ? performance.now() - before.readyAtMs : 0;
    if (livedMs >= (this.#options.settledAfterMs ?? 10_000)) this.#failedStarts = 0;
    this.#failedStarts += 1;
    if (this.#failedStarts >= maxFailedStarts) {
      this.#failedStarts = 0;
      this.#end({ kind: 'died', exit, wasCancelled: false });
      // The next run tries again; without one there is no use in a loop of failing starts.
      this.#options.onNote?.('runner does not stay alive; the next run starts it again', {});
      return;
    }
    const delayMs = (this.#options.restartDelayMs ?? 500) * 2 ** (this.#failedStarts - 1);
    this.#state = { kind: 'down', timer: setTimeout(() => this.start(), delayMs) };
  }

  #end(end: RunEnd): void {
    const task = this.#task;
    if (task === undefined) return;
    this.#task = undefined;
    clearTimeout(task.killTimer);
    task.settle(end);
  }
}
