/**
 * The checkpoints of one key: files that are written over in turn, because a new file under an old name takes a disk
 * thirty times as long as the bytes of a small state, and one is saved after every step.
 *
 * A slot that is being written may be left half old and half new; its digest tells. So a save never goes into the
 * slot of the newest checkpoint, which the end of the process leaves as it is, nor into the one that the disk is known
 * to have, which is what a power cut leaves, nor into the one that the disk is asked to take: four slots, of which a
 * disk that is quick enough sees two.
 */
import { join } from 'node:path';
import { isDigest } from './blobs.ts';
import { digestOf, digestSync, encodeCheckpoint, parseCheckpoint, seal } from './checkpoint-bytes.ts';
import type { Disk } from './disk.ts';
import { diskError, errnoOf, StoreError } from './errors.ts';
import type { StoredValue } from './value-codec.ts';

/** How far work has got, and what it goes on from. */
export interface NewCheckpoint {
  /** Steps done; at least 1. */
  readonly step: number;
  /** Plain data with tensors. */
  readonly state: unknown;
}

export type LoadedCheckpoint =
  | { readonly status: 'found'; readonly step: number; readonly state: StoredValue }
  | { readonly status: 'missing' | 'damaged' };

/** For one that computes the key; two at once would only cost each other steps. */
export interface CheckpointSlots {
  /** What was last saved and is whole. Files that are not are removed. @throws StoreError when the disk cannot be read */
  load(): Promise<LoadedCheckpoint>;
  /**
   * Takes the place of what was saved before; resolves when it is safe from the end of the process. When the promise
   * is returned the state is copied, and, if it is small, safe already; save one at a time. Without a `load` before,
   * what lies there is forgotten.
   * @throws StoreError 'store/disk-full' | 'store/not-writable' | 'store/io' | 'store/unsupported-value'; the
   *   one before is then still there
   */
  save(checkpoint: NewCheckpoint): Promise<void>;
  /**
   * Resolves when what was saved before the call is safe from a power cut, which until then leaves the one that was
   * flushed before. Saves may go on meanwhile; flush one at a time.
   * @throws StoreError 'store/disk-full' | 'store/not-writable' | 'store/io'
   */
  flush(): Promise<void>;
  /** Forgets them; having none is no error. @throws StoreError */
  remove(): Promise<void>;
}

/** Smaller ones are written at once: on a busy machine every turn of another thread may take longer than a step. */
const atOnceBytes = 256 * 1024;
export const checkpointEnding = '.checkpoint';
const slotNames = ['a', 'b', 'c', 'd'];

/** Where the files of a store's checkpoints are. */
export interface SlotFiles {
  readonly folder: string;
  /** Gives a fresh path on the same disk. */
  readonly temporaryPath: () => string;
  readonly disk: Disk;
}

/** Paths of the slots of a key. @throws StoreError 'store/damaged' for what is no key */
export function slotPaths(folder: string, key: string): string[] {
  if (!isDigest(key))
    throw new StoreError('store/damaged', 'Expected a cache key in hexadecimal, found something else.');
  return slotNames.map((name) => join(folder, `${key}.${name}${checkpointEnding}`));
}

/** The bytes of a slot; undefined when there is no such file. @throws StoreError */
export async function readSlot(path: string, disk: Disk): Promise<Uint8Array | undefined> {
  try {
    return await disk.read(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw diskError(error, 'reading a checkpoint');
  }
}

export function openSlots(key: string, { folder, temporaryPath, disk }: SlotFiles): CheckpointSlots {
  const paths = slotPaths(folder, key);
  let isKnown = false;
  let sequence = 0;
  /** Of the newest that is whole. */
  let newest: string | undefined;
  /** Of the newest that the disk has. */
  let flushed: string | undefined;
  let flushing: string | undefined;
  /** The disk has their names. */
  const named = new Set<string>();

  const forget = (): void => {
    isKnown = true;
    newest = undefined;
    flushed = undefined;
    named.clear();
  };
  const freeSlot = (): string => {
    const free = paths.find((path) => path !== newest && path !== flushed && path !== flushing);
    if (free === undefined) throw new Error('More slots are held than there are reasons to hold one.');
    return free;
  };

  async function flush(): Promise<void> {
    const slot = newest;
    if (slot === undefined || slot === flushed) return;
    flushing = slot;
    try {
      await disk.sync(slot);
      if (!named.has(slot)) await disk.syncFolder(folder);
      named.add(slot);
      flushed = slot;
    } catch (error) {
      // Pruned by someone else.
      if (errnoOf(error) !== 'ENOENT') throw diskError(error, 'writing a checkpoint');
    } finally {
      flushing = undefined;
    }
  }

  return {
    async load() {
      forget();
      const found: { path: string; sequence: number; step: number; state: StoredValue }[] = [];
      let status: 'missing' | 'damaged' = 'missing';
      for (const path of paths) {
        const bytes = await readSlot(path, disk);
        if (bytes === undefined) continue;
        const checkpoint = await parseCheckpoint(bytes, key);
        if (checkpoint !== undefined) {
          found.push({ path, ...checkpoint });
          continue;
        }
        status = 'damaged';
        await disk.remove(path).catch(() => undefined);
      }
      const [first, second] = found.sort((a, b) => b.sequence - a.sequence);
      if (first === undefined) return { status };
      newest = first.path;
      sequence = first.sequence;
      // Whether the disk has the newest nobody knows any more. It is asked before any other is written over.
      flushed = second?.path;
      await flush().catch(() => undefined);
      return { status: 'found', step: first.step, state: first.state };
    },
    async save({ step, state }) {
      try {
        if (!isKnown) {
          for (const path of paths) disk.removeSync(path);
          forget();
        }
        const bytes = encodeCheckpoint({ key, sequence: sequence + 1, step, state });
        const slot = freeSlot();
        // The first one appears whole; the next ones have it to fall back to.
        if (bytes.byteLength < atOnceBytes) {
          seal(bytes, digestSync(bytes));
          if (newest === undefined) createSync(slot, bytes);
          else disk.overwriteSync(slot, bytes);
        } else {
          // Copied here, digested and written by other threads: the caller waits for neither.
          seal(bytes, await digestOf(bytes));
          if (newest === undefined) await create(slot, bytes);
          else await disk.overwrite(slot, bytes);
        }
        newest = slot;
        sequence += 1;
      } catch (error) {
        // The folder is gone, and with it what was saved: the next makes it again.
        if (errnoOf(error) === 'ENOENT') forget();
        throw diskError(error, 'writing a checkpoint');
      }
    },
    flush,
    async remove() {
      forget();
      try {
        for (const path of paths) await disk.remove(path);
      } catch (error) {
        throw diskError(error, 'removing a checkpoint');
      }
    },
  };

  function createSync(path: string, bytes: Uint8Array): void {
    const temporary = temporaryPath();
    try {
      disk.makeFolderSync(folder);
      disk.writeSync(temporary, bytes);
      disk.renameSync(temporary, path);
    } catch (error) {
      removeQuietly(temporary);
      throw error;
    }
  }

  async function create(path: string, bytes: Uint8Array): Promise<void> {
    const temporary = temporaryPath();
    try {
      await disk.makeFolder(folder);
      await disk.write(temporary, [bytes], { sync: false });
      await disk.rename(temporary, path);
    } catch (error) {
      removeQuietly(temporary);
      throw error;
    }
  }

  /** The first error says what is wrong with the disk. */
  function removeQuietly(path: string): void {
    try {
      disk.removeSync(path);
    } catch {
      // A leftover, which goes with the next start.
    }
  }
}
