/**
 * The journal of runs: what was accepted, what happened, how it ended. It is the truth about the queue, so a
 * run is acknowledged only after it is in here, and one server at a time may hold it.
 *
 * The journal does not look inside events; its caller decides which are worth keeping (progress is not: the next
 * one replaces it) and which of them tell of the queue, and hands over the finished picture, so that old runs can be
 * listed without folding.
 */

import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { z } from 'zod';
import { diskError, errnoOf, StoreError } from './errors.ts';
import { prepareJournalTables, refuseNewerFormat } from './journal-tables.ts';
import { WalFlusher } from './wal-flusher.ts';

/** What a run was asked to compute. */
export interface RunRequestTexts {
  /** Canonical JSON of the document; kept once for all runs that share it. */
  readonly workflowJson: string;
  /** What this run sets in that document, as JSON. */
  readonly settingsJson?: string;
  /** Node ids to compute; all outputs when absent. */
  readonly targets?: readonly string[];
}

export interface NewRun extends RunRequestTexts {
  readonly runId: string;
  readonly acceptedAtMs: number;
}

export interface JournalEvent {
  /** Absent for what happened to the queue as a whole. */
  readonly runId?: string;
  /** Number within the run; 0 without one. */
  readonly seq: number;
  readonly json: string;
  /** Of no use to the queue once its run is over. */
  readonly isDetail?: boolean;
}

/** An event with its place among all events of all runs. */
export interface StoredEvent {
  readonly cursor: number;
  readonly runId?: string;
  readonly seq: number;
  readonly json: string;
}

/** An event, and what it changes in how runs are found. */
export interface JournalChange {
  readonly event: JournalEvent;
  /** The run that begins with this event. */
  readonly accept?: NewRun;
  /** Where the run stands from now on. */
  readonly status?: string;
  /** The picture of the run, when this is its last event. */
  readonly stateJson?: string;
}

const runRow = z.object({
  runId: z.string(),
  status: z.string(),
  acceptedAtMs: z.number(),
  stateJson: z.string().nullable(),
});
const requestRow = z.object({
  workflowJson: z.string(),
  settingsJson: z.string().nullable(),
  targets: z.string().nullable(),
});

export interface StoredRun {
  readonly runId: string;
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
   * Makes changes, all or none of them, and returns the cursors of their events. They then survive the death of the
   * process; acknowledge them after `flush`, when they survive a power cut too. @throws StoreError
   */
  commit(changes: readonly JournalChange[]): number[];
  /** Resolves when every change made before the call is on the disk; holds up no event loop. @throws StoreError */
  flush(): Promise<void>;
  getRun(runId: string): StoredRun | undefined;
  getRequest(runId: string): RunRequestTexts | undefined;
  /** Newest first. */
  runs(options?: { limit?: number }): StoredRun[];
  /** Ids, newest first; with `before`, only of runs accepted before that one. */
  runIds(options: { status?: string | undefined; limit: number; before?: string | undefined }): string[];
  /** Runs that have not ended, oldest first: what a server finds after it was killed. */
  unfinishedRuns(): StoredRun[];
  /** Events that tell of the queue, ascending: all but the details of runs that are over. */
  queueEvents(): IterableIterator<StoredEvent>;
  /** Events of runs after a cursor, ascending. */
  eventsSince(cursor: number, limit: number): StoredEvent[];
  /** All events of a run, ascending; of a page, at most `limit` of those after a cursor. */
  eventsOf(runId: string, page?: { readonly after: number; readonly limit: number }): StoredEvent[];
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
    refuseNewerFormat(path);
    lock = takeLock(folder);
    const logBytes = statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
    database = new Database(path, { timeout: 2000 });
    prepareJournalTables(database);
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

const columns = `run_id AS runId, status, accepted_at_ms AS acceptedAtMs, state_json AS stateJson`;
const eventColumns = `cursor, run_id AS runId, seq, json`;
const cursorRow = z.object({ cursor: z.number() });
const runIdRow = z.object({ runId: z.string() });
const idRow = z.object({ id: z.number() });
const eventRow = z.object({
  cursor: z.number(),
  runId: z.string().nullable(),
  seq: z.number(),
  json: z.string(),
});

function createJournal(database: Database.Database, lock: Database.Database, flusher: WalFlusher): Journal {
  database.prepare(`INSERT OR IGNORE INTO meta VALUES ('server-id', ?)`).run(randomUUID());
  const { value: serverId } = z
    .object({ value: z.string() })
    .parse(database.prepare(`SELECT value FROM meta WHERE name = 'server-id'`).get());

  const insertDocument = database.prepare(
    `INSERT INTO documents (digest, json) VALUES (?, ?) ON CONFLICT (digest) DO NOTHING`,
  );
  const selectDocument = database.prepare(`SELECT id FROM documents WHERE digest = ?`);
  const insertRun = database.prepare(
    `INSERT INTO runs (run_id, document, settings, targets, status, accepted_at_ms) VALUES (?, ?, ?, ?, 'queued', ?)`,
  );
  // The same event twice is the same event: a retry after a lost answer changes nothing. SQLite then skips a
  // cursor, which nobody minds: they ascend, they do not count.
  const insertEvent = database.prepare(
    `INSERT INTO events (run_id, seq, json, detail) VALUES (?, ?, ?, ?) ON CONFLICT (run_id, seq) DO NOTHING`,
  );
  const updateStatus = database.prepare(
    `UPDATE runs SET status = ?, state_json = COALESCE(?, state_json) WHERE run_id = ?`,
  );
  const selectRun = database.prepare(`SELECT ${columns} FROM runs WHERE run_id = ?`);
  const selectRequest = database.prepare(
    `SELECT documents.json AS workflowJson, settings AS settingsJson, targets
     FROM runs JOIN documents ON documents.id = runs.document WHERE run_id = ?`,
  );
  const selectUnfinished = database.prepare(
    `SELECT ${columns} FROM runs WHERE status IN ('queued', 'running') ORDER BY position`,
  );
  const selectNewest = database.prepare(`SELECT ${columns} FROM runs ORDER BY position DESC LIMIT ?`);
  const beforeRun = `position < COALESCE((SELECT position FROM runs WHERE run_id = $before), 9e18)`;
  const selectIds = database.prepare(
    `SELECT run_id AS runId FROM runs WHERE ${beforeRun} ORDER BY position DESC LIMIT $limit`,
  );
  const selectIdsByStatus = database.prepare(
    `SELECT run_id AS runId FROM runs WHERE status = $status AND ${beforeRun} ORDER BY position DESC LIMIT $limit`,
  );
  const selectQueueEvents = database.prepare(
    `SELECT ${eventColumns} FROM events
     WHERE detail = 0 OR run_id IN (SELECT run_id FROM runs WHERE status IN ('queued', 'running'))
     ORDER BY cursor`,
  );
  const selectSince = database.prepare(
    `SELECT ${eventColumns} FROM events WHERE cursor > ? AND run_id IS NOT NULL ORDER BY cursor LIMIT ?`,
  );
  const selectOf = database.prepare(
    `SELECT ${eventColumns} FROM events WHERE run_id = ? AND cursor > ? ORDER BY cursor LIMIT ?`,
  );
  // Not the largest there is: that may have been pruned, and a client may stand beyond what is left.
  const selectLast = database.prepare(
    `SELECT COALESCE(MAX(seq), 0) AS cursor FROM sqlite_sequence WHERE name = 'events'`,
  );
  const endedBeyond = `SELECT run_id FROM runs WHERE status NOT IN ('queued', 'running') ORDER BY position DESC LIMIT -1 OFFSET ?`;
  const deleteEvents = database.prepare(`DELETE FROM events WHERE run_id IN (${endedBeyond})`);
  const deleteRuns = database.prepare(`DELETE FROM runs WHERE run_id IN (${endedBeyond})`);
  const deleteDocuments = database.prepare(
    `DELETE FROM documents WHERE id NOT IN (SELECT document FROM runs)`,
  );
  // Each says how the whole queue stands from then on, so the last is enough.
  const deleteOldQueueEvents = database.prepare(
    `DELETE FROM events WHERE run_id IS NULL AND cursor < (SELECT MAX(cursor) FROM events WHERE run_id IS NULL)`,
  );
  const selectCursor = database.prepare(`SELECT cursor FROM events WHERE run_id = ? AND seq = ?`);

  const lastCursor = (): number => cursorRow.parse(selectLast.get()).cursor;
  let lastDocument: { readonly json: string; readonly id: number } | undefined;
  const documentId = (json: string): number => {
    // Thousands of runs of one workflow come one after the other.
    if (lastDocument?.json === json) return lastDocument.id;
    const digest = createHash('sha256').update(json).digest('hex');
    insertDocument.run(digest, json);
    const { id } = idRow.parse(selectDocument.get(digest));
    lastDocument = { json, id };
    return id;
  };
  const make = ({ event, accept, status, stateJson }: JournalChange): number => {
    if (accept !== undefined) {
      const { runId, workflowJson, settingsJson = null, targets, acceptedAtMs } = accept;
      insertRun.run(
        runId,
        documentId(workflowJson),
        settingsJson,
        targets === undefined ? null : JSON.stringify(targets),
        acceptedAtMs,
      );
    }
    const { runId = null, seq, json, isDetail = false } = event;
    const { changes, lastInsertRowid } = insertEvent.run(runId, seq, json, isDetail ? 1 : 0);
    if (status !== undefined && updateStatus.run(status, stateJson ?? null, runId).changes === 0)
      throw new StoreError('store/unknown-run', `There is no run "${runId}" in the journal.`);
    return changes === 1 ? Number(lastInsertRowid) : cursorRow.parse(selectCursor.get(runId, seq)).cursor;
  };
  const guarded = <T>(doing: string, work: () => T, textLength = 0): T => {
    try {
      const result = database.transaction(work)();
      flusher.wrote(textLength);
      return result;
    } catch (error) {
      // What was not committed must not be remembered.
      lastDocument = undefined;
      throw sqliteError(error, doing);
    }
  };

  return {
    serverId,
    lastCursor,
    commit: (changes) =>
      guarded(
        'writing to the journal',
        () => changes.map(make),
        changes.reduce((sum, change) => sum + textLengthOf(change), 0),
      ),
    flush: () => flusher.flush(),
    pruneRuns: ({ keep }) =>
      guarded('forgetting old runs', () => {
        lastDocument = undefined;
        // The events first: they refer to their run.
        deleteEvents.run(keep);
        deleteOldQueueEvents.run();
        const { changes } = deleteRuns.run(keep);
        if (changes > 0) deleteDocuments.run();
        return changes;
      }),
    getRun(runId) {
      const row = selectRun.get(runId);
      return row === undefined ? undefined : storedRun(row);
    },
    getRequest(runId) {
      const row = selectRequest.get(runId);
      if (row === undefined) return undefined;
      const { workflowJson, settingsJson, targets } = requestRow.parse(row);
      return {
        workflowJson,
        ...(settingsJson === null ? {} : { settingsJson }),
        ...(targets === null ? {} : { targets: z.array(z.string()).parse(JSON.parse(targets)) }),
      };
    },
    runs: ({ limit = 100 } = {}) => selectNewest.all(limit).map(storedRun),
    runIds: ({ status, limit, before = null }) =>
      (status === undefined
        ? selectIds.all({ limit, before })
        : selectIdsByStatus.all({ status, limit, before })
      ).map((row) => runIdRow.parse(row).runId),
    unfinishedRuns: () => selectUnfinished.all().map(storedRun),
    *queueEvents() {
      for (const row of selectQueueEvents.iterate()) yield storedEvent(row);
    },
    eventsSince: (cursor, limit) => selectSince.all(cursor, limit).map(storedEvent),
    // A limit of -1 is none.
    eventsOf: (runId, page) => selectOf.all(runId, page?.after ?? 0, page?.limit ?? -1).map(storedEvent),
    close() {
      void flusher.close();
      database.close();
      lock.close();
    },
  };
}

/** About what a change writes. */
function textLengthOf({ event, accept, stateJson }: JournalChange): number {
  return event.json.length + (accept?.settingsJson?.length ?? 0) + (stateJson?.length ?? 0);
}

function storedEvent(row: unknown): StoredEvent {
  const { runId, ...event } = eventRow.parse(row);
  return runId === null ? event : { ...event, runId };
}

function storedRun(row: unknown): StoredRun {
  const { stateJson, ...run } = runRow.parse(row);
  return stateJson === null ? run : { ...run, stateJson };
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
