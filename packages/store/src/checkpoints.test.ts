import { readdirSync, readFileSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CheckpointStore } from './checkpoints.ts';
import { nodeDisk } from './disk.ts';
import { createFailingDisk } from './failing-disk.ts';
import { openStore, type Store } from './store.ts';

let folder: string;
let store: Store;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelgraph-checkpoints-'));
  store = await openStore(folder);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const key = 'a'.repeat(64);
const other = 'b'.repeat(64);
const latent = (value: number) => ({
  dtype: 'float32' as const,
  shape: [1, 2, 3],
  data: new Float32Array(6).fill(value),
});
const path = () => join(folder, 'checkpoints', `${key}.checkpoint`);
const kept = () => readdirSync(join(folder, 'checkpoints'));
/** Saves it, and waits until the disk has it. */
async function keep(
  checkpoints: CheckpointStore,
  ...saved: Parameters<CheckpointStore['save']>
): Promise<void> {
  await checkpoints.save(...saved);
  await checkpoints.flush(saved[0]);
}
const leftovers = () => readdirSync(join(folder, 'tmp'));

describe('a checkpoint', () => {
  it('P1 comes back as it was saved, also in a new process', async () => {
    const state = { sample: latent(1 / 3), memory: { seed: '7', before: latent(-0) } };
    await keep(store.checkpoints, key, { step: 4, state });
    const again = await openStore(folder);
    expect(await again.checkpoints.load(key)).toEqual({ status: 'found', step: 4, state });
    expect(leftovers()).toEqual([]);
  });

  it('P1 is replaced by the next of its key, and forgotten when told so', async () => {
    await keep(store.checkpoints, key, { step: 1, state: latent(1) });
    await keep(store.checkpoints, key, { step: 2, state: latent(2) });
    await keep(store.checkpoints, other, { step: 9, state: latent(9) });
    expect(await store.checkpoints.load(key)).toMatchObject({ step: 2, state: latent(2) });
    await store.checkpoints.remove(key);
    await store.checkpoints.remove(key);
    expect(await store.checkpoints.load(key)).toEqual({ status: 'missing' });
    expect(await store.checkpoints.load(other)).toMatchObject({ step: 9 });
  });

  it('P1 holds the state of the moment it was saved, whatever happens to it while it is written', async () => {
    const state = latent(1);
    const saving = store.checkpoints.save(key, { step: 1, state });
    state.data.fill(2);
    await saving;
    expect(await store.checkpoints.load(key)).toMatchObject({ state: latent(1) });
  });

  it('P2 is not served when any of its bytes was flipped', async () => {
    await keep(store.checkpoints, key, { step: 3, state: latent(1) });
    const whole = readFileSync(path());
    for (let at = 0; at < whole.byteLength; at++) {
      const flipped = Uint8Array.from(whole);
      flipped[at] = flipped[at]! ^ (1 << (at % 8));
      writeFileSync(path(), flipped);
      expect(await store.checkpoints.load(key), `byte ${at}`).toEqual({ status: 'damaged' });
    }
    expect(await store.checkpoints.load(key), 'a damaged one is put away').toEqual({ status: 'missing' });
  });

  it('P2 is not served when it was cut', async () => {
    for (const length of [0, 7, 39, 40, 100]) {
      await keep(store.checkpoints, key, { step: 3, state: latent(1) });
      truncateSync(path(), length);
      expect(await store.checkpoints.load(key), `${length} bytes`).toEqual({ status: 'damaged' });
    }
  });

  it('P2 is not served under another key', async () => {
    await keep(store.checkpoints, key, { step: 3, state: latent(1) });
    writeFileSync(join(folder, 'checkpoints', `${other}.checkpoint`), readFileSync(path()));
    expect(await store.checkpoints.load(other)).toEqual({ status: 'damaged' });
  });

  describe('that the disk may not have yet', () => {
    const flushingPath = () => join(folder, 'checkpoints', `${key}.flushing.checkpoint`);
    /** A process that ends while it waits for the disk. */
    async function saveAndEnd(step: number): Promise<void> {
      const waiting = Promise.withResolvers<void>();
      const disk = { ...nodeDisk, sync: () => new Promise<void>(() => waiting.resolve()) };
      const ending = await openStore(folder, { disk });
      void keep(ending.checkpoints, key, { step, state: latent(step) });
      await waiting.promise;
    }

    it('P5 is there as soon as the call returns, where it is small', async () => {
      const disk = { ...nodeDisk, sync: () => new Promise<void>(() => undefined) };
      const ending = await openStore(folder, { disk });
      void ending.checkpoints.save(key, { step: 7, state: latent(7) });
      expect(kept()).toEqual([`${key}.new.checkpoint`]);
      expect(await store.checkpoints.load(key)).toMatchObject({ step: 7, state: latent(7) });
    });

    it('P5 may be replaced while the disk takes the one before, which then is what a power cut leaves', async () => {
      await keep(store.checkpoints, key, { step: 1, state: latent(1) });
      const [asked, taken] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      const sync = (path: string) => {
        asked.resolve();
        return taken.promise.then(() => nodeDisk.sync(path));
      };
      const slow = await openStore(folder, { disk: { ...nodeDisk, sync } });
      await slow.checkpoints.save(key, { step: 2, state: latent(2) });
      const flushing = slow.checkpoints.flush(key);
      await asked.promise;
      await slow.checkpoints.save(key, { step: 3, state: latent(3) });
      expect(await store.checkpoints.load(key)).toMatchObject({ step: 3, state: latent(3) });
      taken.resolve();
      await flushing;
      expect(kept().sort()).toEqual([`${key}.checkpoint`, `${key}.new.checkpoint`]);
      writeFileSync(join(folder, 'checkpoints', `${key}.new.checkpoint`), '');
      expect(await store.checkpoints.load(key)).toMatchObject({ step: 2, state: latent(2) });
    });

    it('P5 is there after the end of its process', async () => {
      await saveAndEnd(1);
      expect(await store.checkpoints.load(key)).toEqual({ status: 'found', step: 1, state: latent(1) });
      await keep(store.checkpoints, key, { step: 2, state: latent(2) });
      await saveAndEnd(3);
      expect(await store.checkpoints.load(key)).toMatchObject({ step: 3 });
      expect(leftovers()).toEqual([]);
    });

    it.each(['cut', 'empty'])('P5 gives way to the one before when a power cut left it %s', async (left) => {
      await keep(store.checkpoints, key, { step: 2, state: latent(2) });
      await saveAndEnd(3);
      truncateSync(flushingPath(), left === 'empty' ? 0 : 100);
      expect(await store.checkpoints.load(key)).toMatchObject({ status: 'found', step: 2 });
      expect(kept()).toEqual([`${key}.checkpoint`]);
    });

    it('P5 goes with the key, is replaced by the next, and is counted and pruned', async () => {
      await saveAndEnd(3);
      expect((await store.measure()).checkpoints.count).toBe(1);
      await keep(store.checkpoints, key, { step: 4, state: latent(4) });
      expect(kept()).toEqual([`${key}.checkpoint`]);
      await saveAndEnd(5);
      await store.checkpoints.remove(key);
      expect(kept()).toEqual([]);
      await saveAndEnd(6);
      await store.checkpoints.prune({ maxAgeMs: 1e9, maxBytes: 0 });
      expect(kept()).toEqual([]);
    });
  });

  it('P2 has a key and not a path', async () => {
    await expect(store.checkpoints.load('../secret')).rejects.toMatchObject({ code: 'store/damaged' });
  });
});

it.each([
  ['small', latent],
  [
    'large',
    (value: number) => ({
      dtype: 'float32' as const,
      shape: [100_000],
      data: new Float32Array(100_000).fill(value),
    }),
  ],
])(
  'P3 a disk that fails at any call leaves the checkpoint before or the new one, and nothing half-written: a %s one',
  async (_, latent) => {
    const disk = createFailingDisk();
    const failing = await openStore(folder, { disk });
    await keep(failing.checkpoints, key, { step: 1, state: latent(1) });
    disk.failAt(1_000);
    await keep(failing.checkpoints, key, { step: 2, state: latent(2) });
    const calls = disk.calls;
    expect(calls).toBeGreaterThan(1);
    for (let call = 1; call <= calls; call++) {
      await keep(failing.checkpoints, key, { step: 2, state: latent(2) });
      disk.failAt(call);
      await expect(keep(failing.checkpoints, key, { step: 3, state: latent(3) })).rejects.toMatchObject({
        code: 'store/disk-full',
      });
      disk.failAt(undefined);
      // The new one is there where only the asking of the disk failed.
      const found = await failing.checkpoints.load(key);
      expect([
        { status: 'found', step: 2, state: latent(2) },
        { status: 'found', step: 3, state: latent(3) },
      ]).toContainEqual(found);
      expect(leftovers()).toEqual([]);
    }
  },
);

describe('pruning', () => {
  // Saved in this order, the first an hour ago: c, b, a.
  async function saveThree(): Promise<string[]> {
    const keys = ['c', 'b', 'a'].map((letter) => letter.repeat(64));
    for (const [index, one] of keys.entries()) {
      await keep(store.checkpoints, one, { step: 1, state: latent(index) });
      const seconds = Date.now() / 1000 - 3600 + index;
      utimesSync(join(folder, 'checkpoints', `${one}.checkpoint`), seconds, seconds);
    }
    return keys;
  }

  it('P4 removes the old ones', async () => {
    const [, , newest = ''] = await saveThree();
    await keep(store.checkpoints, newest, { step: 2, state: latent(2) });
    await store.checkpoints.prune({ maxAgeMs: 60_000, maxBytes: 1e9 });
    expect(kept()).toEqual([`${newest}.checkpoint`]);
  });

  it('P4 removes the oldest where they are too many bytes', async () => {
    const [, second, third] = await saveThree();
    const one = readFileSync(join(folder, 'checkpoints', `${third}.checkpoint`)).byteLength;
    await store.checkpoints.prune({ maxAgeMs: 1e9, maxBytes: 2 * one });
    expect(kept().sort()).toEqual([`${third}.checkpoint`, `${second}.checkpoint`].sort());
  });

  it('P4 finds nothing to do in a new folder, and leaves other files alone', async () => {
    await store.checkpoints.prune({ maxAgeMs: 0, maxBytes: 0 });
    await saveThree();
    writeFileSync(join(folder, 'checkpoints', 'notes.txt'), 'mine');
    await store.checkpoints.prune({ maxAgeMs: 0, maxBytes: 0 });
    expect(kept()).toEqual(['notes.txt']);
  });
});
