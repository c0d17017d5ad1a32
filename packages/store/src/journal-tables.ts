/**
 * The tables of the journal, version by version. A step is run once, whole or not at all; what it was on the
 * disk of somebody's first server stays readable by stepping through all that follow.
 */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import type Database from 'better-sqlite3';
import { z } from 'zod';
import { errnoOf, StoreError } from './errors.ts';

/** `steps[n]` makes version n + 1 of version n. */
const steps: readonly string[] = [
  `
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
  `,
  // A workflow is kept once for all its runs; events of the queue are of no run, and found without reading the details of runs that are over.
  `
  CREATE TABLE documents (id INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE, json TEXT NOT NULL) STRICT;
  INSERT INTO documents (digest, json) SELECT DISTINCT sha256_hex(workflow_json), workflow_json FROM runs;
  ALTER TABLE runs ADD COLUMN document INTEGER REFERENCES documents (id);
  ALTER TABLE runs ADD COLUMN settings TEXT;
  UPDATE runs SET document = (SELECT id FROM documents WHERE json = workflow_json);
  ALTER TABLE runs DROP COLUMN workflow_json;
  CREATE INDEX runs_by_document ON runs (document);
  CREATE TABLE new_events (
    cursor INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id TEXT REFERENCES runs (run_id),
    seq INTEGER NOT NULL,
    json TEXT NOT NULL,
    detail INTEGER NOT NULL,
    UNIQUE (run_id, seq)
  ) STRICT;
  INSERT INTO new_events
    SELECT cursor, run_id, seq, json, json LIKE '%"type":"node.%' FROM events ORDER BY cursor;
  DELETE FROM sqlite_sequence WHERE name = 'new_events';
  INSERT INTO sqlite_sequence SELECT 'new_events', seq FROM sqlite_sequence WHERE name = 'events';
  DROP TABLE events;
  ALTER TABLE new_events RENAME TO events;
  CREATE INDEX queue_events ON events (cursor) WHERE detail = 0;
  `,
];

/** Version of the tables that this code reads and writes; a folder with a higher one is left alone. */
export const journalFormat = steps.length;

function refuse(version: number): never {
  throw new StoreError(
    'store/newer-format',
    `The journal was written by a newer Reelgraph (format ${version}; this one reads ${journalFormat}).`,
    { hint: 'Update Reelgraph, or use another data folder.' },
  );
}

/** Place of the format's number in the file, a big-endian 32-bit integer (SQLite file format, "user version"). */
const versionOffset = 60;

/**
 * Looks at the file without opening it as a database, which would write beside it.
 * @throws StoreError 'store/newer-format'
 */
export function refuseNewerFormat(path: string): void {
  const header = Buffer.alloc(versionOffset + 4);
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return;
    throw error;
  }
  try {
    if (readSync(file, header, 0, header.length, 0) < header.length) return;
  } finally {
    closeSync(file);
  }
  if (!header.toString('latin1').startsWith('SQLite format 3\0')) return;
  const version = header.readUInt32BE(versionOffset);
  if (version > journalFormat) refuse(version);
}

/** Brings the tables to this version. @throws StoreError 'store/newer-format', or an error of SQLite */
export function prepareJournalTables(database: Database.Database): void {
  const version = z.number().parse(database.pragma('user_version', { simple: true }));
  // The header may be behind what the log holds.
  if (version > journalFormat) refuse(version);
  database.pragma('journal_mode = WAL');
  // Flushing and copying the log are for `WalFlusher`: neither may happen inside a commit on this thread.
  database.pragma('synchronous = NORMAL');
  database.pragma('wal_autocheckpoint = 0');
  database.function('sha256_hex', { deterministic: true }, (text) =>
    createHash('sha256').update(String(text)).digest('hex'),
  );
  for (const [index, step] of steps.entries()) {
    if (index < version) continue;
    database.transaction(() => {
      database.exec(step);
      database.pragma(`user_version = ${index + 1}`);
    })();
  }
  database.pragma('trusted_schema = OFF');
}
