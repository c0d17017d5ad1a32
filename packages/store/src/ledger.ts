/**
 * What the results on disk are worth: their size, what they cost to compute, how often they were used; which of
 * them had to make room; and who is computing which at this moment. Bookkeeping: the results themselves
 * are the truth, so a ledger that is lost or damaged is made anew. Only what is small and quickly made again is kept
 * in it, as it costs more to make a file than to compute such a result.
 *
 * Worth follows GreedyDual-Size-Frequency: `priority = L + uses × cost ÷ bytes`, where `L` is the priority of the
 * last result that had to go. The cheap, the large and the seldom used leave first, and what was valuable once and
 * not asked for since is overtaken as `L` grows.
 *
 * @see Cherkasova 1998, HPL-98-69R1 (Greedy-Dual-Size-Frequency), after Cao and Irani 1997, USITS (GreedyDual-Size)
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync, renameSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { z } from 'zod';
import { diskError, errnoOf, type StoreError } from './errors.ts';
import { isAlive } from './processes.ts';

/** A blob and its size. */
export interface SizedBlob {
  readonly digest: string;
  readonly byteLength: number;
}

/** A result as the ledger counts it. */
export interface LedgerEntry {
  readonly key: string;
  readonly nodeType: string;
  /** Time it took to compute. */
  readonly costMs: number;
  /** Size of its record. */
  readonly recordBytes: number;
  /** What it keeps in blobs: its container and files. */
  readonly blobs: readonly SizedBlob[];
  /** The record itself, when the ledger is to keep it; it must have no blobs then. */
  readonly text?: string;
}

/** A result that may have to go. */
export interface LedgerRow {
  readonly key: string;
  readonly nodeType: string;
  readonly costMs: number;
  readonly recordBytes: number;
  readonly uses: number;
  readonly priority: number;
  readonly usedAtMs: number;
}

export interface LedgerOptions {
  readonly now?: () => number;
  /** How long a lease outlives the last sign of life of its holder. */
  readonly leaseMs?: number;
}

export interface Ledger {
  /** Whether every result on disk is in it; false for a new ledger beside older results. */
  readonly isComplete: boolean;
  markComplete(): void;
  /**
   * Counts a result; written with others a moment later. `onLost` is told when that could not be done and the
   * entry carried the record itself: then it is nowhere.
   */
  noteSaved(entry: LedgerEntry, onLost?: (error: StoreError) => void): void;
  /** Whether records can be kept here at all. */
  readonly keepsRecords: boolean;
  /** A record that is kept here. */
  readRecord(key: string): string | undefined;
  /** Keys of the records that are kept here, and their bytes. */
  records(): { readonly keys: string[]; readonly bytes: number };
  /** Counts a use; written with others a moment later. */
  noteUsed(key: string): void;
  /** Forgets results that are gone for another reason than room. */
  noteGone(keys: readonly string[]): void;
  /** Forgets results that made room, and remembers that they did. */
  noteEvicted(rows: readonly LedgerRow[], files: readonly string[]): void;
  /** Whether this key, or this file, once had to make room and was not kept again since. */
  wasEvicted(digest: string): boolean;
  /** Whether the computation of `key` is this process's now; false while someone alive is at it. */
  takeLease(key: string): boolean;
  /** Gives a lease back; written with others a moment later. */
  releaseLease(key: string): void;
  /** Bytes of all results, blobs that several share counted once. */
  totalBytes(): number;
  /** All results, what should go first at the head. */
  byPriority(): LedgerRow[];
  /** Blobs of a result. */
  blobsOf(key: string): SizedBlob[];
  /** Results that keep a blob. */
  keepersOf(digest: string): number;
  counts(): { readonly results: number; readonly evicted: number; readonly leases: number };
  /** Results per node type, the largest first. */
  byNodeType(): { nodeType: string; results: number; bytes: number; costMs: number }[];
  /** Writes what was counted. */
  flush(): void;
  close(): void;
}

const formatVersion = 2;
/** Evictions remembered; the oldest are forgotten first. */
const maxEvicted = 100_000;
/** Changes kept back at most, so that many small results cost one transaction. */
const maxPending = 1024;
/** How long changes are kept back at most. */
const flushAfterMs = 25;
const defaultLeaseMs = 30_000;

const entryRow = z.object({
  key: z.string(),
  nodeType: z.string(),
  costMs: z.number(),
  recordBytes: z.number(),
  uses: z.number(),
  priority: z.number(),
  usedAtMs: z.number(),
});
const blobRow = z.object({ digest: z.string(), byteLength: z.number() });
const leaseRow = z.object({
  holder: z.string(),
  host: z.string(),
  pid: z.number(),
  expiresAtMs: z.number(),
});
const numberRow = z.object({ n: z.number().nullable() });
const keyRow = z.object({ key: z.string() });
const typeRow = z.object({
  nodeType: z.string(),
  results: z.number(),
  bytes: z.number(),
  costMs: z.number(),
});

/** Opens the ledger of the store in `folder` when it is first needed. It throws nothing: without it results are still right. */
export function createLedger(
  folder: string,
  { now = Date.now, leaseMs = defaultLeaseMs }: LedgerOptions = {},
): Ledger {
  const path = join(folder, 'ledger.sqlite');
  const holder = randomUUID();
  const host = hostname();
  let tables: Tables | undefined;
  let isBroken = false;
  /** What kept it from working last. */
  let trouble: unknown;
  const saved = new Map<string, LedgerEntry>();
  /** Who is told when the record of a key in `saved` cannot be written. */
  const lossListeners = new Map<string, (error: StoreError) => void>();
  const uses = new Map<string, number>();
  const released = new Set<string>();
  const held = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let heartbeat: NodeJS.Timeout | undefined;

  const setAside = (): void => {
    tables?.close();
    tables = undefined;
    try {
      mkdirSync(join(folder, 'quarantine'), { recursive: true });
      for (const ending of ['', '-wal', '-shm']) {
        try {
          renameSync(path + ending, join(folder, 'quarantine', `ledger-${Date.now()}.sqlite${ending}`));
        } catch (error) {
          if (errnoOf(error) !== 'ENOENT') throw error;
        }
      }
    } catch {
      isBroken = true;
    }
  };
  /** Does some bookkeeping; a damaged ledger is replaced by an empty one, any other trouble leaves things as they are. */
  const attempt = <T>(work: (tables: Tables) => T, otherwise: T, onTrouble?: (error: unknown) => void): T => {
    const giveUp = (): T => {
      onTrouble?.(trouble);
      return otherwise;
    };
    if (isBroken) return giveUp();
    try {
      tables ??= openTables(path);
      return work(tables);
    } catch (error) {
      trouble = error;
      const code = errnoOf(error) ?? '';
      if (!code.startsWith('SQLITE_CORRUPT') && code !== 'SQLITE_NOTADB') {
        // A folder that cannot be written stays one; a ledger that is busy for seconds does not.
        if (tables === undefined) isBroken = true;
        return giveUp();
      }
      setAside();
      if (isBroken) return giveUp();
      try {
        tables = openTables(path);
        return work(tables);
      } catch (again) {
        trouble = again;
        isBroken = true;
        return giveUp();
      }
    }
  };
  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (saved.size === 0 && uses.size === 0 && released.size === 0) return;
    attempt(
      (db) => db.write({ saved: saved.values(), uses, released, holder, nowMs: now() }),
      undefined,
      (error) => {
        for (const tell of lossListeners.values()) tell(diskError(error, 'keeping small results'));
      },
    );
    saved.clear();
    lossListeners.clear();
    uses.clear();
    released.clear();
  };
  const flushSoon = (): void => {
    if (saved.size + uses.size + released.size >= maxPending) flush();
    // Not unref'd: what is counted is written before the process ends by itself.
    else timer ??= setTimeout(flush, flushAfterMs);
  };
  const beat = (): void => {
    if (held.size > 0)
      attempt((db) => void db.renewLeases.run({ holder, expiresAtMs: now() + leaseMs }), undefined);
  };

  return {
    get isComplete() {
      return attempt((db) => db.meta('complete') === 1, false);
    },
    markComplete: () => attempt((db) => db.setMeta('complete', 1), undefined),
    noteSaved(entry, onLost) {
      saved.set(entry.key, entry);
      if (entry.text !== undefined && onLost !== undefined) lossListeners.set(entry.key, onLost);
      flushSoon();
    },
    get keepsRecords() {
      return attempt(() => true, false);
    },
    readRecord(key) {
      const pending = saved.get(key);
      if (pending !== undefined) return pending.text;
      return attempt((db) => {
        const text: unknown = db.selectRecord.get(key);
        return typeof text === 'string' ? text : undefined;
      }, undefined);
    },
    records() {
      flush();
      return attempt(
        (db) => ({
          keys: db.selectRecordKeys.all().map((row) => keyRow.parse(row).key),
          bytes: countOf(db.countRecordBytes.get()),
        }),
        { keys: [], bytes: 0 },
      );
    },
    noteUsed(key) {
      uses.set(key, (uses.get(key) ?? 0) + 1);
      flushSoon();
    },
    noteGone(keys) {
      flush();
      attempt((db) => db.forget(keys), undefined);
    },
    noteEvicted(rows, files) {
      flush();
      attempt((db) => db.evict(rows, files, now()), undefined);
    },
    wasEvicted: (digest) =>
      !saved.has(digest) && attempt((db) => db.selectEvicted.get(digest) !== undefined, false),
    takeLease(key) {
      // Given back by us a moment ago, and still ours in the file.
      if (released.has(key)) flush();
      const lease = { key, holder, host, pid: process.pid, expiresAtMs: now() + leaseMs };
      // Without a ledger everybody computes: twice is better than not at all.
      const isMine = attempt((db) => db.takeLease(lease, now()), true);
      if (!isMine) return false;
      held.add(key);
      heartbeat ??= setInterval(beat, leaseMs / 3).unref();
      return true;
    },
    releaseLease(key) {
      if (!held.delete(key)) return;
      released.add(key);
      if (held.size === 0) {
        clearInterval(heartbeat);
        heartbeat = undefined;
      }
      flushSoon();
    },
    totalBytes() {
      flush();
      return attempt((db) => db.totalBytes(), 0);
    },
    byPriority() {
      flush();
      return attempt((db) => db.selectByPriority.all().map((row) => entryRow.parse(row)), []);
    },
    blobsOf: (key) => attempt((db) => db.selectBlobs.all(key).map((row) => blobRow.parse(row)), []),
    keepersOf: (digest) => attempt((db) => countOf(db.selectKeepers.get(digest)), 1),
    counts() {
      flush();
      return attempt(
        (db) => ({
          results: countOf(db.countResults.get()),
          evicted: countOf(db.countEvicted.get()),
          leases: countOf(db.countLeases.get(now())),
        }),
        { results: 0, evicted: 0, leases: 0 },
      );
    },
    byNodeType() {
      flush();
      return attempt((db) => db.selectByType.all().map((row) => typeRow.parse(row)), []);
    },
    flush,
    close() {
      for (const key of held) released.add(key);
      held.clear();
      clearInterval(heartbeat);
      flush();
      tables?.close();
      tables = undefined;
    },
  };
}

interface Lease {
  readonly key: string;
  readonly holder: string;
  readonly host: string;
  readonly pid: number;
  readonly expiresAtMs: number;
}

type Tables = ReturnType<typeof openTables>;

function openTables(path: string) {
  const database = new Database(path, { timeout: 2000 });
  try {
    return createTables(database);
  } catch (error) {
    database.close();
    throw error;
  }
}

function createTables(database: Database.Database) {
  database.pragma('journal_mode = WAL');
  // A power cut may cost the last entries: a rebuild counts them again.
  database.pragma('synchronous = OFF');
  database.pragma('trusted_schema = OFF');
  const version = numberOf(database.pragma('user_version', { simple: true }));
  if (version !== formatVersion) {
    database.exec(`
      BEGIN IMMEDIATE;
      DROP TABLE IF EXISTS meta;
      DROP TABLE IF EXISTS results;
      DROP TABLE IF EXISTS kept_blobs;
      DROP TABLE IF EXISTS records;
      DROP TABLE IF EXISTS evicted;
      DROP TABLE IF EXISTS leases;
      CREATE TABLE meta (name TEXT PRIMARY KEY, n REAL NOT NULL) STRICT, WITHOUT ROWID;
      CREATE TABLE results (
        key TEXT PRIMARY KEY, node_type TEXT NOT NULL, cost_ms REAL NOT NULL, record_bytes INTEGER NOT NULL,
        bytes INTEGER NOT NULL, uses INTEGER NOT NULL, priority REAL NOT NULL, used_at_ms REAL NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE kept_blobs (
        digest TEXT NOT NULL, key TEXT NOT NULL, byte_length INTEGER NOT NULL, PRIMARY KEY (digest, key)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX kept_blobs_by_key ON kept_blobs (key);
      CREATE TABLE records (key TEXT PRIMARY KEY, text TEXT NOT NULL) STRICT, WITHOUT ROWID;
      CREATE TABLE evicted (position INTEGER PRIMARY KEY AUTOINCREMENT, digest TEXT NOT NULL UNIQUE, at_ms REAL NOT NULL) STRICT;
      CREATE TABLE leases (
        key TEXT PRIMARY KEY, holder TEXT NOT NULL, host TEXT NOT NULL, pid INTEGER NOT NULL, expires_at_ms REAL NOT NULL
      ) STRICT, WITHOUT ROWID;
      PRAGMA user_version = ${formatVersion};
      COMMIT;
    `);
  }

  const selectMeta = database.prepare(`SELECT n FROM meta WHERE name = ?`);
  const upsertMeta = database.prepare(`INSERT OR REPLACE INTO meta VALUES (?, ?)`);
  const meta = (name: string): number => countOf(selectMeta.get(name));
  const setMeta = (name: string, n: number): void => void upsertMeta.run(name, n);

  // A result that is kept again was computed again: that counts as a use.
  const upsertResult = database.prepare(`
    INSERT INTO results VALUES (:key, :nodeType, :costMs, :recordBytes, :bytes, 1, :inflation + :worth, :nowMs)
    ON CONFLICT (key) DO UPDATE SET cost_ms = :costMs, record_bytes = :recordBytes, bytes = :bytes, uses = uses + 1,
      priority = :inflation + (uses + 1) * :worth, used_at_ms = :nowMs`);
  const upsertRecord = database.prepare(`INSERT OR REPLACE INTO records VALUES (?, ?)`);
  const deleteRecord = database.prepare(`DELETE FROM records WHERE key = ?`);
  const insertBlob = database.prepare(`INSERT OR REPLACE INTO kept_blobs VALUES (?, ?, ?)`);
  const addUses = database.prepare(`
    UPDATE results SET uses = uses + :uses, used_at_ms = :nowMs,
      priority = :inflation + (uses + :uses) * cost_ms / MAX(bytes, 1) WHERE key = :key`);
  const deleteResult = database.prepare(`DELETE FROM results WHERE key = ?`);
  const deleteBlobs = database.prepare(`DELETE FROM kept_blobs WHERE key = ?`);
  const insertEvicted = database.prepare(`INSERT OR REPLACE INTO evicted (digest, at_ms) VALUES (?, ?)`);
  const deleteEvicted = database.prepare(`DELETE FROM evicted WHERE digest = ?`);
  const trimEvicted = database.prepare(
    `DELETE FROM evicted WHERE position <= (SELECT MAX(position) FROM evicted) - ${maxEvicted}`,
  );
  const insertLease = database.prepare(
    `INSERT OR IGNORE INTO leases VALUES (:key, :holder, :host, :pid, :expiresAtMs)`,
  );
  const selectLease = database.prepare(
    `SELECT holder, host, pid, expires_at_ms AS expiresAtMs FROM leases WHERE key = ?`,
  );
  const stealLease = database.prepare(
    `UPDATE leases SET holder = :holder, host = :host, pid = :pid, expires_at_ms = :expiresAtMs
     WHERE key = :key AND holder = :from AND expires_at_ms = :fromExpiresAtMs`,
  );
  const deleteLease = database.prepare(`DELETE FROM leases WHERE key = ? AND holder = ?`);
  const selectBytes = database.prepare(
    `SELECT (SELECT TOTAL(record_bytes) FROM results)
       + (SELECT TOTAL(size) FROM (SELECT MAX(byte_length) AS size FROM kept_blobs GROUP BY digest)) AS n`,
  );

  const forgetRows = (keys: readonly string[]): void => {
    for (const key of keys) {
      deleteRecord.run(key);
      deleteResult.run(key);
      deleteBlobs.run(key);
    }
  };
  const write = database.transaction(
    (changes: {
      saved: Iterable<LedgerEntry>;
      uses: ReadonlyMap<string, number>;
      released: ReadonlySet<string>;
      holder: string;
      nowMs: number;
    }): void => {
      const { nowMs, holder } = changes;
      const inflation = meta('inflation');
      const someEvicted = countOf(countEvicted.get()) > 0;
      for (const { key, nodeType, costMs, recordBytes, blobs, text } of changes.saved) {
        const bytes = recordBytes + blobs.reduce((sum, { byteLength }) => sum + byteLength, 0);
        const worth = costMs / Math.max(1, bytes);
        upsertResult.run({ key, nodeType, costMs, recordBytes, bytes, inflation, worth, nowMs });
        if (text === undefined) deleteRecord.run(key);
        else upsertRecord.run(key, text);
        for (const { digest, byteLength } of blobs) insertBlob.run(digest, key, byteLength);
        if (!someEvicted) continue;
        deleteEvicted.run(key);
        for (const { digest } of blobs) deleteEvicted.run(digest);
      }
      for (const [key, uses] of changes.uses) addUses.run({ key, uses, inflation, nowMs });
      for (const key of changes.released) deleteLease.run(key, holder);
    },
  );
  const evict = database.transaction(
    (rows: readonly LedgerRow[], files: readonly string[], nowMs: number): void => {
      let inflation = meta('inflation');
      for (const { key, priority } of rows) {
        inflation = Math.max(inflation, priority);
        insertEvicted.run(key, nowMs);
      }
      for (const file of files) insertEvicted.run(file, nowMs);
      forgetRows(rows.map(({ key }) => key));
      setMeta('inflation', inflation);
      trimEvicted.run();
    },
  );
  const steal = database.transaction((lease: Lease, nowMs: number): boolean => {
    const row = selectLease.get(lease.key);
    if (row === undefined) return insertLease.run(lease).changes === 1;
    const found = leaseRow.parse(row);
    const holderMayLive = found.host !== lease.host || isAlive(found.pid);
    if (found.expiresAtMs > nowMs && holderMayLive) return false;
    return stealLease.run({ ...lease, from: found.holder, fromExpiresAtMs: found.expiresAtMs }).changes === 1;
  });
  const countEvicted = database.prepare(`SELECT COUNT(*) AS n FROM evicted`);

  return {
    meta,
    setMeta,
    write: (changes: Parameters<typeof write>[0]) => write.immediate(changes),
    forget: database.transaction(forgetRows),
    evict,
    takeLease: (lease: Lease, nowMs: number): boolean =>
      insertLease.run(lease).changes === 1 || steal.immediate(lease, nowMs),
    renewLeases: database.prepare(`UPDATE leases SET expires_at_ms = :expiresAtMs WHERE holder = :holder`),
    selectEvicted: database.prepare(`SELECT 1 FROM evicted WHERE digest = ?`),
    totalBytes: (): number => countOf(selectBytes.get()),
    selectByPriority: database.prepare(
      `SELECT key, node_type AS nodeType, cost_ms AS costMs, record_bytes AS recordBytes, uses, priority, used_at_ms AS usedAtMs
       FROM results ORDER BY priority, used_at_ms, key`,
    ),
    selectBlobs: database.prepare(
      `SELECT digest, byte_length AS byteLength FROM kept_blobs WHERE key = ? ORDER BY digest`,
    ),
    selectKeepers: database.prepare(`SELECT COUNT(*) AS n FROM kept_blobs WHERE digest = ?`),
    countResults: database.prepare(`SELECT COUNT(*) AS n FROM results`),
    countEvicted,
    selectRecord: database.prepare(`SELECT text FROM records WHERE key = ?`).pluck(),
    selectRecordKeys: database.prepare(`SELECT key FROM records ORDER BY key`),
    countRecordBytes: database.prepare(`SELECT TOTAL(LENGTH(text)) AS n FROM records`),
    countLeases: database.prepare(`SELECT COUNT(*) AS n FROM leases WHERE expires_at_ms > ?`),
    selectByType: database.prepare(
      `SELECT node_type AS nodeType, COUNT(*) AS results, SUM(bytes) AS bytes, SUM(cost_ms) AS costMs
       FROM results GROUP BY node_type ORDER BY bytes DESC, node_type`,
    ),
    close: () => database.close(),
  };
}

function countOf(row: unknown): number {
  return row === undefined ? 0 : (numberRow.parse(row).n ?? 0);
}

function numberOf(value: unknown): number {
  return z.number().parse(value);
}
