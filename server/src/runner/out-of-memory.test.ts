import { expect, it } from 'vitest';
import { saysOutOfMemory, watchMemoryKills } from './out-of-memory.ts';

it('a kill for want of memory counts when it is new: one of long ago was another process', () => {
  let nowMs = 0;
  let kills = 3;
  const watch = watchMemoryKills(
    () => kills,
    () => nowMs,
  );
  const liveFor = (ms: number) => {
    for (const end = nowMs + ms; nowMs < end; nowMs += 500) watch.look();
  };
  expect(watch.hasKilled()).toBe(false);
  kills += 1;
  expect(watch.hasKilled()).toBe(true);
  liveFor(60_000);
  expect(watch.hasKilled()).toBe(false);
  kills += 1;
  // Told before the end, and read after it.
  nowMs += 20_000;
  for (let late = 0; late < 40; late += 1) watch.look();
  expect(watch.hasKilled()).toBe(true);
});

it('where the system does not count kills there are none', () => {
  expect(watchMemoryKills(() => undefined).hasKilled()).toBe(false);
});

it.each([
  ['FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory', true],
  ["terminate called after throwing an instance of 'std::bad_alloc'", true],
  ['Segmentation fault', false],
])('the last words %o', (words, isOut) => {
  expect(saysOutOfMemory(words)).toBe(isOut);
});
