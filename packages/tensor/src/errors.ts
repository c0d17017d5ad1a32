export type TensorErrorCode =
  | 'tensor/shape-mismatch'
  | 'tensor/bad-shape'
  | 'tensor/bad-dtype'
  | 'tensor/out-of-range'
  | 'tensor/bad-seed'
  | 'tensor/not-safetensors';

/** A tensor used against its shape or dtype: a mistake of the caller, found before any number is wrong. */
export class TensorError extends Error {
  override readonly name = 'TensorError';
  readonly code: TensorErrorCode;

  constructor(code: TensorErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
