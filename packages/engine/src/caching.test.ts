import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunError, RunEvent, Workflow } from '@reelgraph/graph';
import { defineNode, type FileRef, type NodeRegistry } from '@reelgraph/node-api';
import { inMemory } from '@reelgraph/node-api/testing';
import { nodeDisk, openStore, type Store, StoreError } from '@reelgraph/store';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { document, registryOf, shown, sumNode, testEngine } from './example-nodes.ts';
import { createMemoryCache } from './memory-cache.ts';
import { planRun } from './plan.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelgraph-engine-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

//  a ──> b ──> c
const chain = document({ a: ['sum', 1], b: ['sum', 2], c: ['sum', 3] }, ['a.sum -> b.a', 'b.sum -> c.a']);
const target = { targets: ['c'] };

/** What makes pictures, stands in for a sampler: `pixels` (slow) ──> `film` (cheap, writes a file). */
function filmNodes(ran: string[], store: Store) {
  const frames = { type: 'frames', label: 'Frames', description: '' } as const;
  const pixels = defineNode({
    type: 'pixels',
    version: 1,
    title: 'Pixels',
    description: '',
    category: 'Test',
    inputs: {},
    outputs: { frames },
    params: { seed: { kind: 'seed', label: 'Seed', description: '', default: '0' } },
    cache: 'disk',
    lane: 'inference',
    run({ params, ctx }) {
      ran.push(ctx.nodeId);
      const data = new Float32Array(3 * 4 * 64 * 64).fill(Number(params.seed) / 10);
      return { frames: { pixels: { dtype: 'float32', shape: [1, 3, 4, 64, 64], data }, fps: 8 } };
    },
  });
  const film = defineNode({
    type: 'film',
    version: 1,
    title: 'Film',
    description: '',
    category: 'Test',
    inputs: { frames },
    outputs: { video: { type: 'video', label: 'Video', description: '' } },
    params: { fps: { kind: 'integer', label: 'Fps', description: '', default: 8, min: 1, max: 60 } },
    cache: 'disk',
    lane: 'cpu',
    isOutput: true,
    async run({ inputs, params, ctx }) {
      ran.push(ctx.nodeId);
      const bytes = new Uint8Array(
        [...inMemory(inputs.frames).pixels.data.slice(0, 8)].map((value) => value * 100 + params.fps),
      );
      const { digest, byteLength } = await store.putBytes(bytes);
      const file: FileRef = { kind: 'file', digest, byteLength, mediaType: 'video/mp4', name: 'clip.mp4' };
      return { video: { file, widthPx: 64, heightPx: 64, frameCount: 4, fps: params.fps } };
    },
  });
  return registryOf(pixels, film);
}
const filmed = (fps: number, seed = '7') => ({
  ...document({ p: ['pixels'], f: ['film'] }, ['p.frames -> f.frames']),
  nodes: {
    p: { type: 'pixels', version: 1, params: { seed } },
    f: { type: 'film', version: 1, params: { fps } },
  },
});

describe('caching', () => {
  test('C1 C2 an unchanged rerun runs nothing, a changed param only what follows', async () => {
    const ran: string[] = [];
    const engine = testEngine(registryOf(sumNode('sum', ran)));
    await engine.run(chain, target);
    ran.length = 0;
    const again = await engine.run(chain, target);
    expect([again.status, again.story, ran]).toEqual(['succeeded', ['cached a', 'cached b', 'cached c'], []]);
    expect(shown(again, 'c')).toBe('6');
    const changed = await engine.run(
      document({ a: ['sum', 1], b: ['sum', 5], c: ['sum', 3] }, ['a.sum -> b.a', 'b.sum -> c.a']),
      target,
    );
    expect([shown(changed, 'c'), ran]).toEqual(['9', ['b', 'c']]);
  });

  test('C2 disk results survive the engine, memory results do not, none runs every time', async () => {
    const ran: string[] = [];
    const registry = registryOf(
      sumNode('sum', ran, undefined, { cache: 'disk' }),
      sumNode('light', ran, undefined, { cache: 'memory' }),
      sumNode('always', ran, undefined, { cache: 'none' }),
    );
    const workflow = document({ d: ['sum', 1], m: ['light', 2], n: ['always', 3] });
    const all = { targets: ['d', 'm', 'n'] };
    await testEngine(registry, { store: await openStore(folder) }).run(workflow, all);
    ran.length = 0;
    const restarted = testEngine(registry, { store: await openStore(folder) });
    expect(
      (await restarted.run(workflow, all)).events.filter((event) => event.type === 'node.cached'),
    ).toMatchObject([{ nodeId: 'd', source: 'disk', outputs: { sum: { text: '1' } } }]);
    expect([...ran].sort()).toEqual(['m', 'n']);
    ran.length = 0;
    await restarted.run(workflow, all);
    expect(ran).toEqual(['n']);
  });

  test('C1 behind a cached target nothing runs, even when it is not cached itself', async () => {
    const ran: string[] = [];
    const registry = registryOf(
      sumNode('light', ran, undefined, { cache: 'memory' }),
      sumNode('sum', ran, undefined, { cache: 'disk' }),
    );
    const workflow = document({ a: ['light', 1], b: ['sum', 2], c: ['sum', 3] }, [
      'a.sum -> b.a',
      'b.sum -> c.a',
    ]);
    await testEngine(registry, { store: await openStore(folder) }).run(workflow, target);
    ran.length = 0;
    // Without its bytes, b cannot be loaded; behind c nobody asks for them.
    const result = await testEngine(registry, { store: await openStore(folder) }).run(workflow, target);
    expect(ran).toEqual([]);
    expect(result.story).toEqual(['skipped a', 'cached b', 'cached c']);
    expect(shown(result, 'c')).toBe('6');
  });

  test('C2 a changed fps makes the film again and not its pictures, also after a restart', async () => {
    const ran: string[] = [];
    const open = async () => {
      const store = await openStore(folder);
      return testEngine(filmNodes(ran, store), { store });
    };
    const first = await (await open()).run(filmed(8));
    expect(ran).toEqual(['p', 'f']);
    const later = await (await open()).run(filmed(12));
    expect(ran).toEqual(['p', 'f', 'f']);
    expect(later.outputs.get('f')?.video).toMatchObject({
      facts: { widthPx: 64, heightPx: 64, frameCount: 4, fps: 12, durationSeconds: 4 / 12 },
      file: { mediaType: 'video/mp4', name: 'clip.mp4', byteLength: 8 },
    });
    expect(later.outputs.get('f')?.video?.file?.digest).not.toBe(first.outputs.get('f')?.video?.file?.digest);
    const back = await (await open()).run(filmed(8));
    expect(ran).toEqual(['p', 'f', 'f']);
    expect(back.outputs).toEqual(first.outputs);
  });

  test('C4 damaged bytes are computed again, not served', async () => {
    const ran: string[] = [];
    const open = async () => {
      const store = await openStore(folder);
      return testEngine(filmNodes(ran, store), { store });
    };
    await (await open()).run(filmed(8));
    for (const blob of blobsIn(folder)) flipByte(blob);
    ran.length = 0;
    const result = await (await open()).run(filmed(8));
    expect(result.status).toBe('succeeded');
    expect(ran).toEqual(['p', 'f']);
    expect(result.events.flatMap((event) => (event.type === 'node.started' ? [event.because] : []))).toEqual([
      { code: 'damaged' },
      { code: 'damaged' },
    ]);
  });

  test('C4 a file that was removed is made again, although the value is in memory', async () => {
    const ran: string[] = [];
    const store = await openStore(folder);
    const engine = testEngine(filmNodes(ran, store), { store });
    const first = await engine.run(filmed(8));
    await rm(store.blobPath(first.outputs.get('f')?.video?.file?.digest ?? ''));
    ran.length = 0;
    expect((await engine.run(filmed(8))).status).toBe('succeeded');
    expect(ran).toEqual(['f']);
  });

  test('C3 failures are not kept', async () => {
    const ran: string[] = [];
    let broken = true;
    const registry = registryOf(
      sumNode(
        'moody',
        ran,
        () => {
          if (broken) throw new Error('not today');
        },
        { cache: 'disk' },
      ),
    );
    const engine = testEngine(registry, { store: await openStore(folder) });
    expect((await engine.run(document({ m: ['moody'] }), { targets: ['m'] })).status).toBe('failed');
    broken = false;
    expect((await engine.run(document({ m: ['moody'] }), { targets: ['m'] })).story).toEqual([
      'started m',
      'finished m',
    ]);
  });

  //  a(1) ──> x ──┐
  //  b(1) ──> y ──┴> o      a = b, so x = y
  test('C5 equal work is done once in a run', async () => {
    const ran: string[] = [];
    const engine = testEngine(registryOf(sumNode('sum', ran)));
    const workflow = document({ a: ['sum', 1], b: ['sum', 1], x: ['sum', 2], y: ['sum', 2], o: ['sum', 0] }, [
      'a.sum -> x.a',
      'b.sum -> y.a',
      'x.sum -> o.a',
      'y.sum -> o.b',
    ]);
    const result = await engine.run(workflow, { targets: ['o', 'y'] });
    expect(ran).toEqual(['a', 'x', 'o']);
    expect(shown(result, 'o')).toBe('6');
    expect(shown(result, 'y')).toBe('3');
    expect(result.story).toEqual([
      'started a',
      'finished a',
      'cached b',
      'started x',
      'finished x',
      'cached y',
      'started o',
      'finished o',
    ]);
  });

  test('C2 what is cheap to make again for its size leaves memory first, and is remembered', () => {
    const cache = createMemoryCache(3000);
    const result = (fill: string) => ({ outputs: { text: fill.repeat(400) }, summaries: {}, files: [] });
    cache.set('dear', result('a'), 500);
    cache.set('cheap', result('b'), 10);
    cache.set('new', result('c'), 100);
    const held = () => ['dear', 'cheap', 'new'].filter((key) => cache.peek(key) !== undefined);
    expect(held()).toEqual(['dear', 'new']);
    expect([cache.wasEvicted('cheap'), cache.wasEvicted('dear')]).toEqual([true, false]);
    expect(cache.bytes).toBeLessThanOrEqual(3000);
    // Ten uses of the one outweigh five times the cost of the other.
    for (let use = 0; use < 10; use += 1) cache.touch('new');
    cache.set('cheap', result('b'), 800);
    expect([held(), cache.wasEvicted('cheap')]).toEqual([['cheap', 'new'], false]);
    cache.set('huge', { outputs: { data: new Float32Array(10_000) }, summaries: {}, files: [] }, 1e9);
    expect([cache.peek('huge'), held()]).toEqual([undefined, ['cheap', 'new']]);
  });

  test('C2 a run is right even when nothing fits into memory', async () => {
    const ran: string[] = [];
    const engine = testEngine(registryOf(sumNode('sum', ran)), { memoryBytes: 0 });
    expect(shown(await engine.run(chain, target), 'c')).toBe('6');
    expect(shown(await engine.run(chain, target), 'c')).toBe('6');
    expect(ran).toEqual(['a', 'b', 'c', 'a', 'b', 'c']);
  });

  test('C6 a full disk costs the kept result, not the run', async () => {
    const full = await openStore(folder, {
      disk: { ...nodeDisk, write: () => Promise.reject(diskFull()), writeSync: () => raise(diskFull()) },
    });
    const ran: string[] = [];
    // What is small and quick takes no file: these nodes take a second each.
    let time = 0;
    const slow = () => {
      time += 1000;
    };
    const engine = testEngine(registryOf(sumNode('sum', ran, slow, { cache: 'disk' })), {
      store: full,
      clock: { now: () => time, elapsed: () => time },
    });
    const warnings: (RunError & { nodeId: string })[] = [];
    const result = await engine.run(chain, { ...target, onWarning: (warning) => warnings.push(warning) });
    expect([result.status, shown(result, 'c')]).toEqual(['succeeded', '6']);
    expect(warnings.map(({ code, nodeId }) => [code, nodeId])).toEqual([
      ['store/disk-full', 'a'],
      ['store/disk-full', 'b'],
      ['store/disk-full', 'c'],
    ]);
    expect(await readdir(join(folder, 'tmp'))).toEqual([]);
    expect((await engine.run(chain, target)).story).toEqual(['cached a', 'cached b', 'cached c']);
  });

  test('C6 small results that cannot be written together cost one warning for the run', async () => {
    const store = await openStore(folder);
    // Counted when it is saved, written with others a moment later: by then the disk is full.
    const pending: (() => void)[] = [];
    const full: Store = {
      ...store,
      async saveResult(_result, { onLost } = {}) {
        pending.push(() =>
          onLost?.(new StoreError('store/disk-full', 'The disk is full.', { hint: 'Free some space.' })),
        );
      },
      flush() {
        for (const tell of pending.splice(0)) tell();
      },
    };
    const engine = testEngine(registryOf(sumNode('sum', [], undefined, { cache: 'disk' })), { store: full });
    const told: unknown[] = [];
    const run = () => engine.run(chain, { ...target, onWarning: (warning) => told.push(warning) });
    expect([shown(await run(), 'c'), told]).toEqual([
      '6',
      [{ nodeId: 'a', code: 'store/disk-full', message: 'The disk is full.', hint: 'Free some space.' }],
    ]);
    // They are still in memory.
    expect((await run()).story).toEqual(['cached a', 'cached b', 'cached c']);
    expect(told).toHaveLength(1);
  });

  test('C6 a node that cannot write its file says that the disk is full', async () => {
    let full = true;
    const store = await openStore(folder, {
      disk: {
        ...nodeDisk,
        write: (...args) => (full ? Promise.reject(diskFull()) : nodeDisk.write(...args)),
      },
    });
    const ran: string[] = [];
    const engine = testEngine(filmNodes(ran, store), { store });
    const result = await engine.run(filmed(8));
    expect(result.status).toBe('failed');
    expect(result.error).toMatchObject({
      code: 'store/disk-full',
      message: 'The disk is full; it happened while writing a result.',
    });
    expect(await readdir(join(folder, 'tmp'))).toEqual([]);
    expect(blobsIn(folder)).toEqual([]);
    full = false;
    expect((await engine.run(filmed(8))).status).toBe('succeeded');
    expect(ran).toEqual(['p', 'f', 'f']);
  });

  test('E8 a node that runs says why', async () => {
    const registry = registryOf(
      sumNode('sum', [], undefined, { cache: 'disk' }),
      sumNode('light', [], undefined, { cache: 'memory' }),
      sumNode('always', [], undefined, { cache: 'none' }),
    );
    const at = (term: number) =>
      document({ a: ['sum', term], b: ['light', 2], c: ['always', 3] }, ['a.sum -> b.a', 'b.sum -> c.a']);
    const reasons = async (term: number) =>
      (await testEngine(registry, { store: await openStore(folder) }).run(at(term), target)).events.flatMap(
        (event) => (event.type === 'node.started' ? [event.because] : []),
      );
    expect(await reasons(1)).toEqual([
      { code: 'never-computed' },
      { code: 'never-computed' },
      { code: 'not-cacheable' },
    ]);
    expect(await reasons(5)).toEqual([
      { code: 'param-changed', name: 'term', from: '1', to: '5' },
      { code: 'input-changed', name: 'a' },
      { code: 'not-cacheable' },
    ]);
    // A new engine has lost what was only in memory.
    expect(await reasons(5)).toEqual([{ code: 'memory-only' }, { code: 'not-cacheable' }]);
    // Somebody has tidied up behind our back.
    for (const ending of ['', '-wal', '-shm'])
      await rm(join(folder, `ledger.sqlite${ending}`), { force: true });
    expect(await reasons(5)).toEqual([{ code: 'lost' }, { code: 'memory-only' }, { code: 'not-cacheable' }]);
  });

  test('E8 the reason compares with the run before, also when that took the node from the cache', async () => {
    // first(term) -> last(term)
    const registry = registryOf(sumNode('sum', [], undefined, { cache: 'disk' }));
    const engine = testEngine(registry, { store: await openStore(folder) });
    const reasons = async (first: number, last: number) => {
      const workflow = document({ first: ['sum', first], last: ['sum', last] }, ['first.sum -> last.a']);
      const { events } = await engine.run(workflow, { targets: ['last'] });
      return events.flatMap((event) => (event.type === 'node.started' ? [event.because] : []));
    };
    await reasons(1, 1);
    expect(await reasons(1, 2)).toEqual([{ code: 'param-changed', name: 'term', from: '1', to: '2' }]);
    expect(await reasons(1, 1)).toEqual([]);
    // `last` was computed last with term 2, but a moment ago its term was 1, as now.
    expect(await reasons(5, 1)).toEqual([
      { code: 'param-changed', name: 'term', from: '1', to: '5' },
      { code: 'input-changed', name: 'a' },
    ]);
  });

  test('E8 a node that saves the document inside its result says that this changed, not an input', async () => {
    const registry = registryOf(
      sumNode('sum', [], undefined, { cache: 'disk' }),
      sumNode('keeps', [], undefined, { cache: 'disk', usesWorkflow: true }),
    );
    const engine = testEngine(registry, { store: await openStore(folder) });
    const reasonsOf = async (other: number) => {
      const workflow = document({ last: ['keeps', 1], other: ['sum', other] });
      const { events } = await engine.run(workflow, { targets: ['last'] });
      return events.flatMap((event) => (event.type === 'node.started' ? [event.because] : []));
    };
    await reasonsOf(1);
    expect(await reasonsOf(2)).toEqual([{ code: 'workflow-changed' }]);
  });

  test('E8 of several inputs that changed, the reason names the one that the node declares first', async () => {
    // first ──> last.b, last.a
    const sum = sumNode('sum', [], undefined, { cache: 'disk' });
    const { a, b } = sum.inputs;
    if (a === undefined || b === undefined) throw new Error('a sum has two inputs');
    const registry = registryOf(sum, { ...sum, type: 'turned', inputs: { b, a } });
    const engine = testEngine(registry, { store: await openStore(folder) });
    const reasonOf = async (term: number) => {
      const nodes = { first: ['sum', term], last: ['turned', 1] } as const;
      const workflow = document({ ...nodes }, ['first.sum -> last.a', 'first.sum -> last.b']);
      const { events } = await engine.run(workflow, { targets: ['last'] });
      return events.flatMap((event) =>
        event.type === 'node.started' && event.nodeId === 'last' ? [event.because] : [],
      );
    };
    await reasonOf(1);
    expect(await reasonOf(2)).toEqual([{ code: 'input-changed', name: 'b' }]);
  });

  test('E8 what had to make room says so, in memory and on disk, whatever was asked in between', async () => {
    const ran: string[] = [];
    const registry = registryOf(
      sumNode('sum', ran, undefined, { cache: 'disk' }),
      sumNode('light', ran, undefined, { cache: 'memory' }),
    );
    const at = (term: number) => document({ d: ['sum', term], m: ['light', term] });
    const targets = ['d', 'm'];
    const reasonsOf = ({ events }: { events: readonly RunEvent[] }) =>
      events.flatMap((event) => (event.type === 'node.started' ? [event.because] : []));
    const disk = { bytes: 1, pinned: () => new Set<string>() };
    // Used two minutes ago is long ago; the store and the machine tell the same time.
    let now = 0;
    const store = await openStore(folder, { now: () => now });
    const engine = testEngine(registry, { store, disk, memoryBytes: 0 });
    expect(reasonsOf(await engine.run(at(1), { targets }))).toEqual([
      { code: 'never-computed' },
      { code: 'never-computed' },
    ]);
    now += 120_000;
    await engine.run(at(2), { targets });
    expect(store.wasEvicted((await keysOf(registry, at(1)))[0] ?? '')).toBe(true);
    expect(reasonsOf(await engine.run(at(1), { targets }))).toEqual([
      { code: 'evicted' },
      { code: 'evicted' },
    ]);
    store.close();
  });

  test('E8 a node whose program was changed since says that, whatever else changed', async () => {
    const workflow = (term: number) => document({ a: ['sum', term] });
    const reasons = async (version: number, term: number) => {
      const registry = registryOf(sumNode('sum', [], undefined, { cache: 'disk', version }));
      const engine = testEngine(registry, { store: await openStore(folder) });
      const { events } = await engine.run(workflow(term), { targets: ['a'] });
      return events.flatMap((event) => (event.type === 'node.started' ? [event.because] : []));
    };
    expect(await reasons(1, 1)).toEqual([{ code: 'never-computed' }]);
    expect(await reasons(2, 1)).toEqual([{ code: 'node-changed' }]);
    expect(await reasons(3, 9)).toEqual([{ code: 'node-changed' }]);
    expect(await reasons(3, 8)).toEqual([{ code: 'param-changed', name: 'term', from: '9', to: '8' }]);
  });
});

async function keysOf(registry: NodeRegistry, workflow: Workflow): Promise<string[]> {
  const absent = () => Promise.reject(new Error('no model, no file'));
  const options = { targets: Object.keys(workflow.nodes), digestOfModel: absent, digestOfFile: absent };
  const planned = await planRun(workflow, registry, options);
  return planned.ok ? planned.plan.nodes.flatMap(({ key }) => key ?? []) : [];
}
function diskFull(): Error {
  return Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
}
function raise(error: Error): never {
  throw error;
}
function blobsIn(root: string): string[] {
  return readdirSync(join(root, 'blobs'), { recursive: true, withFileTypes: true }).flatMap((entry) =>
    entry.isFile() ? [join(entry.parentPath, entry.name)] : [],
  );
}
function flipByte(path: string): void {
  const bytes = readFileSync(path);
  const middle = Math.floor(bytes.length / 2);
  bytes[middle] = (bytes[middle] ?? 0) ^ 0xff;
  writeFileSync(path, bytes);
}
