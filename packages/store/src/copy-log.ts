/** Copies the log of a SQLite database into it while others go on writing to it. */
import type Database from 'better-sqlite3';
import { z } from 'zod';

/** Tries to catch up with a writer who goes on; each copies what was written during the one before. */
const rounds = 5;
/** A log as long as this is ended although its writer then waits for what is left of it to be copied. */
const endLogAtBytes = 64 * 1024 * 1024;

export interface CopiedLog {
  /** Everything was copied: the next commit begins the log again from the start of its file. */
  readonly complete: boolean;
  /** The log was made to begin again, which may have held up a writer. */
  readonly ended: boolean;
}

/** As much of a database as this needs; tests bring one whose writer is always ahead. */
export type LogOwner = Pick<Database.Database, 'pragma'>;

/**
 * `PASSIVE`, for every other kind keeps writers out while it copies and waits for the disk. Whoever writes after
 * a complete copy begins the log again by itself, so its file need not be cut: it stays as long as it once was.
 *
 * Only a writer who never pauses for as long as one small copy takes is never caught up with. His log is ended
 * by force when it is very long; the rounds before have left little of it to copy.
 *
 * Needs a connection of its own, without a busy timeout, in WAL mode. @throws Error of SQLite
 */
export function copyLog(database: LogOwner, endAtBytes: number = endLogAtBytes): CopiedLog {
  const pageBytes = z.number().parse(database.pragma('page_size', { simple: true }));
  let logBytes = 0;
  for (let round = 0; round < rounds; round += 1) {
    const { busy, log, checkpointed } = checkpoint(database, 'PASSIVE');
    // Somebody else is copying.
    if (busy) return { complete: false, ended: false };
    if (log === checkpointed) return { complete: true, ended: false };
    logBytes = log * pageBytes;
  }
  if (logBytes < endAtBytes) return { complete: false, ended: false };
  const ended = !checkpoint(database, 'RESTART').busy;
  return { complete: ended, ended };
}

/** Frames in the log, and how many of them are in the database; equal when nothing is left to copy. */
const checkpointRow = z
  .tuple([z.object({ busy: z.number(), log: z.number(), checkpointed: z.number() })])
  .transform(([row]) => ({ ...row, busy: row.busy !== 0 }));

function checkpoint(database: LogOwner, mode: 'PASSIVE' | 'RESTART'): z.infer<typeof checkpointRow> {
  return checkpointRow.parse(database.pragma(`wal_checkpoint(${mode})`));
}
