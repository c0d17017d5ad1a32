import { existsSync, readdirSync, readFileSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { digestOf } from './blobs.ts';
import type { NewResult } from './results.ts';
import { openStore, type Store } from './store.ts';

let folder: string;
let now: number;
let opened: Store[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelgraph-cache-'));
  now = 1_000_000;
});
afterEach(async () => {
  for (const store of opened) store.close();
  opened = [];
  await rm(folder, { recursive: true, force: true });
});
async function open(): Promise<Store> {
  const store = await openStore(folder, { now: () => now });
  opened.push(store);
  return store;
}

const keyOf = (name: string): string => digestOf(new TextEncoder().encode(name));
/** A result of about `kilobytes`, which took `durationMs`. */
function result(name: string, kilobytes: number, durationMs: number, more: object = {}): NewResult {
  const data = new Float32Array(kilobytes * 256).fill(name.length + (name.codePointAt(0) ?? 0));
  return {
    key: keyOf(name),
    nodeType: name.startsWith('d') ? 'denoise' : 'decode',
    computedAtMs: now,
    durationMs,
    parts: { version: 1, params: {}, inputs: {} },
    summaries: {},
    outputs: { out: { dtype: 'float32', shape: [data.length], data }, name, ...more },
  };
}
const nothingPinned = () => new Set<string>();
const there = async (names: readonly string[]): Promise<string> => {
  const store = await open();
  return names.filter((name) => store.hasRecord(keyOf(name))).join(' ');
};

describe('making room', () => {
  test('G1 what is cheap for its size goes first, and nothing while there is room', async () => {
    const store = await open();
    for (const [name, kilobytes, ms] of [
      ['cheap and large', 400, 10],
      ['dear and large', 400, 60_000],
      ['cheap and small', 20, 10],
      ['dear and small', 20, 60_000],
    ] as const)
      await store.saveResult(result(name, kilobytes, ms));
    const names = ['cheap and large', 'dear and large', 'cheap and small', 'dear and small'];
    const size = await store.measure();
    const unchanged = await store.trim({ targetBytes: size.bytes, pinned: nothingPinned, graceMs: 0 });
    expect([unchanged.bytesBefore, unchanged.evicted]).toEqual([size.bytes, []]);
    now += 1;
    const trimmed = await store.trim({ targetBytes: 450 * 1024, pinned: nothingPinned, graceMs: 0 });
    expect(trimmed.evicted.map(({ key }) => names.find((name) => keyOf(name) === key))).toEqual([
      'cheap and large',
    ]);
    expect(trimmed.bytesAfter).toBe((await store.measure()).bytes);
    expect(await there(names)).toBe('dear and large cheap and small dear and small');
    // What went is remembered until it is kept again.
    expect([store.wasEvicted(keyOf('cheap and large')), store.wasEvicted(keyOf('dear and large'))]).toEqual([
      true,
      false,
    ]);
    await store.saveResult(result('cheap and large', 400, 10));
    store.close();
    expect((await open()).wasEvicted(keyOf('cheap and large'))).toBe(false);
  });

  test('G1 use counts, and with time what was once dear is overtaken', async () => {
    const store = await open();
    await store.saveResult(result('asked for', 100, 100));
    await store.saveResult(result('left alone', 100, 150));
    await store.loadResult(keyOf('asked for'));
    now += 1;
    await store.trim({ targetBytes: 150 * 1024, pinned: nothingPinned, graceMs: 0 });
    expect(await there(['asked for', 'left alone'])).toBe('asked for');
    // Each round something new comes that costs a little less; in the end the old one is the least.
    for (let round = 0; round < 4; round += 1) {
      now += 1;
      await store.saveResult(result(`new ${round}`, 100, 90));
      await store.trim({ targetBytes: 150 * 1024, pinned: nothingPinned, graceMs: 0 });
    }
    expect(await there(['asked for', 'new 0', 'new 1', 'new 2', 'new 3'])).not.toContain('asked for');
  });

  test('G2 files of the history stay, with the results that hold them; so does what is in use', async () => {
    const store = await open();
    const video = await store.putBytes(new Uint8Array(300_000).fill(7));
    const file = { kind: 'file', ...video, mediaType: 'video/mp4', name: 'a.mp4' };
    await store.saveResult(result('film', 1, 5, { file }));
    await store.saveResult(result('big', 300, 50));
    const request = { targetBytes: 0, graceMs: 0, isDryRun: true };
    const pinned = new Set([video.digest]);
    now += 10;
    expect(await store.trim({ ...request, pinned: () => pinned })).toMatchObject({
      evicted: [{ key: keyOf('big') }],
      keptForHistory: 1,
    });
    expect(await store.trim({ ...request, pinned: () => undefined })).toMatchObject({ keptForHistory: 1 });
    expect(await store.trim({ ...request, pinned: nothingPinned, graceMs: 60_000 })).toMatchObject({
      evicted: [],
      keptInUse: 2,
    });
    // A dry run removed nothing; without the history everything may go, the file too.
    expect(await there(['film', 'big'])).toBe('film big');
    const all = await store.trim({ ...request, pinned: nothingPinned, isDryRun: false });
    expect(all.bytesAfter).toBe(0);
    expect([await store.hasBlob(video.digest), store.wasEvicted(video.digest)]).toEqual([false, true]);
    expect((await store.measure()).blobs).toBe(0);
  });

  test('G3 a blob that two results share goes with the last of them', async () => {
    const store = await open();
    const same = result('one', 100, 10);
    await store.saveResult(same);
    await store.saveResult({ ...same, key: keyOf('two'), durationMs: 20 });
    expect((await store.measure()).blobs).toBe(1);
    now += 1;
    const before = (await store.measure()).bytes;
    await store.trim({ targetBytes: before - 1, pinned: nothingPinned, graceMs: 0 });
    expect([(await store.measure()).blobs, (await store.loadResult(keyOf('two'))).status]).toEqual([
      1,
      'found',
    ]);
    now += 1;
    await store.trim({ targetBytes: 0, pinned: nothingPinned, graceMs: 0 });
    expect((await store.measure()).bytes).toBe(0);
  });

  test.each([
    ['lost', (path: string) => rm(path)],
    ['no ledger at all', async (path: string) => writeFileSync(path, 'nonsense'.repeat(1000))],
  ])('G4 a ledger that is %s is made anew from the results', async (_, spoil) => {
    const store = await open();
    await store.saveResult(result('a', 100, 10));
    await store.saveResult(result('b', 100, 20));
    store.close();
    await spoil(join(folder, 'ledger.sqlite'));
    for (const ending of ['-wal', '-shm']) await rm(join(folder, `ledger.sqlite${ending}`), { force: true });
    const again = await open();
    now += 1;
    const trimmed = await again.trim({ targetBytes: 150 * 1024, pinned: nothingPinned, graceMs: 0 });
    expect(trimmed.evicted.map(({ key }) => key)).toEqual([keyOf('a')]);
    expect(await there(['a', 'b'])).toBe('b');
  });
});

describe('looking through', () => {
  test('G5 every changed byte is found and put away, the rest stays', async () => {
    const store = await open();
    for (const name of ['a', 'b', 'c', 'd']) await store.saveResult(result(name, 100, 10));
    await store.saveResult(result('small', 1, 10));
    expect(await store.verify()).toMatchObject({ results: 5, blobs: 4, damaged: [] });
    const [first = '', second = ''] = blobsIn();
    writeFileSync(first, readFileSync(first).fill(1, 500, 501));
    truncateSync(second, 10);
    const record = recordOf('small');
    const text = readFileSync(record);
    text[40] = (text[40] ?? 0) ^ 1;
    writeFileSync(record, text);
    const report = await store.verify();
    expect(report.damaged.map(({ kind, problem }) => `${kind} ${problem}`).sort()).toEqual([
      'blob changed',
      'blob changed',
      'record changed',
      'record incomplete',
      'record incomplete',
    ]);
    expect((await readdir(join(folder, 'quarantine'))).length).toBe(5);
    expect(await (await open()).verify()).toMatchObject({ results: 2, blobs: 2, damaged: [] });
  });

  test('G5 stands still when it is told to', async () => {
    const store = await open();
    await store.saveResult(result('a', 100, 10));
    await expect(store.verify(undefined, AbortSignal.abort())).rejects.toThrow('abort');
  });

  test('G6 loose blobs and what was put away are swept when they are old, unless someone shows them', async () => {
    const store = await open();
    const shown = await store.putBytes(new Uint8Array(1000).fill(1));
    const loose = await store.putBytes(new Uint8Array(2000).fill(2));
    await store.saveResult(result('kept', 100, 10));
    expect((await store.measure()).loose).toEqual({ count: 2, bytes: 3000 });
    const pinned = new Set([shown.digest]);
    // Files carry the time of the machine; the store is asked about a moment far ahead.
    now = Date.now() + 60_000;
    expect(await store.sweep({ olderThanMs: 120_000, pinned })).toEqual({ count: 0, bytes: 0 });
    expect(await store.sweep({ olderThanMs: 1000, pinned: undefined })).toEqual({ count: 0, bytes: 0 });
    const request = { olderThanMs: 1000, pinned };
    expect(await store.sweep({ ...request, isDryRun: true })).toEqual({ count: 1, bytes: 2000 });
    expect(await store.sweep(request)).toEqual({ count: 1, bytes: 2000 });
    expect([await store.hasBlob(shown.digest), await store.hasBlob(loose.digest)]).toEqual([true, false]);
    expect((await store.loadResult(keyOf('kept'))).status).toBe('found');
  });

  test('G5 G6 G7 checkpoints are counted apart, read through, and swept when they are old', async () => {
    now = Date.now();
    const store = await open();
    const path = (name: string) => join(folder, 'checkpoints', `${keyOf(name)}.a.checkpoint`);
    const hourMs = 60 * 60 * 1000;
    for (const [name, ageMs] of [
      ['fresh', 0],
      ['of yesterday', 30 * hourMs],
      ['old', 15 * 24 * hourMs],
    ] as const) {
      await store.checkpoints.open(keyOf(name)).save({ step: 3, state: { name } });
      utimesSync(path(name), (now - ageMs) / 1000, (now - ageMs) / 1000);
    }
    const names = ['fresh', 'of yesterday', 'old'];
    const bytes = names.reduce((sum, name) => sum + readFileSync(path(name)).byteLength, 0);
    expect(await store.measure()).toMatchObject({ bytes: 0, checkpoints: { count: 3, bytes } });
    expect(await store.verify()).toMatchObject({ bytes: 0, checkpoints: { count: 3, bytes }, damaged: [] });

    const left = () => names.filter((name) => existsSync(path(name)));
    expect(await store.sweepCheckpoints({ isDryRun: true })).toMatchObject({ count: 1 });
    expect(left()).toEqual(names);
    expect(await store.sweepCheckpoints({})).toMatchObject({ count: 1 });
    expect(left()).toEqual(['fresh', 'of yesterday']);

    truncateSync(path('of yesterday'), 50);
    expect((await store.verify()).damaged).toEqual([
      { kind: 'checkpoint', id: keyOf('of yesterday'), problem: 'changed' },
    ]);
    expect(readdirSync(join(folder, 'quarantine'))).toEqual([`${keyOf('of yesterday')}.a.checkpoint`]);
    expect(await store.measure()).toMatchObject({ checkpoints: { count: 1 }, quarantined: { count: 1 } });
    expect((await store.checkpoints.open(keyOf('fresh')).load()).status).toBe('found');
  });

  test('G5 of two checkpoints of a key both are read, and one that is just being written is none that is damaged', async () => {
    const store = await open();
    const key = keyOf('at work');
    const slots = store.checkpoints.open(key);
    for (const step of [3, 4]) await slots.save({ step, state: {} });
    const half = join(folder, 'checkpoints', `${key}.b.checkpoint`);
    truncateSync(half, 50);
    expect((await store.verify()).damaged).toEqual([]);
    utimesSync(half, new Date(0), new Date(0));
    expect((await store.verify()).damaged).toEqual([{ kind: 'checkpoint', id: key, problem: 'changed' }]);
    expect(readdirSync(join(folder, 'quarantine'))).toEqual([`${key}.b.checkpoint`]);
    expect(await store.checkpoints.open(key).load()).toMatchObject({ status: 'found', step: 3 });
  });

  test('G7 says what is there, by kind of node', async () => {
    const store = await open();
    await store.saveResult(result('d1', 100, 1000));
    await store.saveResult(result('d2', 100, 2000));
    await store.saveResult(result('other', 1, 5));
    expect(store.claim(keyOf('busy'))).toBe(true);
    const size = await store.measure();
    expect(size).toMatchObject({ results: 3, blobs: 2, evicted: 0, claims: 1 });
    expect(size.byNodeType).toMatchObject([
      { nodeType: 'denoise', results: 2, costMs: 3000 },
      { nodeType: 'decode', results: 1, costMs: 5 },
    ]);
    expect((await store.listResults()).map(({ key }) => key).sort()).toEqual(
      ['d1', 'd2', 'other'].map(keyOf).sort(),
    );
    expect(size.byNodeType.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(size.bytes);
    expect(existsSync(join(folder, 'ledger.sqlite'))).toBe(true);
  });
});

function blobsIn(): string[] {
  return readdirSync(join(folder, 'blobs'), { recursive: true, withFileTypes: true }).flatMap((entry) =>
    entry.isFile() ? [join(entry.parentPath, entry.name)] : [],
  );
}
function recordOf(name: string): string {
  const key = keyOf(name);
  return join(folder, 'cache', key.slice(0, 2), `${key}.result`);
}
