import type { PictureGuide } from '@reelgraph/node-api';
import { full, type Tensor, zeros } from '@reelgraph/tensor';
import { describe, expect, it } from 'vitest';
import type { ModelPackage } from '../model-package.ts';
import { openPicturePlacing, type PictureNeed } from './wan-pictures.ts';

const signal = new AbortController().signal;
const scales = { z_dim: 2, scale_factor_temporal: 4 };
/** Wan 2.2 A14B: no image encoder. */
const modelPackage: ModelPackage = {
  name: 'moe',
  folder: '',
  index: { _class_name: 'WanImageToVideoPipeline' },
  manifest: { components: {}, config: {} },
};
const noGraphs = () => Promise.reject(new Error('no graph is run here'));

async function opened(need: PictureNeed) {
  const clips: Tensor<'float32'>[] = [];
  const place = await openPicturePlacing(modelPackage, need, scales, (_, pixels) => {
    clips.push(pixels);
    return Promise.resolve(full([1, 2, 3, 1, 1], 0.5));
  });
  const at = (frame: number, value: number, guide?: PictureGuide) => {
    const still = full([1, 3, 1, 2, 2], value);
    return place(noGraphs, { picture: still, still, frame, frameCount: 9, guide }, signal);
  };
  return { at, clips };
}

/** Channels of the mask, each [T]. */
const maskOf = ({ channels = zeros('float32', [1, 6, 3, 1, 1]) }: PictureGuide) =>
  [0, 1, 2, 3].map((channel) => [...channels.data.slice(3 * channel, 3 * channel + 3)]);

describe('a model that may be given a last picture', () => {
  it('is given a first one with grey after it', async () => {
    const { at, clips } = await opened('first-or-both');
    const guide = await at(0, 0.25);
    expect(maskOf(guide)).toEqual(Array(4).fill([1, 0, 0]));
    expect(guide.channels?.shape).toEqual([1, 6, 3, 1, 1]);
    expect([...(guide.channels?.data.slice(12) ?? [])]).toEqual(Array(6).fill(0.5));
    const ofColour = [...Array(4).fill(0.25), ...Array(32).fill(0)];
    expect([...(clips[0]?.data ?? [])]).toEqual([...ofColour, ...ofColour, ...ofColour]);
    expect(guide.tokens).toBeUndefined();
  });

  it('has the last one in the last of the frames packed together', async () => {
    const { at, clips } = await opened('first-or-both');
    const both = await at(8, 0.75, await at(0, 0.25));
    expect(maskOf(both)).toEqual([...Array(3).fill([1, 0, 0]), [1, 0, 1]]);
    const ofColour = [...Array(4).fill(0.25), ...Array(28).fill(0), ...Array(4).fill(0.75)];
    expect([...(clips[1]?.data ?? [])].slice(0, 36)).toEqual(ofColour);
    expect(await at(0, 0.25, await at(8, 0.75))).toEqual(both);
  });

  it('is given the last of two pictures for one frame', async () => {
    const { at } = await opened('first-or-both');
    const guide = await at(0, 0.75, await at(0, 0.25));
    expect(guide.stills?.map(({ frame, pixels }) => [frame, pixels.data[0]])).toEqual([[0, 0.75]]);
  });
});

it('nothing is encoded before all pictures are there that are needed', async () => {
  const { at, clips } = await opened('both');
  const one = await at(8, 0.75);
  expect(one.channels).toBeUndefined();
  expect(clips).toEqual([]);
  expect((await at(0, 0.25, one)).channels?.shape).toEqual([1, 6, 3, 1, 1]);
});

it.each([
  ['first', 8],
  ['first', 4],
  ['both', 4],
] as const)('a picture that the model (%s) has no place for is refused: frame %i', async (need, frame) => {
  const { at } = await opened(need);
  await expect(at(frame, 0)).rejects.toMatchObject({ code: 'model/no-picture' });
});
