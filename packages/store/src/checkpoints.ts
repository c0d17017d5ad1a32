/**
 * The state of work that has not ended, under the cache key of what it will give: the same key is the same
 * computation, so whoever is asked for it next may go on from there. What is damaged counts as missing, for the work
 * can begin again.
 */
import { join } from 'node:path';
import { isDigest } from './blobs.ts';
import { parseCheckpoint } from './checkpoint-bytes.ts';
import {
  type CheckpointSlots,
  checkpointEnding,
  openSlots,
  readSlot,
  type SlotFiles,
  slotPaths,
} from './checkpoint-slots.ts';
import type { Disk } from './disk.ts';
import { diskError } from './errors.ts';

/** Which checkpoints are kept when nobody comes back for them. */
export interface CheckpointLimits {
  /** Older ones go. */
  readonly maxAgeMs: number;
  /** Of all together; the oldest go. */
  readonly maxBytes: number;
}

export interface CheckpointStore {
  /** Those of a key; touches no disk. @throws StoreError 'store/damaged' for what is no key */
  open(key: string): CheckpointSlots;
  /** Removes what is beyond the limits. Never throws: it is tried again with the next. */
  prune(limits?: CheckpointLimits): Promise<void>;
}

/** What the store itself does with checkpoints. */
export interface CheckpointFiles extends CheckpointStore {
  /** Keys of all that are there, and their bytes; read from the folder alone. @throws StoreError */
  list(): Promise<readonly { readonly key: string; readonly byteLength: number }[]>;
  /**
   * Paths of its files that are damaged; reads them all and changes nothing. One that may be in the making beside a
   * whole one is not told. @throws StoreError
   */
  findDamaged(key: string): Promise<readonly string[]>;
  /** As `prune`, and answers what it removed; with `isDryRun` what it would. */
  removeOld(
    request: Partial<CheckpointLimits> & { readonly isDryRun?: boolean },
  ): Promise<{ readonly count: number; readonly bytes: number }>;
}

/** Two weeks and 4 GiB: some hundred latents of long clips. */
const defaultLimits: CheckpointLimits = { maxAgeMs: 14 * 24 * 60 * 60 * 1000, maxBytes: 4 * 1024 ** 3 };
/** No slot takes longer to write. */
const inTheMakingMs = 60_000;

/** @param temporaryPath gives a fresh path on the same disk */
export function createCheckpointStore(
  folder: string,
  temporaryPath: () => string,
  disk: Disk,
  now: () => number = Date.now,
): CheckpointFiles {
  const files: SlotFiles = { folder, temporaryPath, disk };
  const fileNames = async (): Promise<string[]> =>
    disk.existsSync(folder)
      ? (await disk.list(folder)).filter((name) => name.endsWith(checkpointEnding))
      : [];
  const removeOld: CheckpointFiles['removeOld'] = async ({
    maxAgeMs = defaultLimits.maxAgeMs,
    maxBytes = defaultLimits.maxBytes,
    isDryRun = false,
  }) => {
    const found: { path: string; byteLength: number; modifiedMs: number }[] = [];
    for (const name of await fileNames().catch(() => [])) {
      const path = join(folder, name);
      const stat = await disk.stat(path).catch(() => undefined);
      if (stat !== undefined) found.push({ path, ...stat });
    }
    found.sort((a, b) => b.modifiedMs - a.modifiedMs);
    const removed = { count: 0, bytes: 0 };
    let bytes = 0;
    for (const { path, byteLength, modifiedMs } of found) {
      bytes += byteLength;
      if (bytes <= maxBytes && now() - modifiedMs <= maxAgeMs) continue;
      const isGone =
        isDryRun ||
        (await disk.remove(path).then(
          () => true,
          () => false,
        ));
      if (!isGone) continue;
      removed.count += 1;
      removed.bytes += byteLength;
    }
    return removed;
  };

  return {
    open: (key) => openSlots(key, files),
    removeOld,
    async prune(limits = defaultLimits) {
      await removeOld(limits);
    },
    async list() {
      try {
        const bytesOf = new Map<string, number>();
        for (const name of await fileNames()) {
          const key = name.slice(0, name.indexOf('.'));
          const stat = await disk.stat(join(folder, name)).catch(() => undefined);
          if (!isDigest(key) || stat === undefined) continue;
          bytesOf.set(key, (bytesOf.get(key) ?? 0) + stat.byteLength);
        }
        return [...bytesOf].sort().map(([key, byteLength]) => ({ key, byteLength }));
      } catch (error) {
        throw diskError(error, 'listing checkpoints');
      }
    },
    async findDamaged(key) {
      const damaged: string[] = [];
      let hasWhole = false;
      for (const path of slotPaths(folder, key)) {
        const bytes = await readSlot(path, disk);
        if (bytes === undefined) continue;
        if ((await parseCheckpoint(bytes, key)) === undefined) damaged.push(path);
        else hasWhole = true;
      }
      if (!hasWhole) return damaged;
      const settled: string[] = [];
      for (const path of damaged) {
        const stat = await disk.stat(path).catch(() => undefined);
        if (stat !== undefined && now() - stat.modifiedMs > inTheMakingMs) settled.push(path);
      }
      return settled;
    },
  };
}
