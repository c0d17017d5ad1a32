import { createTestContext } from '@reelgraph/node-api/testing';
import { describe, expect, it } from 'vitest';
import { scheduler } from './node.ts';

describe('scheduler', () => {
  it('plans from all noise to none', async () => {
    const { sigmas } = await scheduler.run({
      inputs: {},
      params: { steps: 4, shift: 1 },
      ctx: createTestContext(),
    });
    expect(sigmas.values).toEqual([1, 0.75, 0.5, 0.25, 0]);
  });

  it('spends more steps on layout when shifted', async () => {
    const { sigmas } = await scheduler.run({
      inputs: {},
      params: { steps: 2, shift: 3 },
      ctx: createTestContext(),
    });
    expect(sigmas.values).toEqual([1, 0.75, 0]);
  });
});
