/**
 * A tensor is plain data: dtype, shape and a typed array in row-major order. Plain, so that it survives
 * structured clone between threads; functions beside it do the work.
 */

export interface TypedArrays {
  float32: Float32Array;
  float16: Uint16Array;
  int32: Int32Array;
  int64: BigInt64Array;
  uint8: Uint8Array;
  bool: Uint8Array;
}

/** `float16` holds raw bits in a Uint16Array. */
export type DType = keyof TypedArrays;

/** Immutable by agreement: whoever makes a tensor may fill it, whoever receives it only reads. */
export interface Tensor<D extends DType = DType> {
  readonly dtype: D;
  /** Row-major; the product of the dimensions is the length of `data`. */
  readonly shape: readonly number[];
  readonly data: TypedArrays[D];
}
