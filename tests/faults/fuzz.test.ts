import { expect, it } from 'vitest';
import { fuzzFunctions, fuzzServer } from './fuzz.ts';

// Another one: REELGRAPH_SEED=7 npx vitest run tests/faults/fuzz.test.ts
const seed = Number(process.env.REELGRAPH_SEED ?? 20261);

it(`bent workflows are read, checked, mended and written without a throw (seed ${seed})`, async () => {
  const { workflows, runnable } = await fuzzFunctions({ seed, count: 1000 });
  // Too many that are refused at the first look would try nothing behind it.
  expect(workflows).toBeGreaterThan(250);
  expect(runnable).toBeGreaterThan(10);
}, 120_000);

it(`a server answers them all, and none with a fault of its own (seed ${seed})`, async () => {
  const { answers } = await fuzzServer({ seed, count: 400 });
  expect(Object.keys(answers)).toEqual(expect.arrayContaining(['200', '202', '400', '422']));
}, 120_000);
