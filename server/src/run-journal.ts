/** The journal as the server sees it: typed events and pictures instead of the texts the store keeps. */
import {
  parseWorkflow,
  type RunEvent,
  type RunState,
  reduceRunEvents,
  runEventSchema,
  runStateSchema,
  stringifyWorkflow,
  type Workflow,
} from '@reelgraph/graph';
import { openJournal, type StoredEvent, type StoredRun } from '@reelgraph/store';

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
  /** Writes a request and its first event. @throws StoreError */
  accept(request: RunRequest, event: RunEvent): number;
  /** Writes an event; `state` is the picture after it. @throws StoreError */
  append(event: RunEvent, state: RunState): number;
  /** Resolves when all that was written is safe from a power cut. @throws StoreError */
  flush(): Promise<void>;
  eventsAfter(cursor: number, limit: number): JournaledEvent[];
  eventsOfRun(runId: string): RunEvent[];
  request(runId: string): RunRequest | undefined;
  /** The picture of a run as far as it is journaled. */
  state(runId: string): RunState | undefined;
  /** Pictures of the newest runs, newest first. */
  newest(limit: number): RunState[];
  /** Ids of runs that have not ended, oldest first. */
  unfinishedRunIds(): string[];
  close(): void;
}

/** Opens the journal in a data folder. @throws StoreError, 'store/locked' when another server has the folder */
export function openRunJournal(folder: string): RunJournal {
  const journal = openJournal(folder);

  const eventsOfRun = (runId: string) => journal.eventsOf(runId).map((stored) => typed(stored).event);
  const stateOf = (run: StoredRun): RunState | undefined =>
    run.stateJson === undefined
      ? reduceRunEvents(undefined, eventsOfRun(run.runId))
      : runStateSchema.parse(JSON.parse(run.stateJson));

  return {
    serverId: journal.serverId,
    lastCursor: () => journal.lastCursor(),
    accept: ({ runId, workflow, targets }, event) =>
      journal.acceptRun({
        runId,
        workflowJson: stringifyWorkflow(workflow),
        ...(targets === undefined ? {} : { targets }),
        acceptedAtMs: event.atMs,
        event: textual(event),
      }),
    append(event, state) {
      const { runId } = event;
      if (event.type === 'run.finished') {
        const stateJson = JSON.stringify(state);
        return only(journal.finishRun({ runId, status: event.status, stateJson, events: [textual(event)] }));
      }
      if (event.type === 'run.started') journal.setStatus(runId, 'running');
      return only(journal.appendEvents([textual(event)]));
    },
    flush: () => journal.flush(),
    eventsAfter: (cursor, limit) => journal.eventsSince(cursor, limit).map(typed),
    eventsOfRun,
    request(runId) {
      const run = journal.getRun(runId);
      const parsed = run === undefined ? undefined : parseWorkflow(run.workflowJson);
      return parsed?.ok ? { runId, workflow: parsed.workflow, targets: run?.targets } : undefined;
    },
    state(runId) {
      const run = journal.getRun(runId);
      return run === undefined ? undefined : stateOf(run);
    },
    newest: (limit) => journal.runs({ limit }).flatMap((run) => stateOf(run) ?? []),
    unfinishedRunIds: () => journal.unfinishedRuns().map((run) => run.runId),
    close: () => journal.close(),
  };
}

function textual(event: RunEvent) {
  return { runId: event.runId, seq: event.seq, json: JSON.stringify(event) };
}

function typed(stored: StoredEvent): JournaledEvent {
  return { cursor: stored.cursor, event: runEventSchema.parse(JSON.parse(stored.json)) };
}

function only(cursors: readonly number[]): number {
  const [cursor] = cursors;
  if (cursor === undefined) throw new Error('the journal gave no cursor for an event');
  return cursor;
}
