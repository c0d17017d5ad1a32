import { describe, expect, it } from 'vitest';
import { CudaNoiseGenerator } from './cuda-noise.ts';
import { randomNormal } from './noise.ts';
import { openNoiseStream } from './noise-streams.ts';
import { type PhiloxWords, philox4x32 } from './philox.ts';

describe('Philox4x32-10', () => {
  // Known answers of Random123, tests/kat_vectors.
  it.each<[PhiloxWords, [number, number], PhiloxWords]>([
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ])('answers %j', (counter, key, words) => {
    expect(philox4x32(counter, key)).toEqual(words);
  });
});

describe('noise of a GPU', () => {
  // torch.manual_seed(0); torch.randn(8, 8, device='cuda') as torch 2.2 prints it, with four digits.
  const printed = [
    [-0.9247, -0.4253, -2.6438, 0.1452, -0.1209, -0.5797, -0.6229, -0.3284],
    [-1.0745, -0.3631, -1.6711, 2.2655, 0.3117, -0.1842, 1.2866, 1.182],
    [-0.1271, 1.2169, 1.4353, 1.0605, -0.4941, -1.4244, -0.7244, -1.2973],
    [0.0697, -0.0074, 1.8969, 0.6878, -0.0779, -0.8373, 1.3506, -0.2879],
    [-0.5965, -0.3283, -0.9086, -0.8059, -0.7407, -0.0504, 0.5435, 1.515],
    [0.0141, 0.4532, 1.6349, 0.7124, -0.1806, 1.0252, -1.4622, -0.7554],
    [-0.1836, 0.3824, 0.3918, -0.083, 0.8971, -1.1123, 0.1116, 0.4863],
    [-0.5499, -0.3231, -0.5469, 0.9049, 0.2837, 0.121, 0.473, -1.0823],
  ].flat();

  it('is what torch prints', () => {
    const { data } = new CudaNoiseGenerator('0').normal([8, 8]);
    for (const [i, value] of printed.entries()) expect(Math.abs(data[i]! - value)).toBeLessThan(5.1e-5);
  });

  it('goes on across calls, and is the same whatever was drawn together', () => {
    const generator = new CudaNoiseGenerator('0');
    const first = generator.normal([64]);
    const second = generator.normal([64]);
    expect(second).not.toEqual(first);
    expect(new CudaNoiseGenerator('0').normal([32]).data).toEqual(first.data.slice(0, 32));
  });

  it('gives each thread four numbers where there are more numbers than threads', () => {
    const small = { multiprocessors: 1, threadsPerMultiprocessor: 256 };
    const { data } = new CudaNoiseGenerator('0', small).normal([2000]);
    const wide = new CudaNoiseGenerator('0').normal([256]).data;
    // The first 256 are the first of each thread; they take turns from there.
    expect(data.slice(0, 256)).toEqual(wide);
    expect(new Set(data).size).toBe(2000);
    // 2000 numbers are two rounds of 4 × 256: a second call begins with the third.
    const generator = new CudaNoiseGenerator('0', small);
    generator.normal([2000]);
    const third = new CudaNoiseGenerator('0', small);
    third.normal([1]);
    third.normal([1]);
    expect(generator.normal([1])).toEqual(third.normal([1]));
  });

  it('takes all 64 bits of a seed', () => {
    const of = (seed: bigint) => new CudaNoiseGenerator(String(seed)).normal([4]);
    expect(of(2n ** 32n)).not.toEqual(of(0n));
    expect(() => new CudaNoiseGenerator('-1')).toThrowError(/A seed is a whole number/);
  });

  it('is standard normal', () => {
    const { data } = new CudaNoiseGenerator('7').normal([20_000]);
    const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
    const square = data.reduce((sum, value) => sum + value * value, 0) / data.length;
    // Five standard errors: 1 / sqrt(20000) and sqrt(2 / 20000).
    expect(Math.abs(mean)).toBeLessThan(0.035);
    expect(Math.abs(square - 1)).toBeLessThan(0.05);
  });

  it('has nothing for an empty shape', () => {
    expect(new CudaNoiseGenerator('7').normal([0]).data).toHaveLength(0);
  });
});

describe('streams by name', () => {
  it('are those of the CPU and of a GPU', () => {
    expect(openNoiseStream('torch-cpu', '3').normal([20])).toEqual(randomNormal('3', [20]));
    expect(openNoiseStream('torch-cuda', '3').normal([20])).toEqual(new CudaNoiseGenerator('3').normal([20]));
  });
});
