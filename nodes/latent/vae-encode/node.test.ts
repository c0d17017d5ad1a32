import { createFakeModels, createTestContext, fakeModelRef as model } from '@reelgraph/node-api/testing';
import { fromFunction, zeros } from '@reelgraph/tensor';
import { describe, expect, it } from 'vitest';
import { vaeEncode } from './node.ts';

const encode = (pixels: ReturnType<typeof zeros<'float32'>>) =>
  vaeEncode.run({ inputs: { model, frames: { pixels, fps: 8 } }, params: {}, ctx: createTestContext() });

describe('vae-encode', () => {
  it('packs a clip and remembers what it unpacks to', async () => {
    const { latent } = await encode(fromFunction([1, 3, 9, 32, 48], () => 0.5));
    expect(latent).toMatchObject({ model: 'fake', frameCount: 9, widthPx: 48, heightPx: 32 });
    expect(latent.samples.shape).toEqual([1, 2, 3, 4, 6]);
    expect(latent.samples.data[0]).toBe(0.5);
  });

  it('keeps how far the encoder is from sure, for models that draw the clip they begin from', async () => {
    const models = createFakeModels();
    const spread = zeros('float32', [1, 2, 3, 4, 6]);
    const ctx = createTestContext({
      models: {
        ...models,
        encodeClip: async (ref, pixels, signal) => ({
          samples: await models.encodeFrames(ref, pixels, signal),
          spread,
        }),
      },
    });
    const frames = { pixels: fromFunction([1, 3, 9, 32, 48], () => 0.5), fps: 8 };
    const { latent } = await vaeEncode.run({ inputs: { model, frames }, params: {}, ctx });
    expect(latent.spread).toBe(spread);
    expect(latent.samples.data[0]).toBe(0.5);
  });

  it('labels the wire, and refuses while wiring what it would refuse when run', async () => {
    const rules = { model: 'fake', frameRule: { multiple: 4, plus: 1 }, sizeMultiple: 16 };
    const infer = (frameCount: number) =>
      vaeEncode.infer!({
        inputs: { model: rules, frames: { frameCount, widthPx: 48, heightPx: 32, fps: 8 } },
        params: {},
        context: { models: new Map() },
      });
    expect(infer(9)).toEqual({
      outputs: { latent: { ...rules, frameCount: 9, widthPx: 48, heightPx: 32 } },
      issues: [],
    });
    expect(infer(8).issues).toMatchObject([{ code: 'clip/frame-count', port: 'frames' }]);
    await expect(encode(zeros('float32', [1, 3, 8, 32, 32]))).rejects.toMatchObject({
      code: 'clip/frame-count',
      hint: 'Trim it to 5 frames.',
    });
    await expect(encode(zeros('float32', [1, 3, 9, 32, 40]))).rejects.toMatchObject({ code: 'clip/size' });
  });
});
