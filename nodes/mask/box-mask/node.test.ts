import { createTestContext } from '@reelgraph/node-api/testing';
import { zeros } from '@reelgraph/tensor';
import { describe, expect, it } from 'vitest';
import { boxMask } from './node.ts';

/** 4 frames of 10×5. */
const frames = { pixels: zeros('float32', [1, 3, 4, 5, 10]), fps: 8 };
const still = {
  left: 0,
  top: 0,
  width: 100,
  height: 100,
  moveRight: 0,
  moveDown: 0,
  firstFrame: 0,
  frames: 0,
};
/** Rows of `#` and `.`, frame by frame. */
const draw = async (params: Partial<typeof still>) => {
  const { mask } = await boxMask.run({
    inputs: { frames },
    params: { ...still, ...params },
    ctx: createTestContext(),
  });
  return Array.from({ length: 4 }, (_, t) =>
    Array.from({ length: 5 }, (_, y) =>
      Array.from(mask.weights.data.subarray((t * 5 + y) * 10, (t * 5 + y + 1) * 10), (w) =>
        w === 1 ? '#' : '.',
      ).join(''),
    ).join('\n'),
  );
};
const empty = Array(5).fill('.'.repeat(10)).join('\n');

describe('box-mask', () => {
  it('marks a box of the picture in the frames named', async () => {
    const box = '..........\n.###......\n.###......\n..........\n..........';
    expect(await draw({ left: 10, top: 20, width: 30, height: 40, firstFrame: 1, frames: 2 })).toEqual([
      empty,
      box,
      box,
      empty,
    ]);
  });

  it('marks all of the clip to its end by default', async () => {
    expect(await draw({})).toEqual(Array(4).fill(Array(5).fill('#'.repeat(10)).join('\n')));
  });

  it('moves evenly and leaves the picture', async () => {
    const drawn = await draw({ left: 70, width: 20, height: 20, moveRight: 30 });
    expect(drawn.map((frame) => frame.slice(0, 10))).toEqual([
      '.......##.',
      '........##',
      '.........#',
      '..........',
    ]);
  });

  it('refuses a box that begins after the clip', () => {
    const { issues } = boxMask.infer!({
      inputs: { frames: { frameCount: 4 } },
      params: { ...still, firstFrame: 4 },
      context: { models: new Map() },
    });
    expect(issues).toMatchObject([{ code: 'box-mask/outside-clip', fix: { value: 0 } }]);
  });
});
