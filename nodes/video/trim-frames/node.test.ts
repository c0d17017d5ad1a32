import { createTestContext } from '@reelgraph/node-api/testing';
import { fromFunction } from '@reelgraph/tensor';
import { describe, expect, it } from 'vitest';
import { trimFrames } from './node.ts';

/** 7 frames of one pixel, frame n of value n. */
const frames = { pixels: fromFunction([1, 3, 7, 1, 1], (i) => i % 7), fps: 8 };
const none = { cutStart: 0, cutEnd: 0, most: 0 };
const trim = async (params: Partial<typeof none>, wired: { start?: number; end?: number } = {}) => {
  const result = await trimFrames.run({
    inputs: { frames, ...wired },
    params: { ...none, ...params },
    ctx: createTestContext(),
  });
  const { pixels } = result.frames;
  return Array.from(pixels.data.subarray(0, pixels.shape[2]));
};

describe('trim-frames', () => {
  it('leaves out frames at either end', async () => {
    expect(await trim({})).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(await trim({ cutStart: 2, cutEnd: 1 })).toEqual([2, 3, 4, 5]);
    expect(await trim({ cutStart: 2, most: 3 })).toEqual([2, 3, 4]);
  });

  it('a wired number takes the place of its param', async () => {
    expect(await trim({ cutStart: 2, cutEnd: 1 }, { start: 0 })).toEqual([0, 1, 2, 3, 4, 5]);
    expect(await trim({}, { start: 3, end: 3 })).toEqual([3]);
  });

  it('refuses to leave nothing, while wiring and when run', async () => {
    const { issues } = trimFrames.infer!({
      inputs: { frames: { frameCount: 7 } },
      params: { ...none, cutStart: 4, cutEnd: 3 },
      context: { models: new Map() },
    });
    expect(issues).toMatchObject([{ code: 'trim-frames/nothing-left' }]);
    await expect(trim({}, { start: 4, end: 3 })).rejects.toMatchObject({ code: 'trim-frames/nothing-left' });
  });

  it('labels the wire with what is left', () => {
    const infer = (inputs: Parameters<NonNullable<typeof trimFrames.infer>>[0]['inputs']) =>
      trimFrames.infer!({ inputs, params: { ...none, cutStart: 2 }, context: { models: new Map() } }).outputs;
    expect(infer({ frames: { frameCount: 7, fps: 8 } }).frames).toEqual({ frameCount: 5, fps: 8 });
    expect(infer({ frames: { frameCount: 7, fps: 8 }, start: {} }).frames).toEqual({ fps: 8 });
  });
});
