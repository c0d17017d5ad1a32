/**
 * Waits for the disk beside the event loop. SQLite would flush inside `COMMIT`, on the thread that serves
 * sockets, and a busy disk takes hundreds of milliseconds for that. In WAL mode a commit is whole in the log
 * once written; flushing the log afterwards is all that durability needs, and the thread pool can do it.
 *
 * Copying the log into the database flushes too, so that happens in a worker thread, now and then, and in a way
 * that lets commits pass.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { diskError, errnoOf } from './errors.ts';

/** After about this much was written the log is copied into the database. */
const checkpointBytes = 8 * 1024 * 1024;
/** What a commit writes beside its texts: the pages they lie in, and those of the indices. */
const commitBytes = 5 * 4096;

export class WalFlusher {
  readonly #databasePath: string;
  #log: Promise<FileHandle> | undefined;
  /** The flush under way, and the one that those wait for who committed after it began. */
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #checkpoint: Worker | undefined;
  /**
   * About how much is in the log and not in the database. Counted and not measured: the file keeps its length
   * when the log begins again.
   */
  #uncopiedBytes: number;

  /** `logBytes`: what an earlier process left in the log. */
  constructor(databasePath: string, logBytes = 0) {
    this.#databasePath = databasePath;
    this.#uncopiedBytes = logBytes;
  }

  /** Counts a commit that wrote about this many bytes of text. */
  wrote(textBytes: number): void {
    this.#uncopiedBytes += textBytes + commitBytes;
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
      if (this.#uncopiedBytes > checkpointBytes) this.#copyLog();
    } catch (error) {
      this.#log = undefined;
      // No log: nothing was committed since the database was opened.
      if (errnoOf(error) === 'ENOENT') return;
      throw diskError(error, 'waiting for the journal to reach the disk');
    }
  }

  #copyLog(): void {
    if (this.#checkpoint !== undefined) return;
    const before = this.#uncopiedBytes;
    const worker = new Worker(new URL('./checkpoint-worker.ts', import.meta.url), {
      workerData: { databasePath: this.#databasePath },
    });
    this.#checkpoint = worker;
    // A checkpoint that fails loses nothing: the log stays, and a later flush tries again.
    worker.on('error', () => undefined);
    worker.on('exit', () => {
      this.#checkpoint = undefined;
      this.#uncopiedBytes -= before;
    });
    worker.unref();
  }
}
