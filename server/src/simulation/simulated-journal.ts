/**
 * A journal on a disk that can fail. It keeps what SQLite promises and nothing more: a commit is whole or not there,
 * survives the death of the process at once, and a power cut once it was flushed. A commit that was being written when
 * the power went is found torn, and dropped with all that follows.
 */
import {
  emptyWorkflow,
  isQueueEvent,
  type JournalEvent,
  type RunEvent,
  type RunState,
  reduceRunEvents,
} from '@reelgraph/graph';
import { StoreError } from '@reelgraph/store';
import type { EventToWrite, RunJournal } from '../run-journal.ts';

interface Commit {
  readonly events: readonly JournalEvent[];
  readonly pictures: readonly RunState[];
  /** Only a part reached the disk. */
  readonly isTorn: boolean;
}

const workflow = emptyWorkflow('simulated');

export class SimulatedJournal implements RunJournal {
  readonly serverId = 'simulated';
  readonly #commits: Commit[] = [];
  #flushed = 0;
  /** Events in them. */
  #cursor = 0;
  /** Commits to come that fail, as on a full disk. */
  failing = 0;
  /** Called before and after each commit; may throw to end the process there. */
  readonly #onEffect: () => void;
  /** Called for each commit that is on record. */
  readonly #onCommit: (events: readonly JournalEvent[]) => void;

  constructor(onEffect: () => void, onCommit: (events: readonly JournalEvent[]) => void) {
    this.#onEffect = onEffect;
    this.#onCommit = onCommit;
  }

  /** Commits on the disk. */
  get length(): number {
    return this.#commits.length;
  }

  *events(): IterableIterator<JournalEvent> {
    for (const { events } of this.#commits) yield* events;
  }

  commit(events: readonly EventToWrite[]): number[] {
    this.#onEffect();
    if (this.failing > 0) {
      this.failing -= 1;
      throw new StoreError('store/disk-full', 'The disk is full.');
    }
    const base = this.lastCursor();
    const commit: Commit = {
      events: events.map(({ event }) => event),
      pictures: events.flatMap(({ picture }) => picture ?? []),
      isTorn: false,
    };
    this.#commits.push(commit);
    this.#cursor += events.length;
    this.#onCommit(commit.events);
    this.#onEffect();
    return events.map((_event, index) => base + index + 1);
  }

  /** What was committed so far survives a power cut. */
  flushNow(): void {
    this.#flushed = this.#commits.length;
  }

  /** The power goes: of what was not flushed, `keep` commits reached the disk, and of the next one a part. */
  cutPower(keep: number): void {
    const from = Math.min(this.#commits.length, this.#flushed + keep);
    const [torn] = this.#commits.splice(from);
    if (torn === undefined) return;
    this.#commits.push({
      events: torn.events.slice(0, Math.floor(torn.events.length / 2)),
      pictures: [],
      isTorn: true,
    });
  }

  /** What a process does that opens the journal. */
  recover(): void {
    const torn = this.#commits.findIndex(({ isTorn }) => isTorn);
    if (torn >= 0) this.#commits.splice(torn);
    this.#cursor = this.#commits.reduce((sum, { events }) => sum + events.length, 0);
    this.flushNow();
  }

  lastCursor(): number {
    return this.#cursor;
  }

  flush(): Promise<void> {
    return Promise.reject(new Error('simulated flushes call back'));
  }

  queueEvents(): JournalEvent[] {
    const over = new Set(this.#pictures().map(({ runId }) => runId));
    return [...this.events()].filter(
      (event) => isQueueEvent(event) || !event.type.startsWith('node.') || !over.has(event.runId),
    );
  }

  eventsAfter(): never[] {
    return [];
  }

  eventsOfRun(runId: string): RunEvent[] {
    return [...this.events()].flatMap((event) =>
      !isQueueEvent(event) && event.runId === runId ? [event] : [],
    );
  }

  *eventsOfRunByPage(runId: string): Generator<RunEvent[]> {
    yield this.eventsOfRun(runId);
  }

  request() {
    return { workflow };
  }

  state(runId: string): RunState | undefined {
    return reduceRunEvents(undefined, this.eventsOfRun(runId));
  }

  newest(limit: number): RunState[] {
    return this.#pictures().reverse().slice(0, limit);
  }

  newestIds(): never[] {
    return [];
  }

  unfinishedRunIds(): string[] {
    const unfinished = new Set<string>();
    for (const event of this.events()) {
      if (event.type === 'run.queued') unfinished.add(event.runId);
      else if (event.type === 'run.finished') unfinished.delete(event.runId);
    }
    return [...unfinished];
  }

  close(): void {}

  #pictures(): RunState[] {
    return this.#commits.flatMap(({ pictures }) => pictures);
  }
}
