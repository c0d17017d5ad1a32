import { expect, it } from 'vitest';
import { killAgainAndAgain } from './kills/kills.ts';
import { mostStepsRedone } from './kills/steps.ts';

// `npm run faults -- kill` does it two hundred times.
it('kill -9 of server, runner and both at random: no accepted run is lost, and every file is that of an undisturbed run', {
  timeout: 300_000,
}, async () => {
  const seen = await killAgainAndAgain({ seed: 7, count: 6 });
  expect(seen).toMatchObject({ lost: [], wrong: [], leftovers: [] });
  expect(seen.mostRedone).toBeLessThanOrEqual(1);
  expect(seen.accepted).toBeGreaterThan(4);
  expect(seen.compared).toBeGreaterThan(0);
});

it.each([
  ['an undisturbed run', 'a n 1 9|a n 2 9|a n 3 9', { steps: 3, redone: 0, most: 0 }],
  ['goes on where it was', 'a n 1 8|a n 2 8|a n 3 9', { steps: 3, redone: 0, most: 0 }],
  ['a step done again', 'a n 1 8|a n 2 8|a n 2 9|a n 3 9', { steps: 4, redone: 1, most: 1 }],
  ['begun anew', 'a n 1 8|a n 2 8|a n 1 9|a n 2 9', { steps: 4, redone: 2, most: 2 }],
  ['two kills', 'a n 1 7|a n 1 8|a n 2 8|a n 2 9', { steps: 4, redone: 2, most: 1 }],
  ['other nodes and runs are other work', 'a n 2 8|a m 1 9|b n 1 9', { steps: 3, redone: 0, most: 0 }],
  ['half a line of a process that was killed', 'a n 1 8|a n', { steps: 1, redone: 0, most: 0 }],
])('steps done twice are counted: %s', (_, log, expected) => {
  expect(mostStepsRedone(log.replaceAll('|', '\n'))).toEqual(expected);
});
