/**
 * The one place an event passes: stamped, journaled, folded into the state of the queue and the picture of its run,
 * told to listeners, in this order, so that no listener knows what a restart would forget. While the journal cannot be
 * written (a full disk) what happened waits here in its order and goes on when it can.
 *
 * Progress is the exception: the next report replaces it, so it is told and not journaled (but for the first report of
 * a node that went on from a checkpoint), and carries the cursor of the last event that is. Who comes back gets the newest report of each node at work.
 */
import {
  createRunFold,
  type EventDraft,
  emptyQueue,
  isQueueEvent,
  type JournalEvent,
  type QueueState,
  type RunEvent,
  type RunEventBody,
  type RunFold,
  type RunState,
  type RunStatus,
  reduceQueueEvents,
} from '@reelgraph/graph';
import { maxNamedRuns, type Preview, type QueueSummary } from '@reelgraph/protocol';
import { StoreError } from '@reelgraph/store';
import type { EventToWrite, JournaledEvent, RunJournal } from './run-journal.ts';
import type { RunRequest } from './run-request.ts';

export interface HubListener {
  onEvent(journaled: JournaledEvent): void;
  onPreview(preview: Preview): void;
  /** The queue has changed since it was last told. */
  onQueue?(queue: QueueSummary): void;
  /** Something that listeners should know and no run ends by: the journal cannot be written for now. */
  onProblem(code: string, message: string): void;
}

/** Calls back once, after a time; the answer takes that back. */
export type Schedule = (work: () => void, delayMs: number) => () => void;

export interface EventHubOptions {
  readonly clock?: () => number;
  /** Wait before a journal that failed is tried again. */
  readonly retryMs?: number;
  readonly schedule?: Schedule;
}

/** An event to be, with what a run that begins with it is to compute. */
export type HubDraft = EventDraft & { readonly request?: RunRequest };

interface Unwritten {
  readonly make: (queue: QueueState) => readonly HubDraft[];
  readonly after: (() => void) | undefined;
  readonly atMs: number;
}

/** Runs kept in memory, and so in a welcome, once they are over. */
const finishedRunsKept = 50;
/** Steps may follow each other faster than anyone can see. */
const progressIntervalMs = 50;
/** So may changes of the queue: a call that starts thousands of runs is told a few times. */
const queueIntervalMs = 100;

const schedule: Schedule = (work, delayMs) => {
  const timer = setTimeout(work, delayMs);
  return () => clearTimeout(timer);
};

export class EventHub {
  /** Runs that were accepted, and of which too little can be read to go on with them. */
  readonly unreadableRunIds: readonly string[];
  readonly #journal: RunJournal;
  readonly #clock: () => number;
  readonly #retryMs: number;
  readonly #schedule: Schedule;
  readonly #runs = new Map<string, RunFold>();
  #queue: QueueState = emptyQueue;
  /** Events up to here were told by an earlier server, whose progress nobody knows any more. */
  readonly #startCursor: number;
  /** runId -> nodeId -> newest report, for nodes at work. */
  readonly #progress = new Map<string, Map<string, JournaledEvent>>();
  /** runId -> nodeId -> newest preview, for runs that go on. */
  readonly #previews = new Map<string, Map<string, Preview>>();
  readonly #listeners = new Set<HubListener>();
  readonly #unwritten: Unwritten[] = [];
  #isWriting = false;
  #cancelRetry: (() => void) | undefined;
  #cancelQueueNews: (() => void) | undefined;

  constructor(journal: RunJournal, options: EventHubOptions = {}) {
    this.#journal = journal;
    this.#clock = options.clock ?? Date.now;
    this.#retryMs = options.retryMs ?? 1000;
    this.#schedule = options.schedule ?? schedule;
    const events = journal.queueEvents();
    this.#queue = reduceQueueEvents(emptyQueue, events);
    const over = journal
      .newest(finishedRunsKept * 2)
      .filter(isOver)
      .slice(0, finishedRunsKept);
    for (const state of over.reverse()) this.#runs.set(state.runId, createRunFold(state));
    for (const state of this.#unfinished(events)) this.#runs.set(state.runId, createRunFold(state));
    const { assigned, waiting } = this.#queue;
    const queued = new Set(waiting.map(({ runId }) => runId)).add(assigned?.runId ?? '');
    this.unreadableRunIds = journal.unfinishedRunIds().filter((runId) => !queued.has(runId));
    this.#startCursor = journal.lastCursor();
  }

  /** Pictures of the runs that are not over. */
  *#unfinished(events: readonly JournalEvent[]): Iterable<RunState> {
    const folds = new Map<string, RunFold>();
    for (const event of events) {
      if (isQueueEvent(event)) continue;
      const fold = folds.get(event.runId);
      if (fold === undefined) folds.set(event.runId, createRunFold(event));
      else fold.apply(event);
    }
    for (const runId of this.#journal.unfinishedRunIds()) {
      const state = folds.get(runId)?.state ?? this.#journal.state(runId);
      if (state !== undefined) yield state;
    }
  }

  get serverId(): string {
    return this.#journal.serverId;
  }

  /** The state of the queue: the fold of everything in the journal. */
  get queue(): QueueState {
    return this.#queue;
  }

  /**
   * Makes events happen, all or none, now. `make` decides them on the queue as it is then: what waited for the journal
   * happened before. Those of runs that are over or unknown are dropped.
   * @throws StoreError when they cannot be written, and what `make` throws
   */
  commit(make: (queue: QueueState) => readonly HubDraft[]): void {
    const problem = this.#write();
    if (problem !== undefined) throw problem;
    this.#commit(make(this.#queue), this.#clock());
  }

  /**
   * Makes events happen as soon as the journal can be written, in the order of the calls. `make` decides them on
   * the queue as it is then, and may be asked more than once; `after` follows when they have happened.
   */
  publish(make: (queue: QueueState) => readonly HubDraft[], after?: () => void): void {
    this.#unwritten.push({ make, after, atMs: this.#clock() });
    if (this.#cancelRetry === undefined) this.#write();
  }

  /** Tells how far a node has come. Not journaled. */
  publishProgress(runId: string, body: Extract<RunEventBody, { type: 'node.progress' }>): void {
    const atMs = this.#clock();
    const run = this.#runs.get(runId);
    // Waiting for a full disk is no use to a report that is replaced by the next.
    if (run === undefined || isOver(run.state) || this.#unwritten.length > 0) return;
    if (body.step < body.totalSteps) {
      const told = this.#progress.get(runId)?.get(body.nodeId)?.event.atMs;
      if (told !== undefined && atMs - told < progressIntervalMs) return;
    }
    const event: RunEvent = { ...body, runId, seq: run.state.lastSeq + 1, atMs };
    run.apply(event);
    const told = { cursor: this.#journal.lastCursor(), event };
    const ofRun = this.#progress.get(runId) ?? new Map<string, JournaledEvent>();
    this.#progress.set(runId, ofRun.set(body.nodeId, told));
    this.#tell(told);
  }

  publishPreview(preview: Preview): void {
    const state = this.#runs.get(preview.runId)?.state;
    if (state === undefined || isOver(state)) return;
    const ofRun = this.#previews.get(preview.runId) ?? new Map<string, Preview>();
    this.#previews.set(preview.runId, ofRun.set(preview.nodeId, preview));
    for (const listener of this.#listeners) listener.onPreview(preview);
  }

  /** Tells listeners of a problem that ends no run. Not journaled. */
  publishProblem(code: string, message: string): void {
    for (const listener of this.#listeners) listener.onProblem(code, message);
  }

  /** The picture of a run, from memory or else from the journal. */
  run(runId: string): RunState | undefined {
    return this.#runs.get(runId)?.snapshot() ?? this.#journal.state(runId);
  }

  /** Where a run stands; cheaper than its whole picture. */
  status(runId: string): RunStatus | undefined {
    return (this.#runs.get(runId)?.state ?? this.#journal.state(runId))?.status;
  }

  /** Newest first: the run at work, those next in the queue, and the newest that are over. */
  runs(): RunState[] {
    const next = new Set(this.#queue.waiting.slice(0, maxNamedRuns).map(({ runId }) => runId));
    return [...this.#runs.values()]
      .filter(({ state }) => state.status !== 'queued' || next.has(state.runId))
      .reverse()
      .map((fold) => fold.snapshot());
  }

  queueSummary(): QueueSummary {
    const { isPaused, assigned, waiting } = this.#queue;
    return {
      isPaused,
      runningId: assigned?.runId ?? null,
      waitingCount: waiting.length,
      next: waiting.slice(0, maxNamedRuns).map(({ runId, priority, attempts }) => {
        const state = this.#runs.get(runId)?.state;
        return {
          runId,
          workflowName: state?.workflowName ?? '',
          priority,
          queuedAtMs: state?.queuedAtMs ?? 0,
          attempts,
        };
      }),
    };
  }

  previews(): Preview[] {
    return [...this.#previews.values()].flatMap((ofRun) => [...ofRun.values()]);
  }

  lastCursor(): number {
    return this.#journal.lastCursor();
  }

  /**
   * What somebody who saw everything up to `cursor` has to hear to be up to date: the journaled events since, and
   * the newest progress where it belongs among them. Undefined when that cannot be told in `limit` events, or when
   * the cursor comes from an earlier server: the whole picture is the answer then.
   */
  eventsAfter(cursor: number, limit: number): JournaledEvent[] | undefined {
    if (cursor <= this.#startCursor) return undefined;
    const journaled = this.#journal.eventsAfter(cursor, limit + 1);
    if (journaled.length > limit) return undefined;
    const progress = [...this.#progress.values()].flatMap((ofRun) =>
      [...ofRun.values()].filter((report) => report.cursor >= cursor),
    );
    return [...journaled, ...progress].sort((a, b) => a.cursor - b.cursor || a.event.seq - b.event.seq);
  }

  /** Calls `listener` for everything published from now on; the answer stops it. */
  subscribe(listener: HubListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Stops waiting for a journal that cannot be written. */
  close(): void {
    this.#cancelRetry?.();
    this.#cancelQueueNews?.();
    this.#listeners.clear();
  }

  /** Writes what waits, and answers what keeps it from it. */
  #write(): StoreError | undefined {
    if (this.#isWriting) return undefined;
    this.#isWriting = true;
    try {
      for (let next = this.#unwritten[0]; next !== undefined; next = this.#unwritten[0]) {
        try {
          this.#commit(next.make(this.#queue), next.atMs);
        } catch (error) {
          if (!(error instanceof StoreError)) throw error;
          this.#cancelRetry ??= this.#schedule(() => {
            this.#cancelRetry = undefined;
            this.#write();
          }, this.#retryMs);
          this.publishProblem(error.code, error.message);
          return error;
        }
        this.#unwritten.shift();
        next.after?.();
      }
      // The journal can be written again: nobody has to wait for the next try.
      this.#cancelRetry?.();
      this.#cancelRetry = undefined;
    } finally {
      this.#isWriting = false;
    }
    return undefined;
  }

  #commit(drafts: readonly HubDraft[], atMs: number): void {
    const folds = new Map<string, RunFold>();
    const changes: EventToWrite[] = [];
    for (const draft of drafts) {
      if (draft.runId === undefined) {
        changes.push({ event: { ...draft.body, atMs } });
        continue;
      }
      const { runId, body, request } = draft;
      const known = folds.get(runId) ?? this.#runs.get(runId);
      if (known === undefined && body.type !== 'run.queued') continue;
      if (known !== undefined && isOver(known.state)) continue;
      const event: RunEvent = { ...body, runId, seq: (known?.state.lastSeq ?? 0) + 1, atMs };
      // The picture itself changes when the events are in the journal. One more event on a run of thousands of nodes
      // must not cost a copy of it, so the copy is made only for a second event, or for the last.
      if (known === undefined) folds.set(runId, createRunFold(event));
      else if (event.type === 'run.finished' || drafts.length > 1) {
        const fold = folds.get(runId) ?? createRunFold(known.state);
        fold.apply(event);
        folds.set(runId, fold);
      }
      const picture = event.type === 'run.finished' ? folds.get(runId)?.state : undefined;
      changes.push({
        event,
        ...(request === undefined ? {} : { request }),
        ...(picture === undefined ? {} : { picture }),
      });
    }
    if (changes.length === 0) return;
    const cursors = this.#journal.commit(changes);
    const before = this.#queue;
    this.#queue = reduceQueueEvents(
      before,
      changes.map(({ event }) => event),
    );
    for (const [index, { event }] of changes.entries()) {
      if (isQueueEvent(event)) continue;
      const run = this.#runs.get(event.runId);
      if (run === undefined) this.#runs.set(event.runId, createRunFold(event));
      else run.apply(event);
      this.#tell({ cursor: cursors[index] ?? 0, event });
    }
    if (!looksTheSame(this.#queue, before)) this.#tellQueue();
    this.#forgetOldRuns();
  }

  #tell(journaled: JournaledEvent): void {
    const { event } = journaled;
    const { runId } = event;
    switch (event.type) {
      case 'node.finished':
      case 'node.failed':
        this.#previews.get(runId)?.delete(event.nodeId);
        this.#progress.get(runId)?.delete(event.nodeId);
        break;
      case 'run.started':
      case 'run.released':
      case 'run.interrupted':
      case 'run.finished':
        // Begun, put back, or over: nothing of before is at work.
        this.#previews.delete(runId);
        this.#progress.delete(runId);
    }
    for (const listener of this.#listeners) listener.onEvent(journaled);
  }

  #tellQueue(): void {
    this.#cancelQueueNews ??= this.#schedule(() => {
      this.#cancelQueueNews = undefined;
      if (this.#listeners.size === 0) return;
      const summary = this.queueSummary();
      for (const listener of this.#listeners) listener.onQueue?.(summary);
    }, queueIntervalMs);
  }

  #forgetOldRuns(): void {
    // Those that wait are many at times, and none of them is over.
    if (this.#runs.size - this.#queue.waiting.length <= finishedRunsKept + 1) return;
    const over = [...this.#runs.values()].map((fold) => fold.state).filter(isOver);
    for (const state of over.slice(0, Math.max(0, over.length - finishedRunsKept)))
      this.#runs.delete(state.runId);
  }
}

/** Whether a summary of both would be the same. */
function looksTheSame(a: QueueState, b: QueueState): boolean {
  return a.waiting === b.waiting && a.isPaused === b.isPaused && a.assigned?.runId === b.assigned?.runId;
}

/** Whether nothing more will happen in a run. */
export function isOver(state: Pick<RunState, 'status'>): boolean {
  return state.status !== 'queued' && state.status !== 'running';
}
