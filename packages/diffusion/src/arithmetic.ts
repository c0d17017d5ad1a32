/** Elementwise arithmetic on float32 tensors of one shape, in the names the formulas use. */
import { formatShape, sameShape, type Tensor, TensorError } from '@reelgraph/tensor';

type Float = Tensor<'float32'>;

function expectSameShape(a: Float, b: Float): void {
  if (!sameShape(a.shape, b.shape)) {
    throw new TensorError(
      'tensor/shape-mismatch',
      `Both tensors need one shape, got ${formatShape(a.shape)} and ${formatShape(b.shape)}.`,
    );
  }
}

/**
 * a * x + b * y, a new tensor.
 *
 * @throws TensorError 'tensor/shape-mismatch'
 */
export function weightedSum(a: number, x: Float, b: number, y: Float): Float {
  expectSameShape(x, y);
  const data = new Float32Array(x.data.length);
  for (let i = 0; i < data.length; i++) data[i] = a * x.data[i]! + b * y.data[i]!;
  return { dtype: 'float32', shape: x.shape, data };
}

/** False when any element is NaN or infinite: a model that broke, or a sampler that ran away. */
export function isFiniteTensor(value: Float): boolean {
  // A sum is not finite as soon as one element is not.
  let sum = 0;
  for (let i = 0; i < value.data.length; i++) sum += value.data[i]!;
  return Number.isFinite(sum);
}
