import {
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { digestOf } from './blobs.ts';
import { type Disk, nodeDisk } from './disk.ts';
import { StoreError } from './errors.ts';
import { createFailingDisk } from './failing-disk.ts';
import type { NewResult } from './results.ts';
import { openStore, type Store } from './store.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelgraph-store-'));
});
afterEach(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));

const bytes = new TextEncoder().encode('a small result');
const large = new Uint8Array(300_000).map((_, index) => (index * 7919) % 251);

function filesIn(part: string): string[] {
  return readdirSync(join(folder, part), { recursive: true, withFileTypes: true }).flatMap((entry) =>
    entry.isFile() ? [join(entry.parentPath, entry.name)] : [],
  );
}
async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'nothing was thrown';
  } catch (error) {
    return error instanceof StoreError ? error.code : String(error);
  }
}

function result(fill: number, size = 5000): NewResult {
  const data = new Float32Array(size).fill(fill);
  return {
    key: digestOf(new TextEncoder().encode(`${fill} ${size}`)),
    nodeType: 'test',
    computedAtMs: 1,
    durationMs: 2,
    parts: { version: 1, params: { fill: `number:${fill}` }, inputs: {} },
    summaries: { out: { type: 'latent', facts: {} } },
    outputs: { out: { dtype: 'float32', shape: [size], data }, name: `n${fill}` },
  };
}

describe('blobs', () => {
  test('B1 lie under the digest of their bytes, once', async () => {
    const store = await openStore(folder);
    const kept = await store.putBytes([bytes.subarray(0, 4), bytes.subarray(4)]);
    expect(kept).toEqual({ digest: digestOf(bytes), byteLength: bytes.byteLength });
    expect(store.blobPath(kept.digest)).toBe(join(folder, 'blobs', kept.digest.slice(0, 2), kept.digest));
    const { mtimeMs } = statSync(store.blobPath(kept.digest));
    expect(await store.putBytes(bytes)).toEqual(kept);
    expect(statSync(store.blobPath(kept.digest)).mtimeMs).toBe(mtimeMs);
    expect(await store.readBlob(kept.digest)).toEqual(Buffer.from(bytes));
    expect(await store.hasBlob(kept.digest)).toBe(true);
    expect(await store.readBlob(digestOf(large))).toBeUndefined();
    expect(await store.hasBlob(digestOf(large))).toBe(false);
  });

  test('B1 files are copied, or moved when they may go', async () => {
    const store = await openStore(folder);
    const path = join(folder, 'video.mp4');
    await writeFile(path, large);
    const copied = await store.putFile(path);
    expect([copied.digest, existsSync(path)]).toEqual([digestOf(large), true]);
    const own = store.temporaryPath();
    await writeFile(own, bytes);
    const moved = await store.putFile(own, { move: true });
    expect([moved.digest, existsSync(own)]).toEqual([digestOf(bytes), false]);
    // Already there: the file goes all the same.
    await store.putFile(path, { move: true });
    expect(existsSync(path)).toBe(false);
    expect(await readdir(join(folder, 'tmp'))).toEqual([]);
    expect(await codeOf(store.putFile(join(folder, 'nowhere')))).toBe('store/io');
  });

  test.each([false, true])(
    'B2 the bytes of a file reach the disk before its name does (move: %s)',
    async (move) => {
      const calls: string[] = [];
      const disk: Disk = {
        ...nodeDisk,
        copy: async (from, to, options) => {
          await nodeDisk.copy(from, to, options);
          calls.push('take', ...(options.sync ? ['flush'] : []));
        },
        sync: async (path) => {
          await nodeDisk.sync(path);
          calls.push('flush');
        },
        rename: async (from, to) => {
          await nodeDisk.rename(from, to);
          calls.push(to.startsWith(join(folder, 'blobs')) ? 'name' : 'take');
        },
        syncFolder: async (path) => {
          await nodeDisk.syncFolder(path);
          calls.push('flush folder');
        },
      };
      const store = await openStore(folder, { disk });
      const path = join(folder, 'video.mp4');
      await writeFile(path, large);
      await store.putFile(path, { move });
      expect(calls).toEqual(['take', 'flush', 'name', 'flush folder']);
    },
  );

  test.each(['bytes', 'a file'])(
    'B2 what was kept without waiting for the disk reaches it when %s with the same content must last',
    async (again) => {
      const flushed: string[] = [];
      const disk: Disk = {
        ...nodeDisk,
        sync: async (path) => {
          await nodeDisk.sync(path);
          flushed.push(path);
        },
        syncFolder: async (path) => {
          await nodeDisk.syncFolder(path);
          flushed.push(path);
        },
      };
      const store = await openStore(folder, { disk });
      const { digest } = await store.putBytes(bytes, { durable: false });
      await store.putBytes(bytes, { durable: false });
      expect(flushed).toEqual([]);
      const path = join(folder, 'copy.bin');
      await writeFile(path, bytes);
      await (again === 'bytes' ? store.putBytes(bytes) : store.putFile(path));
      expect(flushed).toEqual([store.blobPath(digest), dirname(store.blobPath(digest))]);
    },
  );

  const work: Record<string, (store: Store) => Promise<unknown>> = {
    putBytes: (store) => store.putBytes(large),
    putFile: (store) => store.putFile(join(folder, 'video.mp4')),
    'putFile move': (store) => store.putFile(join(folder, 'video.mp4'), { move: true }),
    saveResult: (store) => store.saveResult(result(1)),
    'saveResult small': (store) => store.saveResult(result(1, 10)),
    'saveResult not durable': (store) => store.saveResult(result(1), { durable: false }),
  };
  test.each(Object.keys(work))(
    'B2 B5 %s: failing at the Nth step leaves nothing half-written, for every N',
    async (name) => {
      const disk = createFailingDisk();
      const store = await openStore(folder, { disk });
      const attempt = work[name];
      if (attempt === undefined) throw new Error('unknown work');
      let failures = 0;
      for (let call = 1; ; call += 1) {
        await writeFile(join(folder, 'video.mp4'), large);
        disk.failAt(call);
        const code = await codeOf(attempt(store));
        if (code === 'nothing was thrown') break;
        failures += 1;
        expect({ call, code }).toEqual({ call, code: 'store/disk-full' });
        expect(await readdir(join(folder, 'tmp'))).toEqual([]);
        // Whatever stands under a name is whole.
        disk.failAt(undefined);
        for (const path of filesIn('blobs')) expect(digestOf(readFileSync(path))).toBe(path.slice(-64));
        const loaded = await store.loadResult(result(1).key);
        // Only the last step, flushing the folder, may fail with the whole result in its place.
        if (loaded.status === 'found') expect(loaded.outputs).toEqual(result(1).outputs);
        else expect(loaded.status).toBe('missing');
        for (const part of ['blobs', 'cache']) await rm(join(folder, part), { recursive: true });
        for (const part of ['blobs', 'cache']) await disk.makeFolder(join(folder, part));
      }
      expect(failures).toBeGreaterThanOrEqual(2);
    },
  );

  test('B5 messages name the trouble and the next step, and no path', async () => {
    const disk = createFailingDisk();
    const store = await openStore(folder, { disk });
    for (const [errno, code] of [
      ['ENOSPC', 'store/disk-full'],
      ['EDQUOT', 'store/disk-full'],
      ['EROFS', 'store/not-writable'],
      ['EIO', 'store/io'],
      ['EMFILE', 'store/io'],
    ]) {
      disk.failAt(1, errno);
      const error = await store.putBytes(large).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code });
      expect(error instanceof StoreError ? `${error.message} ${error.hint ?? ''}` : '').not.toContain(folder);
    }
  });

  test('B3 changed, cut and emptied bytes are found, put aside and not served', async () => {
    const spoil: ((path: string) => void)[] = [
      (path) => writeFileSync(path, readFileSync(path).fill(1, 1000, 1001)),
      (path) => truncateSync(path, 100),
      (path) => truncateSync(path, 0),
    ];
    for (const damage of spoil) {
      const { digest } = await (await openStore(folder)).putBytes(large);
      const store = await openStore(folder);
      damage(store.blobPath(digest));
      expect(await store.readBlob(digest)).toBeUndefined();
      expect(existsSync(store.blobPath(digest))).toBe(false);
      expect(readdirSync(join(folder, 'quarantine'))).toEqual([digest]);
      await store.putBytes(large);
      damage(store.blobPath(digest));
      expect(await (await openStore(folder)).hasBlob(digest)).toBe(false);
    }
  });

  test('B3 bytes are checked whenever they are read, even when nothing about the file has changed', async () => {
    const store = await openStore(folder, {
      disk: {
        ...nodeDisk,
        // A disk that loses a bit tells nobody: the file looks as it was.
        stat: async (path) => ({ ...(await nodeDisk.stat(path)), modifiedMs: 1, changedMs: 1 }),
      },
    });
    const { digest } = await store.putBytes(large);
    expect(await store.readBlob(digest)).toEqual(Buffer.from(large));
    const path = store.blobPath(digest);
    writeFileSync(path, readFileSync(path).fill(99, 0, 1));
    expect(await store.readBlob(digest)).toBeUndefined();
  });

  test('B3 a blob that changes after it was checked is checked again', async () => {
    const store = await openStore(folder);
    const { digest } = await store.putBytes(large);
    expect(await store.hasBlob(digest)).toBe(true);
    const path = store.blobPath(digest);
    writeFileSync(path, readFileSync(path).fill(99, 0, 1));
    utimesSync(path, new Date(1000), new Date(1000));
    expect(await store.readBlob(digest)).toBeUndefined();
  });

  test.each(['', '../../etc/passwd', 'A'.repeat(64), 'a'.repeat(63), `${'a'.repeat(63)}/`])(
    'B4 %j is no blob',
    async (name) => {
      const store = await openStore(folder);
      expect(() => store.blobPath(name)).toThrow(StoreError);
      expect(await codeOf(store.readBlob(name))).toBe('store/damaged');
    },
  );

  test.each(['when the store is opened', 'when they are asked for'])(
    'B6 leftovers of the dead are removed, those of the living are not, %s',
    async (when) => {
      const store = await openStore(folder);
      // No process has this id: the kernel's limit is lower.
      await writeFile(join(folder, 'tmp', '2000000000-left'), bytes);
      await writeFile(join(folder, 'tmp', `${process.ppid}-busy`), bytes);
      if (when === 'when they are asked for') await store.removeLeftovers();
      else await openStore(folder);
      expect(await readdir(join(folder, 'tmp'))).toEqual([`${process.ppid}-busy`]);
    },
  );

  test('B6 whole folders are leftovers too; those of nobody go when they are a day old', async () => {
    await openStore(folder);
    const names = ['2000000000-mux-a', `${process.ppid}-mux-b`, 'mux-young', 'mux-old'];
    for (const name of names) {
      await mkdir(join(folder, 'tmp', name, 'inside'), { recursive: true });
      await writeFile(join(folder, 'tmp', name, 'inside', 'video.mp4'), bytes);
    }
    const twoDaysAgo = new Date(Date.now() - 48 * 60 * 60 * 1000);
    utimesSync(join(folder, 'tmp', 'mux-old'), twoDaysAgo, twoDaysAgo);
    await openStore(folder);
    expect((await readdir(join(folder, 'tmp'))).sort()).toEqual([`${process.ppid}-mux-b`, 'mux-young']);
  });
});

describe('results', () => {
  test('R1 come back as they were, large and small', async () => {
    const store = await openStore(folder);
    for (const saved of [result(1, 5000), result(2, 10)]) {
      await store.saveResult(saved);
      const loaded = await (await openStore(folder)).loadResult(saved.key);
      expect(loaded).toMatchObject({
        status: 'found',
        outputs: saved.outputs,
        record: { nodeType: 'test', parts: saved.parts, files: [] },
      });
      expect(store.peekResult(saved.key)?.summaries).toEqual(saved.summaries);
    }
    expect(filesIn('blobs').length).toBe(1);
    expect(filesIn('cache').length).toBe(2);
    expect(await store.loadResult('0'.repeat(64))).toEqual({ status: 'missing' });
    expect(store.peekResult('0'.repeat(64))).toBeUndefined();
  });

  test('R2 a result whose file is gone does not count', async () => {
    const store = await openStore(folder);
    const { digest, byteLength } = await store.putBytes(large);
    const saved = {
      ...result(1, 10),
      outputs: {
        video: { file: { kind: 'file', digest, byteLength, mediaType: 'video/mp4', name: 'a.mp4' } },
      },
    };
    await store.saveResult(saved);
    expect(await store.loadResult(saved.key)).toMatchObject({ status: 'found', record: { files: [digest] } });
    await rm(store.blobPath(digest));
    expect(await store.loadResult(saved.key)).toEqual({ status: 'damaged' });
    expect(await store.loadResult(saved.key)).toEqual({ status: 'missing' });
  });

  test('R2 two hundred random changes to the files of a result: all are found', async () => {
    // A fixed sequence, so that a failure repeats.
    let state = 42;
    const next = (limit: number): number => {
      state = (state * 48271) % 2147483647;
      return state % limit;
    };
    const saved = [result(1, 4000), result(2, 20)];
    for (let round = 0; round < 200; round += 1) {
      const store = await openStore(folder);
      const victim = saved[round % 2];
      if (victim === undefined) throw new Error('two results');
      await store.saveResult(victim);
      const fresh = await openStore(folder);
      const files = [...filesIn('cache'), ...filesIn('blobs')];
      const path = files[next(files.length)] ?? '';
      const content = readFileSync(path);
      const at = next(content.byteLength);
      if (next(4) === 0) truncateSync(path, at);
      else {
        const before = content[at] ?? 0;
        content[at] = before ^ (1 + next(255));
        writeFileSync(path, content);
      }
      const loaded = await fresh.loadResult(victim.key);
      expect({ round, status: loaded.status }).toEqual({ round, status: 'damaged' });
      expect(fresh.peekResult(victim.key)).toBeUndefined();
      for (const file of files) await rm(file, { force: true });
    }
  });

  test('R5 what is small and quickly made again takes no file, and is found by others and after a restart', async () => {
    const saved = result(2, 10);
    const [store, other] = [await openStore(folder), await openStore(folder)];
    await store.saveResult(saved, { durable: false });
    store.flush();
    expect([filesIn('cache'), filesIn('blobs')]).toEqual([[], []]);
    expect(other.hasRecord(saved.key)).toBe(true);
    for (const opened of [store, other]) opened.close();
    const again = await openStore(folder);
    expect(await again.loadResult(saved.key)).toMatchObject({ status: 'found', outputs: saved.outputs });
    expect(await again.verify()).toMatchObject({ results: 1, blobs: 0, damaged: [] });
    again.close();
    // A changed letter is seen here, too.
    const database = new Database(join(folder, 'ledger.sqlite'));
    database.exec(`UPDATE records SET text = replace(text, '"durationMs":2', '"durationMs":3')`);
    database.close();
    const last = await openStore(folder);
    expect(await last.loadResult(saved.key)).toEqual({ status: 'damaged' });
    expect(await last.loadResult(saved.key)).toEqual({ status: 'missing' });
    expect(readdirSync(join(folder, 'quarantine'))).toEqual([`${saved.key}.result`]);
    last.close();
  });

  test('R5 who kept a small result is told when the ledger could not be written', async () => {
    const store = await openStore(folder);
    await store.measure();
    // Stands in for a full disk: whatever is noted from here on fails.
    const database = new Database(join(folder, 'ledger.sqlite'));
    database.exec(`CREATE TRIGGER full BEFORE INSERT ON records BEGIN SELECT RAISE(ABORT, 'full'); END`);
    const lost: string[] = [];
    const save = (fill: number, size: number) =>
      store.saveResult(result(fill, size), {
        durable: false,
        onLost: ({ code, message }) => lost.push(`${fill}: ${code} ${message}`),
      });
    for (const fill of [1, 2]) await save(fill, 10);
    // Not lost with the ledger: it has a file of its own.
    await save(3, 5000);
    store.flush();
    const said = 'store/io The disk answered SQLITE_CONSTRAINT_TRIGGER while keeping small results.';
    expect(lost).toEqual([`1: ${said}`, `2: ${said}`]);
    expect(store.hasRecord(result(1, 10).key)).toBe(false);
    expect((await store.loadResult(result(3, 5000).key)).status).toBe('found');
    // As soon as it can be written again, nobody is told anything.
    database.exec(`DROP TRIGGER full`);
    database.close();
    await save(1, 10);
    store.flush();
    expect([lost.length, store.hasRecord(result(1, 10).key)]).toEqual([2, true]);
    store.close();
  });

  test('R4 two stores on one folder see each other', async () => {
    const [one, two] = [await openStore(folder), await openStore(folder)];
    await Promise.all([one.saveResult(result(1)), two.saveResult(result(1)), two.saveResult(result(3))]);
    expect((await one.loadResult(result(3).key)).status).toBe('found');
    expect((await two.loadResult(result(1).key)).status).toBe('found');
  });

  test('R1 notes are small texts by name', async () => {
    const store = await openStore(folder);
    expect(store.readNote('last-keys')).toBeUndefined();
    store.writeNote('last-keys', '[1]');
    store.writeNote('last-keys', '[2]');
    expect((await openStore(folder)).readNote('last-keys')).toBe('[2]');
    expect(() => store.writeNote('../x', '')).toThrow(StoreError);
  });
});

describe('a disk that is really full', () => {
  // /dev/full takes every write with ENOSPC, as a full disk would.
  test('B5 ENOSPC of the system becomes store/disk-full', async (ctx) => {
    if (!existsSync('/dev/full')) return ctx.skip('this system has no /dev/full');
    const disk = createFailingDisk();
    const store = await openStore(folder, {
      disk: {
        ...disk,
        async write(path, chunks) {
          await disk.write(path, [], { sync: false });
          writeFileSync('/dev/full', chunks[0] ?? bytes);
        },
      },
    });
    expect(await codeOf(store.putBytes(large))).toBe('store/disk-full');
    expect(filesIn('tmp')).toEqual([]);
    expect(filesIn('blobs')).toEqual([]);
  });
});
