import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { digestOf } from './blobs.ts';
import { openStore } from './store.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelgraph-claims-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const key = digestOf(new TextEncoder().encode('a computation'));
const other = digestOf(new TextEncoder().encode('another'));

test('L1 one of two stores on a folder may compute a key, the other when it is released', async () => {
  const [one, two] = [await openStore(folder), await openStore(folder)];
  expect([one.claim(key), two.claim(key), one.claim(key), two.claim(other)]).toEqual([
    true,
    false,
    false,
    true,
  ]);
  one.release(key);
  one.close();
  expect(two.claim(key)).toBe(true);
  two.close();
});

test('L1 what was given back a moment ago can be claimed again', async () => {
  const store = await openStore(folder);
  expect(store.claim(key)).toBe(true);
  store.release(key);
  expect(store.claim(key)).toBe(true);
  store.flush();
  const second = await openStore(folder);
  expect(second.claim(key)).toBe(false);
  for (const opened of [store, second]) opened.close();
});

test('L1 a claim ends some time after the last sign of life, however alive its process is', async () => {
  let now = 1000;
  const clock = { now: () => now, leaseMs: 500 };
  const [one, two] = [await openStore(folder, clock), await openStore(folder, clock)];
  expect(one.claim(key)).toBe(true);
  now += 499;
  expect(two.claim(key)).toBe(false);
  now += 2;
  expect(two.claim(key)).toBe(true);
  // Taken over: the first gives back what is no longer its own, and changes nothing.
  one.release(key);
  one.close();
  const three = await openStore(folder, clock);
  expect(three.claim(key)).toBe(false);
  for (const store of [two, three]) store.close();
});

test('L2 the claim of a process that was killed is free at once', async () => {
  const program = `
    import { openStore } from ${JSON.stringify(new URL('./store.ts', import.meta.url).href)};
    const [, folder, key] = process.argv;
    const store = await openStore(folder);
    console.log(store.claim(key));
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, folder, key], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said] = await once(createInterface({ input: child.stdout }), 'line');
  expect(said).toBe('true');
  const store = await openStore(folder);
  expect(store.claim(key)).toBe(false);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(store.claim(key)).toBe(true);
  store.close();
});
