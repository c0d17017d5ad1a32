import type { Latent } from '@reelgraph/node-api';
import { createTestContext } from '@reelgraph/node-api/testing';
import { full } from '@reelgraph/tensor';
import { describe, expect, it } from 'vitest';
import { chooseLatent } from './node.ts';

const take = (number: number): Latent => ({
  samples: full([1, 2, 1, 2, 2], number),
  model: 'fake',
  frameCount: 1,
  widthPx: 16,
  heightPx: 16,
});
const infer = (params: { take: number }, inputs: object) =>
  chooseLatent.infer!({ inputs, params, context: { models: new Map() } });

describe('choose take', () => {
  it('lets the chosen one through as it is', async () => {
    const inputs = { first: take(1), second: take(2), fourth: take(4) };
    for (const [number, chosen] of [
      [1, inputs.first],
      [2, inputs.second],
      [4, inputs.fourth],
    ] as const) {
      const ctx = createTestContext();
      expect(await chooseLatent.run({ inputs, params: { take: number }, ctx })).toEqual({ latent: chosen });
    }
  });

  it('carries the facts of the chosen one, also when nothing is known of it', () => {
    const inputs = { first: { steps: 20, stepsDone: 6 }, second: undefined };
    expect(infer({ take: 1 }, inputs)).toEqual({
      outputs: { latent: { steps: 20, stepsDone: 6 } },
      issues: [],
    });
    expect(infer({ take: 2 }, inputs)).toEqual({ outputs: { latent: {} }, issues: [] });
  });

  it('says that nothing is connected there', () => {
    expect(infer({ take: 3 }, { first: {} }).issues).toMatchObject([
      { code: 'choose-latent/none', param: 'take', fix: { value: 1 } },
    ]);
    expect(() =>
      chooseLatent.run({ inputs: { first: take(1) }, params: { take: 3 }, ctx: createTestContext() }),
    ).toThrowError('nothing is connected');
  });
});
