/** What the server needs of the journal: every event of every run, in the order it became true. */
import type { RunEvent, Workflow } from '@reelgraph/graph';

/** A journaled event with its place among the events of all runs. */
export interface JournaledEvent {
  readonly cursor: number;
  readonly event: RunEvent;
}

/** What was asked for. */
export interface RunRequest {
  readonly runId: string;
  readonly workflow: Workflow;
  readonly targets: readonly string[] | undefined;
}

export interface RunJournal {
  /** Kept with the data: cursors counted by another journal mean nothing here. */
  readonly serverId: string;
  lastCursor(): number;
  /** Writes a request and its first event in one transaction; on disk when it returns. */
  accept(request: RunRequest, event: RunEvent): number;
  append(event: RunEvent): number;
  eventsAfter(cursor: number, limit: number): JournaledEvent[];
  eventsOfRun(runId: string): RunEvent[];
  request(runId: string): RunRequest | undefined;
  /** Ids of the newest runs, newest first. */
  newestRunIds(limit: number): string[];
  /** Ids of runs without `run.finished`, oldest first. */
  unfinishedRunIds(): string[];
  close(): void;
}
