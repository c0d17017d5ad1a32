import { createTestContext } from '@reelgraph/node-api/testing';
import { tensor } from '@reelgraph/tensor';
import { type Clip, captionOf, randomScene, renderScene } from '@reelgraph/toybox';
import { describe, expect, it } from 'vitest';
import { scoreClip } from './node.ts';

/** RGB bytes [T, H, W, 3] -> pixels [1, 3, T, H, W] in [-1, 1]. */
function framesOf({ frames, frameCount, width, height }: Clip) {
  const plane = frameCount * height * width;
  const data = new Float32Array(3 * plane);
  for (let i = 0; i < plane; i++)
    for (let k = 0; k < 3; k++) data[k * plane + i] = frames[i * 3 + k]! / 127.5 - 1;
  return { pixels: tensor('float32', [1, 3, frameCount, height, width], data), fps: 8 };
}

const scene = randomScene(12, {
  kind: 'single',
  fixed: { shape: 'star', colour: 'red', motion: 'moves right', background: 'navy' },
  isStyled: false,
});
const frames = framesOf(renderScene(scene));
const run = (inputs: Partial<Parameters<typeof scoreClip.run>[0]['inputs']>, prompt = '') =>
  scoreClip.run({ inputs: { frames, ...inputs }, params: { prompt }, ctx: createTestContext() });

describe('score-clip', () => {
  it('finds everything right in a true clip, against its scene or its prompt', async () => {
    for (const { score } of [
      await run({ scene }),
      await run({ prompt: captionOf(scene) }),
      await run({}, captionOf(scene)),
    ]) {
      expect(score.rows.filter((row) => row.isRight === false)).toEqual([]);
      expect(score.rows.find((row) => row.name === 'Shape')).toEqual({
        name: 'Shape',
        value: 'right',
        isRight: true,
      });
      expect(score.summary).toMatch(/^(\d+) of \1 right$/);
    }
  });

  it('names what is not as asked', async () => {
    const { score } = await run({ prompt: captionOf(scene).replace('red star', 'blue circle') });
    const wrong = score.rows.filter((row) => row.isRight === false).map((row) => row.name);
    expect(wrong).toEqual(['Colour', 'Shape']);
  });

  it('shows what it saw', async () => {
    const { score } = await run({ scene });
    expect(score.rows.at(-1)?.value).toMatch(/red star moves right .* on navy, flat/);
  });

  it('refuses a prompt that is not in the words of the world, a truth that is no scene, and nothing at all', async () => {
    await expect(async () => run({ prompt: 'a cat' })).rejects.toMatchObject({ code: 'score/not-readable' });
    await expect(async () => run({ scene: { kind: 'single' } })).rejects.toMatchObject({
      code: 'score/not-a-scene',
    });
    await expect(async () => run({})).rejects.toMatchObject({ code: 'score/nothing-expected' });
  });

  it('says while wiring that there is nothing to compare with', () => {
    const infer = (inputs: object) =>
      scoreClip.infer!({ inputs, params: { prompt: '' }, context: { models: new Map() } }).issues?.map(
        ({ code }) => code,
      );
    expect(infer({ frames: {} })).toEqual(['score/nothing-expected']);
    expect(infer({ frames: {}, scene: {} })).toEqual([]);
  });
});
