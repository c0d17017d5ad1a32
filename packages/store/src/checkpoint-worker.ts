/** Copies the log of a SQLite database into it, away from the thread that serves sockets. */
import { workerData } from 'node:worker_threads';
import Database from 'better-sqlite3';
import { z } from 'zod';

const { databasePath } = z.object({ databasePath: z.string() }).parse(workerData);
const database = new Database(databasePath, { fileMustExist: true, timeout: 2000 });
try {
  // TRUNCATE and not PASSIVE: the size of the log says when the next one is due.
  database.pragma('wal_checkpoint(TRUNCATE)');
} finally {
  database.close();
}
