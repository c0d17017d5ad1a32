/** Copies the log of a SQLite database into it, away from the thread that serves sockets. */
import { workerData } from 'node:worker_threads';
import Database from 'better-sqlite3';
import { z } from 'zod';
import { copyLog } from './copy-log.ts';

const { databasePath } = z.object({ databasePath: z.string() }).parse(workerData);
// No timeout: this waits for nobody, and so nobody waits for this.
const database = new Database(databasePath, { fileMustExist: true, timeout: 0 });
try {
  copyLog(database);
} finally {
  database.close();
}
