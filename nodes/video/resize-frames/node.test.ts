import { createTestContext, inMemory } from '@reelgraph/node-api/testing';
import { fromFunction } from '@reelgraph/tensor';
import { describe, expect, it } from 'vitest';
import { resizeFrames } from './node.ts';

const frames = { pixels: fromFunction([1, 3, 3, 4, 6], (i) => Math.floor(i / 24) % 3), fps: 8 };
const resize = (width: number, height: number) =>
  resizeFrames.run({ inputs: { frames }, params: { width, height, fit: 'cover' }, ctx: createTestContext() });

describe('resize-frames', () => {
  it('resizes every frame and keeps their order and speed', async () => {
    const { frames: large } = await resize(12, 8);
    expect(inMemory(large).pixels.shape).toEqual([1, 3, 3, 8, 12]);
    expect([0, 96, 192].map((at) => inMemory(large).pixels.data[at])).toEqual([0, 1, 2]);
    expect(large.fps).toBe(8);
  });

  it('passes a clip of that size on as it is', async () => {
    expect((await resize(6, 4)).frames).toBe(frames);
  });
});
