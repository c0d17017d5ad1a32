/**
 * What a command does to the queue, as a pure function: (state, command) -> events or a refusal. Nothing here acts;
 * whoever holds the journal writes the events, folds them (`reduceQueue`), and only then does what follows.
 */
import type { RunError, RunEventBody } from '../run-events.ts';
import type { EventDraft } from './queue-events.ts';
import {
  type AssignedRun,
  type EndStatus,
  isFurther,
  type QueueState,
  type WaitingRun,
} from './reduce-queue.ts';

/** Attempts that may be cut short without coming further, before a run is given up: what ends runners must not end all. */
export const maxDeaths = { runner: 3, server: 10 } as const;
/** However far each came. */
export const maxInterruptions = 100;

/** Where a waiting run is to go: an end of the queue within its priority, or beside another run and into its priority. */
export type MoveTarget =
  | { readonly to: 'front' | 'back' }
  | { readonly before: string }
  | { readonly after: string }
  | { readonly priority: number };

export interface SubmittedRun {
  readonly runId: string;
  readonly workflowName: string;
  readonly priority?: number;
  /** The run that this one repeats. */
  readonly from?: string;
}

/** Which attempt of which run somebody speaks of. */
export interface AttemptOf {
  readonly runId: string;
  readonly attempt: number;
}

export type QueueCommand =
  /** Runs to take in, in this order; those known already are passed over, so that asking twice is asking once. */
  | { readonly type: 'submit'; readonly runs: readonly SubmittedRun[] }
  | { readonly type: 'move'; readonly runId: string; readonly target: MoveTarget }
  | { readonly type: 'cancel'; readonly runId: string }
  | { readonly type: 'cancel-all' }
  | { readonly type: 'pause' }
  | { readonly type: 'resume' }
  /** Give the next run to a free runner. */
  | { readonly type: 'assign' }
  /** A run that cannot be given to a runner, whatever is tried. */
  | { readonly type: 'give-up'; readonly runId: string; readonly error: RunError }
  /** What a runner tells of its run, but for the end. */
  | ({ readonly type: 'report'; readonly body: RunEventBody } & AttemptOf)
  /** The runner says that its run is over; `missingFiles` says how many of the files it names are not there. */
  | ({
      readonly type: 'finish';
      readonly body: Extract<RunEventBody, { type: 'run.finished' }>;
      readonly missingFiles: number;
    } & AttemptOf)
  /** The runner is gone, or ended its run for a cancel; `step`: the furthest it had told of. */
  | ({
      readonly type: 'runner-died';
      readonly error: RunError;
      readonly durationMs: number;
      readonly step?: number;
    } & AttemptOf)
  /** The server ends politely. */
  | { readonly type: 'release' }
  /** A server begins, on what the one before it left. */
  | { readonly type: 'recover' };

export type RefusalCode = 'queue/unknown-run' | 'queue/run-is-over' | 'queue/run-is-at-work' | 'queue/stale';

export type Decision =
  | { readonly ok: true; readonly events: readonly EventDraft[] }
  | { readonly ok: false; readonly code: RefusalCode; readonly message: string };

/** Decides one command. No events means that there is nothing to do. */
export function decideQueue(state: QueueState, command: QueueCommand): Decision {
  switch (command.type) {
    case 'submit':
      return submit(state, command.runs);
    case 'move':
      return move(state, command.runId, command.target);
    case 'cancel':
      return cancel(state, command.runId);
    case 'cancel-all': {
      const events = state.waiting.map(({ runId }) => of(runId, over('cancelled', 0)));
      return accepted(...events, ...stop(state.assigned));
    }
    case 'pause':
      return state.isPaused ? accepted() : accepted({ body: { type: 'queue.paused' } });
    case 'resume':
      return state.isPaused ? accepted({ body: { type: 'queue.resumed' } }) : accepted();
    case 'assign': {
      const [next] = state.waiting;
      if (state.isPaused || state.assigned !== undefined || next === undefined) return accepted();
      return accepted(of(next.runId, { type: 'run.assigned', attempt: next.attempts + 1 }));
    }
    case 'give-up': {
      if (state.assigned?.runId !== command.runId && placeOf(state, command.runId) < 0)
        return notWaiting(state, command.runId);
      return accepted(of(command.runId, over('failed', 0, command.error)));
    }
    case 'report':
      return isAt(state, command) ? accepted(of(command.runId, command.body)) : stale(command);
    case 'finish': {
      const { body, missingFiles } = command;
      if (!isAt(state, command)) return stale(command);
      if (missingFiles === 0 || (body.status !== 'succeeded' && body.status !== 'partial'))
        return accepted(of(command.runId, body));
      return accepted(...interrupt(state.assigned, 'runner', filesMissing(missingFiles), body.durationMs));
    }
    case 'runner-died': {
      if (!isAt(state, command)) return stale(command);
      const { error, durationMs, step } = command;
      return accepted(...interrupt(state.assigned, 'runner', error, durationMs, step));
    }
    case 'release':
      if (state.assigned === undefined) return accepted();
      return accepted(
        of(
          state.assigned.runId,
          state.assigned.isCancelling ? over('cancelled', 0) : { type: 'run.released' },
        ),
      );
    case 'recover':
      return state.assigned === undefined
        ? accepted()
        : accepted(...interrupt(state.assigned, 'server', serverDied, 0));
  }
}

function submit(state: QueueState, runs: readonly SubmittedRun[]): Decision {
  const known = new Set(state.assigned === undefined ? [] : [state.assigned.runId]);
  // Thousands may wait: naming them all pays for many new runs, looking through them for a few.
  if (runs.length > 4) for (const { runId } of state.waiting) known.add(runId);
  else for (const { runId } of runs) if (placeOf(state, runId) >= 0) known.add(runId);
  const events: EventDraft[] = [];
  for (const { runId, workflowName, priority = 0, from } of runs) {
    if (known.has(runId) || state.ended.has(runId)) continue;
    known.add(runId);
    events.push(
      of(runId, {
        type: 'run.queued',
        workflowName,
        rank: state.nextRank + events.length,
        ...(priority === 0 ? {} : { priority }),
        ...(from === undefined ? {} : { from }),
      }),
    );
  }
  return accepted(...events);
}

function cancel(state: QueueState, runId: string): Decision {
  if (state.assigned?.runId === runId) return accepted(...stop(state.assigned));
  if (placeOf(state, runId) >= 0) return accepted(of(runId, over('cancelled', 0)));
  return notWaiting(state, runId);
}

/** Asked to end, once; it ends when its runner has stopped, or with its server. */
function stop(assigned: AssignedRun | undefined): EventDraft[] {
  if (assigned === undefined || assigned.isCancelling) return [];
  return [of(assigned.runId, { type: 'run.cancel-requested' })];
}

function move(state: QueueState, runId: string, target: MoveTarget): Decision {
  const place = placeOf(state, runId);
  const run = state.waiting[place];
  if (run === undefined) return notWaiting(state, runId);
  const others = state.waiting.filter((other) => other !== run);
  const beside = 'before' in target ? target.before : 'after' in target ? target.after : undefined;
  if (beside === runId) return accepted();
  const besideRun = beside === undefined ? undefined : others.find((other) => other.runId === beside);
  if (beside !== undefined && besideRun === undefined) return notWaiting(state, beside);
  const priority = 'priority' in target ? target.priority : (besideRun ?? run).priority;
  if ('priority' in target && priority === run.priority) return accepted();

  // Its neighbours among runs of the priority that it will have. The run at work stays ahead of them all: when it is
  // interrupted it waits at its place again.
  const peers = others.filter((other) => other.priority === priority);
  const index =
    besideRun !== undefined
      ? peers.indexOf(besideRun) + ('after' in target ? 1 : 0)
      : 'to' in target && target.to === 'front'
        ? 0
        : peers.length;
  const fence = state.assigned?.priority === priority ? state.assigned : undefined;
  const above = peers[index - 1] ?? fence;
  const below = peers[index];
  // Where it stands already.
  if (priority === run.priority && isBetween(run.rank, above, below)) return accepted();
  const rank = rankBetween(above, below, state.nextRank);
  if (isBetween(rank, above, below)) return accepted(of(runId, { type: 'run.moved', priority, rank }));

  // Two ranks have come too close for a number between them: all of this priority are numbered anew.
  const order = [...peers.slice(0, index), run, ...peers.slice(index)];
  return accepted(
    ...order.map((peer, offset) =>
      of(peer.runId, { type: 'run.moved', priority, rank: state.nextRank + offset }),
    ),
  );
}

function rankBetween(above: WaitingRun | undefined, below: WaitingRun | undefined, nextRank: number): number {
  if (below === undefined) return nextRank;
  if (above === undefined) return below.rank - 1;
  return (above.rank + below.rank) / 2;
}

function isBetween(rank: number, above: WaitingRun | undefined, below: WaitingRun | undefined): boolean {
  return (above === undefined || above.rank < rank) && (below === undefined || rank < below.rank);
}

/** An attempt is over without an outcome: the run waits again, or has had enough. */
function interrupt(
  assigned: AssignedRun,
  by: 'runner' | 'server',
  error: RunError,
  durationMs: number,
  toldStep = 0,
): EventDraft[] {
  const { runId, best, reached, continued, deaths, attempts, interruptions } = assigned;
  if (assigned.isCancelling) return [of(runId, over('cancelled', durationMs))];
  // Reports are gone with a server; what a node went on from is in the journal, and the attempt before came that far.
  const step = Math.max(toldStep, ...Object.values(continued));
  const interrupted = of(runId, {
    type: 'run.interrupted',
    by,
    error,
    ...(step === 0 ? {} : { step }),
  });
  const cameFurther = isFurther({ nodes: reached.nodes, step }, best);
  const inVain = (cameFurther ? 0 : deaths[by]) + 1;
  if (inVain < maxDeaths[by] && interruptions + 1 < maxInterruptions) return [interrupted];
  const final =
    by === 'runner'
      ? { ...error, message: `${error.message} It was tried ${attempts} times.` }
      : {
          ...error,
          message: `The server ended ${inVain} times while it computed this run; it is not tried again by itself.`,
        };
  return [interrupted, of(runId, over('failed', durationMs, final))];
}

const serverDied: RunError = {
  code: 'runner/gave-up',
  message: 'The server ended while it computed this run.',
  hint: 'Run it again if the reason is gone.',
};

function filesMissing(count: number): RunError {
  return {
    code: 'run/files-missing',
    message: `The run ended, but ${count === 1 ? 'a file' : `${count} files`} of its results cannot be found.`,
    hint: 'Check the disk that holds the data folder, then retry the run.',
  };
}

function placeOf({ waiting }: QueueState, runId: string): number {
  return waiting.findIndex((run) => run.runId === runId);
}

function isAt(
  state: QueueState,
  { runId, attempt }: AttemptOf,
): state is QueueState & { assigned: AssignedRun } {
  return state.assigned?.runId === runId && state.assigned.attempts === attempt;
}

function of(runId: string, body: RunEventBody): EventDraft {
  return { runId, body };
}

function over(status: EndStatus, durationMs: number, error?: RunError): RunEventBody {
  return { type: 'run.finished', status, durationMs, ...(error === undefined ? {} : { error }) };
}

function accepted(...events: readonly EventDraft[]): Decision {
  return { ok: true, events };
}

function refused(code: RefusalCode, message: string): Decision {
  return { ok: false, code, message };
}

function stale({ runId, attempt }: AttemptOf): Decision {
  return refused('queue/stale', `Attempt ${attempt} of run "${runId}" is not at work.`);
}

/** Why something for waiting runs cannot be done to this one. */
function notWaiting(state: QueueState, runId: string): Decision {
  const status = state.ended.get(runId);
  if (status !== undefined) return refused('queue/run-is-over', `The run "${runId}" is over (${status}).`);
  if (state.assigned?.runId === runId)
    return refused('queue/run-is-at-work', `The run "${runId}" is at work already.`);
  return refused('queue/unknown-run', `There is no run "${runId}" in the queue.`);
}
