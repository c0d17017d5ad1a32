/** Making tensors and asking what they are. */
import { TensorError } from './errors.ts';
import type { DType, Tensor, TypedArrays } from './tensor.ts';

type Constructors = { readonly [D in DType]: new (length: number) => TypedArrays[D] };

const arrayOf: Constructors = {
  float32: Float32Array,
  float16: Uint16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  bool: Uint8Array,
};

/**
 * Product of the dimensions; 1 for the empty shape (a scalar).
 *
 * @throws TensorError 'tensor/bad-shape' when a dimension is not an integer >= 0
 */
export function elementCount(shape: readonly number[]): number {
  let count = 1;
  for (const dimension of shape) {
    if (!Number.isInteger(dimension) || dimension < 0) {
      throw new TensorError(
        'tensor/bad-shape',
        `Every dimension is a whole number from 0 up; got ${formatShape(shape)}.`,
      );
    }
    count *= dimension;
  }
  return count;
}

/** `[1, 16, 5, 8, 8]`, as messages show a shape. */
export function formatShape(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}

/** True when both have the same number of dimensions and the same sizes. */
export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((dimension, axis) => dimension === b[axis]);
}

/**
 * A tensor over `data`, which is shared and not copied.
 *
 * @throws TensorError 'tensor/shape-mismatch' when `data` has not the length that `shape` asks for
 */
export function tensor<D extends DType>(dtype: D, shape: readonly number[], data: TypedArrays[D]): Tensor<D> {
  const expected = elementCount(shape);
  if (data.length !== expected) {
    throw new TensorError(
      'tensor/shape-mismatch',
      `Shape ${formatShape(shape)} holds ${expected} elements, the data has ${data.length}.`,
    );
  }
  if (!(data instanceof arrayOf[dtype])) {
    throw new TensorError('tensor/bad-dtype', `dtype ${dtype} needs a ${arrayOf[dtype].name}.`);
  }
  return { dtype, shape: [...shape], data };
}

/** A new tensor of zeros. */
export function zeros<D extends DType>(dtype: D, shape: readonly number[]): Tensor<D> {
  return { dtype, shape: [...shape], data: new arrayOf[dtype](elementCount(shape)) };
}

/** A new float32 tensor with every element `value`. */
export function full(shape: readonly number[], value: number): Tensor<'float32'> {
  return { dtype: 'float32', shape: [...shape], data: new Float32Array(elementCount(shape)).fill(value) };
}

/** A new float32 tensor whose element at row-major index `i` is `valueAt(i)`. */
export function fromFunction(
  shape: readonly number[],
  valueAt: (index: number) => number,
): Tensor<'float32'> {
  const data = new Float32Array(elementCount(shape));
  for (let i = 0; i < data.length; i++) data[i] = valueAt(i);
  return { dtype: 'float32', shape: [...shape], data };
}

function isDType(name: unknown): name is DType {
  return typeof name === 'string' && Object.hasOwn(arrayOf, name);
}

/** Whether `value` is a tensor whose parts agree with each other; what to ask of data from another thread. */
export function isTensor(value: unknown): value is Tensor {
  if (typeof value !== 'object' || value === null) return false;
  if (!('dtype' in value && 'shape' in value && 'data' in value)) return false;
  const { dtype, shape, data } = value;
  if (!isDType(dtype) || !Array.isArray(shape)) return false;
  if (!shape.every((dimension) => Number.isInteger(dimension) && dimension >= 0)) return false;
  const count = shape.reduce((product, dimension) => product * dimension, 1);
  return data instanceof arrayOf[dtype] && data.length === count;
}

/**
 * Narrows a tensor to `dtype`.
 *
 * @throws TensorError 'tensor/bad-dtype' naming `what` when it has another one
 */
export function expectDType<D extends DType>(value: Tensor, dtype: D, what: string): Tensor<D> {
  if (!hasDType(value, dtype)) {
    throw new TensorError('tensor/bad-dtype', `${what} must be ${dtype}, got ${value.dtype}.`);
  }
  return value;
}

function hasDType<D extends DType>(value: Tensor, dtype: D): value is Tensor<D> {
  return value.dtype === dtype && value.data instanceof arrayOf[dtype];
}

/** @throws TensorError 'tensor/shape-mismatch' naming `what` unless the shape is `expected`; -1 fits any size */
export function expectShape(value: Tensor, expected: readonly number[], what: string): void {
  const fits =
    value.shape.length === expected.length &&
    expected.every((dimension, axis) => dimension === -1 || dimension === value.shape[axis]);
  if (!fits) {
    const wanted = expected.map((dimension) => (dimension === -1 ? 'any' : dimension)).join(', ');
    throw new TensorError(
      'tensor/shape-mismatch',
      `${what} expects shape [${wanted}], got ${formatShape(value.shape)}.`,
    );
  }
}
