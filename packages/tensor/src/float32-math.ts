/**
 * Logarithm, sine and cosine as torch's AVX2 kernels compute them: Cephes polynomials in float32 with fused
 * multiply-add. Bit-equal results need the same polynomials and the same roundings; `Math.log` and friends
 * differ in the last bit.
 *
 * A fused multiply-add is `fround(a * b + c)` in doubles: the product of two float32 is exact there. Storing into a
 * Float32Array rounds as well.
 *
 * They work on rows of values, in short passes and without branches: in one long formula every operation waits for
 * the one before, and it takes more than twice the time.
 *
 * @see Moshier, Cephes Mathematical Library (logf, sinf, cosf), netlib.org/cephes
 */
const f = Math.fround;

/** Most values of a row. */
export const rowLength = 256;

const x = new Float32Array(rowLength);
const xBits = new Int32Array(x.buffer);
const y = new Float32Array(rowLength);
const integer = new Int32Array(rowLength);

const sqrtHalfBits = 0x3f3504f3;
/** ln 2 in two parts, so that e * ln 2 keeps its low bits. */
const ln2Low = f(-2.1219444e-4);
const ln2High = f(0.693359375);

/** Natural logarithm in place of the first `count` values, all normal and positive. */
export function logRow(values: Float32Array, count: number): void {
  for (let i = 0; i < count; i++) x[i] = values[i]!;
  // value = 2^e (1 + x) with 1 + x from sqrt(1/2) to sqrt(2)
  for (let i = 0; i < count; i++) {
    const bits = xBits[i]!;
    const mantissa = (bits & 0x007fffff) | 0x3f000000;
    const isLow = (mantissa - sqrtHalfBits) >>> 31;
    integer[i] = (bits >>> 23) - 126 - isLow;
    xBits[i] = mantissa;
    const half = x[i]!;
    x[i] = f(half - 1) + isLow * half;
  }
  for (let i = 0; i < count; i++) {
    const at = x[i]!;
    let sum = f(f(7.0376836292e-2) * at + f(-1.151461031e-1));
    sum = f(sum * at + f(1.167699874e-1));
    sum = f(sum * at + f(-1.2420140846e-1));
    y[i] = sum * at + f(1.4249322787e-1);
  }
  for (let i = 0; i < count; i++) {
    const at = x[i]!;
    let sum = f(y[i]! * at + f(-1.6668057665e-1));
    sum = f(sum * at + f(2.0000714765e-1));
    sum = f(sum * at + f(-2.4999993993e-1));
    y[i] = sum * at + f(3.3333331174e-1);
  }
  for (let i = 0; i < count; i++) {
    const at = x[i]!;
    const exponent = integer[i]!;
    const square = f(at * at);
    let sum = f(y[i]! * at);
    sum = f(sum * square + f(exponent * ln2Low));
    sum = f(sum - f(square * 0.5));
    values[i] = exponent * ln2High + f(at + sum);
  }
}

/** Sine and cosine of the first `count` angles in [0, 2 pi]; `cosines` may not be `angles`, `sines` may. */
export function sinCosRow(
  angles: Float32Array,
  sines: Float32Array,
  cosines: Float32Array,
  count: number,
): void {
  for (let i = 0; i < count; i++) {
    const angle = angles[i]!;
    const octant = (Math.trunc(f(angle * f(1.27323954473516))) + 1) & ~1;
    integer[i] = octant;
    // -pi/4 in three parts (Cody and Waite), so that reducing the angle loses nothing.
    let rest = f(octant * f(-0.78515625) + angle);
    rest = f(octant * f(-2.4187564849853516e-4) + rest);
    x[i] = octant * f(-3.774894977445941e-8) + rest;
  }
  for (let i = 0; i < count; i++) {
    const square = f(x[i]! * x[i]!);
    let cos = f(f(2.443315711809948e-5) * square + f(-1.388731625493765e-3));
    cos = f(cos * square + f(4.166664568298827e-2));
    cos = f(cos * square);
    cos = f(cos * square - f(square * 0.5));
    cosines[i] = cos + 1;
  }
  for (let i = 0; i < count; i++) {
    const square = f(x[i]! * x[i]!);
    let sin = f(f(-1.9515295891e-4) * square + f(8.3321608736e-3));
    sin = f(sin * square + f(-1.6666654611e-1));
    sin = f(sin * square);
    sines[i] = sin * x[i]! + x[i]!;
  }
  for (let i = 0; i < count; i++) {
    const octant = integer[i]!;
    const sin = sines[i]!;
    const cos = cosines[i]!;
    const swapped = (octant >> 1) & 1;
    const kept = 1 - swapped;
    const sinSign = 1 - ((octant & 4) >> 1);
    const cosSign = (((octant - 2) & 4) >> 1) - 1;
    sines[i] = sinSign * (cos * swapped + sin * kept);
    cosines[i] = cosSign * (sin * swapped + cos * kept);
  }
}
