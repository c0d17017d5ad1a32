/**
 * Elementwise arithmetic on float32 tensors of one shape, in the names the formulas use. Four elements at a time: V8
 * reads a float32 into the register of the one before, so that a plain loop waits for every sum, twice as long.
 */
import { formatShape, sameShape, type Tensor, TensorError, zeros } from '@reelgraph/tensor';

type Float = Tensor<'float32'>;

/** @throws TensorError 'tensor/shape-mismatch' */
export function expectSameShape(a: Float, b: Float): void {
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
  const xs = x.data;
  const ys = y.data;
  const data = new Float32Array(xs.length);
  const whole = data.length & ~3;
  for (let i = 0; i < whole; i += 4) {
    data[i] = a * xs[i]! + b * ys[i]!;
    data[i + 1] = a * xs[i + 1]! + b * ys[i + 1]!;
    data[i + 2] = a * xs[i + 2]! + b * ys[i + 2]!;
    data[i + 3] = a * xs[i + 3]! + b * ys[i + 3]!;
  }
  for (let i = whole; i < data.length; i++) data[i] = a * xs[i]! + b * ys[i]!;
  return { dtype: 'float32', shape: x.shape, data };
}

/**
 * The sum of weighted tensors of one shape, a new tensor. Terms of weight 0 are left out, also where they are infinite.
 *
 * @param terms one or more
 * @throws TensorError 'tensor/shape-mismatch'
 */
export function sumOf(terms: readonly (readonly [weight: number, tensor: Float])[]): Float {
  const [first] = terms;
  if (first === undefined) throw new RangeError('A sum has one or more terms.');
  for (const [, value] of terms) expectSameShape(first[1], value);
  const counted = terms.filter(([weight]) => weight !== 0);
  const [x, y, z, w] = counted;
  if (x === undefined) return zeros('float32', first[1].shape);
  if (y === undefined) return weightedSum(x[0], x[1], 0, x[1]);
  if (z === undefined) return weightedSum(x[0], x[1], y[0], y[1]);
  const data = new Float32Array(x[1].data.length);
  addWeighted(data, x, y, z, w);
  for (const [weight, { data: values }] of counted.slice(4)) {
    for (let i = 0; i < data.length; i++) data[i] = data[i]! + weight * values[i]!;
  }
  return { dtype: 'float32', shape: x[1].shape, data };
}

type Term = readonly [weight: number, tensor: Float];

/** Sums in doubles and rounds once. */
function addWeighted(data: Float32Array, [a, x]: Term, [b, y]: Term, [c, z]: Term, fourth?: Term): void {
  const [xs, ys, zs] = [x.data, y.data, z.data];
  const [d, w] = fourth ?? [0, z];
  const ws = w.data;
  for (let i = 0; i < data.length; i++) data[i] = a * xs[i]! + b * ys[i]! + c * zs[i]! + d * ws[i]!;
}

/** False when any element is NaN or infinite: a model that broke, or a sampler that ran away. */
export function isFiniteTensor(value: Float): boolean {
  const { data } = value;
  // A sum is not finite as soon as one element is not.
  let [a, b, c, d] = [0, 0, 0, 0];
  const whole = data.length & ~3;
  for (let i = 0; i < whole; i += 4) {
    a += data[i]!;
    b += data[i + 1]!;
    c += data[i + 2]!;
    d += data[i + 3]!;
  }
  for (let i = whole; i < data.length; i++) a += data[i]!;
  return Number.isFinite(a + b + c + d);
}
