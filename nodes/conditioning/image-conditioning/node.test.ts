import type { Conditioning, ImageValue, Latent } from '@reelgraph/node-api';
import {
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
