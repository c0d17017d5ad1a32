import { createTestContext, inMemory } from '@reelgraph/node-api/testing';
import { fromFunction } from '@reelgraph/tensor';
import { expect, it } from 'vitest';
import { reverseFrames } from './node.ts';

it('reverse-frames turns the order round and nothing else; twice is as before', async () => {
  const frames = { pixels: fromFunction([1, 3, 3, 1, 2], (i) => i), fps: 12 };
  const ctx = createTestContext();
  const once = (await reverseFrames.run({ inputs: { frames }, params: {}, ctx })).frames;
  expect(Array.from(inMemory(once).pixels.data.subarray(0, 6))).toEqual([4, 5, 2, 3, 0, 1]);
  expect((await reverseFrames.run({ inputs: { frames: once }, params: {}, ctx })).frames).toEqual(frames);
});
