import type { KnownHold } from '@reelgraph/node-api';
import { full, tensor, zeros } from '@reelgraph/tensor';
import { describe, expect, it } from 'vitest';
import { openLtxDenoiser, tokenCoordinates } from './ltx-denoiser.ts';

const settings = {
  temporal: 8,
  spatial: 32,
  patchSize: [1, 1, 1] as [number, number, number],
  frameRate: 24,
  fromFirstPicture: false,
};
// 3 latent frames of 1 row and 2 columns: 6 tokens, frame by frame.
const shape = [1, 2, 3, 1, 2];
const rows = (coordinates: Float32Array) => {
  const tokens = coordinates.length / 3;
  return [0, 1, 2].map((row) => Array.from(coordinates.slice(row * tokens, (row + 1) * tokens)));
};
const seconds = (frames: readonly number[]) => frames.map((frame) => Math.fround(frame / 24));

describe('where tokens stand', () => {
  it('in seconds and pixels, a latent frame after the other', () => {
    expect(rows(tokenCoordinates(shape, settings))).toEqual([
      seconds([0, 0, 8, 8, 16, 16]),
      [0, 0, 0, 0, 0, 0],
      [0, 32, 0, 32, 0, 32],
    ]);
  });

  it('counted from the first picture, which is alone in its latent frame', () => {
    const [frames] = rows(tokenCoordinates(shape, { ...settings, fromFirstPicture: true }));
    expect(frames).toEqual(seconds([0, 0, 1, 1, 9, 9]));
  });

  it('frames in front of the clip stand where they are said to', () => {
    const [frames] = rows(tokenCoordinates(shape, { ...settings, fromFirstPicture: true }, [40]));
    expect(frames).toEqual(seconds([40, 40, 0, 0, 1, 1]));
  });
});

describe('the timestep of each token', () => {
  const branch = {
    promptEmbeds: full([1, 2, 4], 0.5),
    promptMask: tensor('int64', [1, 2], BigInt64Array.of(1n, 0n)),
  };
  const mask = zeros('float32', [1, 1, 3, 1, 2]);
  mask.data.set([1, 1, 0.8, 0.8]);
  const timesteps = (hold: { kind: 'clean' } | 'by-strength' | undefined, time: number) => {
    const byStrength: KnownHold = {
      kind: 'by-strength',
      noiseScale: 0,
      guideFrames: [],
      patchSize: [1, 1, 1],
    };
    const known =
      hold === undefined
        ? undefined
        : { latent: zeros('float32', shape), mask, hold: hold === 'by-strength' ? byStrength : hold };
    const denoiser = openLtxDenoiser({ shape, branches: [branch, branch], known, settings });
    const { timestep } = denoiser.feedsAt(zeros('float32', shape), time / 1000, time);
    expect(timestep?.shape).toEqual([2, 6]);
    return Array.from(timestep?.data ?? [], Number).slice(0, 6);
  };

  it('is that of the step where nothing is given', () => {
    expect(timesteps(undefined, 500)).toEqual([500, 500, 500, 500, 500, 500]);
  });

  it('falls with the share that is given', () => {
    const given = Math.fround(500 * (1 - Math.fround(0.8)));
    expect(timesteps({ kind: 'clean' }, 500)).toEqual([0, 0, given, given, 500, 500]);
  });

  it('held by strength, is never above what the strength leaves', () => {
    const left = Math.fround(Math.fround(1 - Math.fround(0.8)) * 1000);
    expect(timesteps('by-strength', 500)).toEqual([0, 0, left, left, 500, 500]);
    expect(timesteps('by-strength', 100)).toEqual([0, 0, 100, 100, 100, 100]);
  });
});
