import { describe, expect, it } from 'vitest';
import { createRandom, shrink } from './random.ts';
import { type FailedHistory, findFailure, historyOf, simulate } from './simulate-queue.ts';

const histories = 10_000;
/** Set it to try other histories, or one that failed elsewhere. */
const firstSeed = Number(process.env.REELGRAPH_SEED ?? 1);

/** For a person who has to find out: the seed, what was broken, and the shortest way there. */
function story({ seed, error, history }: FailedHistory): string {
  const steps = history.map(({ kind, n }, index) => `  ${index + 1}. ${kind} (${n})`);
  return [
    `seed ${seed}: ${error instanceof Error ? error.stack : String(error)}`,
    ...steps,
    `Try it alone with REELGRAPH_SEED=${seed}.`,
  ].join('\n');
}

it(`the queue keeps its promises in ${histories} histories of crashes, torn writes, deaths and repetitions`, () => {
  const failure = findFailure(firstSeed, histories);
  if (failure !== undefined) expect.fail(story(failure));
}, 120_000);

it('the histories are those that were meant: each kind of fault and command is in many of them', () => {
  const counts = new Map<string, number>();
  for (let seed = 1; seed <= 1000; seed += 1) {
    for (const kind of new Set(historyOf(seed).map((action) => action.kind)))
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  expect(Math.min(...counts.values())).toBeGreaterThan(80);
  expect(counts.size).toBe(17);
  expect(historyOf(7)).toEqual(historyOf(7));
});

describe('the tools', () => {
  it('a history of nothing but work is quiet', () => {
    expect(() =>
      simulate([{ kind: 'submit', n: 1 }, ...Array(20).fill({ kind: 'work', n: 1 })]),
    ).not.toThrow();
  });

  it('random numbers are those of the seed, and evenly spread', () => {
    const random = createRandom(5);
    const values = Array.from({ length: 10_000 }, random);
    expect(values.slice(0, 3)).toEqual(Array.from({ length: 3 }, createRandom(5)));
    expect(values.filter((value) => value < 0.25).length).toBeGreaterThan(2300);
    expect(values.filter((value) => value < 0.25).length).toBeLessThan(2700);
  });

  it('a list is shortened to what makes it fail', () => {
    const list = Array.from({ length: 40 }, (_, index) => index);
    expect(shrink(list, (shorter) => shorter.includes(7) && shorter.includes(31))).toEqual([7, 31]);
  });
});
