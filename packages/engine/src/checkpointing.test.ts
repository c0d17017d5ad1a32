import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunError } from '@reelgraph/graph';
import { defineNode, type NodeRegistry } from '@reelgraph/node-api';
import { type CheckpointStore, type NewCheckpoint, nodeDisk, openStore } from '@reelgraph/store';
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
        ctx.checkpoints.save(step, () => ({ sum: now }));
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
    return readdirSync(join(folder, 'checkpoints'));
  } catch {
    return [];
  }
};
const onlyFile = () => join(folder, 'checkpoints', checkpointFiles()[0] ?? 'none');
const continuedIn = ({ events }: Recorded) =>
  events.flatMap((event) => ('continuedFrom' in event ? [[event.type, event.continuedFrom]] : []));

/** A run that is interrupted after the fourth step, in a process of its own. */
async function interrupted(): Promise<void> {
  const engine = await engineOn(registryOf(slowNode([], stopAfter(4))));
  expect((await engine.run(once)).status).toBe('failed');
  expect(checkpointFiles()).toHaveLength(1);
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
    'H2 cut in half': () => truncateSync(onlyFile(), readFileSync(onlyFile()).byteLength / 2),
    'H2 with one bit flipped': () => {
      const bytes = readFileSync(onlyFile());
      bytes[bytes.byteLength - 3] = bytes[bytes.byteLength - 3]! ^ 4;
      writeFileSync(onlyFile(), bytes);
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
    await store.checkpoints.save(checkpointFiles()[0]?.split('.')[0] ?? '', { step: 4, state: { sums: 1 } });
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
    expect(checkpointFiles()).toHaveLength(1);
  });

  /** A store whose saves end when told, on a clock that moves when told. */
  function slowDisk(copyingMs: number | ((step: number) => number), flushes: (() => void)[] = []) {
    let now = 0;
    const saved: number[] = [];
    const flushed: number[] = [];
    const ends: (() => void)[] = [];
    const store: CheckpointStore = {
      load: async () => ({ status: 'missing' }),
      save(_key: string, { step }: NewCheckpoint) {
        now += typeof copyingMs === 'number' ? copyingMs : copyingMs(step);
        saved.push(step);
        return new Promise((resolve) => ends.push(resolve));
      },
      flush() {
        flushed.push(saved.at(-1) ?? 0);
        return flushes.length === 0 ? Promise.resolve() : new Promise((resolve) => flushes.push(resolve));
      },
      remove: async () => undefined,
      prune: async () => undefined,
    };
    const checkpoints = openCheckpoints({
      store,
      key: 'f'.repeat(64),
      clock: { now: () => now, elapsed: () => now },
      warn: () => undefined,
      onContinued: () => undefined,
    });
    const settle = async () => {
      for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
    };
    return {
      saved,
      flushed,
      checkpoints,
      async offer(step: number, afterMs: number) {
        now += afterMs;
        checkpoints.service.save(step, () => ({}));
        await settle();
      },
      async endSave() {
        ends.shift()?.();
        await settle();
      },
    };
  }

  test('H3 there are never two saves at once, and after a slow one the newest state is saved', async () => {
    const { saved, offer, endSave } = slowDisk(0);
    for (const step of [1, 2, 3, 4]) await offer(step, 1000);
    expect(saved).toEqual([1]);
    await endSave();
    expect(saved).toEqual([1, 4]);
  });

  test('H3 a disk that takes long to flush holds up no save; it is asked again for the newest', async () => {
    const flushes = [() => undefined];
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

  test('H3 steps are left out where copying would take more than 2 % of the time', async () => {
    const { saved, offer, endSave } = slowDisk(10);
    // A step of 110 ms: 10 ms may be spent once in 500.
    for (let step = 1; step <= 20; step++) {
      await offer(step, 100);
      await endSave();
    }
    // The first ones tell what copying takes.
    expect(saved).toEqual([1, 2, 3, 8, 13, 18]);
  });

  test('H3 a copy that another process held up says nothing of the next', async () => {
    for (const heldUp of [1, 2, 4]) {
      const { saved, offer, endSave } = slowDisk((step) => (step === heldUp ? 60 : 1));
      for (let step = 1; step <= 6; step++) {
        await offer(step, 100);
        await endSave();
      }
      expect(saved).toEqual([1, 2, 3, 4, 5, 6]);
    }
  });

  test('H3 an offer costs nothing at the time, and is not asked for after the node has ended', async () => {
    const { saved, checkpoints } = slowDisk(0);
    checkpoints.service.save(1, () => {
      throw new Error('asked for too late');
    });
    await checkpoints.discard();
    checkpoints.service.save(2, () => ({}));
    expect(saved).toEqual([]);
  });

  test('H3 what was left out is saved when the node is interrupted', async () => {
    const { saved, checkpoints, offer, endSave } = slowDisk(10);
    for (const step of [1, 2, 3]) {
      await offer(step, 1);
      await endSave();
    }
    await offer(4, 1);
    expect(saved).toEqual([1, 2, 3]);
    const flushed = checkpoints.flush();
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    await endSave();
    await flushed;
    expect(saved).toEqual([1, 2, 3, 4]);
  });
});
