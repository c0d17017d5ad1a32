import { createTestContext, inMemory } from '@reelgraph/node-api/testing';
import { fromFunction } from '@reelgraph/tensor';
import { expect, it } from 'vitest';
import { changeFrameRate } from './node.ts';

const ctx = createTestContext();
/** A pixel per frame, frame n of the value n. */
const clip = (count: number, fps: number) => ({
  pixels: fromFunction([1, 3, count, 1, 1], (i) => i % count),
  fps,
});
const shown = async (count: number, from: number, fps: number) => {
  const { frames } = await changeFrameRate.run({
    inputs: { frames: clip(count, from) },
    params: { fps },
    ctx,
  });
  const { shape, data } = inMemory(frames).pixels;
  return { fps: frames.fps, frames: Array.from(data.subarray(0, shape[2])) };
};

it('leaves out frames of a fast clip, and lasts as long', async () => {
  expect(await shown(9, 24, 8)).toEqual({ fps: 8, frames: [0, 3, 6] });
});

it('repeats frames of a slow clip', async () => {
  expect(await shown(3, 8, 16)).toEqual({ fps: 16, frames: [0, 1, 1, 2, 2, 2] });
});

it('gives back a clip that has the rate, and never an empty one', async () => {
  const frames = clip(4, 8);
  expect(await changeFrameRate.run({ inputs: { frames }, params: { fps: 8 }, ctx })).toEqual({ frames });
  expect((await shown(1, 60, 8)).frames).toEqual([0]);
});

it.each([
  { count: 9, from: 24, fps: 8 },
  { count: 17, from: 8, fps: 30 },
  { count: 5, from: 29.97, fps: 12.5 },
])('foretells the $count frames at $from fps that it makes at $fps', async ({ count, from, fps }) => {
  const { outputs } = changeFrameRate.infer!({
    inputs: { frames: { frameCount: count, fps: from, widthPx: 64, heightPx: 32, durationSeconds: 1 } },
    params: { fps },
    context: { models: new Map() },
  });
  const made = (await shown(count, from, fps)).frames.length;
  expect(outputs.frames).toEqual({
    widthPx: 64,
    heightPx: 32,
    frameCount: made,
    fps,
    durationSeconds: made / fps,
  });
});
