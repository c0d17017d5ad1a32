/**
 * Node results as bytes: JSON whose leaves may be tensors and references to files. Knows no node and no port
 * type, so a new kind of value needs no code here.
 *
 * Layout: 8 bytes magic, 4 bytes header length (little endian), header as UTF-8 JSON, then the tensors' bytes
 * (little endian), each beginning at a multiple of 64. In the header a tensor is `{"$tensor": […]}`.
 */
import type { DType, Tensor, TypedArrays } from '@reelgraph/tensor';
import { StoreError } from './errors.ts';

/** A file in the store as part of a value. */
export interface StoredFile {
  readonly kind: 'file';
  readonly digest: string;
  readonly byteLength: number;
  readonly mediaType: string;
  readonly name: string;
}

/** What can be kept. Fields that are undefined are left out. */
export type StoredValue =
  | string
  | number
  | boolean
  | null
  | Tensor
  | StoredFile
  | readonly StoredValue[]
  | { readonly [key: string]: StoredValue };

const magic = new TextEncoder().encode('RGVAL\x00\x00\x01');
const headerAt = magic.byteLength + 4;
const alignment = 64;
const maxDepth = 64;

const bytesPerElement: Record<DType, number> = {
  float32: 4,
  float16: 2,
  int32: 4,
  int64: 8,
  uint8: 1,
  bool: 1,
};

type Skeleton = string | number | boolean | null | Skeleton[] | { [key: string]: Skeleton };

/** A value as pieces of bytes (tensors are not copied), and the files it refers to. */
export interface EncodedValue {
  readonly chunks: readonly Uint8Array[];
  readonly byteLength: number;
  /** Digests of the files in the value. */
  readonly files: readonly string[];
}

/** @throws StoreError 'store/unsupported-value' for functions, class instances, and nesting beyond 64 levels */
export function encodeValue(value: unknown): EncodedValue {
  const tensors: Uint8Array[] = [];
  const files = new Set<string>();
  let offset = 0;

  const walk = (part: unknown, depth: number): Skeleton => {
    if (depth > maxDepth)
      throw new StoreError(
        'store/unsupported-value',
        `A result is nested more than ${maxDepth} levels deep.`,
      );
    if (part === null || typeof part === 'string' || typeof part === 'boolean') return part;
    if (typeof part === 'number') {
      return Number.isFinite(part) && !Object.is(part, -0)
        ? part
        : { $number: Object.is(part, -0) ? '-0' : String(part) };
    }
    if (Array.isArray(part)) return part.map((item: unknown) => walk(item, depth + 1));
    if (typeof part !== 'object')
      throw new StoreError(
        'store/unsupported-value',
        `A result holds a ${typeof part}, which cannot be kept.`,
      );
    if (isTensor(part)) {
      const bytes = new Uint8Array(part.data.buffer, part.data.byteOffset, part.data.byteLength);
      const at = Math.ceil(offset / alignment) * alignment;
      if (at > offset) tensors.push(new Uint8Array(at - offset));
      tensors.push(bytes);
      offset = at + bytes.byteLength;
      return { $tensor: [part.dtype, at, ...part.shape] };
    }
    const prototype: unknown = Object.getPrototypeOf(part);
    if (prototype !== Object.prototype && prototype !== null) {
      throw new StoreError(
        'store/unsupported-value',
        `A result holds a ${part.constructor?.name ?? 'class instance'}; only plain data can be kept.`,
      );
    }
    if (isStoredFile(part)) files.add(part.digest);
    const fields: [string, Skeleton][] = [];
    for (const [key, field] of Object.entries(part)) {
      if (field !== undefined) fields.push([key.startsWith('$') ? `$${key}` : key, walk(field, depth + 1)]);
    }
    return Object.fromEntries(fields);
  };

  const skeleton = walk(value, 0);
  const json = new TextEncoder().encode(JSON.stringify(skeleton));
  const bodyAt = Math.ceil((headerAt + json.byteLength) / alignment) * alignment;
  const header = new Uint8Array(bodyAt);
  header.set(magic);
  new DataView(header.buffer).setUint32(magic.byteLength, json.byteLength, true);
  header.set(json, headerAt);
  return { chunks: [header, ...tensors], byteLength: bodyAt + offset, files: [...files] };
}

/**
 * The value in the bytes; its tensors are views on them.
 * @throws StoreError 'store/damaged' when these are not bytes that `encodeValue` made
 */
export function decodeValue(bytes: Uint8Array): StoredValue {
  // Views need their offset to be a multiple of the element size; a pooled buffer may begin anywhere.
  const aligned = bytes.byteOffset % 8 === 0 ? bytes : new Uint8Array(bytes);
  if (aligned.byteLength < headerAt || magic.some((byte, index) => aligned[index] !== byte)) {
    throw damaged('it does not begin like one');
  }
  const headerLength = new DataView(aligned.buffer, aligned.byteOffset).getUint32(magic.byteLength, true);
  if (headerAt + headerLength > aligned.byteLength) throw damaged('its header is cut off');
  let skeleton: unknown;
  try {
    skeleton = JSON.parse(
      new TextDecoder('utf-8', { fatal: true }).decode(aligned.subarray(headerAt, headerAt + headerLength)),
    );
  } catch {
    throw damaged('its header cannot be read');
  }
  const bodyAt = Math.ceil((headerAt + headerLength) / alignment) * alignment;

  const walk = (part: unknown): StoredValue => {
    if (part === null || typeof part === 'string' || typeof part === 'boolean' || typeof part === 'number')
      return part;
    if (Array.isArray(part)) return part.map(walk);
    if (typeof part !== 'object') throw damaged('its header holds what JSON cannot');
    const entries: [string, unknown][] = Object.entries(part);
    const [first] = entries;
    if (entries.length === 1 && first !== undefined) {
      if (first[0] === '$tensor') return readTensor(first[1]);
      if (first[0] === '$number') return Number(first[1]);
    }
    return Object.fromEntries(
      entries.map(([key, field]): [string, StoredValue] => [
        key.startsWith('$') ? key.slice(1) : key,
        walk(field),
      ]),
    );
  };
  const readTensor = (place: unknown): Tensor => {
    if (!Array.isArray(place)) throw damaged('a tensor has no place');
    const [dtype, at, ...shape]: unknown[] = place;
    if (!isDType(dtype) || !isCount(at) || at % alignment !== 0 || !shape.every(isCount))
      throw damaged('the place of a tensor cannot be read');
    const length = shape.reduce((product, size) => product * size, 1);
    const start = bodyAt + at;
    if (start + length * bytesPerElement[dtype] > aligned.byteLength) throw damaged('a tensor is cut off');
    return { dtype, shape, data: viewOf(dtype, aligned.buffer, aligned.byteOffset + start, length) };
  };
  return walk(skeleton);
}

function damaged(why: string): StoreError {
  return new StoreError('store/damaged', `This is not a stored result: ${why}.`);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isDType(value: unknown): value is DType {
  return typeof value === 'string' && Object.hasOwn(bytesPerElement, value);
}

/** Whether a part of a value is a tensor. */
export function isTensor(value: object): value is Tensor {
  return (
    'dtype' in value &&
    isDType(value.dtype) &&
    'shape' in value &&
    Array.isArray(value.shape) &&
    'data' in value &&
    ArrayBuffer.isView(value.data)
  );
}

/** Whether a part of a value refers to a file in the store. */
export function isStoredFile(value: object): value is StoredFile {
  return 'kind' in value && value.kind === 'file' && 'digest' in value && typeof value.digest === 'string';
}

function viewOf(dtype: DType, buffer: ArrayBufferLike, offset: number, length: number): TypedArrays[DType] {
  switch (dtype) {
    case 'float32':
      return new Float32Array(buffer, offset, length);
    case 'float16':
      return new Uint16Array(buffer, offset, length);
    case 'int32':
      return new Int32Array(buffer, offset, length);
    case 'int64':
      return new BigInt64Array(buffer, offset, length);
    case 'uint8':
    case 'bool':
      return new Uint8Array(buffer, offset, length);
  }
}
