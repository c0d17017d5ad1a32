/**
 * The one place an event passes: stamped, journaled, folded into the picture of its run, told to listeners,
 * in this order, so that no listener knows what a restart would forget.
 */
import {
  type RunEvent,
  type RunEventBody,
  type RunState,
  reduceRun,
  reduceRunEvents,
} from '@reelgraph/graph';
import type { Preview } from '@reelgraph/protocol';
import type { JournaledEvent, RunJournal, RunRequest } from './run-journal.ts';

export interface HubListener {
  onEvent(journaled: JournaledEvent): void;
  onPreview(preview: Preview): void;
}

/** Runs kept in memory, and so in a welcome, once they are over. */
const finishedRunsKept = 50;

export class EventHub {
  readonly #journal: RunJournal;
  readonly #clock: () => number;
  readonly #runs = new Map<string, RunState>();
  /** runId -> nodeId -> newest preview, for runs that go on. */
  readonly #previews = new Map<string, Map<string, Preview>>();
  readonly #listeners = new Set<HubListener>();

  constructor(journal: RunJournal, clock: () => number = Date.now) {
    this.#journal = journal;
    this.#clock = clock;
    const newestFirst = new Set([...journal.newestRunIds(finishedRunsKept), ...journal.unfinishedRunIds()]);
    for (const runId of [...newestFirst].reverse()) {
      const state = reduceRunEvents(undefined, journal.eventsOfRun(runId));
      if (state !== undefined) this.#runs.set(runId, state);
    }
  }

  get serverId(): string {
    return this.#journal.serverId;
  }

  /** Accepts a run; it is in the journal when this returns. */
  accept(request: RunRequest): RunState {
    const event = this.#stamp(request.runId, 0, { type: 'run.queued', workflowName: request.workflow.name });
    this.#record(event, this.#journal.accept(request, event));
    this.#forgetOldRuns();
    return this.#required(request.runId);
  }

  /** Publishes what happened in an accepted run. Events of runs that are over or unknown are dropped. */
  publish(runId: string, body: RunEventBody): void {
    const state = this.#runs.get(runId);
    if (state === undefined || isOver(state)) return;
    const event = this.#stamp(runId, state.lastSeq, body);
    this.#record(event, this.#journal.append(event));
    if (event.type === 'run.finished') this.#previews.delete(runId);
    else if ((event.type === 'node.finished' || event.type === 'node.failed') && this.#previews.has(runId)) {
      this.#previews.get(runId)?.delete(event.nodeId);
    }
  }

  publishPreview(preview: Preview): void {
    const state = this.#runs.get(preview.runId);
    if (state === undefined || isOver(state)) return;
    const ofRun = this.#previews.get(preview.runId) ?? new Map<string, Preview>();
    this.#previews.set(preview.runId, ofRun.set(preview.nodeId, preview));
    for (const listener of this.#listeners) listener.onPreview(preview);
  }

  /** The picture of a run, from memory or else from the journal. */
  run(runId: string): RunState | undefined {
    return this.#runs.get(runId) ?? reduceRunEvents(undefined, this.#journal.eventsOfRun(runId));
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

  #stamp(runId: string, lastSeq: number, body: RunEventBody): RunEvent {
    return { ...body, runId, seq: lastSeq + 1, atMs: this.#clock() };
  }

  #record(event: RunEvent, cursor: number): void {
    this.#runs.set(event.runId, reduceRun(this.#runs.get(event.runId), event));
    for (const listener of this.#listeners) listener.onEvent({ cursor, event });
  }

  #required(runId: string): RunState {
    const state = this.#runs.get(runId);
    if (state === undefined) throw new Error(`run ${runId} was recorded but is not in memory`);
    return state;
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
