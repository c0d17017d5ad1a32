/**
 * Looking at parts of a tensor. Names tell who owns the bytes: `…View` shares them, everything else copies.
 */
import { elementCount, formatShape } from './create.ts';
import { TensorError } from './errors.ts';
import type { DType, Tensor, TypedArrays } from './tensor.ts';

/** A copy of the elements from `start` to `end`; typed arrays of one dtype differ only in the element. */
function sliceData<D extends DType>(data: TypedArrays[D], start: number, end: number): TypedArrays[D];
function sliceData(data: TypedArrays[DType], start: number, end: number): TypedArrays[DType] {
  return data.slice(start, end);
}

function subarrayOf<D extends DType>(data: TypedArrays[D], start: number, end: number): TypedArrays[D];
function subarrayOf(data: TypedArrays[DType], start: number, end: number): TypedArrays[DType] {
  return data.subarray(start, end);
}

/** A copy with bytes of its own: what may be transferred to another thread. */
export function copyTensor<D extends DType>(value: Tensor<D>): Tensor<D> {
  return { dtype: value.dtype, shape: [...value.shape], data: sliceData(value.data, 0, value.data.length) };
}

/**
 * The same bytes under another shape.
 *
 * @throws TensorError 'tensor/shape-mismatch' when the element counts differ
 */
export function reshapeView<D extends DType>(value: Tensor<D>, shape: readonly number[]): Tensor<D> {
  if (elementCount(shape) !== value.data.length) {
    throw new TensorError(
      'tensor/shape-mismatch',
      `${formatShape(value.shape)} cannot be seen as ${formatShape(shape)}: the element counts differ.`,
    );
  }
  return { dtype: value.dtype, shape: [...shape], data: value.data };
}

/** Entry `index` of the first axis, which is dropped: [B, ...rest] -> [...rest], sharing the bytes. */
export function indexView<D extends DType>(value: Tensor<D>, index: number): Tensor<D> {
  const rest = value.shape.slice(1);
  const count = value.shape[0] ?? 0;
  if (!Number.isInteger(index) || index < 0 || index >= count) {
    throw new TensorError(
      'tensor/out-of-range',
      `Index ${index} is outside the first axis of ${formatShape(value.shape)}.`,
    );
  }
  const size = elementCount(rest);
  return { dtype: value.dtype, shape: rest, data: subarrayOf(value.data, index * size, (index + 1) * size) };
}

/** A copy of `[start, end)` along `axis`; the other axes stay whole. */
export function sliceAxis(
  value: Tensor<'float32'>,
  axis: number,
  start: number,
  end: number,
): Tensor<'float32'> {
  const size = value.shape[axis];
  if (size === undefined || start < 0 || end > size || start > end) {
    throw new TensorError(
      'tensor/out-of-range',
      `Cannot take ${start}..${end} of axis ${axis} of ${formatShape(value.shape)}.`,
    );
  }
  const outer = elementCount(value.shape.slice(0, axis));
  const inner = elementCount(value.shape.slice(axis + 1));
  const length = (end - start) * inner;
  const data = new Float32Array(outer * length);
  for (let o = 0; o < outer; o++) {
    const from = (o * size + start) * inner;
    data.set(value.data.subarray(from, from + length), o * length);
  }
  return { dtype: 'float32', shape: value.shape.with(axis, end - start), data };
}

/**
 * A copy of all parts one after the other along `axis`.
 *
 * @throws TensorError 'tensor/shape-mismatch' when another axis differs, or there is no part
 */
export function concatAxis<D extends 'float32' | 'int64'>(
  parts: readonly Tensor<D>[],
  axis: number,
): Tensor<D> {
  const first = parts[0];
  if (first === undefined) throw new TensorError('tensor/shape-mismatch', 'Nothing to concatenate.');
  let total = 0;
  for (const part of parts) {
    const differs =
      part.shape.length !== first.shape.length ||
      part.shape.some((dimension, a) => a !== axis && dimension !== first.shape[a]);
    if (differs) {
      throw new TensorError(
        'tensor/shape-mismatch',
        `Cannot join ${formatShape(part.shape)} to ${formatShape(first.shape)} along axis ${axis}.`,
      );
    }
    total += part.shape[axis] ?? 0;
  }
  const outer = elementCount(first.shape.slice(0, axis));
  const inner = elementCount(first.shape.slice(axis + 1));
  const data = emptyLike(first.data, outer * total * inner);
  let offset = 0;
  for (const part of parts) {
    const length = (part.shape[axis] ?? 0) * inner;
    for (let o = 0; o < outer; o++) {
      copyInto(data, part.data, o * length, (o + 1) * length, o * total * inner + offset);
    }
    offset += length;
  }
  return { dtype: first.dtype, shape: first.shape.with(axis, total), data };
}

function emptyLike<D extends 'float32' | 'int64'>(data: TypedArrays[D], length: number): TypedArrays[D];
function emptyLike(data: Float32Array | BigInt64Array, length: number): Float32Array | BigInt64Array {
  return data instanceof Float32Array ? new Float32Array(length) : new BigInt64Array(length);
}

function copyInto(
  target: Float32Array | BigInt64Array,
  source: Float32Array | BigInt64Array,
  start: number,
  end: number,
  at: number,
): void {
  if (target instanceof Float32Array && source instanceof Float32Array) {
    target.set(source.subarray(start, end), at);
  } else if (target instanceof BigInt64Array && source instanceof BigInt64Array) {
    target.set(source.subarray(start, end), at);
  }
}
