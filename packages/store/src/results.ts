/**
 * What a node computed, under its cache key: a small record (what it was, which bytes hold it, why the key is
 * what it is) and, for all but small values, one container blob. A result counts only when everything it refers
 * to is there and whole.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { type BlobStore, digestOf, isDigest, type StoreFolders, temporaryPath } from './blobs.ts';
import type { Disk } from './disk.ts';
import { diskError, errnoOf, StoreError } from './errors.ts';
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
  format: z.literal(1),
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
   * Keeps a result. `durable` as in `putBytes`.
   * @throws StoreError when it cannot be written or encoded; what is visible then is whole or not there
   */
  saveResult(result: NewResult, options?: { durable?: boolean }): Promise<void>;
  /** The record alone, for showing; its bytes may have gone in the meantime. */
  peekResult(key: string): ResultRecord | undefined;
  /** The result with its values; every blob and file it refers to is there and whole. */
  loadResult(key: string): Promise<LoadedResult>;
  /** Whether all files are there and whole. */
  hasFiles(digests: readonly string[]): Promise<boolean>;
}

export function createResultStore(folders: StoreFolders, disk: Disk, blobs: BlobStore): ResultStore {
  const folderOf = (key: string): string => join(folders.cache, key.slice(0, 2));
  const recordPath = (key: string): string => {
    if (!isDigest(key))
      throw new StoreError('store/damaged', 'Expected a cache key in hexadecimal, found something else.');
    return join(folderOf(key), `${key}.json`);
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

  const writeRecord = async (record: ResultRecord, durable: boolean): Promise<void> => {
    const temporary = temporaryPath(folders);
    const bytes = new TextEncoder().encode(`${JSON.stringify(record)}\n`);
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
    } catch (error) {
      try {
        disk.removeSync(temporary);
      } catch {
        // The first error says what is wrong with the disk.
      }
      throw diskError(error, 'noting a result');
    }
  };

  /** Undefined when missing; 'damaged' when it is no record of this key. */
  const readRecord = (key: string): ResultRecord | 'damaged' | undefined => {
    let bytes: Uint8Array;
    try {
      bytes = disk.readSync(recordPath(key));
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw diskError(error, 'reading a result');
    }
    try {
      const parsed = recordSchema.safeParse(
        JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)),
      );
      return parsed.success && parsed.data.key === key ? parsed.data : 'damaged';
    } catch {
      return 'damaged';
    }
  };

  const drop = (key: string): { readonly status: 'damaged' } => {
    try {
      disk.removeSync(recordPath(key));
    } catch {
      // It stays damaged and is looked at again next time.
    }
    return { status: 'damaged' };
  };
  const hasFiles = async (digests: readonly string[]): Promise<boolean> => {
    for (const file of digests) if (!(await blobs.hasBlob(file))) return false;
    return true;
  };

  return {
    hasFiles,
    async saveResult(result, { durable = true } = {}) {
      const { outputs, ...about } = result;
      const encoded = encodeValue(outputs);
      let container: ResultRecord['container'];
      if (encoded.byteLength <= inlineBytes) {
        const bytes = Buffer.concat(encoded.chunks);
        container = { inline: bytes.toString('base64'), digest: digestOf(bytes) };
      } else container = await blobs.putBytes(encoded.chunks, { durable });
      await writeRecord(
        { format: 1, ...about, summaries: { ...about.summaries }, container, files: [...encoded.files] },
        durable,
      );
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
      return outputs.success ? { status: 'found', record, outputs: outputs.data } : drop(key);
    },
  };
}

/** The outermost value of a container is a map of ports; what they hold is whatever `decodeValue` gave. */
const outputsSchema = z.custom<Readonly<Record<string, StoredValue>>>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
);
