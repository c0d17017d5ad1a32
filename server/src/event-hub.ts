/**
 * The one place an event passes: stamped, journaled, folded into the picture of its run, told to listeners,
 * in this order, so that no listener knows what a restart would forget. While the journal cannot be written
 * (a full disk) events wait here in their order and go on when it can.
 */
import { type RunEvent, type RunEventBody, type RunState, reduceRun } from '@reelgraph/graph';
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
  readonly #runs = new Map<string, RunState>();
  /** runId -> nodeId -> newest preview, for runs that go on. */
  readonly #previews = new Map<string, Map<string, Preview>>();
  /** `runId nodeId` -> time of the progress told last. */
  readonly #progressAtMs = new Map<string, number>();
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
      this.#runs.set(state.runId, state);
    }
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
    this.#tell(this.#journal.accept(request, event), event, reduceRun(undefined, event));
    this.#forgetOldRuns();
  }

  /** Publishes what happened in an accepted run. Events of runs that are over or unknown are dropped. */
  publish(runId: string, body: RunEventBody): void {
    const atMs = this.#clock();
    if (body.type === 'node.progress' && body.step < body.totalSteps) {
      const key = `${runId} ${body.nodeId}`;
      if (atMs - (this.#progressAtMs.get(key) ?? Number.NEGATIVE_INFINITY) < progressIntervalMs) return;
      this.#progressAtMs.set(key, atMs);
    }
    this.#unwritten.push({ runId, body, atMs });
    if (this.#retryTimer === undefined) this.#write();
  }

  publishPreview(preview: Preview): void {
    const state = this.#runs.get(preview.runId);
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
    return this.#runs.get(runId) ?? this.#journal.state(runId);
  }

  /** Runs in memory, newest first: all that go on and the newest that are over. */
  runs(): RunState[] {
    return [...this.#runs.values()].reverse();
  }

  previews(): Preview[] {
    return [...this.#previews.values()].flatMap((ofRun) => [...ofRun.values()]);
  }

  lastCursor(): number {
    return this.#journal.lastCursor();
  }

  /** Events after a cursor, or undefined when there are more than `limit`. */
  eventsAfter(cursor: number, limit: number): JournaledEvent[] | undefined {
    const events = this.#journal.eventsAfter(cursor, limit + 1);
    return events.length > limit ? undefined : events;
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
      const before = this.#runs.get(next.runId);
      if (before !== undefined && !isOver(before)) {
        const event: RunEvent = { ...next.body, runId: next.runId, seq: before.lastSeq + 1, atMs: next.atMs };
        const after = reduceRun(before, event);
        let cursor: number;
        try {
          cursor = this.#journal.append(event, after);
        } catch (error) {
          if (!(error instanceof StoreError)) throw error;
          this.#retryTimer = setTimeout(() => {
            this.#retryTimer = undefined;
            this.#write();
          }, this.#retryMs);
          this.publishProblem(error.code, error.message);
          return;
        }
        this.#tell(cursor, event, after);
      }
      this.#unwritten.shift();
    }
  }

  #tell(cursor: number, event: RunEvent, state: RunState): void {
    this.#runs.set(event.runId, state);
    if (event.type === 'run.finished') {
      this.#previews.delete(event.runId);
      for (const nodeId of Object.keys(state.nodes)) this.#progressAtMs.delete(`${event.runId} ${nodeId}`);
    } else if (event.type === 'node.finished' || event.type === 'node.failed') {
      this.#previews.get(event.runId)?.delete(event.nodeId);
    }
    for (const listener of this.#listeners) listener.onEvent({ cursor, event });
  }

  #forgetOldRuns(): void {
    const over = [...this.#runs.values()].filter(isOver);
    for (const state of over.slice(0, Math.max(0, over.length - finishedRunsKept)))
      this.#runs.delete(state.runId);
  }
}

/** Whether nothing more will happen in a run. */
export function isOver(state: RunState): boolean {
  return state.status !== 'queued' && state.status !== 'running';
}
