/**
 * A look through an ONNX file before any runtime sees it: what it is made of, counted field by field, and which other
 * files it names. Weights are passed over unread, so that gigabytes take milliseconds; nothing is built, so that a
 * file made to blow up has nothing to blow up here.
 *
 * Field numbers are those of onnx.proto3, https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3
 */
import { type FileHandle, open } from 'node:fs/promises';

/** What a graph may have; real ones have far less of each, see `onnx-scan.test.ts`. */
export const onnxLimits = {
  /** Protobuf has no larger messages; weights beyond it lie in files beside. */
  fileBytes: 2 ** 31,
  /** Subgraphs within subgraphs, as of If and Loop. */
  depth: 32,
  /** Runtimes open local functions one within the other: a chain of thousands has ended the process. */
  functions: 64,
  nodes: 500_000,
  tensors: 200_000,
  externalFiles: 4096,
  /** A name, a key, a documentation text. */
  textBytes: 2 ** 20,
  /** Elements of one tensor. */
  elements: 2 ** 36,
} as const;

/** What was found. */
export interface OnnxScan {
  readonly nodes: number;
  readonly functions: number;
  /** Weights in the file and beside it. */
  readonly tensors: number;
  /** Files that weights lie in, as the graph names them. */
  readonly externalFiles: readonly string[];
}

/** Why a file is not opened. */
export class OnnxScanError extends Error {
  override readonly name = 'OnnxScanError';
}

type Message =
  | 'model'
  | 'graph'
  | 'node'
  | 'attribute'
  | 'tensor'
  | 'sparse'
  | 'function'
  | 'external'
  | 'training';

/** Message -> field -> what lies in it. Fields that are not here are passed over. */
const within: Readonly<Record<Message, Readonly<Record<number, Message>>>> = {
  model: { 7: 'graph', 20: 'training', 25: 'function' },
  training: { 1: 'graph', 2: 'graph' },
  graph: { 1: 'node', 5: 'tensor', 15: 'sparse' },
  node: { 5: 'attribute' },
  attribute: { 5: 'tensor', 6: 'graph', 10: 'tensor', 11: 'graph', 22: 'sparse', 23: 'sparse' },
  sparse: { 1: 'tensor', 2: 'tensor' },
  function: { 7: 'node', 11: 'attribute' },
  tensor: { 13: 'external' },
  external: {},
};

const tensorDims = 1;
const externalKey = 1;
const externalValue = 2;

const windowBytes = 1 << 18;

/** Reads a file forwards through a window. */
class Bytes {
  readonly #handle: FileHandle;
  readonly byteLength: number;
  readonly #window = Buffer.alloc(windowBytes);
  #windowAt = 0;
  #windowEnd = 0;
  at = 0;

  constructor(handle: FileHandle, byteLength: number) {
    this.#handle = handle;
    this.byteLength = byteLength;
  }

  /** True when the next `count` bytes are at hand; else they are to be fetched. */
  has(count: number): boolean {
    return this.at >= this.#windowAt && this.at + count <= this.#windowEnd;
  }

  async fetch(count: number): Promise<void> {
    const wanted = Math.min(windowBytes, this.byteLength - this.at);
    const { bytesRead } = await this.#handle.read(this.#window, 0, wanted, this.at);
    this.#windowAt = this.at;
    this.#windowEnd = this.at + bytesRead;
    if (bytesRead < count) throw cutShort();
  }

  byte(): number {
    const value = this.#window[this.at - this.#windowAt] ?? 0;
    this.at += 1;
    return value;
  }

  async text(count: number): Promise<string> {
    if (count > onnxLimits.textBytes) throw new OnnxScanError('has a name of more than a megabyte');
    const buffer = Buffer.alloc(count);
    const { bytesRead } = await this.#handle.read(buffer, 0, count, this.at);
    if (bytesRead < count) throw cutShort();
    this.at += count;
    return buffer.toString('utf8');
  }
}

function cutShort(): OnnxScanError {
  return new OnnxScanError('is cut short');
}

/** A message that is open, and what was seen in it. */
interface Frame {
  readonly kind: Message;
  readonly end: number;
  readonly graphDepth: number;
  /** Of a tensor: the product of its dimensions. */
  elements: number;
  key: string;
  value: string;
}

/**
 * @throws OnnxScanError whose message goes on after the file's name: "model.onnx …"; what the system says when the file
 *   cannot be read
 */
export async function scanOnnx(path: string): Promise<OnnxScan> {
  const handle = await open(path);
  try {
    const { size } = await handle.stat();
    if (size > onnxLimits.fileBytes)
      throw new OnnxScanError(`has ${size} bytes, more than an ONNX graph can have`);
    return await scan(new Bytes(handle, size));
  } finally {
    await handle.close();
  }
}

async function scan(bytes: Bytes): Promise<OnnxScan> {
  const counts = { nodes: 0, functions: 0, tensors: 0, graphs: 0 };
  const externalFiles = new Set<string>();
  const frameOf = (kind: Message, end: number, graphDepth: number): Frame => ({
    kind,
    end,
    graphDepth,
    elements: 1,
    key: '',
    value: '',
  });
  // A stack of our own: what is nested a million deep must not use up that of the program.
  const stack: Frame[] = [frameOf('model', bytes.byteLength, 0)];
  for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
    if (bytes.at >= frame.end) {
      if (bytes.at > frame.end) throw new OnnxScanError('is no valid protobuf');
      if (frame.kind === 'external' && frame.key === 'location') {
        externalFiles.add(frame.value);
        if (externalFiles.size > onnxLimits.externalFiles)
          throw new OnnxScanError(`names more than ${onnxLimits.externalFiles} other files`);
      }
      stack.pop();
      continue;
    }
    const tag = await varint(bytes);
    const field = Math.floor(tag / 8);
    const wire = tag % 8;
    if (wire === 0) {
      const value = await varint(bytes);
      if (frame.kind === 'tensor' && field === tensorDims) countElements(frame, value);
      continue;
    }
    if (wire === 1 || wire === 5) {
      bytes.at += wire === 1 ? 8 : 4;
      continue;
    }
    if (wire !== 2) throw new OnnxScanError('is no valid protobuf');
    const length = await varint(bytes);
    const end = bytes.at + length;
    if (end > frame.end)
      throw frame.kind === 'model' ? cutShort() : new OnnxScanError('is no valid protobuf');
    if (frame.kind === 'external') {
      const text = await bytes.text(length);
      if (field === externalKey) frame.key = text;
      if (field === externalValue) frame.value = text;
      continue;
    }
    if (frame.kind === 'tensor' && field === tensorDims) {
      while (bytes.at < end) countElements(frame, await varint(bytes));
      continue;
    }
    const kind = within[frame.kind][field];
    if (kind === undefined) {
      bytes.at = end;
      continue;
    }
    count(kind, counts);
    const graphDepth = frame.graphDepth + (kind === 'graph' ? 1 : 0);
    if (graphDepth > onnxLimits.depth)
      throw new OnnxScanError(`nests graphs more than ${onnxLimits.depth} deep`);
    stack.push(frameOf(kind, end, graphDepth));
  }
  if (counts.graphs === 0) throw new OnnxScanError('has no graph in it');
  return {
    nodes: counts.nodes,
    functions: counts.functions,
    tensors: counts.tensors,
    externalFiles: [...externalFiles].sort(),
  };
}

function countElements(frame: Frame, dimension: number): void {
  frame.elements *= dimension;
  if (!(frame.elements <= onnxLimits.elements))
    throw new OnnxScanError(`declares a tensor of more than ${onnxLimits.elements} elements`);
}

function count(
  kind: Message,
  counts: { nodes: number; functions: number; tensors: number; graphs: number },
): void {
  if (kind === 'graph') counts.graphs += 1;
  if (kind === 'node') counts.nodes += 1;
  if (kind === 'function') counts.functions += 1;
  if (kind === 'tensor') counts.tensors += 1;
  if (counts.nodes > onnxLimits.nodes) throw new OnnxScanError(`has more than ${onnxLimits.nodes} nodes`);
  if (counts.functions > onnxLimits.functions)
    throw new OnnxScanError(`has more than ${onnxLimits.functions} local functions`);
  if (counts.tensors > onnxLimits.tensors)
    throw new OnnxScanError(`has more than ${onnxLimits.tensors} tensors`);
}

/** Base 128, at most ten bytes; beyond 2^53 it is inexact, which is as good as too large. */
async function varint(bytes: Bytes): Promise<number> {
  let value = 0;
  let factor = 1;
  for (let index = 0; index < 10; index++) {
    if (!bytes.has(1)) await bytes.fetch(1);
    const byte = bytes.byte();
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return value;
    factor *= 128;
  }
  throw new OnnxScanError('is no valid protobuf');
}
