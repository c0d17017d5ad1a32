import { createTestContext } from '@reelgraph/node-api/testing';
import { fromFunction } from '@reelgraph/tensor';
import { describe, expect, it } from 'vitest';
import { pickFrame } from './node.ts';

const frames = { pixels: fromFunction([1, 3, 4, 1, 1], (i) => i % 4), fps: 8 };
const pick = async (frame: string, frameIndex = 0) =>
  (await pickFrame.run({ inputs: { frames }, params: { frame, frameIndex }, ctx: createTestContext() }))
    .image;

describe('pick-frame', () => {
  it.each([
    ['first', 0, 0],
    ['last', 0, 3],
    ['index', 2, 2],
  ])('takes the %s frame (%i)', async (frame, index, value) => {
    const { pixels } = await pick(frame, index);
    expect(pixels.shape).toEqual([1, 3, 1, 1, 1]);
    expect(Array.from(pixels.data)).toEqual([value, value, value]);
  });

  it('refuses a frame outside the clip, while wiring and when run', async () => {
    const { issues } = pickFrame.infer!({
      inputs: { frames: { frameCount: 4 } },
      params: { frame: 'index', frameIndex: 4 },
      context: { models: new Map() },
    });
    expect(issues).toMatchObject([{ code: 'pick-frame/outside-clip', fix: { value: 3 } }]);
    await expect(pick('index', 4)).rejects.toMatchObject({ code: 'pick-frame/outside-clip' });
  });
});
