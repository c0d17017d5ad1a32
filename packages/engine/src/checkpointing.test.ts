import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { RunError } from '@reelgraph/graph';
import { defineNode, type NodeRegistry } from '@reelgraph/node-api';
import { type CheckpointSlots, type CheckpointStore, nodeDisk, openStore } from '@reelgraph/store';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openCheckpoints } from './checkpointing.ts';
import { document, type Recorded, registryOf, shown, testEngine } from './example-nodes.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelgraph-checkpointing-'));
});
afterEach(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));

const totalSteps = 10;
const number = { type: 'number', label: 'Number', description: '' } as const;

interface Interruption {
  /** Called after each step; throwing interrupts the node. */
  after(step: number): void | Promise<void>;
}

/** Doubles and adds in ten steps; every step taken is noted. */
function slowNode(taken: number[], interruption: Interruption, cache: 'disk' | 'none' = 'disk') {
  return defineNode({
    type: 'slow',
    version: 1,
    title: 'Slow',
    description: '',
    category: 'Test',
    inputs: {},
    outputs: { sum: number },
    params: {
      term: { kind: 'number', label: 'Term', description: '', default: 1, min: -1000, max: 1000 },
    },
    cache,
    lane: 'cpu',
    isOutput: true,
    async run({ params, ctx }) {
      const saved = await ctx.checkpoints.load((state) =>
        typeof state === 'object' && state !== null && 'sum' in state && typeof state.sum === 'number'
          ? state.sum
          : undefined,
      );
      let sum = saved?.state ?? 0;
      for (let step = (saved?.step ?? 0) + 1; step <= totalSteps; step++) {
        sum = 2 * sum + params.term;
        taken.push(step);
        const now = sum;
        await ctx.checkpoints.save(step, () => ({ sum: now }));
        ctx.progress({ step, totalSteps });
        await interruption.after(step);
      }
      return { sum };
    },
  });
}

const once = document({ a: ['slow', 3] });
const whole = 3 * (2 ** totalSteps - 1);
const stopAfter = (last: number): Interruption => ({
  after: (step) => {
    if (step === last) throw new Error('the power went off');
  },
});
const goOn: Interruption = { after: () => undefined };

async function engineOn(registry: NodeRegistry) {
  const store = await openStore(folder);
  return testEngine(registry, { store });
}
const checkpointFiles = () => {
  try {
    return readdirSync(join(folder, 'checkpoints')).map((name) => join(folder, 'checkpoints', name));
  } catch {
    return [];
  }
};
const checkpointKeys = () => [
  ...new Set(checkpointFiles().map((path) => basename(path).split('.')[0] ?? '')),
];
const continuedIn = ({ events }: Recorded) =>
  events.flatMap((event) => ('continuedFrom' in event ? [[event.type, event.continuedFrom]] : []));

/** A run that is interrupted after the fourth step, in a process of its own. */
async function interrupted(): Promise<void> {
  const engine = await engineOn(registryOf(slowNode([], stopAfter(4))));
  expect((await engine.run(once)).status).toBe('failed');
  expect(checkpointKeys()).toHaveLength(1);
}

describe('work that was interrupted', () => {
  test('H1 goes on from its last step in a new process, and says so', async () => {
    await interrupted();
    const taken: number[] = [];
    const engine = await engineOn(registryOf(slowNode(taken, goOn)));
    const result = await engine.run(once);
    expect(shown(result, 'a')).toBe(String(whole));
    expect(taken).toEqual([5, 6, 7, 8, 9, 10]);
    expect(continuedIn(result)).toContainEqual(['node.progress', 4]);
    expect(continuedIn(result).at(-1)).toEqual(['node.finished', 4]);
    expect(checkpointFiles(), 'the result is kept, the way to it is not').toEqual([]);
  });

  test('H1 goes on from the step before when its process ended in the middle of a save', async () => {
    await interrupted();
    // Not by their times: two saves within one tick of the clock have the same.
    const newest = checkpointFiles()
      .map((path) => ({ path, step: Number(/"step":(\d+)/.exec(readFileSync(path, 'latin1'))?.[1]) }))
      .sort((a, b) => b.step - a.step)[0];
    expect(newest?.step).toBe(4);
    truncateSync(newest?.path ?? '', 60);
    const taken: number[] = [];
    const warnings: RunError[] = [];
    const engine = await engineOn(registryOf(slowNode(taken, goOn)));
    const result = await engine.run(once, { onWarning: (warning) => warnings.push(warning) });
    expect(shown(result, 'a')).toBe(String(whole));
    expect(taken).toEqual([4, 5, 6, 7, 8, 9, 10]);
    expect(warnings, 'that is nothing to worry about').toEqual([]);
  });

  test('H1 of two nodes each goes on from its own', async () => {
    const both = document({ a: ['slow', 3], b: ['slow', 5] });
    const taken: number[] = [];
    let left = 9;
    const powerCut: Interruption = {
      after() {
        left -= 1;
        if (left <= 0) throw new Error('the power went off');
      },
    };
    const first = await engineOn(registryOf(slowNode(taken, powerCut)));
    expect((await first.run(both)).status).not.toBe('succeeded');
    expect(checkpointKeys()).toHaveLength(2);
    const second = await engineOn(registryOf(slowNode(taken, goOn)));
    const result = await second.run(both);
    expect([shown(result, 'a'), shown(result, 'b')]).toEqual([
      String(whole),
      String(5 * (2 ** totalSteps - 1)),
    ]);
    expect(taken, 'no step of either was taken twice').toHaveLength(2 * totalSteps);
    expect(checkpointFiles()).toEqual([]);
  });

  test('H1 goes on in the same process after a cancel', async () => {
    const taken: number[] = [];
    const controller = new AbortController();
    let last = 6;
    const engine = await engineOn(
      registryOf(
        slowNode(taken, {
          after: (step) => {
            if (step === last) controller.abort(new Error('enough'));
            if (step === last) controller.signal.throwIfAborted();
          },
        }),
      ),
    );
    expect((await engine.run(once, { signal: controller.signal })).status).toBe('cancelled');
    last = 0;
    expect(shown(await engine.run(once), 'a')).toBe(String(whole));
    expect(taken).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  test('H1 is not taken for work with another param', async () => {
    await interrupted();
    const taken: number[] = [];
    const engine = await engineOn(registryOf(slowNode(taken, goOn)));
    const result = await engine.run(document({ a: ['slow', 5] }));
    expect(shown(result, 'a')).toBe(String(5 * (2 ** totalSteps - 1)));
    expect(taken).toHaveLength(totalSteps);
    expect(continuedIn(result)).toEqual([]);
  });

  test('H1 a node whose result is never kept begins anew', async () => {
    const registry = (interruption: Interruption, taken: number[]) =>
      registryOf(slowNode(taken, interruption, 'none'));
    await (await engineOn(registry(stopAfter(4), []))).run(once);
    expect(checkpointFiles()).toEqual([]);
  });

  const harm: Record<string, () => void> = {
    'H2 cut in half': () => {
      for (const path of checkpointFiles()) truncateSync(path, readFileSync(path).byteLength / 2);
    },
    'H2 with one bit flipped': () => {
      for (const path of checkpointFiles()) {
        const bytes = readFileSync(path);
        bytes[bytes.byteLength - 3] = bytes[bytes.byteLength - 3]! ^ 4;
        writeFileSync(path, bytes);
      }
    },
  };
  test.each(Object.entries(harm))('%s is not gone on from, and a warning says so', async (_, damage) => {
    await interrupted();
    damage();
    await expectBegunAgain();
  });

  test('H2 of something else under the same key is not gone on from', async () => {
    await interrupted();
    const store = await openStore(folder);
    await store.checkpoints.open(checkpointKeys()[0] ?? '').save({ step: 4, state: { sums: 1 } });
    await expectBegunAgain();
  });

  async function expectBegunAgain(): Promise<void> {
    const taken: number[] = [];
    const warnings: (RunError & { nodeId: string })[] = [];
    const engine = await engineOn(registryOf(slowNode(taken, goOn)));
    const result = await engine.run(once, { onWarning: (warning) => warnings.push(warning) });
    expect(shown(result, 'a')).toBe(String(whole));
    expect(taken).toHaveLength(totalSteps);
    expect(warnings).toMatchObject([{ code: 'store/checkpoint-unusable', nodeId: 'a' }]);
    expect(continuedIn(result)).toEqual([]);
  }
});

describe('saving', () => {
  test('H3 a full disk costs the checkpoints, one warning, and nothing else', async () => {
    const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    const store = await openStore(folder, { disk: { ...nodeDisk, sync: () => Promise.reject(full) } });
    const warnings: RunError[] = [];
    const result = await testEngine(
      registryOf(slowNode([], { after: () => new Promise(setImmediate) }, 'disk')),
      {
        store,
      },
    ).run(once, { onWarning: (warning) => warnings.push(warning) });
    expect(shown(result, 'a')).toBe(String(whole));
    expect(warnings.map(({ message }) => message)).toEqual([
      'The disk is full; it happened while writing a checkpoint.',
    ]);
    expect(readdirSync(join(folder, 'tmp'))).toEqual([]);
  });

  test('H3 what could not be kept as a result stays as a checkpoint', async () => {
    const store = await openStore(folder);
    const unkept = { ...store, saveResult: () => Promise.reject(new Error('no space left')) };
    const engine = testEngine(registryOf(slowNode([], { after: () => new Promise(setImmediate) })), {
      store: unkept,
    });
    expect((await engine.run(once)).status).toBe('succeeded');
    expect(checkpointKeys()).toHaveLength(1);
  });

  /** A store whose saves end when told, on a clock that moves when told. */
  function slowDisk(copyingMs: number | ((step: number) => number), flushes: (() => void)[] = []) {
    let now = 0;
    const saved: number[] = [];
    const flushed: number[] = [];
    const ends: PromiseWithResolvers<void>[] = [];
    const warnings: RunError[] = [];
    const slots: CheckpointSlots = {
      load: async () => ({ status: 'missing' }),
      save({ step }) {
        now += typeof copyingMs === 'number' ? copyingMs : copyingMs(step);
        saved.push(step);
        const end = Promise.withResolvers<void>();
        ends.push(end);
        return end.promise;
      },
      flush() {
        flushed.push(saved.at(-1) ?? 0);
        return flushes.length === 0
          ? Promise.resolve()
          : new Promise((resolve) => flushes.push(() => resolve()));
      },
      remove: async () => undefined,
    };
    const store: CheckpointStore = { open: () => slots, prune: async () => undefined };
    const checkpoints = openCheckpoints({
      store,
      key: 'f'.repeat(64),
      clock: { now: () => now, elapsed: () => now },
      warn: (warning) => warnings.push(warning),
      onContinued: () => undefined,
    });
    const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
    return {
      saved,
      flushed,
      warnings,
      checkpoints,
      /** @returns whether the end of the next step is held up */
      async offer(step: number, afterMs: number): Promise<{ isHeld: boolean }> {
        now += afterMs;
        const offered = { isHeld: true };
        void checkpoints.service
          .save(step, () => ({}))
          .then(() => {
            offered.isHeld = false;
          });
        await settle();
        return offered;
      },
      async endSave(error?: Error) {
        const end = ends.shift();
        if (error === undefined) end?.resolve();
        else end?.reject(error);
        await settle();
      },
    };
  }

  test('H3 is done when the node is told so: it may end its next step, and not before', async () => {
    const { saved, offer, endSave } = slowDisk(0);
    const first = await offer(1, 20);
    expect([saved, first]).toEqual([[1], { isHeld: true }]);
    await endSave();
    expect(first).toEqual({ isHeld: false });
    const second = await offer(2, 20);
    expect([saved, second]).toEqual([[1, 2], { isHeld: true }]);
    await endSave();
    expect(second).toEqual({ isHeld: false });
  });

  test('H3 begins at once: nothing stands between the end of a step and the copy of its state', () => {
    const { saved, checkpoints } = slowDisk(0);
    void checkpoints.service.save(1, () => ({}));
    expect(saved).toEqual([1]);
  });

  test('H3 a save that fails holds nobody up, is warned of once, and the next one is tried', async () => {
    const { saved, warnings, offer, endSave } = slowDisk(0);
    for (const step of [1, 2, 3]) {
      const offered = await offer(step, 20);
      await endSave(new Error('no space left'));
      expect(offered).toEqual({ isHeld: false });
    }
    expect(saved).toEqual([1, 2, 3]);
    expect(warnings).toHaveLength(1);
  });

  test('H3 a state that cannot be copied holds nobody up', async () => {
    const { warnings, checkpoints } = slowDisk(0);
    await checkpoints.service.save(1, () => {
      throw new Error('it is gone');
    });
    expect(warnings).toHaveLength(1);
  });

  test('H3 a node that does not wait has never two saves at once, and after a slow one its newest state is saved', async () => {
    const { saved, offer, endSave } = slowDisk(0);
    const held = [];
    for (const step of [1, 2, 3, 4]) held.push(await offer(step, 1000));
    expect(saved).toEqual([1]);
    await endSave();
    expect(saved).toEqual([1, 4]);
    await endSave();
    expect(held.map(({ isHeld }) => isHeld)).toEqual([false, false, false, false]);
  });

  test('H3 a disk that takes long to flush holds up no save; it is asked again for the newest', async () => {
    const flushes: (() => void)[] = [() => undefined];
    const { saved, flushed, checkpoints, offer, endSave } = slowDisk(0, flushes);
    for (const step of [1, 2, 3]) {
      await offer(step, 1000);
      await endSave();
    }
    expect([saved, flushed]).toEqual([[1, 2, 3], [1]]);
    let isOver = false;
    const over = checkpoints.flush().then(() => {
      isOver = true;
    });
    flushes[1]?.();
    await new Promise(setImmediate);
    expect([flushed, isOver]).toEqual([[1, 3], false]);
    flushes[2]?.();
    await over;
  });

  test('H3 no step of ten saves or more is left out, however unevenly they are heard of', async () => {
    const { saved, offer, endSave } = slowDisk(1);
    for (let step = 1; step <= 40; step += 2) {
      // Two steps of 10 ms each that are heard of together.
      await offer(step, 19);
      await endSave();
      await offer(step + 1, 0);
      await endSave();
    }
    expect(saved).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
  });

  test('H3 of shorter steps some are left out, and hold nobody up', async () => {
    const { saved, offer, endSave } = slowDisk(10);
    // A step of 20 ms: 10 ms may be spent once in 100.
    for (let step = 1; step <= 80; step++) {
      const offered = await offer(step, saved.at(-1) === step - 1 ? 10 : 20);
      await endSave();
      expect(offered).toEqual({ isHeld: false });
    }
    expect(saved.slice(0, 10), 'the first ones tell what copying takes').toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
    ]);
    expect(saved.length).toBeGreaterThan(20);
    expect(saved.length).toBeLessThan(30);
  });

  test('H3 a copy that another process held up says nothing of the next', async () => {
    for (const heldUp of [1, 2, 15]) {
      const { saved, offer, endSave } = slowDisk((step) => (step === heldUp ? 600 : 1));
      for (let step = 1; step <= 20; step++) {
        await offer(step, 20);
        await endSave();
      }
      expect(saved).toHaveLength(20);
    }
  });

  test('H3 nothing is asked for after the node has ended', async () => {
    const { saved, checkpoints } = slowDisk(0);
    await checkpoints.discard();
    await checkpoints.service.save(2, () => ({}));
    expect(saved).toEqual([]);
  });

  test('H3 what was left out is saved when the node is interrupted', async () => {
    const { saved, checkpoints, offer, endSave } = slowDisk(10);
    for (let step = 1; step <= 12; step++) {
      await offer(step, 0);
      await endSave();
    }
    await offer(13, 1);
    expect(saved).toHaveLength(12);
    const flushed = checkpoints.flush();
    await endSave();
    await flushed;
    expect(saved.at(-1)).toBe(13);
  });
});
