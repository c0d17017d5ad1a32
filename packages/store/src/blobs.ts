/**
 * Bytes under the SHA-256 of their content. A blob appears whole or not at all, and what does not match its
 * name any more is moved aside and counts as missing: a damaged result is computed again, never served.
 */
import { createHash, randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import type { Disk } from './disk.ts';
import { diskError, errnoOf, StoreError } from './errors.ts';

/** Name and size of a blob. */
export interface BlobInfo {
  /** SHA-256 of the bytes, lower-case hex */
  readonly digest: string;
  readonly byteLength: number;
}

export interface BlobStore {
  /**
   * Keeps bytes. `durable` (the default) waits until they survive a power cut; without it they survive the end
   * of the process, which is enough for what is quickly made again.
   * @throws StoreError 'store/disk-full' | 'store/not-writable' | 'store/io'; no part of the blob stays behind
   */
  putBytes(bytes: Uint8Array | readonly Uint8Array[], options?: { durable?: boolean }): Promise<BlobInfo>;
  /**
   * Keeps a file's content, durably: `move` takes the file itself where that is possible, and removes it in any
   * case.
   */
  putFile(path: string, options?: { move?: boolean }): Promise<BlobInfo>;
  /** The bytes, checked against the digest each time they are read; undefined when missing or damaged. */
  readBlob(digest: string): Promise<Uint8Array | undefined>;
  /** Whether the blob is there and whole; hashes it on first acquaintance, and again when the file has changed. */
  hasBlob(digest: string): Promise<boolean>;
  /** As `hasBlob`, but hashes the blob whatever is known of it. */
  checkBlob(digest: string): Promise<boolean>;
  /** Size of the blob as it lies there, unread; undefined when missing. */
  blobBytes(digest: string): Promise<number | undefined>;
  /** Where the blob lies or would lie, for programs that must have a path. */
  blobPath(digest: string): string;
}

/** Whether a text can be the digest of a blob; everything else must not become a path. */
export function isDigest(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

/** SHA-256 of bytes, lower-case hex. */
export function digestOf(bytes: Uint8Array | readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const chunk of bytes instanceof Uint8Array ? [bytes] : bytes) hash.update(chunk);
  return hash.digest('hex');
}

/** Where a store keeps its files. */
export interface StoreFolders {
  readonly blobs: string;
  readonly cache: string;
  readonly temporary: string;
  readonly quarantine: string;
}

export function createBlobStore(folders: StoreFolders, disk: Disk): BlobStore {
  /** Blobs whose bytes were seen to match, with the file's size and time at that moment. */
  const verified = new Map<string, string>();

  const blobPath = (digest: string): string => {
    if (!isDigest(digest))
      throw new StoreError(
        'store/damaged',
        'Expected the SHA-256 of a result in hexadecimal, found something else.',
      );
    return join(folders.blobs, digest.slice(0, 2), digest);
  };
  const stampOf = async (path: string): Promise<string | undefined> => {
    try {
      const { byteLength, modifiedMs, changedMs } = await disk.stat(path);
      return `${byteLength} ${modifiedMs} ${changedMs}`;
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw diskError(error, 'looking for a result');
    }
  };
  const quarantine = async (digest: string): Promise<void> => {
    verified.delete(digest);
    // Kept for whoever wants to know what happened to the disk; removing it is the second best.
    try {
      await disk.makeFolder(folders.quarantine);
      await disk.rename(blobPath(digest), join(folders.quarantine, digest));
    } catch {
      await disk.remove(blobPath(digest)).catch(() => undefined);
    }
  };
  /** Brings a complete temporary file under its name. */
  const settle = async (temporary: string, digest: string, durable: boolean): Promise<void> => {
    const path = blobPath(digest);
    const folder = dirname(path);
    try {
      await disk.rename(temporary, path);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
      await disk.makeFolder(folder);
      await disk.rename(temporary, path);
    }
    if (durable) await disk.syncFolder(folder);
    const stamp = await stampOf(path);
    if (stamp !== undefined) verified.set(digest, stamp);
  };
  const withTemporary = async <T>(doing: string, work: (path: string) => Promise<T>): Promise<T> => {
    const path = temporaryPath(folders);
    try {
      return await work(path);
    } catch (error) {
      throw diskError(error, doing);
    } finally {
      await disk.remove(path).catch(() => undefined);
    }
  };

  const hashFile = async (path: string): Promise<BlobInfo> => {
    const hash = createHash('sha256');
    let byteLength = 0;
    for await (const chunk of disk.stream(path)) {
      hash.update(chunk);
      byteLength += chunk.byteLength;
    }
    return { digest: hash.digest('hex'), byteLength };
  };

  const hasBlob = async (digest: string): Promise<boolean> => {
    const path = blobPath(digest);
    const stamp = await stampOf(path);
    if (stamp === undefined) return false;
    if (verified.get(digest) === stamp) return true;
    try {
      if ((await hashFile(path)).digest === digest) {
        verified.set(digest, stamp);
        return true;
      }
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return false;
      throw diskError(error, 'checking a result');
    }
    await quarantine(digest);
    return false;
  };

  /** As `hasBlob`, and waits until the blob survives a power cut: whoever kept it first may not have. */
  const hasBlobDurably = async (digest: string): Promise<boolean> => {
    if (!(await hasBlob(digest))) return false;
    const path = blobPath(digest);
    try {
      await disk.sync(path);
      await disk.syncFolder(dirname(path));
      return true;
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return false;
      throw diskError(error, 'keeping a result');
    }
  };

  return {
    blobPath,
    hasBlob,
    blobBytes: async (digest) => (await disk.stat(blobPath(digest)).catch(() => undefined))?.byteLength,
    checkBlob(digest) {
      verified.delete(digest);
      return hasBlob(digest);
    },
    async putBytes(bytes, { durable = true } = {}) {
      const chunks = bytes instanceof Uint8Array ? [bytes] : bytes;
      const digest = digestOf(chunks);
      const byteLength = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
      if (await (durable ? hasBlobDurably(digest) : hasBlob(digest))) return { digest, byteLength };
      await withTemporary('writing a result', async (temporary) => {
        await disk.write(temporary, chunks, { sync: durable });
        await settle(temporary, digest, durable);
      });
      return { digest, byteLength };
    },
    async putFile(path, { move = false } = {}) {
      const info = await withTemporary('keeping a file', async (temporary) => {
        // Taken under a name of our own first: nobody can change the bytes between hashing and naming.
        const moved = move && (await tryRename(disk, path, temporary));
        if (!moved) await disk.copy(path, temporary, { sync: true });
        const found = await hashFile(temporary);
        if (await hasBlobDurably(found.digest)) return found;
        // Whoever wrote it did not wait for the disk; a name without its bytes would be an empty file after a power cut.
        if (moved) await disk.sync(temporary);
        await settle(temporary, found.digest, true);
        return found;
      });
      if (move) await disk.remove(path).catch(() => undefined);
      return info;
    },
    async readBlob(digest) {
      const path = blobPath(digest);
      const stamp = await stampOf(path);
      if (stamp === undefined) return undefined;
      let bytes: Uint8Array;
      try {
        bytes = await disk.read(path);
      } catch (error) {
        if (errnoOf(error) === 'ENOENT') return undefined;
        throw diskError(error, 'reading a result');
      }
      // A disk that loses a bit changes no time of the file: only the bytes themselves can tell.
      if (digestOf(bytes) === digest) {
        verified.set(digest, stamp);
        return bytes;
      }
      await quarantine(digest);
      return undefined;
    },
  };
}

/** A fresh path for a file in the making; carries the process id so that leftovers can be told from work. */
export function temporaryPath(folders: StoreFolders): string {
  return join(folders.temporary, `${process.pid}-${randomUUID()}`);
}

async function tryRename(disk: Disk, from: string, to: string): Promise<boolean> {
  try {
    await disk.rename(from, to);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EXDEV') return false;
    throw error;
  }
}
