import { getEventListeners } from 'node:events';
import { fromFunction, sliceAxis, type Tensor } from '@reelgraph/tensor';
import { describe, expect, it } from 'vitest';
import { concatChunks, type FrameChunk } from './frame-chunk.ts';
import { growingClips, settledClip } from './read-clip.ts';
import type { FrameFiles } from './stored-clips.ts';
import { createFakeFrameFiles, createFakeFrames } from './test-context.ts';
import type { Frames, StreamedFrames } from './values.ts';

const { signal } = new AbortController();
const size = { frameCount: 7, widthPx: 4, heightPx: 2, fps: 8 };
const frameBytes = 4 * 2 * 12;
const long = { shortBytes: frameBytes, chunkBytes: 2 * frameBytes, reversedBytes: 2 * frameBytes };
const short = { ...long, shortBytes: 1e6 };
const pixels = fromFunction([1, 3, 7, 2, 4], (i) => Math.sin(i));

/** A clip whose chunks come when they are let. */
function making(limits: typeof long, files: FrameFiles = createFakeFrameFiles()) {
  const service = createFakeFrames(undefined, files, limits);
  let letNext: () => void = () => undefined;
  const log = { asked: 0 };
  async function* chunks(lengths: readonly number[]): AsyncGenerator<Tensor<'float32'>> {
    let at = 0;
    for (const length of lengths) {
      log.asked += 1;
      await new Promise<void>((resolve) => {
        letNext = resolve;
      });
      yield sliceAxis(pixels, 2, at, at + length);
      at += length;
    }
  }
  const begin = (lengths: readonly number[]) => {
    const handedOut: Frames[] = [];
    const kept = service.keep(size, chunks(lengths), signal, (frames) => void handedOut.push(frames));
    kept.catch(() => undefined);
    return { kept, handedOut };
  };
  return { service, begin, log, next: () => letNext() };
}
const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
};
/** All that a reading has given so far, and whether it is over. */
function follow(chunks: AsyncIterable<FrameChunk>) {
  const seen: FrameChunk[] = [];
  const state: { seen: FrameChunk[]; isOver: boolean; error?: unknown } = { seen, isOver: false };
  (async () => {
    for await (const chunk of chunks) seen.push(chunk);
  })().then(
    () => {
      state.isOver = true;
    },
    (error: unknown) => {
      state.isOver = true;
      state.error = error;
    },
  );
  return state;
}
function growing(frames: Frames | undefined) {
  if (frames === undefined || 'pixels' in frames || frames.source.kind !== 'growing')
    throw new Error('expected a clip that is still being made');
  return { frames, clip: frames.source.clip };
}

describe.each([
  ['in a file', long],
  ['in memory', short],
])('a clip that grows %s', (_, limits) => {
  it('gives what is there, waits for the rest, and ends when its maker has ended well', async () => {
    const { service, begin, next } = making(limits);
    const { kept, handedOut } = begin([3, 3, 1]);
    await turns();
    expect(handedOut).toEqual([]);
    next();
    await turns();
    const { frames, clip } = growing(handedOut[0]);
    expect(frames).toMatchObject(size);
    const all = follow(service.read(frames, signal));
    const middle = follow(service.read(frames, signal, { start: 1, frameCount: 4 }));
    await turns();
    // Two frames a chunk, and the third has no second yet.
    expect(all.seen.map(({ frameCount }) => frameCount)).toEqual([2]);
    expect(middle.seen.map(({ frameCount }) => frameCount)).toEqual([2]);
    next();
    await turns();
    expect(all.seen.map(({ frameCount }) => frameCount)).toEqual([2, 2, 2]);
    expect([middle.seen.length, middle.isOver]).toEqual([2, false]);
    next();
    const whole = await kept;
    await turns();
    expect([all.seen.length, all.isOver]).toEqual([4, false]);
    const late = follow(service.read(frames, signal));
    await turns();
    clip.settle();
    await turns();
    for (const { seen, isOver, error } of [all, late]) {
      expect([isOver, error]).toEqual([true, undefined]);
      expect(concatChunks(seen).pixels).toEqual(pixels);
    }
    expect(concatChunks(middle.seen).pixels).toEqual(sliceAxis(pixels, 2, 1, 5));
    expect(handedOut).toHaveLength(1);
    expect(settledClip(frames)).toBe(whole);
  });

  it('ends for all who read it with what its maker failed with', async () => {
    const { service, begin, next } = making(limits);
    const { handedOut } = begin([3, 4]);
    await turns();
    next();
    await turns();
    const { frames, clip } = growing(handedOut[0]);
    const reading = follow(service.read(frames, signal));
    await turns();
    clip.settle({ error: new Error('no more ideas') });
    await turns();
    expect(reading).toMatchObject({ isOver: true, error: { message: 'no more ideas' } });
    expect(follow(service.read(frames, signal)).seen).toEqual([]);
    expect(() => settledClip(frames)).toThrowError('still growing');
  });

  it('is let go of by a cancel of the reader, and goes on', async () => {
    const { service, begin, next } = making(limits);
    const { kept, handedOut } = begin([3, 4]);
    await turns();
    next();
    await turns();
    const cancel = new AbortController();
    const reading = follow(service.read(growing(handedOut[0]).frames, cancel.signal));
    await turns();
    const reason = new Error('enough');
    cancel.abort(reason);
    await turns();
    expect(reading.error).toBe(reason);
    next();
    expect(await service.whole(await kept, signal)).toEqual(pixels);
  });

  it('is not handed out when one chunk is all of it', async () => {
    const { begin, next } = making(limits);
    const { kept, handedOut } = begin([7]);
    await turns();
    next();
    await kept;
    expect(handedOut).toEqual([]);
  });
});

it('frames are asked for only when the disk has taken those before, and nobody reads what it has not', async () => {
  const files = createFakeFrameFiles();
  let letWrite: () => void = () => undefined;
  const slow: FrameFiles = {
    ...files,
    async create() {
      const writer = await files.create();
      return {
        ...writer,
        async write(bytes) {
          await new Promise<void>((resolve) => {
            letWrite = resolve;
          });
          await writer.write(bytes);
        },
      };
    },
  };
  const { service, begin, log, next } = making(long, slow);
  const { handedOut } = begin([2, 2, 3]);
  await turns();
  next();
  await turns();
  expect([log.asked, handedOut.length]).toEqual([1, 0]);
  for (let frame = 0; frame < 2; frame++) {
    letWrite();
    await turns();
  }
  expect([log.asked, handedOut.length]).toEqual([2, 1]);
  const reading = follow(service.read(growing(handedOut[0]).frames, signal));
  next();
  await turns();
  expect([log.asked, reading.seen.length]).toEqual([2, 1]);
});

it('while the file is put away nobody reads it; the rest is read from where it lies then', async () => {
  const files = createFakeFrameFiles();
  let letKeep: () => void = () => undefined;
  const reads: number[] = [];
  let isClosing = false;
  const watched: FrameFiles = {
    ...files,
    async create() {
      const writer = await files.create();
      return {
        ...writer,
        read(at, byteLength) {
          if (isClosing) throw new Error('the file is closed');
          reads.push(at);
          return writer.read(at, byteLength);
        },
        async keep(about) {
          isClosing = true;
          await new Promise<void>((resolve) => {
            letKeep = resolve;
          });
          return writer.keep(about);
        },
      };
    },
  };
  const { service, begin, next } = making(long, watched);
  const { kept, handedOut } = begin([2, 5]);
  await turns();
  next();
  await turns();
  const { frames, clip } = growing(handedOut[0]);
  next();
  await turns();
  const reading = follow(service.read(frames, signal));
  await turns();
  expect([reads, reading.seen, reading.isOver]).toEqual([[], [], false]);
  letKeep();
  await kept;
  clip.settle();
  await turns();
  expect(concatChunks(reading.seen).pixels).toEqual(pixels);
});

it('what was begun and given up is read by nobody; who wants it hears why', async () => {
  const files = createFakeFrameFiles();
  let isClosed = false;
  const watched: FrameFiles = {
    ...files,
    async create() {
      const writer = await files.create();
      return {
        ...writer,
        async read(at, byteLength) {
          if (isClosed) throw new Error('the file is closed');
          return writer.read(at, byteLength);
        },
        close() {
          isClosed = true;
          return writer.close();
        },
      };
    },
  };
  const { service, begin, next } = making(long, watched);
  // Five frames too few.
  const { handedOut, kept } = begin([2]);
  await turns();
  next();
  await expect(kept).rejects.toThrow('Expected 7 frames, got 2.');
  const { frames, clip } = growing(handedOut[0]);
  const reading = follow(service.read(frames, signal));
  await turns();
  expect([isClosed, reading.seen, reading.isOver]).toEqual([true, [], false]);
  clip.settle({ error: new Error('no more ideas') });
  await turns();
  expect(reading.error).toMatchObject({ message: 'no more ideas' });
});

it('a reader leaves nothing behind at its signal, however often it waited', async () => {
  const { service, begin, next } = making(long);
  const { handedOut, kept } = begin([1, 2, 2, 2]);
  await turns();
  next();
  await turns();
  const { frames, clip } = growing(handedOut[0]);
  const own = new AbortController();
  const reading = follow(service.read(frames, own.signal));
  for (let chunk = 1; chunk < 4; chunk++) {
    await turns();
    expect(getEventListeners(own.signal, 'abort').length).toBe(1);
    next();
  }
  await kept;
  clip.settle();
  await turns();
  expect([reading.isOver, reading.error]).toEqual([true, undefined]);
  expect(getEventListeners(own.signal, 'abort')).toEqual([]);
});

it('the growing clips of a clip are each told once, however often they are in it', async () => {
  const { begin, next } = making(long);
  const { handedOut } = begin([2, 5]);
  await turns();
  next();
  await turns();
  const { frames, clip } = growing(handedOut[0]);
  const twice: Frames = {
    ...{ ...size, frameCount: 14 },
    source: {
      kind: 'joined',
      first: { ...size, source: { kind: 'reversed', clip: frames } },
      second: frames,
      crossfade: 0,
    },
  };
  expect(growingClips(twice)).toEqual([clip]);
  expect(growingClips({ pixels, fps: 8 })).toEqual([]);
});

it('a clip made of growing ones becomes what it would have been', async () => {
  const { begin, next } = making(long);
  const { kept, handedOut } = begin([3, 4]);
  await turns();
  next();
  await turns();
  const { frames: clip } = growing(handedOut[0]);
  next();
  const whole = await kept;
  const of = (inner: Frames): StreamedFrames => {
    const cut = { ...size, frameCount: 5, source: { kind: 'cut', clip: inner, start: 1 } } as const;
    const resized = {
      ...cut,
      widthPx: 8,
      source: { kind: 'resized', clip: cut, fit: 'cover' },
    } as const;
    const source = { kind: 'joined', first: resized, second: resized, crossfade: 1 } as const;
    return { ...resized, frameCount: 9, source };
  };
  expect(settledClip(of(clip))).toEqual(of(whole));
  const plain = of(whole);
  expect(settledClip(plain)).toBe(plain);
});
