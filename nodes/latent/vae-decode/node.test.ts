import type { Latent } from '@reelgraph/node-api';
import {
  createTestContext,
  defaultParams,
  fakeModelFacts,
  inMemory,
  fakeModelRef as model,
} from '@reelgraph/node-api/testing';
import { full } from '@reelgraph/tensor';
import { describe, expect, it } from 'vitest';
import { vaeDecode } from './node.ts';

const latent: Latent = {
  samples: full([1, 2, 3, 4, 4], 0.5),
  model: 'fake',
  frameCount: 9,
  widthPx: 32,
  heightPx: 32,
};

describe('vae-decode', () => {
  it('unpacks a latent into frames at the speed of its model', async () => {
    const { frames } = await vaeDecode.run({
      inputs: { model, latent },
      params: defaultParams(vaeDecode),
      ctx: createTestContext(),
    });
    expect(inMemory(frames).pixels.shape).toEqual([1, 3, 9, 32, 32]);
    expect(frames.fps).toBe(8);
  });

  it('refuses the latent of another model, while wiring and when run', async () => {
    const inputs = { model: { model: 'fake' }, latent: { model: 'other' } };
    const { issues } = vaeDecode.infer!({
      inputs,
      params: defaultParams(vaeDecode),
      context: { models: new Map() },
    });
    expect(issues).toMatchObject([{ code: 'vae-decode/wrong-model', port: 'latent' }]);
    const run = vaeDecode.run({
      inputs: { model, latent: { ...latent, model: 'other' } },
      params: defaultParams(vaeDecode),
      ctx: createTestContext(),
    });
    await expect(run).rejects.toMatchObject({ code: 'vae-decode/wrong-model' });
  });

  it('labels the wire with size, length and speed', () => {
    const inputs = {
      model: { model: 'fake' },
      latent: { model: 'fake', frameCount: 9, widthPx: 32, heightPx: 32, channels: 2 },
    };
    const context = { models: new Map([['fake', fakeModelFacts]]) };
    expect(vaeDecode.infer!({ inputs, params: defaultParams(vaeDecode), context }).outputs.frames).toEqual({
      durationSeconds: 9 / 8,
      frameCount: 9,
      widthPx: 32,
      heightPx: 32,
      fps: 8,
    });
  });
});
