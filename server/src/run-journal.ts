/** The journal as the server sees it: typed events and pictures instead of the texts the store keeps. */
import {
  parseWorkflow,
  type RunEvent,
  type RunState,
  reduceRunEvents,
  runEventSchema,
  runStateSchema,
  runStatuses,
  type Workflow,
} from '@reelgraph/graph';
import { openJournal, type StoredEvent, type StoredRun } from '@reelgraph/store';
import type { z } from 'zod';
import { canonicalText } from './workflow-text.ts';

/** An event with its place among the journaled events of all runs; progress has that of the one before it. */
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
  /** Writes a request and its first event. @throws StoreError; HttpError 413 when it could not be read again */
  accept(request: RunRequest, event: RunEvent): number;
  /** Writes an event; `pictureAfter` is asked for when it is the last of its run. @throws StoreError */
  append(event: RunEvent, pictureAfter: () => RunState): number;
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

export interface RunJournalOptions {
  readonly onNote?: (note: string, details: Record<string, unknown>) => void;
  /** Runs that are over and stay known; older ones are forgotten, their results are not. */
  readonly keepFinished?: number;
}

/**
 * Opens the journal in a data folder. A row that cannot be read (damaged, or of another version) is passed over
 * and told to `onNote`: one of them must not keep the others, or the server, from their work.
 *
 * @throws StoreError, 'store/locked' when another server has the folder
 */
export function openRunJournal(
  folder: string,
  { onNote, keepFinished = 1000 }: RunJournalOptions = {},
): RunJournal {
  const journal = openJournal(folder);
  // Each keeps its whole workflow; who asks for one does not look a thousand runs back.
  journal.pruneRuns({ keep: keepFinished });

  function readAs<S extends z.ZodType>(
    schema: S,
    json: string,
    about: Record<string, unknown>,
  ): z.output<S> | undefined {
    const parsed = schema.safeParse(jsonValue(json));
    if (parsed.success) return parsed.data;
    onNote?.('a row of the journal cannot be read', { ...about, err: parsed.error });
    return undefined;
  }
  const typed = ({ runId, seq, cursor, json }: StoredEvent): JournaledEvent[] => {
    const event = readAs(runEventSchema, json, { runId, seq });
    return event === undefined ? [] : [{ cursor, event }];
  };
  const eventsOfRun = (runId: string) =>
    journal.eventsOf(runId).flatMap((stored) => typed(stored).map(({ event }) => event));
  const stateOf = (run: StoredRun): RunState => {
    const { runId, stateJson } = run;
    const state = stateJson === undefined ? undefined : readAs(runStateSchema, stateJson, { runId });
    return state ?? reduceRunEvents(undefined, eventsOfRun(runId)) ?? unreadableRun(run);
  };
  /** What is left of a run none of whose rows can be read. */
  const unreadableRun = ({ runId, status }: StoredRun): RunState => ({
    runId,
    workflowName: '',
    status: runStatuses.find((known) => known === status) ?? 'failed',
    lastSeq: journal.eventsOf(runId).at(-1)?.seq ?? 0,
    nodes: {},
  });

  return {
    serverId: journal.serverId,
    lastCursor: () => journal.lastCursor(),
    accept: ({ runId, workflow, targets }, event) =>
      journal.acceptRun({
        runId,
        workflowJson: canonicalText(workflow),
        ...(targets === undefined ? {} : { targets }),
        acceptedAtMs: event.atMs,
        event: textual(event),
      }),
    append(event, pictureAfter) {
      const { runId } = event;
      if (event.type === 'run.finished') {
        const stateJson = JSON.stringify(pictureAfter());
        return only(journal.finishRun({ runId, status: event.status, stateJson, events: [textual(event)] }));
      }
      if (event.type === 'run.started') journal.setStatus(runId, 'running');
      if (event.type === 'run.queued') journal.setStatus(runId, 'queued');
      return only(journal.appendEvents([textual(event)]));
    },
    flush: () => journal.flush(),
    eventsAfter: (cursor, limit) => journal.eventsSince(cursor, limit).flatMap(typed),
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
    newest: (limit) => journal.runs({ limit }).map(stateOf),
    unfinishedRunIds: () => journal.unfinishedRuns().map((run) => run.runId),
    close: () => journal.close(),
  };
}

function textual(event: RunEvent) {
  return { runId: event.runId, seq: event.seq, json: JSON.stringify(event) };
}

/** Undefined, which fits no schema here, for text that is no JSON. */
function jsonValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function only(cursors: readonly number[]): number {
  const [cursor] = cursors;
  if (cursor === undefined) throw new Error('the journal gave no cursor for an event');
  return cursor;
}
