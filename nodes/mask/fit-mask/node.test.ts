import { createTestContext } from '@reelgraph/node-api/testing';
import { fromFunction, type Tensor, tensor, zeros } from '@reelgraph/tensor';
import { expect, it } from 'vitest';
import { fitMask } from './node.ts';

const fit = async (weights: Tensor<'float32'>, shape: number[]) =>
  fitMask.run({
    inputs: { mask: { weights }, frames: { pixels: zeros('float32', shape), fps: 8 } },
    params: {},
    ctx: createTestContext(),
  });

it('stretches a mask over the rows, columns and frames of a clip', async () => {
  const mask = tensor('float32', [1, 1, 1, 2, 2], Float32Array.of(1, 0, 0, 0.5));
  const { weights } = (await fit(mask, [1, 3, 2, 2, 4])).mask;
  expect(weights.shape).toEqual([1, 1, 2, 2, 4]);
  expect(Array.from(weights.data)).toEqual([1, 1, 0, 0, 0, 0, 0.5, 0.5, 1, 1, 0, 0, 0, 0, 0.5, 0.5]);
});

it('leaves a mask of the right size as it is', async () => {
  const mask = fromFunction([1, 1, 3, 2, 2], (i) => i / 12);
  expect((await fit(mask, [1, 3, 3, 2, 2])).mask.weights).toEqual(mask);
});

it('labels the wire with the size of the clip', () => {
  const frames = { frameCount: 9, widthPx: 64, heightPx: 48, fps: 8 };
  expect(
    fitMask.infer!({ inputs: { frames, mask: {} }, params: {}, context: { models: new Map() } }),
  ).toEqual({
    outputs: { mask: { frameCount: 9, widthPx: 64, heightPx: 48 } },
    issues: [],
  });
});
