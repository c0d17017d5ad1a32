/** The journal as the server sees it: typed events and pictures instead of the texts the store keeps. */
import {
  isQueueEvent,
  type JournalEvent,
  parseWorkflow,
  queueEventSchema,
  type RunEvent,
  type RunState,
  type RunStatus,
  reduceRunEvents,
  runEventSchema,
  runStateSchema,
  runStatuses,
  type Workflow,
} from '@reelgraph/graph';
import { type JournalChange, openJournal, type StoredEvent, type StoredRun } from '@reelgraph/store';
import type { z } from 'zod';
import { applySettings, type RunRequest, runSettingsSchema } from './run-request.ts';
import { canonicalText } from './workflow-text.ts';

/** An event with its place among the journaled events of all runs; progress has that of the one before it. */
export interface JournaledEvent {
  readonly cursor: number;
  readonly event: RunEvent;
}

/** An event to write, and what belongs to it. */
export interface EventToWrite {
  readonly event: JournalEvent;
  /** What the run is to compute, with its first event. */
  readonly request?: RunRequest;
  /** The picture of the run, with its last event. */
  readonly picture?: RunState;
}

export interface RunJournal {
  /** Kept with the data: cursors counted by another journal mean nothing here. */
  readonly serverId: string;
  lastCursor(): number;
  /**
   * Writes events, all or none, and answers their cursors.
   * @throws StoreError; HttpError 413 when a workflow could not be read again
   */
  commit(events: readonly EventToWrite[]): number[];
  /** Resolves when all that was written is safe from a power cut. @throws StoreError */
  flush(): Promise<void>;
  /** Every event that tells of the queue, in order: its state is their fold, and so is the picture of a run that is not over. */
  queueEvents(): JournalEvent[];
  eventsAfter(cursor: number, limit: number): JournaledEvent[];
  eventsOfRun(runId: string): RunEvent[];
  /** The same in pieces, none of which takes long: for a run of thousands of nodes, with others waiting. */
  eventsOfRunByPage(runId: string): Generator<RunEvent[]>;
  /** What a run was asked to compute, its settings applied. */
  request(runId: string): Omit<RunRequest, 'settings'> | undefined;
  /** The picture of a run as far as it is journaled. */
  state(runId: string): RunState | undefined;
  /** Pictures of the newest runs, newest first. */
  newest(limit: number): RunState[];
  /** Ids of the newest runs, newest first; with `before`, of those accepted before that run. */
  newestIds(limit: number, filter: { status?: RunStatus | undefined; before?: string | undefined }): string[];
  /** Ids of runs that have not ended, oldest first. */
  unfinishedRunIds(): string[];
  close(): void;
}

export interface RunJournalOptions {
  readonly onNote?: (note: string, details: Record<string, unknown>) => void;
  /** Runs that are over and stay known; older ones are forgotten, their results are not. */
  readonly keepFinished?: number;
}

/** Few enough to be read and parsed in the time of a frame. */
const eventsPerPage = 200;

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
  // Each keeps its whole history; who asks for one does not look a thousand runs back.
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
  function* eventsOfRunByPage(runId: string): Generator<RunEvent[]> {
    for (let after = 0; ; ) {
      const page = journal.eventsOf(runId, { after, limit: eventsPerPage });
      const last = page.at(-1);
      if (last === undefined) return;
      after = last.cursor;
      yield page.flatMap((stored) => typed(stored).map(({ event }) => event));
    }
  }
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

  // Writing out a workflow takes longer than anything else here, and thousands of runs may share one.
  const texts = new WeakMap<Workflow, string>();
  const textOf = (workflow: Workflow): string => {
    const text = texts.get(workflow) ?? canonicalText(workflow);
    texts.set(workflow, text);
    return text;
  };
  function change({ event, request, picture }: EventToWrite): JournalChange {
    const json = JSON.stringify(event);
    if (isQueueEvent(event)) return { event: { seq: 0, json } };
    const { runId, seq } = event;
    const status = statusAfter(event);
    return {
      event: { runId, seq, json, isDetail: event.type.startsWith('node.') },
      ...(status === undefined ? {} : { status }),
      ...(picture === undefined ? {} : { stateJson: JSON.stringify(picture) }),
      ...(request === undefined
        ? {}
        : {
            accept: {
              runId,
              workflowJson: textOf(request.workflow),
              acceptedAtMs: event.atMs,
              ...(request.targets === undefined ? {} : { targets: request.targets }),
              ...(request.settings === undefined ? {} : { settingsJson: JSON.stringify(request.settings) }),
            },
          }),
    };
  }

  return {
    serverId: journal.serverId,
    lastCursor: () => journal.lastCursor(),
    commit: (events) => journal.commit(events.map(change)),
    flush: () => journal.flush(),
    queueEvents() {
      const events: JournalEvent[] = [];
      for (const { runId, seq, json } of journal.queueEvents()) {
        const event =
          runId === undefined
            ? readAs(queueEventSchema, json, {})
            : readAs(runEventSchema, json, { runId, seq });
        if (event !== undefined) events.push(event);
      }
      return events;
    },
    eventsAfter: (cursor, limit) => journal.eventsSince(cursor, limit).flatMap(typed),
    eventsOfRun,
    eventsOfRunByPage,
    request(runId) {
      const found = journal.getRequest(runId);
      const parsed = found === undefined ? undefined : parseWorkflow(found.workflowJson);
      if (found === undefined || !parsed?.ok) return undefined;
      const settings =
        found.settingsJson === undefined
          ? undefined
          : readAs(runSettingsSchema, found.settingsJson, { runId });
      // Without its settings it would be another run.
      if (settings === undefined && found.settingsJson !== undefined) return undefined;
      return {
        workflow: applySettings(parsed.workflow, settings),
        ...(found.targets === undefined ? {} : { targets: found.targets }),
      };
    },
    state(runId) {
      const run = journal.getRun(runId);
      return run === undefined ? undefined : stateOf(run);
    },
    newest: (limit) => journal.runs({ limit }).map(stateOf),
    newestIds: (limit, filter) => journal.runIds({ limit, ...filter }),
    unfinishedRunIds: () => journal.unfinishedRuns().map((run) => run.runId),
    close: () => journal.close(),
  };
}

/** Where a run stands after an event that changes it. */
function statusAfter(event: RunEvent): RunStatus | undefined {
  switch (event.type) {
    case 'run.assigned':
    case 'run.started':
      return 'running';
    case 'run.queued':
    case 'run.released':
    case 'run.interrupted':
      return 'queued';
    case 'run.finished':
      return event.status;
    default:
      return undefined;
  }
}

/** Undefined, which fits no schema here, for text that is no JSON. */
function jsonValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
