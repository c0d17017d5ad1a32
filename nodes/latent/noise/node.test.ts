import type { Latent } from '@reelgraph/node-api';
import { createTestContext } from '@reelgraph/node-api/testing';
import { zeros } from '@reelgraph/tensor';
import { describe, expect, it } from 'vitest';
import { noise } from './node.ts';

const latent: Latent = {
  samples: zeros('float32', [1, 2, 3, 4, 4]),
  model: 'fake',
  frameCount: 9,
  widthPx: 32,
  heightPx: 32,
};
const draw = async (seed: string) =>
  (await noise.run({ inputs: { latent }, params: { seed }, ctx: createTestContext() })).noise;

describe('noise', () => {
  it('is decided by the seed alone and has the shape of the latent', async () => {
    expect(await draw('42')).toEqual(await draw('42'));
    expect((await draw('43')).samples.data).not.toEqual((await draw('42')).samples.data);
    expect((await draw('42')).samples.shape).toEqual([1, 2, 3, 4, 4]);
  });

  it('is about standard normal', async () => {
    const { data } = (await draw('18446744073709551615')).samples;
    const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
    const variance = data.reduce((sum, value) => sum + value * value, 0) / data.length;
    // 96 numbers: three standard errors are 0.31 for the mean and 0.43 for the variance.
    expect(Math.abs(mean)).toBeLessThan(0.31);
    expect(Math.abs(variance - 1)).toBeLessThan(0.43);
  });
});
