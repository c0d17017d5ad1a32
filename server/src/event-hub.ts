/**
 * The one place an event passes: stamped, journaled, folded into the picture of its run, told to listeners,
 * in this order, so that no listener knows what a restart would forget. While the journal cannot be written
 * (a full disk) events wait here in their order and go on when it can.
 *
 * Progress is the exception: the next report replaces it, so it is told and not journaled, and carries the
 * cursor of the last event that is. Who comes back gets the newest report of each node at work.
 */
import {
  createRunFold,
  type RunEvent,
  type RunEventBody,
  type RunFold,
  type RunState,
  type RunStatus,
} from '@reelgraph/graph';
import type { Preview } from '@reelgraph/protocol';
import { StoreError } from '@reelgraph/store';
import type { JournaledEvent, RunJournal, RunRequest } from './run-journal.ts';

export interface HubListener {
  onEvent(journaled: JournaledEvent): void;
  onPreview(preview: Preview): void;
  /** Something that listeners should know and no run ends by: the journal cannot be written for now. */
  onProblem(code: string, message: string): void;
}

export interface EventHubOptions {
  readonly clock?: () => number;
  /** Wait before a journal that failed is tried again. */
  readonly retryMs?: number;
}

/** Runs kept in memory, and so in a welcome, once they are over. */
const finishedRunsKept = 50;
/** Steps may follow each other faster than anyone can see. */
const progressIntervalMs = 50;

export class EventHub {
  readonly #journal: RunJournal;
  readonly #clock: () => number;
  readonly #retryMs: number;
  readonly #runs = new Map<string, RunFold>();
  /** Events up to here were told by an earlier server, whose progress nobody knows any more. */
  readonly #startCursor: number;
  /** runId -> nodeId -> newest report, for nodes at work. */
  readonly #progress = new Map<string, Map<string, JournaledEvent>>();
  /** runId -> nodeId -> newest preview, for runs that go on. */
  readonly #previews = new Map<string, Map<string, Preview>>();
  readonly #listeners = new Set<HubListener>();
  #unwritten: { readonly runId: string; readonly body: RunEventBody; readonly atMs: number }[] = [];
  #retryTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(journal: RunJournal, { clock = Date.now, retryMs = 1000 }: EventHubOptions = {}) {
    this.#journal = journal;
    this.#clock = clock;
    this.#retryMs = retryMs;
    const newest = journal.newest(finishedRunsKept);
    const known = new Set(newest.map((state) => state.runId));
    const older = journal.unfinishedRunIds().filter((runId) => !known.has(runId));
    for (const state of [...older.flatMap((runId) => journal.state(runId) ?? []), ...newest.reverse()]) {
      this.#runs.set(state.runId, createRunFold(state));
    }
    this.#startCursor = journal.lastCursor();
  }

  get serverId(): string {
    return this.#journal.serverId;
  }

  /** Accepts a run into the journal. @throws StoreError when it cannot be written */
  accept(request: RunRequest): void {
    const { runId, workflow } = request;
    const event: RunEvent = {
      type: 'run.queued',
      workflowName: workflow.name,
      runId,
      seq: 1,
      atMs: this.#clock(),
    };
    const cursor = this.#journal.accept(request, event);
    this.#runs.set(runId, createRunFold(event));
    this.#tell({ cursor, event });
    this.#forgetOldRuns();
  }

  /** Publishes what happened in an accepted run. Events of runs that are over or unknown are dropped. */
  publish(runId: string, body: RunEventBody): void {
    const atMs = this.#clock();
    if (body.type === 'node.progress' && body.step < body.totalSteps) {
      const told = this.#progress.get(runId)?.get(body.nodeId)?.event.atMs;
      if (told !== undefined && atMs - told < progressIntervalMs) return;
    }
    // Waiting for a full disk is no use to a report that is replaced by the next.
    if (body.type === 'node.progress' && this.#unwritten.length > 0) return;
    this.#unwritten.push({ runId, body, atMs });
    if (this.#retryTimer === undefined) this.#write();
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

  /** Runs in memory, newest first: all that go on and the newest that are over. */
  runs(): RunState[] {
    return [...this.#runs.values()].reverse().map((fold) => fold.snapshot());
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
    clearTimeout(this.#retryTimer);
    this.#listeners.clear();
  }

  #write(): void {
    while (this.#unwritten.length > 0) {
      const [next] = this.#unwritten;
      if (next === undefined) return;
      const run = this.#runs.get(next.runId);
      if (run !== undefined && !isOver(run.state)) {
        const { runId, body, atMs } = next;
        const event: RunEvent = { ...body, runId, seq: run.state.lastSeq + 1, atMs };
        let cursor: number;
        try {
          cursor =
            event.type === 'node.progress'
              ? this.#journal.lastCursor()
              : this.#journal.append(event, () => after(run, event));
        } catch (error) {
          if (!(error instanceof StoreError)) throw error;
          this.#retryTimer = setTimeout(() => {
            this.#retryTimer = undefined;
            this.#write();
          }, this.#retryMs);
          this.publishProblem(error.code, error.message);
          return;
        }
        run.apply(event);
        this.#tell({ cursor, event });
      }
      this.#unwritten.shift();
    }
  }

  #tell(journaled: JournaledEvent): void {
    const { event } = journaled;
    const { runId } = event;
    switch (event.type) {
      case 'node.progress': {
        const ofRun = this.#progress.get(runId) ?? new Map<string, JournaledEvent>();
        this.#progress.set(runId, ofRun.set(event.nodeId, journaled));
        break;
      }
      case 'node.finished':
      case 'node.failed':
        this.#previews.get(runId)?.delete(event.nodeId);
        this.#progress.get(runId)?.delete(event.nodeId);
        break;
      case 'run.queued':
      case 'run.started':
      case 'run.finished':
        // Begun, put back, or over: nothing of before is at work.
        this.#previews.delete(runId);
        this.#progress.delete(runId);
    }
    for (const listener of this.#listeners) listener.onEvent(journaled);
  }

  #forgetOldRuns(): void {
    const over = [...this.#runs.values()].map((fold) => fold.state).filter(isOver);
    for (const state of over.slice(0, Math.max(0, over.length - finishedRunsKept)))
      this.#runs.delete(state.runId);
  }
}

/** The whole picture of a run with one more event, the run itself as it was. */
function after(run: RunFold, event: RunEvent): RunState {
  const next = createRunFold(run.state);
  next.apply(event);
  return next.state;
}

/** Whether nothing more will happen in a run. */
export function isOver(state: Pick<RunState, 'status'>): boolean {
  return state.status !== 'queued' && state.status !== 'running';
}
