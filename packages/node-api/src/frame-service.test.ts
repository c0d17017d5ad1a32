import { fromFunction, sliceAxis, type Tensor, tensor } from '@reelgraph/tensor';
import { describe, expect, it } from 'vitest';
import {
  chunkOfPixels,
  chunkOfRgb,
  concatChunks,
  type FrameChunk,
  rgbToPixels,
  sliceChunk,
} from './frame-chunk.ts';
import { createFrameService, type FrameBackends } from './frame-service.ts';
import { ClipReadError, framesPerChunk } from './read-clip.ts';
import { createFakeFrameFiles, createFakeFrames } from './test-context.ts';
import type { FrameSource, Frames, StreamedFrames } from './values.ts';

const { signal } = new AbortController();
const large = { widthPx: 16, heightPx: 12 };
const frameBytes = 16 * 12 * 12;
/** Three frames are a long clip, a chunk has two, and seven are played backwards at a time. */
const limits = { shortBytes: 2 * frameBytes, chunkBytes: 2 * frameBytes, reversedBytes: 7 * frameBytes };
const file = {
  kind: 'file',
  digest: 'f'.repeat(64),
  byteLength: 1,
  mediaType: 'video/mp4',
  name: 'video',
} as const;

/** A video whose frame n is of the grey level n, as bytes; tells what is asked of it. */
function createFilm(frameCount: number, size = large) {
  const log = { open: 0, opened: 0, decoded: 0, ahead: 0 };
  let taken = 0;
  const decode: FrameBackends['decode'] = async function* (clip, part, perChunk, aborted) {
    log.open += 1;
    log.opened += 1;
    try {
      for (let at = part.start; at < part.start + part.frameCount; at += perChunk) {
        aborted.throwIfAborted();
        const count = Math.min(perChunk, part.start + part.frameCount - at);
        const plane = clip.widthPx * clip.heightPx * 3;
        const rgb = new Uint8Array(count * plane);
        for (let i = 0; i < count; i++) rgb.fill(at + i, i * plane, (i + 1) * plane);
        log.decoded += count;
        log.ahead = Math.max(log.ahead, log.decoded - taken);
        yield chunkOfRgb(rgb, { frameCount: count, widthPx: clip.widthPx, heightPx: clip.heightPx });
        taken += count;
      }
    } finally {
      log.open -= 1;
    }
  };
  const source: FrameSource = {
    kind: 'video',
    file,
    reader: 'mov',
    startFrame: 0,
    entries: { every: 64, seconds: [] },
  };
  const clip: StreamedFrames = { frameCount, ...size, fps: 24, source };
  const backends: FrameBackends = {
    decode,
    // Each frame of the new size, with the level of its first pixel.
    async resize(chunk, { widthPx, heightPx }) {
      const old = chunk.widthPx * chunk.heightPx * 3;
      const rgb = new Uint8Array(chunk.frameCount * widthPx * heightPx * 3);
      for (let i = 0; i < chunk.frameCount; i++)
        rgb.fill(chunk.rgb[i * old] ?? 0, i * widthPx * heightPx * 3, (i + 1) * widthPx * heightPx * 3);
      return chunkOfRgb(rgb, { frameCount: chunk.frameCount, widthPx, heightPx });
    },
    files: createFakeFrameFiles(),
  };
  return { log, clip, frames: createFrameService(backends, limits) };
}

const level = (pixels: Tensor<'float32'>, frame: number) =>
  Math.round((pixels.data[frame * (pixels.shape[3] ?? 0) * (pixels.shape[4] ?? 0)]! + 1) * 127.5);
async function levels(chunks: AsyncIterable<FrameChunk> | Iterable<FrameChunk>): Promise<number[]> {
  const found: number[] = [];
  for await (const chunk of chunks)
    for (let i = 0; i < chunk.frameCount; i++) found.push(chunk.rgb[i * chunk.widthPx * chunk.heightPx * 3]!);
  return found;
}
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
const streamed = (clip: Frames, source: FrameSource, frameCount: number, size = large): StreamedFrames => ({
  frameCount,
  ...size,
  fps: clip.fps,
  source,
});

describe('clips that are made when they are read', () => {
  const { clip, frames } = createFilm(50);
  const cut = streamed(clip, { kind: 'cut', clip, start: 10 }, 30);
  const reversed = streamed(clip, { kind: 'reversed', clip }, 50);
  const slow = { ...streamed(clip, { kind: 'retimed', clip }, 100), fps: 48 };
  const quick = { ...streamed(clip, { kind: 'retimed', clip }, 17), fps: 8 };
  const small = streamed(clip, { kind: 'resized', clip, fit: 'cover' }, 50, { widthPx: 8, heightPx: 4 });
  const both = streamed(clip, { kind: 'joined', first: cut, second: reversed, crossfade: 0 }, 80);
  const faded = streamed(clip, { kind: 'joined', first: clip, second: clip, crossfade: 4 }, 96);
  const fadedLevels = [
    ...range(0, 46),
    ...range(0, 4).map((i) => Math.round(46 + i + ((i + 1) / 5) * (i - 46 - i))),
    ...range(4, 50),
  ];
  const wanted: [string, Frames, number[]][] = [
    ['a cut', cut, range(10, 40)],
    ['backwards', reversed, range(0, 50).reverse()],
    ['at twice the rate', slow, range(0, 100).map((i) => Math.min(49, Math.round(i / 2)))],
    ['at a third of the rate', quick, range(0, 17).map((i) => 3 * i)],
    ['another size', small, range(0, 50)],
    ['two, one after the other', both, [...range(10, 40), ...range(0, 50).reverse()]],
    ['two that overlap', faded, fadedLevels],
  ];

  it.each(wanted)('%s: whole and in parts', async (_, made, expected) => {
    expect(await levels(frames.read(made, signal))).toEqual(expected);
    const last = expected.length - 1;
    for (const [start, frameCount] of [
      [0, 1],
      [last, 1],
      [7, 3],
      [Math.floor(last / 2), Math.ceil(last / 2)],
    ] as const)
      expect(await levels(frames.read(made, signal, { start, frameCount }))).toEqual(
        expected.slice(start, start + frameCount),
      );
  });

  it('shows one clip inside a mask and the other outside', async () => {
    const size = { widthPx: 4, heightPx: 2 };
    const film = createFilm(6, size);
    const others = { pixels: fromFunction([1, 3, 6, 2, 4], () => 1), fps: 24 };
    const weights = tensor(
      'float32',
      [1, 1, 6, 2, 4],
      Float32Array.from(range(0, 48), (i) => i % 2),
    );
    const source: FrameSource = { kind: 'composite', original: film.clip, frames: others, mask: { weights } };
    const pixels = await film.frames.whole(streamed(film.clip, source, 6, size), signal);
    for (const frame of range(0, 6)) {
      expect(level(pixels, frame)).toBe(frame);
      expect(pixels.data[frame * 8 + 1]).toBe(1);
    }
  });

  it('lays each part of a mask over the frames it is for, wherever reading begins', async () => {
    const white = { pixels: fromFunction([1, 3, 50, 12, 16], () => 1), fps: 24 };
    const plane = 12 * 16;
    // Seen in every third frame.
    const mask = {
      weights: fromFunction([1, 1, 50, 12, 16], (i) => (Math.floor(i / plane) % 3 === 0 ? 1 : 0)),
    };
    const laid = streamed(clip, { kind: 'composite', original: clip, frames: white, mask }, 50);
    const expected = range(0, 50).map((i) => (i % 3 === 0 ? 255 : i));
    expect(await levels(frames.read(laid, signal))).toEqual(expected);
    for (const start of [1, 20, 49])
      expect(await levels(frames.read(laid, signal, { start }))).toEqual(expected.slice(start));
  });

  it('makes what is short at once, and leaves what is not', async () => {
    expect(await frames.make(streamed(clip, { kind: 'cut', clip, start: 3 }, 2), signal)).toHaveProperty(
      'pixels',
    );
    expect(await frames.make(cut, signal)).toBe(cut);
  });

  it('refuses to hold what does not fit, and says how much does', async () => {
    const film = { ...clip, frameCount: 1000, widthPx: 1600, heightPx: 1024 };
    await expect(frames.whole(film, signal)).rejects.toMatchObject({
      code: 'frames/too-large',
      message: expect.stringContaining('81 of them fit'),
    });
  });
});

describe('reading', () => {
  it('holds as much of a long clip as of a short one, and begins no sooner than it is asked', async () => {
    const ahead = await Promise.all(
      [60, 240].map(async (count) => {
        const film = createFilm(count);
        // A chunk is as long as the largest frame in it allows, however small the result.
        const source: FrameSource = { kind: 'resized', clip: film.clip, fit: 'cover' };
        const small = streamed(film.clip, source, count, { widthPx: 8, heightPx: 8 });
        expect(framesPerChunk(small, limits.chunkBytes)).toBe(2);
        const chunks = film.frames.read(small, signal);
        expect(film.log.opened).toBe(0);
        expect(await levels(chunks)).toEqual(range(0, count).map((n) => n % 256));
        return film.log.ahead;
      }),
    );
    expect(ahead).toEqual([2, 2]);
  });

  it('can be done by two at the same time, each from its own beginning', async () => {
    const { clip, frames, log } = createFilm(12);
    const [a, b] = [frames.read(clip, signal), frames.read(clip, signal, { start: 6 })];
    const seen: number[][] = [[], []];
    const first = a[Symbol.asyncIterator]();
    for await (const chunk of b) {
      seen[1]!.push(...(await levels([chunk])));
      const next = await first.next();
      if (next.done !== true) seen[0]!.push(...(await levels([next.value])));
    }
    await first.return?.();
    expect(seen).toEqual([range(0, 6), range(6, 12)]);
    expect(log).toMatchObject({ open: 0, opened: 2 });
  });

  it('ends what was started when it is left early, or aborted', async () => {
    const { clip, frames, log } = createFilm(40);
    const joined = streamed(clip, { kind: 'joined', first: clip, second: clip, crossfade: 30 }, 50);
    for await (const chunk of frames.read(joined, signal, { start: 20 })) {
      // In the crossfade: both clips are being read.
      expect(log.open).toBe(2);
      expect(chunk.frameCount).toBe(2);
      break;
    }
    expect(log.open).toBe(0);

    const controller = new AbortController();
    const reason = new Error('cancelled');
    const reading = (async () => {
      for await (const _ of frames.read(clip, controller.signal)) controller.abort(reason);
    })();
    await expect(reading).rejects.toBe(reason);
    expect(log.open).toBe(0);
  });

  it('names the clip that could not be read, and those made of it', async () => {
    const { clip } = createFilm(40);
    const cut = streamed(clip, { kind: 'cut', clip, start: 2 }, 30);
    const small = streamed(clip, { kind: 'resized', clip: cut, fit: 'cover' }, 30);
    const service = createFakeFrames(undefined, undefined, limits);
    const error = await levels(service.read(small, signal)).catch((found: unknown) => found);
    expect(error).toBeInstanceOf(ClipReadError);
    expect(error).toMatchObject({ code: 'media/not-a-video', message: 'No video is decoded here.' });
    expect((error as ClipReadError).clips).toEqual([clip, cut, small]);
  });

  it('reads no more clips side by side than a machine bears, however they are laid over one another', async () => {
    const { clip, frames, log } = createFilm(40);
    const mask = { weights: fromFunction([1, 1, 40, 12, 16], () => 0.5) };
    const over = (below: Frames): StreamedFrames =>
      streamed(clip, { kind: 'composite', original: below, frames: below, mask }, 40);
    const [five, six] = [5, 6].map((times) => {
      let made = clip;
      for (let i = 0; i < times; i++) made = over(made);
      return made;
    });
    for await (const _ of frames.read(five ?? clip, signal)) {
      expect(log.open).toBe(32);
      break;
    }
    const error = await levels(frames.read(six ?? clip, signal)).catch((found: unknown) => found);
    expect(error).toMatchObject({ code: 'frames/too-many-clips', clips: [six] });
    expect(log).toMatchObject({ open: 0, opened: 64 });

    // One after the other they may be as many as one likes.
    let film = clip;
    for (let i = 1; i <= 40; i++)
      film = streamed(
        clip,
        { kind: 'joined', first: film, second: clip, crossfade: 10 },
        film.frameCount + 30,
      );
    expect(await levels(frames.read(film, signal))).toHaveLength(1240);
  });

  it('says so when a file ends before the clip does', async () => {
    const { clip, frames } = createFilm(40);
    const backends: FrameBackends = {
      decode: (of, part, _perChunk, aborted) =>
        frames.read({ ...of, frameCount: 25 }, aborted, { ...part, frameCount: 25 - part.start }),
      resize: async (chunk) => chunk,
    };
    const ends = createFrameService(backends, limits);
    await expect(levels(ends.read(clip, signal))).rejects.toMatchObject({
      code: 'frames/incomplete',
      message: 'The clip ended after 25 of 40 frames.',
    });
  });
});

describe('frames that are kept', () => {
  const size = { frameCount: 9, ...large };
  const pixels = fromFunction([1, 3, 9, 12, 16], (i) => Math.sin(i / 100));
  const inChunks = async function* (of: number) {
    for (let at = 0; at < 9; at += of) yield sliceAxis(pixels, 2, at, Math.min(9, at + of));
  };

  it('are the same bits when they are read, in whatever pieces', async () => {
    const files = createFakeFrameFiles();
    const service = createFakeFrames(undefined, files, limits);
    const kept = await service.keep({ ...size, fps: 8 }, inChunks(2), signal);
    expect(kept).toMatchObject({ ...size, fps: 8, source: { kind: 'stored', blockFrames: 2 } });
    expect(await service.whole(kept, signal)).toEqual(pixels);
    expect(await service.whole(kept, signal, { start: 4, frameCount: 3 })).toEqual(
      sliceAxis(pixels, 2, 4, 7),
    );
    // Other chunks, the same file: a key has one content.
    expect(await service.keep({ ...size, fps: 8 }, inChunks(3), signal)).toEqual(kept);
    expect(files.kept.size).toBe(1);
  });

  it('stay in memory while they are few', async () => {
    const service = createFakeFrames(undefined, undefined, limits);
    const few = sliceAxis(pixels, 2, 0, 2);
    const chunks = (async function* () {
      yield few;
    })();
    expect(await service.keep({ ...size, frameCount: 2, fps: 8 }, chunks, signal)).toEqual({
      pixels: few,
      fps: 8,
    });
  });

  it('are not shown when a bit of them has changed', async () => {
    const files = createFakeFrameFiles();
    const service = createFakeFrames(undefined, files, limits);
    const kept = await service.keep({ ...size, fps: 8 }, inChunks(9), signal);
    const [[digest, bytes] = ['', new Uint8Array()]] = files.kept;
    bytes[6 * frameBytes + 77]! ^= 4;
    expect(await service.whole(kept, signal, { start: 0, frameCount: 5 })).toEqual(
      sliceAxis(pixels, 2, 0, 5),
    );
    await expect(service.whole(kept, signal)).rejects.toMatchObject({ code: 'frames/damaged' });
    // Put away, so that the next run computes them.
    expect(files.kept.has(digest)).toBe(false);
  });

  it.each([
    ['too few', 10, large],
    ['too many', 8, large],
    ['of another size', 9, { widthPx: 12, heightPx: 16 }],
  ])('are not kept when they are %s', async (_, frameCount, other) => {
    const files = createFakeFrameFiles();
    const roomy = { ...limits, shortBytes: 1e6 };
    for (const service of [
      createFakeFrames(undefined, files, limits),
      createFakeFrames(undefined, files, roomy),
    ])
      await expect(
        service.keep({ frameCount, ...other, fps: 8 }, inChunks(4), signal),
      ).rejects.toBeInstanceOf(RangeError);
    expect(files.kept.size).toBe(0);
  });

  it('leave nothing behind when making them fails', async () => {
    const files = createFakeFrameFiles();
    let closed = 0;
    const counting = {
      ...files,
      async create() {
        const writer = await files.create();
        const close = async () => {
          closed += 1;
        };
        return { ...writer, close };
      },
    };
    const service = createFakeFrames(undefined, counting, limits);
    const failing = (async function* () {
      yield sliceAxis(pixels, 2, 0, 3);
      throw new Error('out of ideas');
    })();
    await expect(service.keep({ ...size, fps: 8 }, failing, signal)).rejects.toThrow('out of ideas');
    expect([closed, files.kept.size]).toEqual([1, 0]);
  });
});

describe('chunks', () => {
  it('are the same in bytes and in numbers', () => {
    const size = { frameCount: 2, widthPx: 16, heightPx: 8 };
    const rgb = Uint8Array.from({ length: 2 * 16 * 8 * 3 }, (_, i) => i % 256);
    const chunk = chunkOfRgb(rgb, size);
    expect(chunkOfPixels(chunk.pixels).rgb).toEqual(rgb);
    expect(sliceChunk(chunk, 1, 2).pixels).toEqual(sliceAxis(rgbToPixels(rgb, size), 2, 1, 2));
    expect(
      concatChunks([sliceChunk(chunk, 0, 1), chunkOfPixels(sliceChunk(chunk, 1, 2).pixels)]).rgb,
    ).toEqual(rgb);
    expect(() => chunkOfRgb(rgb.subarray(1), size)).toThrowError('need 768 bytes, got 767');
  });
});
