/**
 * What a node computed, under its cache key: a small record (what it was, which bytes hold it, why the key is
 * what it is) and, for all but small values, one container blob. A result counts only when everything it refers
 * to is there and whole. A record is a line of JSON and, below it, the line's SHA-256: whatever changes in it is seen.
 */
import { hash } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { type BlobStore, digestOf, isDigest, type StoreFolders, temporaryPath } from './blobs.ts';
import type { Disk } from './disk.ts';
import { diskError, errnoOf, StoreError } from './errors.ts';
import type { Ledger, SizedBlob } from './ledger.ts';
import { decodeValue, encodeValue, type StoredValue } from './value-codec.ts';

/** Containers up to this size lie inside the record: one small file instead of two. */
const inlineBytes = 8 * 1024;

const digest = z.string().refine(isDigest);

/** The key's ingredients in words, kept so that a later miss can say what changed. */
export const keyPartsSchema = z.strictObject({
  version: z.number(),
  params: z.record(z.string(), z.string()),
  /** Port -> key and port of what feeds it. */
  inputs: z.record(z.string(), z.string()),
});
export type KeyParts = z.infer<typeof keyPartsSchema>;

const recordSchema = z.strictObject({
  format: z.literal(2),
  key: digest,
  nodeType: z.string(),
  computedAtMs: z.number(),
  durationMs: z.number(),
  parts: keyPartsSchema,
  /** Port -> what to show of the value; the store does not look inside. */
  summaries: z.record(z.string(), z.unknown()),
  container: z.union([
    z.strictObject({ digest, byteLength: z.number() }),
    z.strictObject({ inline: z.base64(), digest }),
  ]),
  files: z.array(digest),
});
/** What is known of a result without reading its bytes. */
export type ResultRecord = z.infer<typeof recordSchema>;

/** A result to keep. */
export interface NewResult {
  readonly key: string;
  readonly nodeType: string;
  readonly computedAtMs: number;
  readonly durationMs: number;
  readonly parts: KeyParts;
  readonly summaries: Readonly<Record<string, unknown>>;
  /** Port -> value. */
  readonly outputs: Readonly<Record<string, unknown>>;
}

/** `damaged`: it was there once, but what is left cannot be trusted; it has been put away. */
export type LoadedResult =
  | {
      readonly status: 'found';
      readonly record: ResultRecord;
      readonly outputs: Readonly<Record<string, StoredValue>>;
    }
  | { readonly status: 'missing' | 'damaged' };

export interface ResultStore {
  /**
   * Keeps a result. `durable` as in `putBytes`. Small results that are not durable are written together, after this
   * has resolved and at the next `flush` at the latest: `onLost` is told, once, when that could not be done.
   * @throws StoreError when it cannot be written or encoded; what is visible then is whole or not there
   */
  saveResult(
    result: NewResult,
    options?: { durable?: boolean; onLost?: (error: StoreError) => void },
  ): Promise<void>;
  /** Whether something stands under this key; costs least, says least. */
  hasRecord(key: string): boolean;
  /** The record alone, for showing; its bytes may have gone in the meantime. */
  peekResult(key: string): ResultRecord | undefined;
  /** The result with its values; every blob and file it refers to is there and whole. */
  loadResult(key: string): Promise<LoadedResult>;
  /** Counts a use of a result that was not loaded, being in memory still. */
  noteUsed(key: string): void;
  /** Whether all files are there and whole. */
  hasFiles(digests: readonly string[]): Promise<boolean>;
}

/** What the store itself does with records. */
export interface RecordStore extends ResultStore {
  /** Undefined when missing; 'damaged' when what is there is no whole record of this key. */
  readRecord(key: string): ResultRecord | 'damaged' | undefined;
  recordPath(key: string): string;
  /** Puts a record away that cannot be trusted, or whose bytes cannot. */
  quarantineRecord(key: string): void;
  /** Whether all that a record refers to is there, without reading it. */
  isComplete(record: ResultRecord): Promise<boolean>;
  /** What a record keeps in blobs, with sizes; a missing one counts as empty. */
  blobsOf(record: ResultRecord): Promise<SizedBlob[]>;
}

/** Ending of the files that hold records. */
export const recordEnding = '.result';

export function createResultStore(
  folders: StoreFolders,
  disk: Disk,
  blobs: BlobStore,
  ledger: Ledger,
): RecordStore {
  const folderOf = (key: string): string => join(folders.cache, key.slice(0, 2));
  const recordPath = (key: string): string => {
    if (!isDigest(key))
      throw new StoreError('store/damaged', 'Expected a cache key in hexadecimal, found something else.');
    return join(folderOf(key), key + recordEnding);
  };

  const nameRecord = (temporary: string, key: string): void => {
    try {
      disk.renameSync(temporary, recordPath(key));
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
      disk.makeFolderSync(folderOf(key));
      disk.renameSync(temporary, recordPath(key));
    }
  };

  const textOf = (record: ResultRecord): string => {
    const line = JSON.stringify(record);
    return `${line}\n${hash('sha256', line)}\n`;
  };
  const writeRecord = async (record: ResultRecord, durable: boolean): Promise<number> => {
    const temporary = temporaryPath(folders);
    const bytes = new TextEncoder().encode(textOf(record));
    const folder = folderOf(record.key);
    try {
      if (durable) {
        await disk.write(temporary, [bytes], { sync: true });
        nameRecord(temporary, record.key);
        await disk.syncFolder(folder);
      } else {
        // A few kilobytes: a round trip through the thread pool would cost more than writing them.
        disk.writeSync(temporary, bytes);
        nameRecord(temporary, record.key);
      }
      return bytes.byteLength;
    } catch (error) {
      try {
        disk.removeSync(temporary);
      } catch {
        // The first error says what is wrong with the disk.
      }
      throw diskError(error, 'noting a result');
    }
  };

  const readRecord = (key: string): ResultRecord | 'damaged' | undefined => {
    let text = isDigest(key) ? ledger.readRecord(key) : undefined;
    let bytes: Uint8Array | undefined;
    // Asked for before it is read: most keys that are looked up are new, and a failed read costs ten times as much.
    if (text === undefined && !disk.existsSync(recordPath(key))) return undefined;
    try {
      if (text === undefined) bytes = disk.readSync(recordPath(key));
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw diskError(error, 'reading a result');
    }
    try {
      text ??= new TextDecoder('utf-8', { fatal: true }).decode(bytes);
      const lineEnd = text.indexOf('\n');
      const line = text.slice(0, lineEnd);
      if (text.slice(lineEnd) !== `\n${hash('sha256', line)}\n`) return 'damaged';
      const parsed = recordSchema.safeParse(JSON.parse(line));
      return parsed.success && parsed.data.key === key ? parsed.data : 'damaged';
    } catch {
      return 'damaged';
    }
  };

  const quarantineRecord = (key: string): void => {
    // Kept for whoever wants to know what happened to the disk; removing it is the second best.
    try {
      disk.makeFolderSync(folders.quarantine);
      const text = ledger.readRecord(key);
      if (text !== undefined) {
        ledger.noteGone([key]);
        disk.writeSync(join(folders.quarantine, key + recordEnding), new TextEncoder().encode(text));
        return;
      }
      disk.renameSync(recordPath(key), join(folders.quarantine, key + recordEnding));
    } catch {
      try {
        disk.removeSync(recordPath(key));
      } catch {
        // It stays damaged and is looked at again next time.
      }
    }
    ledger.noteGone([key]);
  };
  const drop = (key: string): { readonly status: 'damaged' } => {
    quarantineRecord(key);
    return { status: 'damaged' };
  };
  const sizeOf = async (digest: string): Promise<SizedBlob> => {
    const { byteLength } = await disk.stat(blobs.blobPath(digest)).catch(() => ({ byteLength: 0 }));
    return { digest, byteLength };
  };
  const blobsOf = async ({ container, files }: ResultRecord): Promise<SizedBlob[]> => [
    ...('inline' in container ? [] : [{ digest: container.digest, byteLength: container.byteLength }]),
    ...(files.length === 0 ? [] : await Promise.all(files.map(sizeOf))),
  ];
  const hasFiles = async (digests: readonly string[]): Promise<boolean> => {
    for (const file of digests) if (!(await blobs.hasBlob(file))) return false;
    return true;
  };

  return {
    readRecord,
    recordPath,
    quarantineRecord,
    blobsOf,
    isComplete: async ({ container, files }) => {
      if ('inline' in container)
        return digestOf(Buffer.from(container.inline, 'base64')) === container.digest && hasFiles(files);
      return (await blobs.hasBlob(container.digest)) && hasFiles(files);
    },
    hasFiles,
    hasRecord: (key) => ledger.readRecord(key) !== undefined || disk.existsSync(recordPath(key)),
    noteUsed: (key) => ledger.noteUsed(key),
    async saveResult(result, { durable = true, onLost } = {}) {
      const { outputs, ...about } = result;
      const encoded = encodeValue(outputs);
      let container: ResultRecord['container'];
      if (encoded.byteLength <= inlineBytes) {
        const bytes = Buffer.concat(encoded.chunks);
        container = { inline: bytes.toString('base64'), digest: digestOf(bytes) };
      } else container = await blobs.putBytes(encoded.chunks, { durable });
      const record: ResultRecord = {
        format: 2,
        ...about,
        summaries: { ...about.summaries },
        container,
        files: [...encoded.files],
      };
      const { key, nodeType, durationMs: costMs } = record;
      if (!durable && 'inline' in container && record.files.length === 0 && ledger.keepsRecords) {
        const text = textOf(record);
        const recordBytes = Buffer.byteLength(text);
        ledger.noteSaved({ key, nodeType, costMs, recordBytes, blobs: [], text }, onLost);
        return;
      }
      const recordBytes = await writeRecord(record, durable);
      ledger.noteSaved({ key, nodeType, costMs, recordBytes, blobs: await blobsOf(record) });
    },
    peekResult(key) {
      const record = readRecord(key);
      return record === 'damaged' ? undefined : record;
    },
    async loadResult(key) {
      const record = readRecord(key);
      if (record === undefined) return { status: 'missing' };
      if (record === 'damaged') return drop(key);
      let bytes: Uint8Array | undefined;
      if ('inline' in record.container) {
        bytes = Buffer.from(record.container.inline, 'base64');
        if (digestOf(bytes) !== record.container.digest) bytes = undefined;
      } else bytes = await blobs.readBlob(record.container.digest);
      if (bytes === undefined || !(await hasFiles(record.files))) return drop(key);
      let value: StoredValue;
      try {
        value = decodeValue(bytes);
      } catch {
        return drop(key);
      }
      const outputs = outputsSchema.safeParse(value);
      if (!outputs.success) return drop(key);
      ledger.noteUsed(key);
      return { status: 'found', record, outputs: outputs.data };
    },
  };
}

/** The outermost value of a container is a map of ports; what they hold is whatever `decodeValue` gave. */
const outputsSchema = z.custom<Readonly<Record<string, StoredValue>>>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
);
