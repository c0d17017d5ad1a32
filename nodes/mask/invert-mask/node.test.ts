import { createTestContext } from '@reelgraph/node-api/testing';
import { tensor } from '@reelgraph/tensor';
import { expect, it } from 'vitest';
import { invertMask } from './node.ts';

it('invert-mask turns every weight round', async () => {
  const mask = { weights: tensor('float32', [1, 1, 1, 1, 3], Float32Array.of(0, 0.25, 1)) };
  const inverted = (await invertMask.run({ inputs: { mask }, params: {}, ctx: createTestContext() })).mask;
  expect(inverted.weights.shape).toEqual([1, 1, 1, 1, 3]);
  expect(Array.from(inverted.weights.data)).toEqual([1, 0.75, 0]);
});
