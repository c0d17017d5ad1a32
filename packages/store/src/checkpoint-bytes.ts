/**
 * A checkpoint as bytes that tell by themselves whether they are whole.
 *
 * Layout: 8 bytes magic, 32 bytes SHA-256 of the rest as far as it counts, 8 bytes length of what follows (little
 * endian), a container of `{ key, sequence, step, state }`. Whatever lies behind that is of an earlier, longer one.
 */
import { createHash } from 'node:crypto';
import { decodeValue, encodeValue, type StoredValue } from './value-codec.ts';

export interface CheckpointContent {
  /** Cache key of what the work will give. */
  readonly key: string;
  /** Of two under one key the higher is the newer. */
  readonly sequence: number;
  /** Steps done; at least 1. */
  readonly step: number;
  readonly state: unknown;
}

const magic = new TextEncoder().encode('RGCKP\x00\x00\x02');
const digestBytes = 32;
const lengthAt = magic.byteLength + digestBytes;
const containerAt = lengthAt + 8;

/**
 * Copies the state. The digest is still missing: `digestOf` or `digestSync` makes it, `seal` puts it in its place.
 *
 * @throws StoreError 'store/unsupported-value'
 */
export function encodeCheckpoint({ key, sequence, step, state }: CheckpointContent): Uint8Array<ArrayBuffer> {
  const { chunks, byteLength } = encodeValue({ key, sequence, step, state });
  const bytes = new Uint8Array(containerAt + byteLength);
  bytes.set(magic);
  new DataView(bytes.buffer).setBigUint64(lengthAt, BigInt(byteLength), true);
  let at = containerAt;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}

/** At once, in the thread that asks. */
export function digestSync(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes.subarray(lengthAt)).digest();
}

/** In another thread. */
export async function digestOf(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes.subarray(lengthAt)));
}

export function seal(bytes: Uint8Array, digest: Uint8Array): void {
  bytes.set(digest, magic.byteLength);
}

/** What the bytes hold; undefined when they are cut, altered, half replaced, or of another key. */
export async function parseCheckpoint(
  bytes: Uint8Array,
  key: string,
): Promise<{ sequence: number; step: number; state: StoredValue } | undefined> {
  if (bytes.byteLength < containerAt || magic.some((byte, index) => bytes[index] !== byte)) return undefined;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(lengthAt, true);
  if (length > BigInt(bytes.byteLength - containerAt)) return undefined;
  const digest = await digestOf(new Uint8Array(bytes.subarray(0, containerAt + Number(length))));
  if (digest.some((byte, index) => bytes[magic.byteLength + index] !== byte)) return undefined;
  let value: StoredValue;
  try {
    // A buffer of its own: its tensors begin where their views may.
    value = decodeValue(new Uint8Array(bytes.subarray(containerAt, containerAt + Number(length))));
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  if (!('key' in value) || !('sequence' in value) || !('step' in value) || !('state' in value))
    return undefined;
  const { key: own, sequence, step, state } = value;
  if (own !== key || !isCount(sequence) || !isCount(step) || step < 1 || state === undefined)
    return undefined;
  return { sequence, step, state };
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
