import type { Frames } from '@reelgraph/node-api';
import { createTestContext, inMemory } from '@reelgraph/node-api/testing';
import { fromFunction, zeros } from '@reelgraph/tensor';
import { describe, expect, it } from 'vitest';
import { joinClips } from './node.ts';

/** Frames of one pixel with these values. */
const clip = (...values: number[]) => ({
  pixels: fromFunction([1, 3, values.length, 1, 1], (i) => values[i % values.length]!),
  fps: 8,
});
const join = async (
  clips: { first: ReturnType<typeof clip>; second: ReturnType<typeof clip>; third?: ReturnType<typeof clip> },
  crossfade = 0,
) => {
  const { frames } = await joinClips.run({ inputs: clips, params: { crossfade }, ctx: createTestContext() });
  return Array.from(inMemory(frames).pixels.data.subarray(0, inMemory(frames).pixels.shape[2]));
};

describe('join-clips', () => {
  it('keeps every frame, in order', async () => {
    expect(await join({ first: clip(1, 2), second: clip(3) })).toEqual([1, 2, 3]);
    expect(await join({ first: clip(1, 2), second: clip(3), third: clip(4, 5) })).toEqual([1, 2, 3, 4, 5]);
  });

  it('fades evenly over frames that overlap', async () => {
    expect(await join({ first: clip(5, 0, 0, 0), second: clip(1, 1, 1, 9) }, 3)).toEqual([
      5, 0.25, 0.5, 0.75, 9,
    ]);
  });

  it('refuses clips of other sizes, while wiring and when run', async () => {
    const { issues } = joinClips.infer!({
      inputs: { first: { widthPx: 64, heightPx: 64 }, second: { widthPx: 64, heightPx: 48 } },
      params: { crossfade: 0 },
      context: { models: new Map() },
    });
    expect(issues).toMatchObject([
      { code: 'join-clips/other-size', port: 'second', fix: { kind: 'convert', label: 'Resize to 64×64' } },
    ]);
    const other = { pixels: fromFunction([1, 3, 1, 2, 1], () => 0), fps: 8 };
    await expect(join({ first: clip(1), second: other })).rejects.toMatchObject({
      code: 'join-clips/other-size',
    });
  });

  it('refuses clips of other rates, while wiring and when run', async () => {
    const { issues } = joinClips.infer!({
      inputs: { first: { fps: 24 }, second: { fps: 8 }, third: { fps: 24.001 } },
      params: { crossfade: 0 },
      context: { models: new Map() },
    });
    expect(issues).toMatchObject([
      { code: 'join-clips/other-rate', port: 'second', fix: { kind: 'convert', label: 'Change to 24 fps' } },
    ]);
    await expect(join({ first: clip(1), second: { ...clip(1), fps: 24 } })).rejects.toMatchObject({
      code: 'join-clips/other-rate',
    });
  });

  it('refuses a fade longer than a clip', async () => {
    const { issues } = joinClips.infer!({
      inputs: { first: { frameCount: 9 }, second: { frameCount: 5 }, third: { frameCount: 4 } },
      params: { crossfade: 6 },
      context: { models: new Map() },
    });
    expect(issues).toMatchObject([
      { code: 'join-clips/short-clip', param: 'crossfade', fix: { param: 'crossfade', value: 4 } },
    ]);
    await expect(join({ first: clip(1, 2), second: clip(3) }, 2)).rejects.toMatchObject({
      code: 'join-clips/short-clip',
    });
  });

  it('labels the wire with the whole length', () => {
    const facts = { frameCount: 9, widthPx: 64, heightPx: 64, fps: 8 };
    const { outputs } = joinClips.infer!({
      inputs: { first: facts, second: facts, third: facts },
      params: { crossfade: 2 },
      context: { models: new Map() },
    });
    expect(outputs.frames).toEqual({ ...facts, frameCount: 23, durationSeconds: 23 / 8 });
  });

  it('does not become endless', async () => {
    const ctx = createTestContext();
    let frames: Frames = { ...clip(1), pixels: zeros('float32', [1, 3, 1, 2048, 2048]) };
    const double = async () =>
      (await joinClips.run({ inputs: { first: frames, second: frames }, params: { crossfade: 0 }, ctx }))
        .frames;
    for (let i = 0; i < 20; i++) frames = await double();
    expect(frames).toMatchObject({ frameCount: 2 ** 20 });
    await expect(double()).rejects.toMatchObject({ code: 'join-clips/too-long' });
  });
});
