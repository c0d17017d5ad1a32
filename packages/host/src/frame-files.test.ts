import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFrameService, type StreamedFrames } from '@reelgraph/node-api';
import { openStore, type Store } from '@reelgraph/store';
import { fromFunction, sliceAxis } from '@reelgraph/tensor';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createFrameFiles } from './frame-files.ts';

const { signal } = new AbortController();
const pixels = fromFunction([1, 3, 6, 8, 8], (i) => Math.sin(i));
const size = { frameCount: 6, widthPx: 8, heightPx: 8, fps: 8 };
/** Two frames are a long clip. */
const limits = { shortBytes: 800, chunkBytes: 2 * 768, reversedBytes: 768 };
let folder: string;
let store: Store;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelgraph-frames-'));
  store = await openStore(folder);
});
afterEach(async () => {
  store.close();
  await rm(folder, { recursive: true, force: true });
});

const service = () =>
  createFrameService(
    {
      decode: () => {
        throw new Error('nothing is decoded here');
      },
      resize: async (chunk) => chunk,
      files: createFrameFiles(store),
    },
    limits,
  );
async function keep(): Promise<StreamedFrames & { source: { kind: 'stored' } }> {
  const kept = await service().keep(
    size,
    (async function* () {
      yield sliceAxis(pixels, 2, 0, 4);
      yield sliceAxis(pixels, 2, 4, 6);
    })(),
    signal,
  );
  if ('pixels' in kept || kept.source.kind !== 'stored') throw new Error('expected frames in the store');
  return { ...kept, source: kept.source };
}

it('frames lie in the store under their content, and come back bit by bit', async () => {
  const kept = await keep();
  expect(await service().whole(kept, signal)).toEqual(pixels);
  expect(await store.blobBytes(kept.source.file.digest)).toBe(pixels.data.byteLength);
  expect(await readdir(join(folder, 'tmp'))).toEqual([]);
});

it('a cancel while they are written leaves nothing', async () => {
  const controller = new AbortController();
  const reason = new Error('cancelled');
  const chunks = (async function* () {
    yield sliceAxis(pixels, 2, 0, 2);
    expect(await readdir(join(folder, 'tmp'))).toHaveLength(1);
    controller.abort(reason);
    yield sliceAxis(pixels, 2, 2, 6);
  })();
  await expect(service().keep(size, chunks, controller.signal)).rejects.toBe(reason);
  expect([await readdir(join(folder, 'tmp')), await readdir(join(folder, 'blobs'))]).toEqual([[], []]);
});

it('what has changed on the disk, or is gone, is not shown but told', async () => {
  const kept = await keep();
  const path = store.blobPath(kept.source.file.digest);
  const bytes = await readFile(path);
  bytes[2000]! ^= 1;
  await writeFile(path, bytes);
  await expect(service().whole(kept, signal)).rejects.toMatchObject({ code: 'frames/gone' });
  // Put away: a result that holds it does not count any more.
  expect(await store.hasFiles([kept.source.file.digest])).toBe(false);
  await expect(service().whole(kept, signal)).rejects.toMatchObject({ code: 'frames/gone' });
});

it('what changes while it is read is put away, before anybody looks for it again', async () => {
  const kept = await keep();
  const path = store.blobPath(kept.source.file.digest);
  const bytes = await readFile(path);
  bytes[bytes.length - 1]! ^= 1;
  const reading = (async () => {
    for await (const _ of service().read(kept, signal)) await writeFile(path, bytes);
  })();
  await expect(reading).rejects.toMatchObject({ code: 'frames/damaged' });
  expect(existsSync(path)).toBe(false);
});

it('what is written is read meanwhile, and its file is moved while it is', async () => {
  const frames = service();
  const seen: Promise<unknown>[] = [];
  const chunks = (async function* () {
    for (let at = 0; at < 6; at += 2) yield sliceAxis(pixels, 2, at, at + 2);
  })();
  let made: StreamedFrames | undefined;
  const kept = await frames.keep(size, chunks, signal, (growing) => {
    if ('pixels' in growing) throw new Error('expected frames that are being written');
    made = growing;
    for (let reader = 0; reader < 3; reader++) seen.push(frames.whole(growing, signal));
  });
  if (made?.source.kind !== 'growing') throw new Error('expected frames that are being written');
  made.source.clip.settle();
  for (const whole of await Promise.all(seen)) expect(whole).toEqual(pixels);
  expect(await frames.whole(made, signal)).toEqual(await frames.whole(kept, signal));
  expect(await readdir(join(folder, 'tmp'))).toEqual([]);
});
