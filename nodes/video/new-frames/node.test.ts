import type { Frames } from '@reelgraph/node-api';
import { createTestContext, inMemory } from '@reelgraph/node-api/testing';
import { fromFunction, zeros } from '@reelgraph/tensor';
import { describe, expect, it } from 'vitest';
import { newFrames } from './node.ts';

/** Frames of one pixel with these values. */
const clip = (...values: number[]): Frames => ({
  pixels: fromFunction([1, 3, values.length, 1, 1], (i) => values[i % values.length]!),
  fps: 8,
});
const keep = async (
  inputs: { frames: Frames; lead: number; tail: number; before?: Frames; after?: Frames },
  fade: number,
) => {
  const { frames } = await newFrames.run({ inputs, params: { fade }, ctx: createTestContext() });
  const { shape, data } = inMemory(frames).pixels;
  // Two digits: values around 0.1 with the rounding of float32.
  return Array.from(data.subarray(0, shape[2]), (value) => Math.round(value * 100) / 100);
};

describe('new-frames', () => {
  it('keeps the new frames as they are when nothing is to be matched', async () => {
    const frames = clip(0.1, 0.2, 0.3, 0.4, 0.5);
    expect(await keep({ frames, lead: 2, tail: 1 }, 4)).toEqual([0.3, 0.4]);
    expect(await keep({ frames, lead: 2, tail: 1, before: clip(0.9), after: clip(0.9) }, 0)).toEqual([
      0.3, 0.4,
    ]);
  });

  // given: 0.10 at the seam; the model's version of it: 0.00; its new frames: 0.00 0.00 0.00 0.00
  it('takes the step at a seam over several frames', async () => {
    const frames = clip(0, 0, 0, 0, 0);
    expect(await keep({ frames, lead: 1, tail: 0, before: clip(0.5, 0.1) }, 4)).toEqual([
      0.08, 0.06, 0.04, 0.02,
    ]);
    expect(await keep({ frames, lead: 0, tail: 1, after: clip(0.1, 0.5) }, 4)).toEqual([
      0.02, 0.04, 0.06, 0.08,
    ]);
    expect(await keep({ frames, lead: 1, tail: 1, before: clip(0.1), after: clip(-0.1) }, 3)).toEqual([
      0.05, 0, -0.05,
    ]);
  });

  it('leaves the frames between two seams as they are, each in its place', async () => {
    const frames = clip(0, 0, 0.3, 0.5, 0, 0);
    expect(await keep({ frames, lead: 1, tail: 1, before: clip(0.1), after: clip(-0.1) }, 1)).toEqual([
      0.05, 0.3, 0.5, -0.05,
    ]);
  });

  it('has the rate of the clip that it belongs to, and its length is known before', async () => {
    const before = { ...clip(0.1), fps: 24 };
    const inputs: { frames: Frames; lead: number; tail: number; before?: Frames; after?: Frames } = {
      frames: clip(0, 0, 0, 0, 0),
      lead: 2,
      tail: 1,
      before,
    };
    const { frames } = await newFrames.run({ inputs, params: { fade: 0 }, ctx: createTestContext() });
    expect([frames.fps, inMemory(frames).pixels.shape[2]]).toEqual([24, 2]);
    const foretold = newFrames.infer!({
      inputs: {
        frames: { frameCount: 5, fps: 8 },
        lead: { value: 2 },
        tail: { value: 1 },
        before: { fps: 24 },
      },
      params: { fade: 0 },
      context: { models: new Map() },
    });
    expect(foretold).toEqual({
      outputs: { frames: { frameCount: 2, fps: 24, durationSeconds: 2 / 24 } },
      issues: [],
    });
  });

  it('does not draw a shape twice that the model put elsewhere', async () => {
    const frames = clip(-1, -1, -1);
    expect(await keep({ frames, lead: 1, tail: 0, before: clip(1) }, 2)).toEqual([-1, -1]);
  });

  it('leaves alone what shows something else by now', async () => {
    const frames = clip(0, 0, 0.05, 0.5);
    expect(await keep({ frames, lead: 1, tail: 0, before: clip(0.1) }, 4)).toEqual([0.08, 0.08, 0.5]);
  });

  it('has nothing to match beside a clip that was cut for length only', async () => {
    expect(
      await keep({ frames: clip(0, 0, 0), lead: 0, tail: 0, before: clip(0.1), after: clip(0.1) }, 2),
    ).toEqual([0, 0, 0]);
  });

  it('refuses to leave nothing and clips of other sizes', async () => {
    const frames = clip(0, 0, 0);
    await expect(keep({ frames, lead: 2, tail: 1 }, 0)).rejects.toMatchObject({
      code: 'new-frames/nothing-new',
    });
    const large = { pixels: zeros('float32', [1, 3, 2, 2, 2]), fps: 8 };
    await expect(keep({ frames, lead: 1, tail: 0, before: large }, 1)).rejects.toMatchObject({
      code: 'new-frames/other-size',
    });
    const { issues } = newFrames.infer!({
      inputs: { frames: { widthPx: 64 }, lead: {}, tail: {}, after: { widthPx: 48 } },
      params: { fade: 4 },
      context: { models: new Map() },
    });
    expect(issues).toMatchObject([{ code: 'new-frames/other-size', port: 'after' }]);
  });
});
