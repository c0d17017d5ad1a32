/** What people get wrong is refused before anything runs, with a way out; what is right is not. */
import { beforeAll, describe, expect, it } from 'vitest';
import { shippedContext } from './documents.ts';
import { mutators } from './mutators.ts';
import { checkSuite, errorsAfterMending, goodCount, spoiltCount, spoiltThrice } from './suite.ts';

let suite: Awaited<ReturnType<typeof checkSuite>>;
beforeAll(async () => {
  suite = await checkSuite();
});

describe('the check', () => {
  it('refuses spoilt workflows before a run, nearly all with a fix that helps', () => {
    expect(suite.spoilt).toHaveLength(spoiltCount);
    expect(new Set(suite.spoilt.map(({ mutator }) => mutator)).size).toBe(mutators.length);
    expect(suite.spoilt.filter(({ codes }) => codes.length === 0)).toEqual([]);
    const helped = suite.spoilt.filter(({ isFixed }) => isFixed);
    const without = suite.spoilt.filter(({ isFixed }) => !isFixed);
    expect(helped.length, JSON.stringify(without, null, 1)).toBeGreaterThanOrEqual(0.95 * spoiltCount);
  });

  it('several mistakes at once are mended one after the other', async () => {
    const context = await shippedContext();
    const left: unknown[] = [];
    for (let seed = 0; seed < 40; seed += 1) {
      const { workflow, mistakes } = spoiltThrice(seed);
      const errors = await errorsAfterMending(workflow, context);
      if (errors.length > 0) left.push({ seed, mistakes, errors });
    }
    expect(left).toEqual([]);
  });

  it('refuses no good workflow', () => {
    expect(suite.good).toHaveLength(goodCount);
    expect(suite.good.filter(({ errors }) => errors.length > 0)).toEqual([]);
  });
});
