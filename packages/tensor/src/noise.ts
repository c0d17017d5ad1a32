/**
 * Seeded standard-normal noise with the very bits of `torch.manual_seed(seed); torch.randn(n)` on an x64 CPU,
 * so that a seed means the same clip here and in Python.
 *
 * torch has two roads: below 16 elements a Box–Muller pair per two elements in double precision, whose second
 * value waits in the generator for the next call; from 16 up blocks of 16 float32 uniforms turned in place.
 *
 * @see pytorch/pytorch, aten/src/ATen/native/cpu/DistributionTemplates.h (BSD-3-Clause); written anew here
 */
import { elementCount } from './create.ts';
import { TensorError } from './errors.ts';
import { logRow, rowLength, sinCosRow } from './float32-math.ts';
import { MersenneTwister } from './mt19937.ts';
import type { Tensor } from './tensor.ts';

const block = 16;
const twoPiFloat32 = Math.fround(2 * Math.PI);

/**
 * Parses a 64-bit unsigned seed in decimal.
 *
 * @throws TensorError 'tensor/bad-seed' for anything else
 */
export function parseSeed(seed: string): bigint {
  if (!/^\d{1,20}$/.test(seed) || BigInt(seed) > 0xffff_ffff_ffff_ffffn) {
    throw new TensorError(
      'tensor/bad-seed',
      `A seed is a whole number from 0 to 18446744073709551615, got "${seed.slice(0, 40)}".`,
    );
  }
  return BigInt(seed);
}

/** A stream of normal numbers; successive calls go on where the last one stopped, as a torch.Generator does. */
export class NoiseGenerator {
  readonly #bits: MersenneTwister;
  /** Second half of a Box–Muller pair from a short call; long calls leave it alone. */
  #waiting: number | undefined;

  /** @param seed decimal string; like torch, only its low 32 bits choose the stream */
  constructor(seed: string) {
    this.#bits = new MersenneTwister(Number(parseSeed(seed) & 0xffff_ffffn));
  }

  /** Uniform numbers in [0, 1), as torch.rand. */
  uniform(shape: readonly number[]): Tensor<'float32'> {
    const data = new Float32Array(elementCount(shape));
    this.#bits.fillUniform24(data, 0);
    return { dtype: 'float32', shape: [...shape], data };
  }

  /** Standard-normal numbers, as torch.randn. */
  normal(shape: readonly number[]): Tensor<'float32'> {
    const data = new Float32Array(elementCount(shape));
    if (data.length < block) this.#fillShort(data);
    else this.#fillBlocks(data);
    return { dtype: 'float32', shape: [...shape], data };
  }

  #fillShort(data: Float32Array): void {
    for (let i = 0; i < data.length; i++) {
      if (this.#waiting !== undefined) {
        data[i] = this.#waiting;
        this.#waiting = undefined;
        continue;
      }
      const angle = 2 * Math.PI * this.#bits.uniform53();
      const radius = Math.sqrt(-2 * Math.log1p(-this.#bits.uniform53()));
      data[i] = radius * Math.cos(angle);
      this.#waiting = radius * Math.sin(angle);
    }
  }

  #fillBlocks(data: Float32Array): void {
    this.#bits.fillUniform24(data, 0);
    const whole = data.length - (data.length % block);
    for (let start = 0; start < whole; start += 2 * rowLength)
      turnBlocks(data, start, Math.min(2 * rowLength, whole - start));
    if (whole < data.length) {
      // The last block overlaps numbers already turned, so it is drawn afresh.
      const start = data.length - block;
      this.#bits.fillUniform24(data, start);
      turnBlocks(data, start, block);
    }
  }
}

const radii = new Float32Array(rowLength);
const sines = new Float32Array(rowLength);
const cosines = new Float32Array(rowLength);

/** Box–Muller in place: in every block of 16 eight radii come from the first half, eight angles from the second. */
function turnBlocks(data: Float32Array, start: number, length: number): void {
  const pairs = length / 2;
  const placeOf = (pair: number): number => start + ((pair >> 3) << 4) + (pair & 7);
  for (let i = 0; i < pairs; i++) {
    radii[i] = 1 - data[placeOf(i)]!;
    sines[i] = twoPiFloat32 * data[placeOf(i) + block / 2]!;
  }
  logRow(radii, pairs);
  sinCosRow(sines, sines, cosines, pairs);
  for (let i = 0; i < pairs; i++) {
    const radius = Math.fround(Math.sqrt(Math.fround(-2 * radii[i]!)));
    data[placeOf(i)] = radius * cosines[i]!;
    data[placeOf(i) + block / 2] = radius * sines[i]!;
  }
}

/** Standard-normal tensor of one seed: `torch.manual_seed(seed); torch.randn(shape)`. */
export function randomNormal(seed: string, shape: readonly number[]): Tensor<'float32'> {
  return new NoiseGenerator(seed).normal(shape);
}
