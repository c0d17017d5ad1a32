import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { NoiseGenerator, parseSeed, randomNormal } from './noise.ts';

interface Vectors {
  cases: { op: string; seed: string; n: number; sha256: string; bits?: string[] }[];
  sequence: { seed: string; sizes: number[]; bits: string[][] };
  rand: { seed: string; bits: string[] };
}
// Made by torch 2.15 on an x64 CPU: values are float32 bit patterns, hashes go over little-endian float32.
const vectors: Vectors = JSON.parse(
  readFileSync(new URL('./fixtures/torch-rng-vectors.json', import.meta.url), 'utf8'),
);

const hashOf = (data: Float32Array) =>
  createHash('sha256')
    .update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    .digest('hex');
const bitsOf = (data: Float32Array) =>
  Array.from(new Uint32Array(data.buffer, data.byteOffset, data.length), (bits) =>
    bits.toString(16).padStart(8, '0'),
  );
/** torch takes negative seeds modulo 2^64; ours are unsigned. */
const unsigned = (seed: string) => BigInt.asUintN(64, BigInt(seed)).toString();

describe('noise equals torch.randn to the bit', () => {
  for (const { op, seed, n, sha256 } of vectors.cases.filter((one) => one.op === 'randn')) {
    it(`${op} of ${n} with seed ${seed}`, () => {
      expect(hashOf(randomNormal(unsigned(seed), [n]).data)).toBe(sha256);
    });
  }

  it('goes on across calls of any size, keeping the waiting half of a pair', () => {
    const generator = new NoiseGenerator(vectors.sequence.seed);
    const drawn = vectors.sequence.sizes.map((size) => bitsOf(generator.normal([size]).data));
    expect(drawn).toEqual(vectors.sequence.bits);
  });

  it('draws uniforms as torch.rand', () => {
    const { seed, bits } = vectors.rand;
    expect(bitsOf(new NoiseGenerator(seed).uniform([bits.length]).data)).toEqual(bits);
  });
});

describe('seeds', () => {
  it('are 64-bit unsigned decimals', () => {
    expect(parseSeed('18446744073709551615')).toBe(2n ** 64n - 1n);
  });

  it.each(['', '-1', '1.5', '18446744073709551616', '0x10', ' 1'])('refuses %j', (seed) => {
    expect(() => parseSeed(seed)).toThrowError(/A seed is a whole number/);
  });
});
