import { createTestContext, inMemory } from '@reelgraph/node-api/testing';
import { randomNormal, tensor, zeros } from '@reelgraph/tensor';
import { describe, expect, it } from 'vitest';
import { compositeFrames } from './node.ts';

const shape = [1, 3, 2, 1, 2];
const original = { pixels: randomNormal('1', shape), fps: 12 };
const frames = { pixels: randomNormal('2', shape), fps: 8 };
const mask = { weights: tensor('float32', [1, 1, 2, 1, 2], Float32Array.of(0, 1, 0.5, 0)) };

describe('composite-frames', () => {
  it('gives the very bits of the original outside and of the new clip inside, and blends between', async () => {
    const run = compositeFrames.run({
      inputs: { original, frames, mask },
      params: {},
      ctx: createTestContext(),
    });
    const { pixels, fps } = inMemory((await run).frames);
    expect(fps).toBe(12);
    for (let channel = 0; channel < 3; channel++) {
      const at = channel * 4;
      expect(pixels.data[at]).toBe(original.pixels.data[at]);
      expect(pixels.data[at + 1]).toBe(frames.pixels.data[at + 1]);
      const mean = (original.pixels.data[at + 2]! + frames.pixels.data[at + 2]!) / 2;
      // 1e-6: one rounding of float32 values around 1.
      expect(Math.abs(pixels.data[at + 2]! - mean)).toBeLessThan(1e-6);
      expect(pixels.data[at + 3]).toBe(original.pixels.data[at + 3]);
    }
  });

  it('refuses clips and masks of other sizes, while wiring and when run', async () => {
    const { issues } = compositeFrames.infer!({
      inputs: { original: { frameCount: 17 }, mask: { frameCount: 9 } },
      params: {},
      context: { models: new Map() },
    });
    expect(issues).toMatchObject([{ code: 'composite-frames/other-size', port: 'mask' }]);
    const small = { weights: zeros('float32', [1, 1, 1, 1, 2]) };
    await expect(
      compositeFrames.run({
        inputs: { original, frames, mask: small },
        params: {},
        ctx: createTestContext(),
      }),
    ).rejects.toMatchObject({ code: 'composite-frames/other-size' });
  });
});
