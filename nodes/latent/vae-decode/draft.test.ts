import type { Latent } from '@reelgraph/node-api';
import { createTestContext, defaultParams, fakeModelRef as model } from '@reelgraph/node-api/testing';
import { full, zeros } from '@reelgraph/tensor';
import { expect, it } from 'vitest';
import { vaeDecode } from './node.ts';

it('shows what a draft is going to be, not the noise that is left in it', async () => {
  const shape = [1, 2, 1, 2, 2];
  const clip = { model: 'fake', frameCount: 1, widthPx: 16, heightPx: 16 };
  const estimate = full(shape, 0.5);
  const draft: Latent = {
    ...clip,
    samples: full(shape, -0.75),
    unfinished: {
      step: 1,
      sigmas: [1, 0.5, 0],
      sampler: 'euler',
      memory: {},
      guidanceScale: 1,
      branches: [],
      noise: { samples: zeros('float32', shape), seed: '1' },
      model,
      estimate,
    },
  };
  const decode = async (latent: Latent) =>
    (
      await vaeDecode.run({
        inputs: { model, latent },
        params: defaultParams(vaeDecode),
        ctx: createTestContext(),
      })
    ).frames;
  expect(await decode(draft)).toEqual(await decode({ ...clip, samples: estimate }));
});
