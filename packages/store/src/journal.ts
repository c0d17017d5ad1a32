/**
 * The journal of runs: what was accepted, what happened, how it ended. It is the truth about the queue, so a
 * run is acknowledged only after it is in here, and one server at a time may hold it.
 *
 * The journal does not look inside events; its caller decides which are worth keeping (progress is not: the next
 * one replaces it) and hands over the finished picture, so that old runs can be listed without folding.
 */

import { randomUUID } from 'node:crypto';
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { z } from 'zod';
import { diskError, errnoOf, StoreError } from './errors.ts';
import { WalFlusher } from './wal-flusher.ts';

/** Version of the tables; a folder with a higher one is left alone. */
const schemaVersion = 1;

/** A run to put into the queue. */
export interface NewRun {
  readonly runId: string;
  /** Canonical JSON of the document. */
  readonly workflowJson: string;
  /** Node ids to compute; all outputs when absent. */
  readonly targets?: readonly string[];
  readonly acceptedAtMs: number;
  /** The event that says so, as JSON; it gets the first cursor of the run. */
  readonly event: JournalEvent;
}

export interface JournalEvent {
  readonly runId: string;
  readonly seq: number;
  readonly json: string;
}

/** An event with its place among all events of all runs. */
export interface StoredEvent extends JournalEvent {
  readonly cursor: number;
}

const runRow = z.object({
  runId: z.string(),
  workflowJson: z.string(),
  targets: z.string().nullable(),
  status: z.string(),
  acceptedAtMs: z.number(),
  stateJson: z.string().nullable(),
});

export interface StoredRun {
  readonly runId: string;
  readonly workflowJson: string;
  readonly targets?: readonly string[];
  /** `queued`, `running`, or how it ended. */
  readonly status: string;
  readonly acceptedAtMs: number;
  /** The picture of a finished run, as JSON. */
  readonly stateJson?: string;
}

export interface Journal {
  /** Stays the same for the life of the data folder. */
  readonly serverId: string;
  /**
   * Takes a run into the queue and returns the cursor of its first event. Like every change it then survives the
   * death of the process; acknowledge it after `flush`, when it survives a power cut too.
   */
  acceptRun(run: NewRun): number;
  /** Adds events in one transaction and returns their cursors. */
  appendEvents(events: readonly JournalEvent[]): number[];
  /** Resolves when every change made before the call is on the disk; holds up no event loop. @throws StoreError */
  flush(): Promise<void>;
  /** Oldest run that waits, in order of acceptance. */
  nextQueued(): StoredRun | undefined;
  /** Notes that a run has begun, or waits again after the process that ran it died. */
  setStatus(runId: string, status: 'queued' | 'running'): void;
  /** Ends a run: last events, status and picture in one transaction; returns the cursors. */
  finishRun(end: {
    runId: string;
    status: string;
    stateJson: string;
    events: readonly JournalEvent[];
  }): number[];
  getRun(runId: string): StoredRun | undefined;
  /** Newest first. */
  runs(options?: { status?: string; limit?: number }): StoredRun[];
  /** Runs that have not ended, oldest first: what a server finds after it was killed. */
  unfinishedRuns(): StoredRun[];
  /** Events after a cursor over all runs, ascending. */
  eventsSince(cursor: number, limit: number): StoredEvent[];
  /** All events of a run, ascending. */
  eventsOf(runId: string): StoredEvent[];
  /** Cursor of the newest event, also when it has been pruned since; 0 when there never was one. */
  lastCursor(): number;
  /**
   * Forgets all but the newest `keep` runs that have ended, with their events, and returns how many it forgot.
   * Runs that have not ended stay, and so do results: they belong to the store. Cursors are never given again.
   * For the start of a server: it holds up the calling thread while it removes.
   */
  pruneRuns(options: { keep: number }): number;
  /** Gives the folder back. */
  close(): void;
}

/**
 * Opens the journal in `folder` and keeps every other server out of it until `close` or the end of the process.
 * @throws StoreError 'store/locked' when another server has it, 'store/newer-format' when a newer Reelgraph
 *   wrote it (nothing is changed then), 'store/not-a-store' when the file is something else, or a disk error
 */
export function openJournal(folder: string): Journal {
  const path = join(folder, 'journal.sqlite');
  let lock: Database.Database | undefined;
  let database: Database.Database | undefined;
  try {
    mkdirSync(folder, { recursive: true });
    lock = takeLock(folder);
    const logBytes = statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
    database = new Database(path, { timeout: 2000 });
    prepareTables(database);
    return createJournal(database, lock, new WalFlusher(path, logBytes));
  } catch (error) {
    database?.close();
    lock?.close();
    throw sqliteError(error, 'opening the journal');
  }
}

/** An exclusive transaction that is never ended: the system lets go of it when the process dies. */
function takeLock(folder: string): Database.Database {
  const lock = new Database(join(folder, 'server.lock'), { timeout: 0 });
  try {
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock.close();
    if (errnoOf(error)?.startsWith('SQLITE_BUSY') !== true) throw error;
    throw new StoreError('store/locked', 'Another Reelgraph server is using this data folder.', {
      hint: 'Stop the other server, or start this one with another data folder.',
      cause: error,
    });
  }
}

function prepareTables(database: Database.Database): void {
  const version = z.number().parse(database.pragma('user_version', { simple: true }));
  if (version > schemaVersion) {
    throw new StoreError(
      'store/newer-format',
      `The journal was written by a newer Reelgraph (format ${version}; this one reads ${schemaVersion}).`,
      {
        hint: 'Update Reelgraph, or use another data folder.',
      },
    );
  }
  database.pragma('journal_mode = WAL');
  // Flushing and copying the log are for `WalFlusher`: neither may happen inside a commit on this thread.
  database.pragma('synchronous = NORMAL');
  database.pragma('wal_autocheckpoint = 0');
  database.pragma('trusted_schema = OFF');
  if (version === schemaVersion) return;
  database.exec(`
    BEGIN;
    CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE runs (
      position INTEGER PRIMARY KEY AUTOINCREMENT,
      run_id TEXT NOT NULL UNIQUE,
      workflow_json TEXT NOT NULL,
      targets TEXT,
      status TEXT NOT NULL,
      accepted_at_ms REAL NOT NULL,
      state_json TEXT
    ) STRICT;
    CREATE INDEX runs_by_status ON runs (status, position);
    CREATE TABLE events (
      cursor INTEGER PRIMARY KEY AUTOINCREMENT,
      run_id TEXT NOT NULL REFERENCES runs (run_id),
      seq INTEGER NOT NULL,
      json TEXT NOT NULL,
      UNIQUE (run_id, seq)
    ) STRICT;
    PRAGMA user_version = ${schemaVersion};
    COMMIT;
  `);
}

const columns = `run_id AS runId, workflow_json AS workflowJson, targets, status, accepted_at_ms AS acceptedAtMs, state_json AS stateJson`;
const cursorRow = z.object({ cursor: z.number() });
const eventRow = z.object({ cursor: z.number(), runId: z.string(), seq: z.number(), json: z.string() });

function createJournal(database: Database.Database, lock: Database.Database, flusher: WalFlusher): Journal {
  database.prepare(`INSERT OR IGNORE INTO meta VALUES ('server-id', ?)`).run(randomUUID());
  const { value: serverId } = z
    .object({ value: z.string() })
    .parse(database.prepare(`SELECT value FROM meta WHERE name = 'server-id'`).get());

  const insertRun = database.prepare(
    `INSERT INTO runs (run_id, workflow_json, targets, status, accepted_at_ms) VALUES (?, ?, ?, 'queued', ?)`,
  );
  // The same event twice is the same event: a retry after a lost answer changes nothing. SQLite then skips a
  // cursor, which nobody minds: they ascend, they do not count.
  const insertEvent = database.prepare(
    `INSERT INTO events (run_id, seq, json) VALUES (?, ?, ?) ON CONFLICT (run_id, seq) DO NOTHING`,
  );
  const updateStatus = database.prepare(`UPDATE runs SET status = ? WHERE run_id = ?`);
  const updateEnd = database.prepare(`UPDATE runs SET status = ?, state_json = ? WHERE run_id = ?`);
  const selectRun = database.prepare(`SELECT ${columns} FROM runs WHERE run_id = ?`);
  const selectNext = database.prepare(
    `SELECT ${columns} FROM runs WHERE status = 'queued' ORDER BY position LIMIT 1`,
  );
  const selectUnfinished = database.prepare(
    `SELECT ${columns} FROM runs WHERE status IN ('queued', 'running') ORDER BY position`,
  );
  const selectNewest = database.prepare(`SELECT ${columns} FROM runs ORDER BY position DESC LIMIT ?`);
  const selectByStatus = database.prepare(
    `SELECT ${columns} FROM runs WHERE status = ? ORDER BY position DESC LIMIT ?`,
  );
  const selectSince = database.prepare(
    `SELECT cursor, run_id AS runId, seq, json FROM events WHERE cursor > ? ORDER BY cursor LIMIT ?`,
  );
  const selectOf = database.prepare(
    `SELECT cursor, run_id AS runId, seq, json FROM events WHERE run_id = ? ORDER BY cursor`,
  );
  // Not the largest there is: that may have been pruned, and a client may stand beyond what is left.
  const selectLast = database.prepare(
    `SELECT COALESCE(MAX(seq), 0) AS cursor FROM sqlite_sequence WHERE name = 'events'`,
  );
  const endedBeyond = `SELECT run_id FROM runs WHERE status NOT IN ('queued', 'running') ORDER BY position DESC LIMIT -1 OFFSET ?`;
  const deleteEvents = database.prepare(`DELETE FROM events WHERE run_id IN (${endedBeyond})`);
  const deleteRuns = database.prepare(`DELETE FROM runs WHERE run_id IN (${endedBeyond})`);
  const selectCursor = database.prepare(`SELECT cursor FROM events WHERE run_id = ? AND seq = ?`);

  const lastCursor = (): number => cursorRow.parse(selectLast.get()).cursor;
  const append = (events: readonly JournalEvent[]): number[] =>
    events.map((event) => {
      insertEvent.run(event.runId, event.seq, event.json);
      return cursorRow.parse(selectCursor.get(event.runId, event.seq)).cursor;
    });
  const mustExist = (runId: string, changes: number): void => {
    if (changes === 0)
      throw new StoreError('store/unknown-run', `There is no run "${runId}" in the journal.`);
  };
  const guarded = <T>(doing: string, work: () => T, texts: readonly string[] = []): T => {
    try {
      const result = database.transaction(work)();
      flusher.wrote(texts.reduce((sum, { length }) => sum + length, 0));
      return result;
    } catch (error) {
      throw sqliteError(error, doing);
    }
  };

  const textsOf = (events: readonly JournalEvent[]): string[] => events.map(({ json }) => json);

  return {
    serverId,
    lastCursor,
    acceptRun: (run) =>
      guarded('accepting a run', () => {
        insertRun.run(
          run.runId,
          run.workflowJson,
          run.targets === undefined ? null : JSON.stringify(run.targets),
          run.acceptedAtMs,
        );
        return append([run.event])[0] ?? 0;
      }, [run.workflowJson, run.event.json]),
    appendEvents: (events) => guarded('writing to the journal', () => append(events), textsOf(events)),
    flush: () => flusher.flush(),
    nextQueued: () => optionalRun(selectNext.get()),
    setStatus: (runId, status) =>
      guarded('writing to the journal', () => mustExist(runId, updateStatus.run(status, runId).changes)),
    finishRun: ({ runId, status, stateJson, events }) =>
      guarded('ending a run', () => {
        mustExist(runId, updateEnd.run(status, stateJson, runId).changes);
        return append(events);
      }, [stateJson, ...textsOf(events)]),
    pruneRuns: ({ keep }) =>
      guarded('forgetting old runs', () => {
        // The events first: they refer to their run.
        deleteEvents.run(keep);
        return deleteRuns.run(keep).changes;
      }),
    getRun: (runId) => optionalRun(selectRun.get(runId)),
    runs: ({ status, limit = 100 } = {}) =>
      (status === undefined ? selectNewest.all(limit) : selectByStatus.all(status, limit)).map(storedRun),
    unfinishedRuns: () => selectUnfinished.all().map(storedRun),
    eventsSince: (cursor, limit) => selectSince.all(cursor, limit).map((row) => eventRow.parse(row)),
    eventsOf: (runId) => selectOf.all(runId).map((row) => eventRow.parse(row)),
    close() {
      void flusher.close();
      database.close();
      lock.close();
    },
  };
}

function optionalRun(row: unknown): StoredRun | undefined {
  return row === undefined ? undefined : storedRun(row);
}

function storedRun(row: unknown): StoredRun {
  const { targets, stateJson, ...run } = runRow.parse(row);
  return {
    ...run,
    ...(targets === null ? {} : { targets: z.array(z.string()).parse(JSON.parse(targets)) }),
    ...(stateJson === null ? {} : { stateJson }),
  };
}

function sqliteError(error: unknown, doing: string): StoreError {
  const code = errnoOf(error);
  if (code === 'SQLITE_NOTADB' || code?.startsWith('SQLITE_CORRUPT') === true) {
    return new StoreError(
      'store/not-a-store',
      `The journal in the data folder is damaged or is no journal; it happened while ${doing}.`,
      {
        hint: 'Move journal.sqlite away to start with an empty history; results are not affected.',
        cause: error,
      },
    );
  }
  return diskError(error, doing);
}
