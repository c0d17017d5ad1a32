import type { Conditioning, Frames, Noise, Sigmas } from '@reelgraph/node-api';
import {
  createTestContext,
  defaultParams,
  inMemory,
  fakeModelRef as model,
} from '@reelgraph/node-api/testing';
import { fromFunction, randomNormal, zeros } from '@reelgraph/tensor';
import { describe, expect, it } from 'vitest';
import { denoise } from '../../sampling/denoise/node.ts';
import { compositeFrames } from '../../video/composite-frames/node.ts';
import { inpaint } from './node.ts';

const ctx = createTestContext();
const twoSteps: Sigmas = { values: [1, 0.5, 0] };
const conditioning: Conditioning = await ctx.models.encodeText(model, 'a red circle', ctx.signal);
/** 5 frames of 32×32 in small random steps: latent [1, 2, 2, 4, 4]. */
const frames: Frames = {
  pixels: fromFunction([1, 3, 5, 32, 32], (i) => ((i * 7919) % 256) / 127.5 - 1),
  fps: 8,
};
/** Marks the right half of frames 1 to 4, that is of latent frame 1. */
const mask = {
  weights: fromFunction([1, 1, 5, 32, 32], (i) => (i >= 1024 && i % 32 >= 16 ? 1 : 0)),
};

describe('inpaint', () => {
  it('gives the clip outside the mask and nothing inside', async () => {
    const made = await inpaint.run({ inputs: { model, conditioning, frames, mask }, params: {}, ctx });
    const { known } = made.conditioning;
    expect(made.latent).toMatchObject({ frameCount: 5, widthPx: 32, heightPx: 32, model: 'fake' });
    expect(Array.from(known?.mask.data ?? [])).toEqual([
      ...Array(16).fill(1),
      ...Array(4).fill([1, 1, 0, 0]).flat(),
    ]);
    for (let i = 0; i < 64; i++) {
      const expected = known?.mask.data[i % 32] === 1 ? made.latent.samples.data[i] : 0;
      expect(known?.latent.data[i]).toBe(expected);
    }
  });

  it('after denoising the places outside are as encoded, and put back the frames are the very ones', async () => {
    const made = await inpaint.run({ inputs: { model, conditioning, frames, mask }, params: {}, ctx });
    const noise: Noise = { samples: randomNormal('3', made.latent.samples.shape), seed: '3' };
    const { latent } = await denoise.run({
      inputs: {
        model,
        positive: made.conditioning,
        noise,
        sigmas: twoSteps,
        latent: made.latent,
      },
      params: defaultParams(denoise, { guidanceScale: 2, sampler: 'euler' }),
      ctx,
    });
    const { known } = made.conditioning;
    for (let i = 0; i < 64; i++) {
      if (known?.mask.data[i % 32] === 1) expect(latent.samples.data[i]).toBe(made.latent.samples.data[i]);
      else expect(latent.samples.data[i]).not.toBe(made.latent.samples.data[i]);
    }
    const pixels = await ctx.models.decodeLatent(model, latent.samples, ctx.signal);
    const whole = await compositeFrames.run({
      inputs: { original: frames, frames: { pixels, fps: 8 }, mask },
      params: {},
      ctx,
    });
    const wanted = frames.pixels.data.map((value, i) =>
      mask.weights.data[i % 5120] === 1 ? pixels.data[i]! : value,
    );
    expect(inMemory(whole.frames).pixels.data).toEqual(wanted);
  });

  it('refuses masks and clips that do not fit, while wiring and when run', async () => {
    const rules = { model: 'fake', frameRule: { multiple: 4, plus: 1 }, sizeMultiple: 16 };
    const issues = inpaint.infer!({
      inputs: { model: rules, frames: { frameCount: 6 }, mask: { frameCount: 5 } },
      params: {},
      context: { models: new Map() },
    }).issues;
    expect(issues.map(({ code, port }) => [code, port])).toEqual([
      ['clip/frame-count', 'frames'],
      ['inpaint/other-size', 'mask'],
    ]);
    const small = { weights: zeros('float32', [1, 1, 1, 32, 32]) };
    await expect(
      inpaint.run({ inputs: { model, conditioning, frames, mask: small }, params: {}, ctx }),
    ).rejects.toMatchObject({ code: 'inpaint/other-size' });
  });
});
