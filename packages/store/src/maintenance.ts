/** Keeps the store within its bytes, looks it through for damage, and says what is in it. */
import { basename, join } from 'node:path';
import { type BlobStore, isDigest, type StoreFolders } from './blobs.ts';
import type { CheckpointFiles } from './checkpoints.ts';
import type { Disk } from './disk.ts';
import { diskError } from './errors.ts';
import type { Ledger, LedgerRow } from './ledger.ts';
import { type RecordStore, type ResultRecord, recordEnding } from './results.ts';

export interface TrimRequest {
  /** Results are removed until no more than this is left. */
  readonly targetBytes: number;
  /** Nothing is removed while there is no more than this; `targetBytes` when absent. */
  readonly limitBytes?: number;
  /**
   * Files that someone still shows, for example the history of runs: results that hold them stay. Asked for only
   * when something has to go. Undefined: not known, so every result that holds a file stays.
   */
  readonly pinned: () => ReadonlySet<string> | undefined;
  /** Results used within this time stay: a run somewhere may be about to read them. */
  readonly graceMs: number;
  /** Says what would go and removes nothing. */
  readonly isDryRun?: boolean;
}

/** What a trim did, or would do. */
export interface TrimPlan {
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  /** In the order in which they went. */
  readonly evicted: readonly { key: string; nodeType: string; bytes: number; costMs: number }[];
  /** Results that had to stay although there was no room. */
  readonly keptForHistory: number;
  readonly keptInUse: number;
}

/** Something in the store that is not what it should be; it has been put away. */
export interface DamagedItem {
  readonly kind: 'record' | 'blob' | 'checkpoint';
  /** Key of the result, or of what the checkpoint is for, or digest of the blob. */
  readonly id: string;
  readonly problem: 'changed' | 'incomplete';
}

export interface VerifyReport {
  readonly results: number;
  readonly blobs: number;
  /** Of results and blobs. */
  readonly bytes: number;
  readonly checkpoints: { readonly count: number; readonly bytes: number };
  /** Checkpoints among them. */
  readonly damaged: readonly DamagedItem[];
}

export interface StoreSize {
  readonly results: number;
  readonly blobs: number;
  /** Of records and blobs as they lie on the disk. */
  readonly bytes: number;
  /** Blobs that no result keeps: files of runs whose results are gone, or of runs that go on at this moment. */
  readonly loose: { readonly count: number; readonly bytes: number };
  readonly quarantined: { readonly count: number; readonly bytes: number };
  /** What interrupted work goes on from; not part of `bytes`, having limits of its own. */
  readonly checkpoints: { readonly count: number; readonly bytes: number };
  /** Evictions that are remembered. */
  readonly evicted: number;
  /** Results being computed now. */
  readonly claims: number;
  readonly byNodeType: readonly { nodeType: string; results: number; bytes: number; costMs: number }[];
}

export interface Maintenance {
  /** Makes room. Cheap when there is enough of it. @throws StoreError */
  trim(request: TrimRequest): Promise<TrimPlan>;
  /** Reads every byte; what is damaged is put away, so that it is computed again. @throws StoreError */
  verify(onProgress?: (done: number, total: number) => void, signal?: AbortSignal): Promise<VerifyReport>;
  /** Records of all results, by key; damaged ones are left out. @throws StoreError */
  listResults(): Promise<ResultRecord[]>;
  /** Counts what is there, without reading it. @throws StoreError */
  measure(): Promise<StoreSize>;
  /**
   * Removes loose blobs and quarantined files older than `olderThanMs`, except pinned ones, and answers what it
   * removed; with `isDryRun` what it would. @throws StoreError
   */
  sweep(request: {
    olderThanMs: number;
    pinned: ReadonlySet<string> | undefined;
    isDryRun?: boolean;
  }): Promise<{ readonly count: number; readonly bytes: number }>;
  /**
   * Removes checkpoints that were not saved to within `maxAgeMs` (two weeks unless given), and the oldest beyond
   * their bytes, and answers what it removed; with `isDryRun` what it would. Never throws.
   */
  sweepCheckpoints(request: {
    maxAgeMs?: number;
    isDryRun?: boolean;
  }): Promise<{ readonly count: number; readonly bytes: number }>;
}

interface MaintenanceParts {
  readonly folders: StoreFolders;
  readonly disk: Disk;
  readonly blobs: BlobStore;
  readonly results: RecordStore;
  readonly checkpoints: CheckpointFiles;
  readonly ledger: Ledger;
  readonly now: () => number;
}

export function createMaintenance(parts: MaintenanceParts): Maintenance {
  const { folders, disk, blobs, results, checkpoints, ledger, now } = parts;

  /** Names of the files two levels down: `<folder>/<first two letters>/<name>`. */
  const filesIn = async (folder: string): Promise<string[]> => {
    const names: string[] = [];
    for (const part of await disk.list(folder)) {
      if (/^[0-9a-f]{2}$/.test(part)) names.push(...(await disk.list(join(folder, part))));
    }
    return names.sort();
  };
  /** Of records that are files. */
  const fileKeys = async (): Promise<string[]> =>
    (await filesIn(folders.cache)).flatMap((name) => {
      const key = name.slice(0, -recordEnding.length);
      return name.endsWith(recordEnding) && isDigest(key) ? [key] : [];
    });
  const blobDigests = async (): Promise<string[]> => (await filesIn(folders.blobs)).filter(isDigest);
  const sizeOf = async (path: string): Promise<number> =>
    (await disk.stat(path).catch(() => ({ byteLength: 0 }))).byteLength;

  /** Counts results that the ledger does not know: it is new, or was lost. */
  const complete = async (): Promise<void> => {
    if (ledger.isComplete) return;
    const known = new Set(ledger.byPriority().map(({ key }) => key));
    for (const key of await fileKeys()) {
      const record = known.has(key) ? undefined : results.readRecord(key);
      if (record === undefined || record === 'damaged') continue;
      ledger.noteSaved({
        key,
        nodeType: record.nodeType,
        costMs: record.durationMs,
        recordBytes: await sizeOf(results.recordPath(key)),
        blobs: await results.blobsOf(record),
      });
    }
    ledger.flush();
    ledger.markComplete();
  };

  return {
    async trim({ targetBytes, limitBytes = targetBytes, pinned, graceMs, isDryRun = false }) {
      try {
        await complete();
        const bytesBefore = ledger.totalBytes();
        if (bytesBefore <= limitBytes)
          return { bytesBefore, bytesAfter: bytesBefore, evicted: [], keptForHistory: 0, keptInUse: 0 };
        const needed = pinned();
        const evicted: TrimPlan['evicted'][number][] = [];
        let bytesAfter = bytesBefore;
        let keptForHistory = 0;
        let keptInUse = 0;
        /** Keepers that a blob has lost in this trim; only a dry run does not ask the ledger anew. */
        const lost = new Map<string, number>();
        for (const row of ledger.byPriority()) {
          if (bytesAfter <= targetBytes) break;
          if (row.usedAtMs > now() - graceMs) {
            keptInUse += 1;
            continue;
          }
          const record = results.readRecord(row.key);
          const files = record === undefined || record === 'damaged' ? [] : record.files;
          if (files.length > 0 && (needed === undefined || files.some((file) => needed.has(file)))) {
            keptForHistory += 1;
            continue;
          }
          const kept = ledger.blobsOf(row.key);
          const free = kept.filter(
            ({ digest }) => ledger.keepersOf(digest) - (lost.get(digest) ?? 0) <= 1 && !needed?.has(digest),
          );
          const bytes = row.recordBytes + free.reduce((sum, { byteLength }) => sum + byteLength, 0);
          if (isDryRun) for (const { digest } of kept) lost.set(digest, (lost.get(digest) ?? 0) + 1);
          else await evict(row, free, files);
          evicted.push({ key: row.key, nodeType: row.nodeType, bytes, costMs: row.costMs });
          bytesAfter -= bytes;
        }
        return { bytesBefore, bytesAfter, evicted, keptForHistory, keptInUse };
      } catch (error) {
        throw diskError(error, 'making room in the cache');
      }
    },

    async verify(onProgress, signal) {
      const damaged: DamagedItem[] = [];
      let bytes = 0;
      try {
        const digests = await blobDigests();
        const small = ledger.records();
        const keys = [...(await fileKeys()), ...small.keys];
        bytes += small.bytes;
        const unfinished = await checkpoints.list();
        const total = digests.length + keys.length + unfinished.length;
        for (const [index, digest] of digests.entries()) {
          signal?.throwIfAborted();
          const byteLength = await sizeOf(blobs.blobPath(digest));
          bytes += byteLength;
          if (!(await blobs.checkBlob(digest)))
            damaged.push({ kind: 'blob', id: digest, problem: 'changed' });
          onProgress?.(index + 1, total);
        }
        for (const [index, key] of keys.entries()) {
          signal?.throwIfAborted();
          const record = results.readRecord(key);
          bytes += await sizeOf(results.recordPath(key));
          const isIncomplete =
            record !== undefined && record !== 'damaged' && !(await results.isComplete(record));
          if (record === 'damaged' || isIncomplete) {
            results.quarantineRecord(key);
            damaged.push({ kind: 'record', id: key, problem: isIncomplete ? 'incomplete' : 'changed' });
          }
          onProgress?.(digests.length + index + 1, total);
        }
        for (const [index, { key }] of unfinished.entries()) {
          signal?.throwIfAborted();
          for (const path of await checkpoints.findDamaged(key)) {
            await putAway(path);
            damaged.push({ kind: 'checkpoint', id: key, problem: 'changed' });
          }
          onProgress?.(digests.length + keys.length + index + 1, total);
        }
        return {
          results: keys.length,
          blobs: digests.length,
          bytes,
          checkpoints: sumOf(unfinished),
          damaged,
        };
      } catch (error) {
        if (signal?.aborted) throw error;
        throw diskError(error, 'checking the cache');
      }
    },

    async listResults() {
      try {
        const keys = new Set([...(await fileKeys()), ...ledger.records().keys]);
        return [...keys].sort().flatMap((key) => {
          const record = results.readRecord(key);
          return record === undefined || record === 'damaged' ? [] : [record];
        });
      } catch (error) {
        throw diskError(error, 'listing the cache');
      }
    },

    async measure() {
      try {
        await complete();
        const [keys, digests, small] = [await fileKeys(), await blobDigests(), ledger.records()];
        let { bytes } = small;
        const loose = { count: 0, bytes: 0 };
        for (const key of keys) bytes += await sizeOf(results.recordPath(key));
        for (const digest of digests) {
          const byteLength = await sizeOf(blobs.blobPath(digest));
          bytes += byteLength;
          if (ledger.keepersOf(digest) > 0) continue;
          loose.count += 1;
          loose.bytes += byteLength;
        }
        const quarantined = { count: 0, bytes: 0 };
        for (const name of await quarantinedNames()) {
          quarantined.count += 1;
          quarantined.bytes += await sizeOf(join(folders.quarantine, name));
        }
        const { evicted, leases: claims } = ledger.counts();
        const byNodeType = ledger.byNodeType();
        return {
          results: keys.length + small.keys.length,
          blobs: digests.length,
          bytes,
          loose,
          quarantined,
          checkpoints: sumOf(await checkpoints.list()),
          evicted,
          claims,
          byNodeType,
        };
      } catch (error) {
        throw diskError(error, 'measuring the cache');
      }
    },

    async sweep({ olderThanMs, pinned, isDryRun = false }) {
      const removed = { count: 0, bytes: 0 };
      const removeOld = async (path: string): Promise<void> => {
        const stamp = await disk.stat(path).catch(() => undefined);
        if (stamp === undefined || stamp.changedMs > now() - olderThanMs) return;
        removed.count += 1;
        removed.bytes += stamp.byteLength;
        if (!isDryRun) await disk.remove(path);
      };
      try {
        await complete();
        if (pinned !== undefined) {
          for (const digest of await blobDigests())
            if (ledger.keepersOf(digest) === 0 && !pinned.has(digest))
              await removeOld(blobs.blobPath(digest));
        }
        for (const name of await quarantinedNames()) await removeOld(join(folders.quarantine, name));
        return removed;
      } catch (error) {
        throw diskError(error, 'sweeping the cache');
      }
    },

    sweepCheckpoints: (request) => checkpoints.removeOld(request),
  };

  /** Kept for whoever wants to know what happened to the disk; removing it is the second best. */
  async function putAway(path: string): Promise<void> {
    try {
      await disk.makeFolder(folders.quarantine);
      await disk.rename(path, join(folders.quarantine, basename(path)));
    } catch {
      await disk.remove(path).catch(() => undefined);
    }
  }

  async function quarantinedNames(): Promise<readonly string[]> {
    return disk.existsSync(folders.quarantine) ? disk.list(folders.quarantine) : [];
  }

  /** The record first: whatever happens after that, the result is missing and not half there. */
  async function evict(
    row: LedgerRow,
    free: readonly { readonly digest: string }[],
    files: readonly string[],
  ): Promise<void> {
    await disk.remove(results.recordPath(row.key));
    for (const { digest } of free) await disk.remove(blobs.blobPath(digest));
    ledger.noteEvicted(
      [row],
      files.filter((file) => free.some(({ digest }) => digest === file)),
    );
  }
}

function sumOf(files: readonly { readonly byteLength: number }[]): { count: number; bytes: number } {
  return { count: files.length, bytes: files.reduce((sum, { byteLength }) => sum + byteLength, 0) };
}
