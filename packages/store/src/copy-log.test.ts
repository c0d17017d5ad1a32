import { statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { copyLog, type LogOwner } from './copy-log.ts';

let folder: string;
let path: string;
let writer: Database.Database;
let copier: Database.Database;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelgraph-log-'));
  path = join(folder, 'some.sqlite');
  writer = new Database(path, { timeout: 0 });
  writer.pragma('journal_mode = WAL');
  writer.pragma('synchronous = NORMAL');
  writer.pragma('wal_autocheckpoint = 0');
  writer.exec('CREATE TABLE texts (text TEXT NOT NULL)');
  copier = new Database(path, { timeout: 0 });
});
afterEach(async () => {
  copier.close();
  writer.close();
  await rm(folder, { recursive: true, force: true });
});

/** A commit of about a megabyte. */
function writeMegabyte(): void {
  writer.prepare('INSERT INTO texts VALUES (?)').run('x'.repeat(1_000_000));
}
const logBytes = (): number => statSync(`${path}-wal`).size;
const databaseBytes = (): number => statSync(path).size;

describe('copying the log', () => {
  test('J7 needs no turn of the writer: it copies what is committed while a transaction is open', () => {
    for (let n = 0; n < 4; n += 1) writeMegabyte();
    writer.exec('BEGIN IMMEDIATE');
    writeMegabyte();
    expect(copyLog(copier)).toEqual({ complete: true, ended: false });
    expect(databaseBytes()).toBeGreaterThan(4_000_000);
    expect(databaseBytes()).toBeLessThan(5_000_000);
    writer.exec('COMMIT');
    expect(copier.prepare('SELECT count(*) AS count FROM texts').get()).toEqual({ count: 5 });
  });

  test('J7 after a complete copy the log begins again: its file does not grow with what is written', () => {
    for (let round = 0; round < 10; round += 1) {
      for (let n = 0; n < 4; n += 1) writeMegabyte();
      expect(copyLog(copier)).toEqual({ complete: true, ended: false });
      expect(logBytes()).toBeLessThan(6_000_000);
    }
    expect(databaseBytes()).toBeGreaterThan(40_000_000);
  });

  test('J7 a log that cannot be copied whole is left alone, and ended by force only when very long', () => {
    writeMegabyte();
    // Somebody reads the state of now: what is written from here on cannot be copied over it.
    const reader = new Database(path);
    try {
      reader.exec('BEGIN');
      reader.prepare('SELECT count(*) FROM texts').get();
      for (let n = 0; n < 3; n += 1) writeMegabyte();
      expect(copyLog(copier)).toEqual({ complete: false, ended: false });
      // Long enough now, but busy: no wait, no error.
      expect(copyLog(copier, 2_000_000)).toEqual({ complete: false, ended: false });
    } finally {
      reader.close();
    }
    expect(copyLog(copier)).toEqual({ complete: true, ended: false });
    expect(writer.prepare('SELECT count(*) AS count FROM texts').get()).toEqual({ count: 4 });
  });

  test('J7 a writer who is always ahead is let be, until the log is very long', () => {
    const asked: string[] = [];
    const ahead: LogOwner = {
      pragma(source) {
        asked.push(source);
        if (source === 'page_size') return 4096;
        // A hundred pages came while the others were copied.
        const checkpointed = source.includes('RESTART') ? 1000 : 900;
        return [{ busy: 0, log: 1000, checkpointed }];
      },
    };
    expect(copyLog(ahead, 1001 * 4096)).toEqual({ complete: false, ended: false });
    expect(asked.filter((source) => source.includes('RESTART'))).toEqual([]);
    expect(copyLog(ahead, 1000 * 4096)).toEqual({ complete: true, ended: true });
    expect(asked.at(-1)).toBe('wal_checkpoint(RESTART)');
  });
});
