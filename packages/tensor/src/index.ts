export type { DType, Tensor, TypedArrays } from './tensor.ts';
