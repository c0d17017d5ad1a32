/**
 * The state of the queue as the fold of the journal: (state, event) -> state. The server keeps it this way and in no
 * other, a restart folds the journal again, and a simulator (`server/src/simulation`) drives the same function.
 *
 *   waiting ──assigned──> at work ──finished──> ended
 *      ^                     │
 *      └─ interrupted, released ┘
 */
import type { RunStatus } from '../run-events.ts';
import { isQueueEvent, type JournalEvent } from './queue-events.ts';

export type EndStatus = Exclude<RunStatus, 'queued' | 'running'>;

/** How far an attempt came: nodes that ended in it, then the furthest step of a node at work. */
export interface Progress {
  readonly nodes: number;
  readonly step: number;
}

/** A run that waits for its turn. */
export interface WaitingRun {
  readonly runId: string;
  /** Higher goes first. */
  readonly priority: number;
  /** Lower goes first among runs of one priority; no two are equal. */
  readonly rank: number;
  /** How often it was given to a runner; so the number of an attempt is never used again. */
  readonly attempts: number;
  /** Attempts that were cut short, but for polite ends. */
  readonly interruptions: number;
  /** Attempts cut short since the run last came further than ever before, by what was gone. */
  readonly deaths: { readonly runner: number; readonly server: number };
  /** The furthest any attempt came. */
  readonly best: Progress;
}

/** The run at work. */
export interface AssignedRun extends WaitingRun {
  readonly isCancelling: boolean;
  /** How far this attempt came. */
  readonly reached: Progress;
  /** nodeId -> step of the checkpoint that it went on from, of nodes at work. */
  readonly continued: Readonly<Record<string, number>>;
}

export interface QueueState {
  readonly isPaused: boolean;
  /** In the order they will be begun. */
  readonly waiting: readonly WaitingRun[];
  readonly assigned: AssignedRun | undefined;
  readonly ended: ReadonlyMap<string, EndStatus>;
  /** Larger than every rank so far. */
  readonly nextRank: number;
}

export const emptyQueue: QueueState = {
  isPaused: false,
  waiting: [],
  assigned: undefined,
  ended: new Map(),
  nextRank: 1,
};

const nothing: Progress = { nodes: 0, step: 0 };
const begun = { isCancelling: false, reached: nothing, continued: {} } as const;

/** The state after one more event; neither argument is changed. An event that cannot be, or was seen before, changes nothing. */
export function reduceQueue(state: QueueState, event: JournalEvent): QueueState {
  return reduceQueueEvents(state, [event]);
}

/** `reduceQueue` over many events, copying each list once. */
export function reduceQueueEvents(state: QueueState, events: Iterable<JournalEvent>): QueueState {
  const draft = new QueueDraft(state);
  for (const event of events) draft.apply(event);
  return draft.state;
}

/** Whether `a` is begun before `b`. */
export function goesBefore(
  a: Pick<WaitingRun, 'priority' | 'rank'>,
  b: Pick<WaitingRun, 'priority' | 'rank'>,
): boolean {
  return a.priority !== b.priority ? a.priority > b.priority : a.rank < b.rank;
}

/** Whether an attempt that reached `a` came further than one that reached `b`. */
export function isFurther(a: Progress, b: Progress): boolean {
  return a.nodes !== b.nodes ? a.nodes > b.nodes : a.step > b.step;
}

/** A state in the making; copies a list the first time it changes it. */
class QueueDraft {
  readonly #before: QueueState;
  #isPaused: boolean;
  #assigned: AssignedRun | undefined;
  #nextRank: number;
  #waiting: WaitingRun[] | undefined;
  #ended: Map<string, EndStatus> | undefined;
  /** Ids in `waiting`, made when a second run comes in: looking through thousands for each of thousands takes long. */
  #waitingIds: Set<string> | undefined;

  constructor(state: QueueState) {
    this.#before = state;
    this.#isPaused = state.isPaused;
    this.#assigned = state.assigned;
    this.#nextRank = state.nextRank;
  }

  get state(): QueueState {
    const before = this.#before;
    const isSame =
      this.#waiting === undefined &&
      this.#ended === undefined &&
      this.#isPaused === before.isPaused &&
      this.#assigned === before.assigned &&
      this.#nextRank === before.nextRank;
    if (isSame) return before;
    return {
      isPaused: this.#isPaused,
      waiting: this.#waiting ?? before.waiting,
      assigned: this.#assigned,
      ended: this.#ended ?? before.ended,
      nextRank: this.#nextRank,
    };
  }

  apply(event: JournalEvent): void {
    if (isQueueEvent(event)) {
      this.#isPaused = event.type === 'queue.paused';
      return;
    }
    const { runId } = event;
    const assigned = this.#assigned?.runId === runId ? this.#assigned : undefined;
    switch (event.type) {
      case 'run.queued': {
        // Older journals said it again when a server ended politely.
        if (assigned !== undefined) {
          this.#putBack(assigned);
          return;
        }
        if (this.#isKnown(runId)) return;
        const rank = event.rank ?? this.#nextRank;
        this.#nextRank = Math.max(this.#nextRank, Math.floor(rank) + 1);
        const { priority = 0 } = event;
        this.#insert({
          runId,
          priority,
          rank,
          attempts: 0,
          interruptions: 0,
          deaths: { runner: 0, server: 0 },
          best: nothing,
        });
        return;
      }
      case 'run.moved': {
        const run = this.#take(runId);
        if (run === undefined) return;
        this.#nextRank = Math.max(this.#nextRank, Math.floor(event.rank) + 1);
        this.#insert({ ...run, priority: event.priority, rank: event.rank });
        return;
      }
      case 'run.assigned': {
        if (this.#assigned !== undefined) return;
        const run = this.#take(runId);
        if (run === undefined) return;
        this.#assigned = { ...run, attempts: event.attempt, ...begun };
        return;
      }
      case 'run.started': {
        if (this.#assigned !== undefined) return;
        // Older journals do not tell of the assignment.
        const run = this.#take(runId);
        if (run === undefined) return;
        this.#assigned = { ...run, attempts: run.attempts + 1, ...begun };
        return;
      }
      case 'node.finished':
      case 'node.cached': {
        if (assigned === undefined) return;
        const { [event.nodeId]: _ended, ...continued } = assigned.continued;
        this.#assigned = { ...assigned, reached: { nodes: assigned.reached.nodes + 1, step: 0 }, continued };
        return;
      }
      case 'node.progress': {
        const { nodeId, continuedFrom } = event;
        if (assigned === undefined || continuedFrom === undefined) return;
        this.#assigned = { ...assigned, continued: { ...assigned.continued, [nodeId]: continuedFrom } };
        return;
      }
      case 'run.cancel-requested':
        if (assigned !== undefined) this.#assigned = { ...assigned, isCancelling: true };
        return;
      case 'run.released':
        if (assigned !== undefined) this.#putBack(assigned);
        return;
      case 'run.interrupted': {
        if (assigned === undefined) return;
        const reached = { nodes: assigned.reached.nodes, step: event.step ?? 0 };
        const cameFurther = isFurther(reached, assigned.best);
        const deaths = cameFurther ? { runner: 0, server: 0 } : assigned.deaths;
        this.#putBack({
          ...assigned,
          interruptions: assigned.interruptions + 1,
          best: cameFurther ? reached : assigned.best,
          deaths: { ...deaths, [event.by]: deaths[event.by] + 1 },
        });
        return;
      }
      case 'run.finished': {
        if (this.#before.ended.has(runId) || this.#ended?.has(runId)) return;
        if (assigned !== undefined) this.#assigned = undefined;
        else if (this.#take(runId) === undefined) return;
        this.#ended ??= new Map(this.#before.ended);
        this.#ended.set(runId, event.status);
        return;
      }
      case 'node.started':
      case 'node.waiting':
      case 'node.failed':
      case 'node.skipped':
        return;
    }
  }

  #putBack({
    isCancelling: _cancelling,
    reached: _reached,
    continued: _continued,
    ...run
  }: AssignedRun): void {
    this.#assigned = undefined;
    this.#insert(run);
  }

  #isKnown(runId: string): boolean {
    if (this.#before.ended.has(runId) || this.#ended?.has(runId)) return true;
    const list = this.#waiting ?? this.#before.waiting;
    if (this.#waiting === undefined) return list.some((run) => run.runId === runId);
    this.#waitingIds ??= new Set(list.map((run) => run.runId));
    return this.#waitingIds.has(runId);
  }

  #insert(run: WaitingRun): void {
    this.#waiting ??= [...this.#before.waiting];
    const list = this.#waiting;
    let low = 0;
    let high = list.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = list[middle];
      if (other !== undefined && goesBefore(run, other)) high = middle;
      else low = middle + 1;
    }
    if (low === list.length) list.push(run);
    else list.splice(low, 0, run);
    this.#waitingIds?.add(run.runId);
  }

  #take(runId: string): WaitingRun | undefined {
    this.#waiting ??= [...this.#before.waiting];
    const place = this.#waiting.findIndex((run) => run.runId === runId);
    if (place < 0) return undefined;
    this.#waitingIds?.delete(runId);
    return this.#waiting.splice(place, 1)[0];
  }
}
