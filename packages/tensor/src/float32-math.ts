/**
 * Logarithm, sine and cosine as torch's AVX2 kernels compute them: Cephes polynomials in float32 with fused
 * multiply-add. Bit-equal results need the same polynomials and the same roundings; `Math.log` and friends
 * differ in the last bit.
 *
 * A fused multiply-add is `fround(a * b + c)` in doubles: the product of two float32 is exact there.
 *
 * @see Moshier, Cephes Mathematical Library (logf, sinf, cosf), netlib.org/cephes
 */
const f = Math.fround;

const sqrtHalf = f(Math.SQRT1_2);
const l0 = f(7.0376836292e-2);
const l1 = f(-1.151461031e-1);
const l2 = f(1.167699874e-1);
const l3 = f(-1.2420140846e-1);
const l4 = f(1.4249322787e-1);
const l5 = f(-1.6668057665e-1);
const l6 = f(2.0000714765e-1);
const l7 = f(-2.4999993993e-1);
const l8 = f(3.3333331174e-1);
/** ln 2 in two parts, so that e * ln 2 keeps its low bits. */
const ln2Low = f(-2.1219444e-4);
const ln2High = f(0.693359375);

const bits = new Uint32Array(1);
const float = new Float32Array(bits.buffer);

/** Natural logarithm of a normal positive float32. */
export function logFloat32(value: number): number {
  float[0] = value;
  let exponent = (bits[0]! >>> 23) - 126;
  bits[0] = (bits[0]! & 0x007fffff) | 0x3f000000;
  let x = float[0]!;
  if (x < sqrtHalf) {
    exponent -= 1;
    x = f(f(x - 1) + x);
  } else {
    x = f(x - 1);
  }
  const z = f(x * x);
  let y = f(l0 * x + l1);
  y = f(y * x + l2);
  y = f(y * x + l3);
  y = f(y * x + l4);
  y = f(y * x + l5);
  y = f(y * x + l6);
  y = f(y * x + l7);
  y = f(y * x + l8);
  y = f(y * x);
  y = f(y * z + f(exponent * ln2Low));
  y = f(y - f(z * 0.5));
  x = f(x + y);
  return f(exponent * ln2High + x);
}

const fourOverPi = f(1.27323954473516);
/** -pi/4 in three parts (Cody and Waite), so that reducing the angle loses nothing. */
const [d1, d2, d3] = [f(-0.78515625), f(-2.4187564849853516e-4), f(-3.774894977445941e-8)];
const [s0, s1, s2] = [f(-1.9515295891e-4), f(8.3321608736e-3), f(-1.6666654611e-1)];
const [c0, c1, c2] = [f(2.443315711809948e-5), f(-1.388731625493765e-3), f(4.166664568298827e-2)];

/** Sine and cosine of an angle in [0, 2 pi], float32. */
export function sinCosFloat32(angle: number): readonly [sin: number, cos: number] {
  const octant = (Math.trunc(f(angle * fourOverPi)) + 1) & ~1;
  let x = f(octant * d1 + angle);
  x = f(octant * d2 + x);
  x = f(octant * d3 + x);
  const z = f(x * x);
  let cos = f(c0 * z + c1);
  cos = f(cos * z + c2);
  cos = f(cos * z);
  cos = f(cos * z - f(z * 0.5));
  cos = f(cos + 1);
  let sin = f(s0 * z + s1);
  sin = f(sin * z + s2);
  sin = f(sin * z);
  sin = f(sin * x + x);
  const swapped = (octant & 2) !== 0;
  const sinSign = (octant & 4) !== 0 ? -1 : 1;
  const cosSign = ((octant - 2) & 4) === 0 ? -1 : 1;
  return swapped ? [sinSign * cos, cosSign * sin] : [sinSign * sin, cosSign * cos];
}
