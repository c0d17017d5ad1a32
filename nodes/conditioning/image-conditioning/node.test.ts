import type { Conditioning, ImageValue, Latent, PlacePictureRequest } from '@reelgraph/node-api';
import {
  createFakeModels,
  createTestContext,
  defaultParams,
  fakeModelFacts,
  fakeModelRef as model,
} from '@reelgraph/node-api/testing';
import { full, zeros } from '@reelgraph/tensor';
import { describe, expect, it } from 'vitest';
import { imageConditioning } from './node.ts';

const ctx = createTestContext();
const prompt: Conditioning = await ctx.models.encodeText(model, 'a red circle', ctx.signal);
/** 9 frames of 32×32: latent frames 0 (frame 0), 1 (frames 1–4), 2 (frames 5–8). */
const latent: Latent = {
  samples: zeros('float32', [1, 2, 3, 4, 4]),
  model: 'fake',
  frameCount: 9,
  widthPx: 32,
  heightPx: 32,
};
const picture = (value: number): ImageValue => ({ pixels: full([1, 3, 1, 50, 70], value) });
const place = (
  conditioning: Conditioning,
  image: ImageValue,
  params: { frame: string; frameIndex?: number },
) =>
  imageConditioning.run({
    inputs: { model, conditioning, image, latent },
    params: defaultParams(imageConditioning, params),
    ctx,
  });
/** Mask and value of each latent frame. */
const summary = ({ known }: Conditioning) =>
  [0, 1, 2].map((t) => [known?.mask.data[t * 16], known?.latent.data[t * 16]]);

describe('image-conditioning', () => {
  it('fixes the first frame and keeps the prompt', async () => {
    const { conditioning } = await place(prompt, picture(0.5), { frame: 'first' });
    expect(conditioning.promptEmbeds).toBe(prompt.promptEmbeds);
    expect(conditioning.known?.latent.shape).toEqual(latent.samples.shape);
    expect(conditioning.known?.mask.shape).toEqual([1, 1, 3, 4, 4]);
    expect(summary(conditioning)).toEqual([
      [1, 0.5],
      [0, 0],
      [0, 0],
    ]);
  });

  it('chained, it fixes first and last', async () => {
    const first = await place(prompt, picture(0.5), { frame: 'first' });
    const both = await place(first.conditioning, picture(-0.5), { frame: 'last' });
    expect(summary(both.conditioning)).toEqual([
      [1, 0.5],
      [0, 0],
      [1, -0.5],
    ]);
    expect(summary(first.conditioning)).toEqual([
      [1, 0.5],
      [0, 0],
      [0, 0],
    ]);
  });

  it('places a frame number into the latent frame it lies in', async () => {
    const { conditioning } = await place(prompt, picture(0.25), { frame: 'index', frameIndex: 4 });
    expect(summary(conditioning)).toEqual([
      [0, 0],
      [1, 0.25],
      [0, 0],
    ]);
  });

  it('refuses a frame outside the clip, while wiring and when run', async () => {
    const params = { frame: 'index', frameIndex: 9, fit: 'cover' };
    const inputs = { latent: { frameCount: 9 } };
    const { issues } = imageConditioning.infer!({ inputs, params, context: { models: new Map() } });
    expect(issues).toMatchObject([
      { code: 'image-conditioning/outside-clip', fix: { param: 'frameIndex', value: 8 } },
    ]);
    await expect(place(prompt, picture(0), params)).rejects.toMatchObject({
      code: 'image-conditioning/outside-clip',
    });
  });

  it('a model that takes a first frame only says so while wiring', () => {
    const facts = { ...fakeModelFacts, placesPictures: 'first' as const };
    const codes = (own: { frame: string; frameIndex?: number }, variant?: string) =>
      imageConditioning.infer!({
        inputs: { model: { model: 'fake', ...(variant === undefined ? {} : { variant }) } },
        params: defaultParams(imageConditioning, own),
        context: { models: new Map([['fake', facts]]) },
      }).issues.map(({ code }) => code);
    expect(codes({ frame: 'last' })).toEqual(['image-conditioning/first-only']);
    expect(codes({ frame: 'index', frameIndex: 4 })).toEqual(['image-conditioning/first-only']);
    expect(codes({ frame: 'index', frameIndex: 0 })).toEqual([]);
    expect(codes({ frame: 'last' }, 'keyframes')).toEqual([]);
  });

  it.each([
    ['first', { frame: 'last' }, 9, ['image-conditioning/first-only']],
    ['first', { frame: 'index', frameIndex: 8 }, undefined, ['image-conditioning/first-only']],
    ['first', { frame: 'index', frameIndex: 0 }, 9, []],
    ['both', { frame: 'last' }, 9, []],
    ['both', { frame: 'index', frameIndex: 8 }, 9, []],
    ['both', { frame: 'index', frameIndex: 4 }, undefined, []],
    ['first-or-both', { frame: 'index', frameIndex: 4 }, 9, ['image-conditioning/first-only']],
  ] as const)(
    'a model with channels for pictures (%s) takes them at its ends: %o of %s',
    (needsPictures, own, frameCount, codes) => {
      const { issues } = imageConditioning.infer!({
        inputs: { model: { model: 'fake' }, ...(frameCount === undefined ? {} : { latent: { frameCount } }) },
        params: defaultParams(imageConditioning, own),
        context: { models: new Map([['fake', { ...fakeModelFacts, needsPictures }]]) },
      });
      expect(issues.map(({ code }) => code)).toEqual(codes);
    },
  );

  it('hands such a model the whole picture beside the one fitted to the clip, and those placed before', async () => {
    const asked: PlacePictureRequest[] = [];
    const models = createFakeModels();
    const guide = { channels: full([1, 5, 3, 4, 4], 1) };
    const withChannels = {
      ...models,
      facts: () => ({ ...fakeModelFacts, needsPictures: 'both' as const }),
      placePicture(_: unknown, request: PlacePictureRequest) {
        asked.push(request);
        return Promise.resolve(guide);
      },
    };
    const image = picture(0.5);
    const run = (conditioning: Conditioning, frame: string) =>
      imageConditioning.run({
        inputs: { model, conditioning, image, latent },
        params: defaultParams(imageConditioning, { frame }),
        ctx: createTestContext({ models: withChannels }),
      });
    const { conditioning } = await run(prompt, 'first');
    expect(conditioning).toEqual({ ...prompt, guide });
    await run(conditioning, 'last');
    expect(asked).toMatchObject([
      { frame: 0, frameCount: 9, picture: image.pixels },
      { frame: 8, frameCount: 9, guide },
    ]);
    expect(asked[0]?.still.shape).toEqual([1, 3, 1, 32, 32]);
  });

  it('refuses a picture placed for a clip of another size', async () => {
    const { conditioning } = await place(prompt, picture(0), { frame: 'first' });
    const larger = { ...latent, samples: zeros('float32', [1, 2, 5, 4, 4]), frameCount: 17 };
    const run = imageConditioning.run({
      inputs: { model, conditioning, image: picture(0), latent: larger },
      params: defaultParams(imageConditioning, { frame: 'last' }),
      ctx,
    });
    await expect(run).rejects.toMatchObject({ code: 'image-conditioning/wrong-size' });
  });
});
