import { createTestContext } from '@reelgraph/node-api/testing';
import { full, zeros } from '@reelgraph/tensor';
import { describe, expect, it } from 'vitest';
import { imageMask } from './node.ts';

const frames = { pixels: zeros('float32', [1, 3, 3, 2, 2]), fps: 8 };
/** A picture of one brightness from 0 to 1. */
const mark = async (brightness: number, threshold: number) => {
  const { mask } = await imageMask.run({
    inputs: { frames, image: { pixels: full([1, 3, 1, 5, 7], 2 * brightness - 1) } },
    params: { threshold, fit: 'stretch' },
    ctx: createTestContext(),
  });
  expect(mask.weights.shape).toEqual([1, 1, 3, 2, 2]);
  expect(new Set(mask.weights.data).size).toBe(1);
  return mask.weights.data[0]!;
};

describe('image-mask', () => {
  it('marks what is bright, in every frame', async () => {
    expect(await mark(1, 50)).toBe(1);
    expect(await mark(0.4, 50)).toBe(0);
  });

  it('marks by degrees without a threshold', async () => {
    expect(await mark(0.25, 0)).toBeCloseTo(0.25, 6);
  });
});
