/**
 * The state of work that has not ended, under the cache key of what it will give: the same key is the same
 * computation, so whoever is asked for it next may go on from there. What is damaged counts as missing, for the work
 * can begin again.
 *
 * The end of a process is common and the end of the power is rare, and a disk that is busy takes longer to flush than
 * a step to compute. So a checkpoint lies under a name before the disk has it, `<key>.new.checkpoint`, which the end
 * of the process leaves as it is, and the next may take its place. To be flushed it is moved to
 * `<key>.flushing.checkpoint`, so that no newer one is taken for it; when the disk has it, it takes the place of the
 * one before, `<key>.checkpoint`, which until then is what a power cut leaves.
 *
 * Layout: 8 bytes magic, 32 bytes SHA-256 of the rest, then a container of `{ key, step, state }`.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { isDigest } from './blobs.ts';
import type { Disk } from './disk.ts';
import { diskError, errnoOf, StoreError } from './errors.ts';
import { decodeValue, encodeValue, type StoredValue } from './value-codec.ts';

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

/** Which checkpoints are kept when nobody comes back for them. */
export interface CheckpointLimits {
  /** Older ones go. */
  readonly maxAgeMs: number;
  /** Of all together; the oldest go. */
  readonly maxBytes: number;
}

export interface CheckpointStore {
  /** What was last saved under the key; damaged files are removed. @throws StoreError when the disk cannot be read */
  load(key: string): Promise<LoadedCheckpoint>;
  /**
   * Replaces what is saved under the key; resolves when it is safe from the end of the process. When the promise is
   * returned the state is copied, and, if it is small, safe already; save one at a time.
   * @throws StoreError 'store/disk-full' | 'store/not-writable' | 'store/io' | 'store/unsupported-value'; the
   *   one before is then still there
   */
  save(key: string, checkpoint: NewCheckpoint): Promise<void>;
  /**
   * Resolves when what was saved under the key before the call is safe from a power cut, which until then leaves the
   * one that was flushed before. Saves may go on meanwhile; flush one at a time.
   * @throws StoreError 'store/disk-full' | 'store/not-writable' | 'store/io'; what could not be flushed is given up
   */
  flush(key: string): Promise<void>;
  /** Forgets the key; a missing one is no error. */
  remove(key: string): Promise<void>;
  /** Removes what is beyond the limits. Never throws: it is tried again with the next. */
  prune(limits?: CheckpointLimits): Promise<void>;
}

/** What the store itself does with checkpoints. */
export interface CheckpointFiles extends CheckpointStore {
  /** Keys of all that are there, and their bytes; read from the folder alone. @throws StoreError */
  list(): Promise<readonly { readonly key: string; readonly byteLength: number }[]>;
  /** Paths of its files that are damaged; reads them all and changes nothing. @throws StoreError */
  findDamaged(key: string): Promise<readonly string[]>;
  /** As `prune`, and answers what it removed; with `isDryRun` what it would. */
  removeOld(
    request: Partial<CheckpointLimits> & { readonly isDryRun?: boolean },
  ): Promise<{ readonly count: number; readonly bytes: number }>;
}

/** Two weeks and 4 GiB: some hundred latents of long clips. */
const defaultLimits: CheckpointLimits = { maxAgeMs: 14 * 24 * 60 * 60 * 1000, maxBytes: 4 * 1024 ** 3 };

const magic = new TextEncoder().encode('RGCKP\x00\x00\x01');
const digestBytes = 32;
const bodyAt = magic.byteLength + digestBytes;
/** Smaller ones are written at once: on a busy machine every turn of another thread may take longer than a step. */
const atOnceBytes = 256 * 1024;
const ending = '.checkpoint';
/** Of one that the disk may not have yet. */
const newEnding = `.new${ending}`;
/** Of one that the disk is asked to take. */
const flushingEnding = `.flushing${ending}`;
/** The newest first, and in the order in which a file is moved: who looks for one on its way finds it. */
const endings = [newEnding, flushingEnding, ending];

/** @param temporaryPath gives a fresh path on the same disk */
export function createCheckpointStore(
  folder: string,
  temporaryPath: () => string,
  disk: Disk,
  now: () => number = Date.now,
): CheckpointFiles {
  const pathOf = (key: string, end = ending): string => {
    if (!isDigest(key))
      throw new StoreError('store/damaged', 'Expected a cache key in hexadecimal, found something else.');
    return join(folder, `${key}${end}`);
  };
  const remove = async (key: string): Promise<void> => {
    try {
      for (const end of endings) await disk.remove(pathOf(key, end));
    } catch (error) {
      throw diskError(error, 'removing a checkpoint');
    }
  };

  const readFile = async (path: string): Promise<Uint8Array | undefined> => {
    try {
      return await disk.read(path);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw diskError(error, 'reading a checkpoint');
    }
  };
  const fileNames = async (): Promise<string[]> =>
    disk.existsSync(folder) ? (await disk.list(folder)).filter((name) => name.endsWith(ending)) : [];
  const removeOld: CheckpointFiles['removeOld'] = async ({
    maxAgeMs = defaultLimits.maxAgeMs,
    maxBytes = defaultLimits.maxBytes,
    isDryRun = false,
  }) => {
    const files: { path: string; byteLength: number; modifiedMs: number }[] = [];
    for (const name of await fileNames().catch(() => [])) {
      const path = join(folder, name);
      const stat = await disk.stat(path).catch(() => undefined);
      if (stat !== undefined) files.push({ path, ...stat });
    }
    files.sort((a, b) => b.modifiedMs - a.modifiedMs);
    const removed = { count: 0, bytes: 0 };
    let bytes = 0;
    for (const { path, byteLength, modifiedMs } of files) {
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
    remove,
    removeOld,
    async prune(limits = defaultLimits) {
      await removeOld(limits);
    },
    async list() {
      try {
        const listed: { key: string; byteLength: number }[] = [];
        const keys = (await fileNames()).map((name) => name.slice(0, name.indexOf('.'))).filter(isDigest);
        for (const key of [...new Set(keys)].sort()) {
          let byteLength = 0;
          for (const end of endings)
            byteLength += (await disk.stat(pathOf(key, end)).catch(() => undefined))?.byteLength ?? 0;
          if (byteLength > 0) listed.push({ key, byteLength });
        }
        return listed;
      } catch (error) {
        throw diskError(error, 'listing checkpoints');
      }
    },
    async findDamaged(key) {
      const damaged: string[] = [];
      for (const end of endings) {
        const bytes = await readFile(pathOf(key, end));
        if (bytes !== undefined && (await parse(bytes, key)) === undefined) damaged.push(pathOf(key, end));
      }
      return damaged;
    },
    async load(key) {
      let status: 'missing' | 'damaged' = 'missing';
      for (const end of endings) {
        const path = pathOf(key, end);
        const bytes = await readFile(path);
        if (bytes === undefined) continue;
        const found = await parse(bytes, key);
        if (found !== undefined) return { status: 'found', ...found };
        status = 'damaged';
        await disk.remove(path).catch(() => undefined);
      }
      return { status };
    },
    async save(key, { step, state }) {
      const path = pathOf(key, newEnding);
      const encoded = encodeValue({ key, step, state });
      const body = Buffer.concat(encoded.chunks, encoded.byteLength);
      const temporary = temporaryPath();
      try {
        if (encoded.byteLength < atOnceBytes) {
          const digest = createHash('sha256').update(body).digest();
          disk.writeSync(temporary, Buffer.concat([magic, digest, body]));
          moveIntoSync(temporary, path);
        } else {
          // Copied here, digested and written by other threads: the caller waits for neither.
          const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', body));
          await disk.write(temporary, [magic, digest, body], { sync: false });
          await moveInto(temporary, path);
        }
      } catch (error) {
        await disk.remove(temporary).catch(() => undefined);
        throw diskError(error, 'writing a checkpoint');
      }
    },
    async flush(key) {
      const flushing = pathOf(key, flushingEnding);
      try {
        await disk.rename(pathOf(key, newEnding), flushing);
      } catch (error) {
        if (errnoOf(error) === 'ENOENT') return;
        throw diskError(error, 'writing a checkpoint');
      }
      try {
        await disk.sync(flushing);
        await disk.rename(flushing, pathOf(key));
      } catch (error) {
        await disk.remove(flushing).catch(() => undefined);
        throw diskError(error, 'writing a checkpoint');
      }
    },
  };

  function moveIntoSync(temporary: string, path: string): void {
    try {
      disk.renameSync(temporary, path);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
      disk.makeFolderSync(folder);
      disk.renameSync(temporary, path);
    }
  }

  async function moveInto(temporary: string, path: string): Promise<void> {
    try {
      await disk.rename(temporary, path);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
      await disk.makeFolder(folder);
      await disk.rename(temporary, path);
    }
  }
}

/** What the bytes hold; undefined when they are cut, altered, or of another key. */
async function parse(
  bytes: Uint8Array,
  key: string,
): Promise<{ step: number; state: StoredValue } | undefined> {
  if (bytes.byteLength < bodyAt || magic.some((byte, index) => bytes[index] !== byte)) return undefined;
  // A buffer of its own: its tensors begin where their views may.
  const body = new Uint8Array(bytes.subarray(bodyAt));
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', body));
  if (digest.some((byte, index) => bytes[magic.byteLength + index] !== byte)) return undefined;
  let value: StoredValue;
  try {
    value = decodeValue(body);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || !('key' in value) || !('state' in value))
    return undefined;
  const { key: own, step, state } = value;
  if (own !== key || typeof step !== 'number' || !Number.isSafeInteger(step) || step < 1) return undefined;
  return state === undefined ? undefined : { step, state };
}
