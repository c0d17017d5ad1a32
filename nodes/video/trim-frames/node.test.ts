import { createTestContext, inMemory } from '@reelgraph/node-api/testing';
import { fromFunction } from '@reelgraph/tensor';
import { describe, expect, it } from 'vitest';
import { trimFrames } from './node.ts';

/** 7 frames of one pixel, frame n of value n. */
const frames = { pixels: fromFunction([1, 3, 7, 1, 1], (i) => i % 7), fps: 8 };
const none = { cutStart: 0, cutEnd: 0, most: 0 };
const trim = async (params: Partial<typeof none>) => {
  const result = await trimFrames.run({
    inputs: { frames },
    params: { ...none, ...params },
    ctx: createTestContext(),
  });
  const { pixels } = inMemory(result.frames);
  return Array.from(pixels.data.subarray(0, pixels.shape[2]));
};

describe('trim-frames', () => {
  it('leaves out frames at either end', async () => {
    expect(await trim({})).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(await trim({ cutStart: 2, cutEnd: 1 })).toEqual([2, 3, 4, 5]);
    expect(await trim({ cutStart: 2, most: 3 })).toEqual([2, 3, 4]);
  });

  it('refuses to leave nothing, while wiring and when run', async () => {
    const { issues } = trimFrames.infer!({
      inputs: { frames: { frameCount: 7 } },
      params: { ...none, cutStart: 4, cutEnd: 3 },
      context: { models: new Map() },
    });
    expect(issues).toMatchObject([{ code: 'trim-frames/nothing-left' }]);
    await expect(trim({ cutStart: 4, cutEnd: 3 })).rejects.toMatchObject({
      code: 'trim-frames/nothing-left',
    });
  });

  it('labels the wire with what is left', () => {
    const { outputs } = trimFrames.infer!({
      inputs: { frames: { frameCount: 7, fps: 8 } },
      params: { ...none, cutStart: 2 },
      context: { models: new Map() },
    });
    expect(outputs.frames).toEqual({ frameCount: 5, fps: 8, durationSeconds: 5 / 8 });
  });
});
