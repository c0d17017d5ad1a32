/**
 * Waits for the disk beside the event loop. SQLite would flush inside `COMMIT`, on the thread that serves
 * sockets, and a busy disk takes hundreds of milliseconds for that. In WAL mode a commit is whole in the log
 * once written; flushing the log afterwards is all that durability needs, and the thread pool can do it.
 *
 * Copying the log into the database flushes too, so that happens in a worker thread, now and then.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { diskError, errnoOf } from './errors.ts';

/** A log larger than this is copied into the database. */
const checkpointBytes = 8 * 1024 * 1024;

export class WalFlusher {
  readonly #databasePath: string;
  #log: Promise<FileHandle> | undefined;
  /** The flush under way, and the one that those wait for who committed after it began. */
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #checkpoint: Worker | undefined;

  constructor(databasePath: string) {
    this.#databasePath = databasePath;
  }

  /** Resolves when everything committed before the call is on the disk. @throws StoreError */
  flush(): Promise<void> {
    if (this.#running === undefined) return this.#begin();
    // What runs now may have begun before the caller's commit.
    this.#next ??= this.#running
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined;
        return this.#begin();
      });
    return this.#next;
  }

  /** Gives the log file back, after a flush under way. */
  async close(): Promise<void> {
    await Promise.allSettled([this.#next ?? this.#running]);
    const log = this.#log;
    this.#log = undefined;
    await (await log?.catch(() => undefined))?.close();
  }

  #begin(): Promise<void> {
    const running = this.#flushLog().finally(() => {
      if (this.#running === running) this.#running = undefined;
    });
    this.#running = running;
    return running;
  }

  async #flushLog(): Promise<void> {
    try {
      this.#log ??= open(`${this.#databasePath}-wal`, 'r+');
      const log = await this.#log;
      await log.datasync();
      if ((await log.stat()).size > checkpointBytes) this.#copyLog();
    } catch (error) {
      this.#log = undefined;
      // No log: nothing was committed since the database was opened.
      if (errnoOf(error) === 'ENOENT') return;
      throw diskError(error, 'waiting for the journal to reach the disk');
    }
  }

  #copyLog(): void {
    if (this.#checkpoint !== undefined) return;
    const worker = new Worker(new URL('./checkpoint-worker.ts', import.meta.url), {
      workerData: { databasePath: this.#databasePath },
    });
    this.#checkpoint = worker;
    // A checkpoint that fails loses nothing: the log stays, and the next flush tries again.
    worker.on('error', () => undefined);
    worker.on('exit', () => {
      this.#checkpoint = undefined;
    });
    worker.unref();
  }
}
