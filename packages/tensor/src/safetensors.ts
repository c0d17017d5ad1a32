/**
 * Named tensors as a safetensors file, which other programs of the field read and write: 8 bytes header length
 * (little endian), the header as JSON, then the tensors' bytes without gaps.
 *
 * @see https://github.com/huggingface/safetensors (the format, not its code)
 */
import { isTensor } from './create.ts';
import { TensorError } from './errors.ts';
import type { DType, Tensor } from './tensor.ts';

/** What a safetensors file holds. */
export interface SafetensorsFile {
  readonly tensors: Readonly<Record<string, Tensor>>;
  readonly metadata: Readonly<Record<string, string>>;
}

const nameOf: Readonly<Record<DType, string>> = {
  float32: 'F32',
  float16: 'F16',
  int32: 'I32',
  int64: 'I64',
  uint8: 'U8',
  bool: 'BOOL',
};
const lengthBytes = 8;
/** Views begin at multiples of it: the widest element. */
const alignment = 8;
const metadataName = '__metadata__';

/** The bytes of a file; tensors of wide elements come first, so that every one is aligned. */
export function encodeSafetensors({ tensors, metadata }: SafetensorsFile): Uint8Array {
  const entries = Object.entries(tensors).sort(
    ([a, left], [b, right]) => right.data.BYTES_PER_ELEMENT - left.data.BYTES_PER_ELEMENT || (a < b ? -1 : 1),
  );
  let offset = 0;
  const header: Record<string, unknown> = { [metadataName]: metadata };
  for (const [name, { dtype, shape, data }] of entries) {
    header[name] = { dtype: nameOf[dtype], shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const headerLength = Math.ceil(json.byteLength / alignment) * alignment;
  const bytes = new Uint8Array(lengthBytes + headerLength + offset);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerLength), true);
  // The format pads its header with spaces.
  bytes.fill(0x20, lengthBytes, lengthBytes + headerLength);
  bytes.set(json, lengthBytes);
  let at = lengthBytes + headerLength;
  for (const [, { data }] of entries) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}

/**
 * The tensors of a file, each with memory of its own.
 *
 * @throws TensorError 'tensor/not-safetensors' when the bytes are something else, cut off, or hold a dtype that is
 *   not known here
 */
export function decodeSafetensors(bytes: Uint8Array): SafetensorsFile {
  if (bytes.byteLength < lengthBytes) throw unreadable('it is too short');
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (length > BigInt(bytes.byteLength - lengthBytes)) throw unreadable('its header is cut off');
  const bodyAt = lengthBytes + Number(length);
  let header: unknown;
  try {
    header = JSON.parse(
      new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(lengthBytes, bodyAt)),
    );
  } catch {
    throw unreadable('its header cannot be read');
  }
  if (!isRecord(header)) throw unreadable('its header is no object');
  const tensors: [string, Tensor][] = [];
  const metadata: [string, string][] = [];
  for (const [name, entry] of Object.entries(header)) {
    if (name !== metadataName) tensors.push([name, readTensor(name, entry, bytes.subarray(bodyAt))]);
    else if (isRecord(entry)) {
      for (const [key, text] of Object.entries(entry))
        if (typeof text === 'string') metadata.push([key, text]);
    }
  }
  return { tensors: Object.fromEntries(tensors), metadata: Object.fromEntries(metadata) };
}

function readTensor(name: string, entry: unknown, body: Uint8Array): Tensor {
  if (!isRecord(entry) || !Array.isArray(entry.data_offsets)) throw unreadable(`"${name}" has no place`);
  const [start, end]: unknown[] = entry.data_offsets;
  if (!isCount(start) || !isCount(end) || start > end || end > body.byteLength)
    throw unreadable(`"${name}" is cut off`);
  // A copy begins where every view may. Not `slice`: that of a Buffer copies nothing.
  const { buffer } = new Uint8Array(body.subarray(start, end));
  const found = { shape: entry.shape, ...viewOf(entry.dtype, buffer) };
  if (!isTensor(found)) throw unreadable(`"${name}" is not what its header says`);
  return found;
}

function viewOf(dtype: unknown, buffer: ArrayBuffer): { dtype?: DType; data?: Tensor['data'] } {
  const width = dtype === 'I64' ? 8 : dtype === 'F32' || dtype === 'I32' ? 4 : dtype === 'F16' ? 2 : 1;
  if (buffer.byteLength % width !== 0) return {};
  switch (dtype) {
    case 'F32':
      return { dtype: 'float32', data: new Float32Array(buffer) };
    case 'F16':
      return { dtype: 'float16', data: new Uint16Array(buffer) };
    case 'I32':
      return { dtype: 'int32', data: new Int32Array(buffer) };
    case 'I64':
      return { dtype: 'int64', data: new BigInt64Array(buffer) };
    case 'U8':
      return { dtype: 'uint8', data: new Uint8Array(buffer) };
    case 'BOOL':
      return { dtype: 'bool', data: new Uint8Array(buffer) };
    default:
      return {};
  }
}

function unreadable(why: string): TensorError {
  return new TensorError('tensor/not-safetensors', `This is no safetensors file: ${why}.`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
