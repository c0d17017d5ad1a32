import { createTestContext } from '@reelgraph/node-api/testing';
import { zeros } from '@reelgraph/tensor';
import { describe, expect, it } from 'vitest';
import { growMask } from './node.ts';

/** 5 frames of 7×7 with one marked pixel in the middle of frame 2. */
const dot = zeros('float32', [1, 1, 5, 7, 7]);
dot.data[(2 * 7 + 3) * 7 + 3] = 1;
const none = { grow: 0, growFrames: 0, feather: 0 };
const grown = async (params: Partial<typeof none>, weights = dot) =>
  (
    await growMask.run({
      inputs: { mask: { weights } },
      params: { ...none, ...params },
      ctx: createTestContext(),
    })
  ).mask.weights;
const sum = (data: Float32Array) => data.reduce((total, weight) => total + weight, 0);
const middleRow = (data: Float32Array, frame = 2) =>
  Array.from(data.subarray((frame * 7 + 3) * 7, (frame * 7 + 4) * 7));

describe('grow-mask', () => {
  it('grows to a square in its frame, and shrinks back', async () => {
    const large = await grown({ grow: 2 });
    expect(middleRow(large.data)).toEqual([0, 1, 1, 1, 1, 1, 0]);
    expect(sum(large.data)).toBe(25);
    expect(await grown({ grow: -2 }, large)).toEqual(dot);
    expect(sum((await grown({ grow: -1 })).data)).toBe(0);
  });

  it('grows in time', async () => {
    const longer = await grown({ growFrames: 1 });
    expect([0, 1, 2, 3, 4].map((frame) => middleRow(longer.data, frame)[3])).toEqual([0, 1, 1, 1, 0]);
  });

  it('fades out evenly beyond the edge and keeps the inside', async () => {
    const soft = await grown({ feather: 3 });
    expect(middleRow(soft.data)).toEqual([0.25, 0.5, 0.75, 1, 0.75, 0.5, 0.25]);
  });

  it('changes nothing when asked for nothing', async () => {
    expect(await grown({})).toEqual(dot);
  });
});
