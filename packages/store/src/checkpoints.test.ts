import { mkdirSync, readdirSync, readFileSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CheckpointSlots } from './checkpoint-slots.ts';
import { type Disk, nodeDisk } from './disk.ts';
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
const latent = (value: number, length = 6) => ({
  dtype: 'float32' as const,
  shape: [length],
  data: new Float32Array(length).fill(value),
});
const small = (step: number) => ({ step, state: latent(step) });
/** Written by another thread. */
const large = (step: number) => ({ step, state: latent(step, 100_000) });
const path = (slot = 'a', of = key) => join(folder, 'checkpoints', `${of}.${slot}.checkpoint`);
const kept = () => readdirSync(join(folder, 'checkpoints')).sort();
const leftovers = () => readdirSync(join(folder, 'tmp'));
/** As the next process finds it. */
const found = async (of = key) => (await openStore(folder)).checkpoints.open(of).load();
/** The same in few words: a difference of a hundred thousand numbers takes minutes to print. */
const foundStep = async () => {
  const { status, ...rest } = await found();
  return 'step' in rest ? briefly({ step: rest.step, state: rest.state }) : status;
};
function briefly({ step, state }: { step: number; state: unknown }) {
  if (typeof state !== 'object' || state === null || !('data' in state)) return { step, state };
  const { data } = state;
  if (!(data instanceof Float32Array)) return { step, data };
  return { step, length: data.length, values: [...new Set(data)].slice(0, 3) };
}
/** Saves it, and waits until the disk has it. */
async function keep(
  slots: CheckpointSlots,
  checkpoint: Parameters<CheckpointSlots['save']>[0],
): Promise<void> {
  await slots.save(checkpoint);
  await slots.flush();
}

describe('a checkpoint', () => {
  it('P1 comes back as it was saved, also in a new process', async () => {
    const state = { sample: latent(1 / 3), memory: { seed: '7', before: latent(-0) } };
    await keep(store.checkpoints.open(key), { step: 4, state });
    expect(await found()).toEqual({ status: 'found', step: 4, state });
    expect(leftovers()).toEqual([]);
  });

  it('P1 takes the place of the one before, and is forgotten when told so', async () => {
    const slots = store.checkpoints.open(key);
    for (let step = 1; step <= 9; step++) {
      await keep(slots, small(step));
      expect(await found()).toEqual({ status: 'found', ...small(step) });
    }
    expect(kept(), 'two slots in turn').toHaveLength(2);
    await keep(store.checkpoints.open(other), small(9));
    await slots.remove();
    await slots.remove();
    expect(await found()).toEqual({ status: 'missing' });
    expect(await found(other)).toMatchObject({ step: 9 });
  });

  it('P1 of another size is whole, be it shorter or longer than what lay in its slot', async () => {
    const slots = store.checkpoints.open(key);
    for (const [at, length] of [1000, 10, 100_000, 3, 500, 7, 90_000, 1].entries()) {
      const checkpoint = { step: at + 1, state: latent(at, length) };
      await keep(slots, checkpoint);
      expect(await foundStep()).toEqual(briefly(checkpoint));
    }
  });

  it('P1 goes on in the slots that were found, and is newer than they are', async () => {
    const before = store.checkpoints.open(key);
    for (const step of [1, 2, 3]) await keep(before, small(step));
    const slots = (await openStore(folder)).checkpoints.open(key);
    await slots.load();
    for (const step of [4, 5]) {
      await slots.save(small(step));
      expect(await found()).toEqual({ status: 'found', ...small(step) });
    }
  });

  it('P1 is the one that was saved last, however far it has come', async () => {
    const slots = store.checkpoints.open(key);
    for (const step of [5, 2]) await slots.save(small(step));
    expect(await found()).toEqual({ status: 'found', ...small(2) });
  });

  it('P1 that is begun anew without a look at what lies there replaces it, though it has come less far', async () => {
    const before = store.checkpoints.open(key);
    for (const step of [7, 8]) await keep(before, small(step));
    await store.checkpoints.open(key).save(small(1));
    expect(await found()).toEqual({ status: 'found', ...small(1) });
  });

  it('P1 holds the state of the moment it was saved, whatever happens to it while it is written', async () => {
    for (const { step, state } of [small(1), large(2)]) {
      const slots = store.checkpoints.open(key);
      const saving = slots.save({ step, state });
      state.data.fill(9);
      await saving;
      expect(await foundStep()).toEqual({ step, length: state.data.length, values: [step] });
    }
  });

  it('P2 is not served when any of its bytes was flipped', async () => {
    await keep(store.checkpoints.open(key), small(3));
    const whole = readFileSync(path());
    for (let at = 0; at < whole.byteLength; at++) {
      const flipped = Uint8Array.from(whole);
      flipped[at] = flipped[at]! ^ (1 << (at % 8));
      writeFileSync(path(), flipped);
      expect(await found(), `byte ${at}`).toEqual({ status: 'damaged' });
    }
    expect(await found(), 'a damaged one is put away').toEqual({ status: 'missing' });
  });

  it('P2 is not served when it was cut', async () => {
    for (const length of [0, 7, 39, 40, 47, 48, 100]) {
      await keep(store.checkpoints.open(key), small(3));
      truncateSync(path(), length);
      expect(await found(), `${length} bytes`).toEqual({ status: 'damaged' });
    }
  });

  it('P2 is not served under another key', async () => {
    await keep(store.checkpoints.open(key), small(3));
    writeFileSync(path('a', other), readFileSync(path()));
    expect(await found(other)).toEqual({ status: 'damaged' });
  });

  it('P2 of an older format is as good as none', async () => {
    await keep(store.checkpoints.open(key), small(3));
    const bytes = readFileSync(path());
    await store.checkpoints.open(key).remove();
    bytes[7] = 1;
    const old = join(folder, 'checkpoints', `${key}.checkpoint`);
    writeFileSync(old, bytes);
    expect(await found()).toEqual({ status: 'missing' });
    expect((await store.measure()).checkpoints.count).toBe(1);
    expect((await store.verify()).damaged).toEqual([]);
    await store.checkpoints.prune({ maxAgeMs: 1e9, maxBytes: 0 });
    expect(kept()).toEqual([]);
  });

  it('P2 has a key and not a path', () => {
    expect(() => store.checkpoints.open('../secret')).toThrowError(
      expect.objectContaining({ code: 'store/damaged' }),
    );
  });
});

describe.each([
  ['small', small],
  ['large', large],
])('a %s checkpoint that is interrupted', (size, checkpoint) => {
  /** A disk on which the process ends when so many bytes of a slot are written over. */
  const endingAfter = (share: number): { disk: Disk; ended: Promise<void> } => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const end = (to: string, bytes: Uint8Array) => {
      nodeDisk.overwriteSync(to, bytes.subarray(0, Math.floor(share * bytes.byteLength)));
      resolve();
    };
    const disk: Disk = {
      ...nodeDisk,
      overwriteSync: end,
      overwrite(to, bytes) {
        end(to, bytes);
        return new Promise(() => undefined);
      },
    };
    return { disk, ended: promise };
  };

  it.each([0, 0.01, 0.3, 0.7, 0.999])('P5 at %f of its bytes leaves the one before', async (share) => {
    const before = store.checkpoints.open(key);
    // All slots hold something, so that one is half old and half new.
    for (const step of [1, 2, 3]) await keep(before, checkpoint(step));
    const { disk, ended } = endingAfter(share);
    const slots = (await openStore(folder, { disk })).checkpoints.open(key);
    await slots.load();
    // None of its numbers ends as one of theirs.
    void slots.save(checkpoint(1_000_000_000));
    await ended;
    expect(await foundStep()).toEqual(briefly(checkpoint(3)));
  });

  it('P5 is there for a process that ends while the disk does not take it', async () => {
    const disk = { ...nodeDisk, sync: () => new Promise<void>(() => undefined) };
    const slots = (await openStore(folder, { disk })).checkpoints.open(key);
    for (let step = 1; step <= 5; step++) {
      const saving = slots.save(checkpoint(step));
      if (size === 'large') await saving;
      void slots.flush();
      expect(await foundStep()).toEqual(briefly(checkpoint(step)));
    }
  });

  it('P5 leaves after a power cut the last that the disk has taken, or a newer one', async () => {
    /** What the disk has of each file, and what it was asked for meanwhile. */
    const had = new Map<string, Uint8Array>();
    const asked: (() => void)[] = [];
    const disk: Disk = {
      ...nodeDisk,
      sync(of) {
        const before = readFileSync(of);
        return new Promise((resolve) => {
          asked.push(() => resolve(void had.set(of, mixed(readFileSync(of), before))));
        });
      },
    };
    const afterPowerCut = join(folder, 'after');
    const slots = (await openStore(folder, { disk })).checkpoints.open(key);
    let flushing: { readonly step: number; readonly over: Promise<void> } | undefined;
    let taken = 0;
    for (let step = 1; step <= 24; step++) {
      await slots.save(checkpoint(step));
      flushing ??= { step, over: slots.flush() };
      // Every other time the disk takes three saves' time.
      if (step % 4 < 2) {
        asked.shift()?.();
        await flushing.over;
        taken = flushing.step;
        flushing = undefined;
      }
      await rm(afterPowerCut, { recursive: true, force: true });
      mkdirSync(join(afterPowerCut, 'checkpoints'), { recursive: true });
      for (const name of kept()) {
        const of = join(folder, 'checkpoints', name);
        const left = mixed(readFileSync(of), had.get(of) ?? new Uint8Array());
        writeFileSync(join(afterPowerCut, 'checkpoints', name), left);
      }
      const then = await (await openStore(afterPowerCut)).checkpoints.open(key).load();
      if (taken === 0) continue;
      if (then.status !== 'found') throw new Error(`${then.status} after step ${step}`);
      expect(then.step, `after step ${step}`).toBeGreaterThanOrEqual(taken);
      expect(briefly(then)).toEqual(briefly(checkpoint(then.step)));
    }
    expect(taken).toBeGreaterThan(20);
    expect(kept().length, 'slots that were held for a reason').toBeGreaterThan(2);
  });

  it.each([1, 2, 3, 4])(
    'P5 that another process went on with leaves one after a power cut, of %i that it found',
    async (count) => {
      const before = store.checkpoints.open(key);
      for (let step = 1; step <= count; step++) await keep(before, checkpoint(step));
      /** What the disk has: of all before only the newest, as if it had had no time for the others. */
      const had = new Map<string, Uint8Array>();
      for (const name of kept()) had.set(join(folder, 'checkpoints', name), new Uint8Array());
      let isSlow = false;
      const disk: Disk = {
        ...nodeDisk,
        async sync(of) {
          if (isSlow) await new Promise(() => undefined);
          had.set(of, readFileSync(of));
        },
      };
      const slots = (await openStore(folder, { disk })).checkpoints.open(key);
      await slots.load();
      isSlow = true;
      for (let step = 5; step <= 9; step++) {
        await slots.save(checkpoint(step));
        if (step === 5) void slots.flush();
      }
      for (const name of kept()) {
        const of = join(folder, 'checkpoints', name);
        writeFileSync(of, mixed(readFileSync(of), had.get(of) ?? new Uint8Array()));
      }
      expect(await foundStep()).toEqual(briefly(checkpoint(count)));
    },
  );
});

/** Every other 64 bytes of the one file, between them those of the other. */
function mixed(now: Uint8Array, before: Uint8Array): Uint8Array {
  const left = Uint8Array.from(now);
  for (let at = 0; at < left.byteLength; at += 128) {
    left.fill(0, at, at + 64);
    left.set(before.subarray(at, Math.min(at + 64, left.byteLength)), at);
  }
  return left;
}

it.each([
  ['small', small],
  ['large', large],
])(
  'P3 a disk that fails at any call leaves the checkpoint before or the new one, and the next is saved: a %s one',
  async (_, checkpoint) => {
    const disk = createFailingDisk();
    const failing = await openStore(folder, { disk });
    const counting = failing.checkpoints.open(key);
    disk.failAt(1_000);
    for (const step of [1, 2, 3]) await keep(counting, checkpoint(step));
    const calls = disk.calls;
    expect(calls).toBeGreaterThan(8);
    for (let call = 1; call <= calls; call++) {
      disk.failAt(undefined);
      const slots = failing.checkpoints.open(key);
      await slots.remove();
      disk.failAt(call);
      let before = 0;
      let failures = 0;
      for (const step of [1, 2, 3, 4]) {
        const kept = await keep(slots, checkpoint(step)).then(
          () => true,
          (error: unknown) => {
            expect(error).toMatchObject({ code: 'store/disk-full' });
            failures += 1;
            return false;
          },
        );
        const now = await found();
        const then = now.status === 'found' ? now.step : 0;
        // The new one is there also where only the asking of the disk failed.
        expect(kept ? [step] : [before, step]).toContain(then);
        if (now.status === 'found') expect(briefly(now)).toEqual(briefly(checkpoint(then)));
        before = then;
      }
      expect([failures, before], `call ${call}`).toEqual([1, 4]);
      expect(leftovers()).toEqual([]);
    }
  },
);

describe('pruning', () => {
  // Saved in this order, the first an hour ago: c, b, a.
  async function saveThree(): Promise<string[]> {
    const keys = ['c', 'b', 'a'].map((letter) => letter.repeat(64));
    for (const [index, one] of keys.entries()) {
      await keep(store.checkpoints.open(one), small(index + 1));
      const seconds = Date.now() / 1000 - 3600 + index;
      utimesSync(path('a', one), seconds, seconds);
    }
    return keys;
  }

  it('P4 removes the old ones', async () => {
    const [, , newest = ''] = await saveThree();
    const slots = store.checkpoints.open(newest);
    await slots.load();
    await keep(slots, small(4));
    await store.checkpoints.prune({ maxAgeMs: 60_000, maxBytes: 1e9 });
    expect(kept()).toEqual([`${newest}.b.checkpoint`]);
  });

  it('P4 removes the oldest where they are too many bytes', async () => {
    const [, second = '', third = ''] = await saveThree();
    const one = readFileSync(path('a', third)).byteLength;
    await store.checkpoints.prune({ maxAgeMs: 1e9, maxBytes: 2 * one });
    expect(kept()).toEqual([`${third}.a.checkpoint`, `${second}.a.checkpoint`]);
  });

  it('P4 of one that is at work costs it nothing but what was there', async () => {
    const slots = store.checkpoints.open(key);
    await slots.save(small(1));
    await store.checkpoints.prune({ maxAgeMs: 1e9, maxBytes: 0 });
    await slots.flush();
    await keep(slots, small(2));
    expect(await found()).toEqual({ status: 'found', ...small(2) });
    await rm(join(folder, 'checkpoints'), { recursive: true });
    for (const step of [3, 4]) await slots.save(small(step)).catch(() => undefined);
    expect(await found()).toEqual({ status: 'found', ...small(4) });
  });

  it('P4 finds nothing to do in a new folder, and leaves other files alone', async () => {
    await store.checkpoints.prune({ maxAgeMs: 0, maxBytes: 0 });
    await saveThree();
    writeFileSync(join(folder, 'checkpoints', 'notes.txt'), 'mine');
    await store.checkpoints.prune({ maxAgeMs: 0, maxBytes: 0 });
    expect(kept()).toEqual(['notes.txt']);
  });
});
