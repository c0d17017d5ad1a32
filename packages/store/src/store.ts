import { join } from 'node:path';
import { type BlobStore, createBlobStore, type StoreFolders, temporaryPath } from './blobs.ts';
import { type CheckpointStore, createCheckpointStore } from './checkpoints.ts';
import { type Disk, nodeDisk } from './disk.ts';
import { diskError, errnoOf, StoreError } from './errors.ts';
import { createLedger, type LedgerOptions } from './ledger.ts';
import { createMaintenance, type Maintenance } from './maintenance.ts';
import { isAlive } from './processes.ts';
import { createResultStore, type ResultStore } from './results.ts';

/** Content-addressed results in a folder. Several processes may share the folder. */
export interface Store extends BlobStore, ResultStore, Maintenance {
  readonly folder: string;
  /** What unfinished work goes on from. */
  readonly checkpoints: CheckpointStore;
  /** Removes what processes that are gone left half-written; opening the store does it too. Never throws: it can wait. */
  removeLeftovers(): Promise<void>;
  /** A path for a file in the making, on the same disk as the store; hand it to `putFile` with `move`. */
  temporaryPath(): string;
  /** A small text kept by name beside the results; undefined when never written. */
  readNote(name: string): string | undefined;
  writeNote(name: string, text: string): void;
  /**
   * Whether the computation of `key` is the caller's now; false while another is at it, here or in another process.
   * A claim ends with `release`, with its process, or half a minute after the process last showed life.
   */
  claim(key: string): boolean;
  /** Ends a claim; call it when the result is kept, or when there will be none. */
  release(key: string): void;
  /** Whether this result, or this file, had to make room and was not kept again since. */
  wasEvicted(digest: string): boolean;
  /** Writes at once what was counted: uses, results kept, claims given back. It is written by itself a moment later. */
  flush(): void;
  /** Writes what is still counted and lets go of the folder's files. The store can be used again after it. */
  close(): void;
}

export interface StoreOptions extends LedgerOptions {
  /** The file system; tests bring one that fails. */
  readonly disk?: Disk;
}

/** Leftovers of unknown owners are removed after this time, and of others even if their process id is in use again. */
const leftoverMs = 24 * 60 * 60 * 1000;

/**
 * Opens the results in `folder`, making it when needed, and removes what killed processes left half-written.
 * @throws StoreError 'store/not-writable' | 'store/disk-full' | 'store/io'
 */
export async function openStore(
  folder: string,
  { disk = nodeDisk, ...ledgerOptions }: StoreOptions = {},
): Promise<Store> {
  const folders: StoreFolders = {
    blobs: join(folder, 'blobs'),
    cache: join(folder, 'cache'),
    temporary: join(folder, 'tmp'),
    quarantine: join(folder, 'quarantine'),
  };
  try {
    for (const path of [folders.blobs, folders.cache, folders.temporary]) await disk.makeFolder(path);
    await removeLeftovers(folders, disk);
  } catch (error) {
    throw diskError(error, 'opening the data folder');
  }
  const blobs = createBlobStore(folders, disk);
  const ledger = createLedger(folder, ledgerOptions);
  const results = createResultStore(folders, disk, blobs, ledger);
  const checkpoints = createCheckpointStore(
    join(folder, 'checkpoints'),
    () => temporaryPath(folders),
    disk,
    ledgerOptions.now,
  );
  const notePath = (name: string): string => {
    if (!/^[a-z][a-z-]{0,63}$/.test(name))
      throw new StoreError('store/io', `"${name}" cannot be the name of a note.`);
    return join(folders.cache, `${name}.note`);
  };
  return {
    folder,
    ...blobs,
    ...results,
    ...createMaintenance({
      folders,
      disk,
      blobs,
      results,
      checkpoints,
      ledger,
      now: ledgerOptions.now ?? Date.now,
    }),
    claim: (key) => ledger.takeLease(key),
    release: (key) => ledger.releaseLease(key),
    wasEvicted: (digest) => ledger.wasEvicted(digest),
    flush: () => ledger.flush(),
    close: () => ledger.close(),
    checkpoints,
    removeLeftovers: () => removeLeftovers(folders, disk).catch(() => undefined),
    temporaryPath: () => temporaryPath(folders),
    readNote(name) {
      try {
        return new TextDecoder().decode(disk.readSync(notePath(name)));
      } catch (error) {
        if (errnoOf(error) === 'ENOENT') return undefined;
        throw diskError(error, 'reading a note');
      }
    },
    writeNote(name, text) {
      const temporary = temporaryPath(folders);
      try {
        disk.writeSync(temporary, new TextEncoder().encode(text));
        disk.renameSync(temporary, notePath(name));
      } catch (error) {
        try {
          disk.removeSync(temporary);
        } catch {
          // The first error says what is wrong with the disk.
        }
        throw diskError(error, 'writing a note');
      }
    },
  };
}

async function removeLeftovers(folders: StoreFolders, disk: Disk): Promise<void> {
  for (const name of await disk.list(folders.temporary)) {
    const path = join(folders.temporary, name);
    const pid = Number.parseInt(name, 10);
    const { modifiedMs } = await disk.stat(path).catch(() => ({ modifiedMs: Date.now() }));
    const mayBeInUse = Number.isNaN(pid) || isAlive(pid);
    if (pid === process.pid || (mayBeInUse && Date.now() - modifiedMs < leftoverMs)) continue;
    await disk.removeTree(path).catch(() => undefined);
  }
}
