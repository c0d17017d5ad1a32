/** What a file is by its content. Names lie: a pickle called `model.onnx` runs a program in whoever opens it as one. */
import type { FileHandle } from 'node:fs/promises';

export type FileFormat =
  | 'onnx'
  | 'safetensors'
  | 'pickle'
  | 'zip'
  | 'archive'
  | 'gguf'
  | 'hdf5'
  | 'script'
  | 'page'
  | 'program'
  | 'empty'
  | 'unknown';

/** How many bytes from the beginning `formatOf` wants to see; fewer where the file has fewer. */
export const formatBytes = 512;

/** A sentence's end, after "model.onnx …", for what must not be there. */
const descriptions: Readonly<Record<Exclude<FileFormat, 'onnx'>, string>> = {
  safetensors: 'is a safetensors file, which holds weights but no graph',
  pickle: 'is a Python pickle, which can run a program when it is opened',
  zip: 'is a zip archive, as PyTorch writes its pickles',
  archive: 'is a packed archive',
  gguf: 'is a GGUF file, which is of another runtime',
  hdf5: 'is an HDF5 file, which is of another runtime',
  script: 'is a script',
  page: 'is a web page, which is what a failed download leaves',
  program: 'is a program',
  empty: 'is empty',
  unknown: 'is not an ONNX graph',
};

/** What to say of a file that should be a graph: "is a Python pickle, …". */
export function describeFormat(format: Exclude<FileFormat, 'onnx'>): string {
  return descriptions[format];
}

function startsWith(head: Uint8Array, ...bytes: readonly number[]): boolean {
  return bytes.every((byte, at) => head[at] === byte);
}

/**
 * @param head the first `formatBytes` of the file
 * @param byteLength its size; a safetensors header must fit into it
 */
export function formatOf(head: Uint8Array, byteLength: number): FileFormat {
  if (byteLength === 0) return 'empty';
  // Protocols 2 to 5 begin with PROTO; 0 and 1 with a mark, an empty container or a global's name.
  if (head[0] === 0x80 && (head[1] ?? 0) >= 2 && (head[1] ?? 0) <= 5) return 'pickle';
  if (isOldPickle(head)) return 'pickle';
  if (startsWith(head, 0x50, 0x4b)) return 'zip';
  if (startsWith(head, 0x1f, 0x8b) || startsWith(head, 0x42, 0x5a, 0x68)) return 'archive';
  if (startsWith(head, 0xfd, 0x37, 0x7a) || startsWith(head, 0x37, 0x7a, 0xbc)) return 'archive';
  if (startsWith(head, 0x28, 0xb5, 0x2f, 0xfd)) return 'archive';
  if (Buffer.from(head.subarray(257, 262)).toString('latin1') === 'ustar') return 'archive';
  if (startsWith(head, 0x47, 0x47, 0x55, 0x46)) return 'gguf';
  if (startsWith(head, 0x89, 0x48, 0x44, 0x46)) return 'hdf5';
  if (startsWith(head, 0x7f, 0x45, 0x4c, 0x46) || startsWith(head, 0x4d, 0x5a)) return 'program';
  if (startsWith(head, 0x23, 0x21)) return 'script';
  if (isSafetensors(head, byteLength)) return 'safetensors';
  // ModelProto begins with field 1, ir_version, a small varint.
  if (head[0] === 0x08 && (head[1] ?? 0) >= 1 && (head[1] ?? 0) <= 0x40 && byteLength >= 16) return 'onnx';
  return formatOfText(head);
}

/** `(dp0`, `(lp0`, `]q\0`, `}q\0`, `ccopy_reg\n`: a pickle of the text protocol, or of the first binary one. */
function isOldPickle(head: Uint8Array): boolean {
  const text = Buffer.from(head.subarray(0, 80)).toString('latin1');
  return /^(?:\([ldt]p?\d*\n|[\]})]q[\0-\xff]|[ci][\w.]+\n[\w.]+\n|\(c[\w.]+\n|\(i[\w.]+\n)/.test(text);
}

/** Eight bytes of header size, then a JSON object of it. */
function isSafetensors(head: Uint8Array, byteLength: number): boolean {
  if (head.length < 10 || head[8] !== 0x7b) return false;
  const headerBytes = Buffer.from(head.subarray(0, 8)).readBigUInt64LE();
  return headerBytes >= 2n && headerBytes <= BigInt(byteLength - 8);
}

function formatOfText(head: Uint8Array): FileFormat {
  const text = Buffer.from(head).toString('latin1');
  if (/^\s*<(?:!doctype|html|\?xml|head|body)/i.test(text)) return 'page';
  if (/^\s*(?:#.*\n|"""|\s)*\s*(?:import |from \w+ import|def |class |const |function |require\()/.test(text))
    return 'script';
  return 'unknown';
}

/** The format of an open file, and its size. */
export async function formatOfFile(handle: FileHandle): Promise<{ format: FileFormat; byteLength: number }> {
  const { size } = await handle.stat();
  const head = Buffer.alloc(formatBytes);
  const { bytesRead } = await handle.read(head, 0, formatBytes, 0);
  return { format: formatOf(head.subarray(0, bytesRead), size), byteLength: size };
}
