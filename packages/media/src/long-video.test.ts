/**
 * Videos too long to be held, with the real ffmpeg: 20 seconds that were encoded as people's videos are, with frames that
 * are decoded from later ones, and key frames far apart.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createFrameService,
  type FileRef,
  type FrameChunk,
  type FrameService,
  type Frames,
  NodeError,
  type StreamedFrames,
  sizeOfClip,
} from '@reelgraph/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClipDecoder } from './decode-video.ts';
import { findFfmpeg } from './ffmpeg-program.ts';
import { resizeChunk } from './image-files.ts';
import { createMediaService } from './media-service.ts';

const { signal } = new AbortController();
const seconds = 20;
const [fps, width, height] = [24, 320, 180];
const frameCount = seconds * fps;
let folder: string;
let bytes: Buffer;
/** The whole of it as a clip, and the digest of every frame when it is read from its beginning to its end. */
let clip: StreamedFrames;
let digests: string[];

const kept = () => join(folder, 'kept');
const temporary = () => join(folder, 'temp');
const media = () =>
  createMediaService({
    tempFolder: temporary(),
    async putFile(path, about): Promise<FileRef> {
      const content = await readFile(path);
      const digest = createHash('sha256').update(content).digest('hex');
      await rename(path, join(kept(), digest));
      return { kind: 'file', digest, byteLength: content.length, ...about };
    },
  });
const decode = createClipDecoder(async ({ digest }) => {
  if ((await readdir(kept())).includes(digest)) return join(kept(), digest);
  throw new NodeError('frames/gone', 'The video is gone.');
});
const frames: FrameService = createFrameService({ decode, resize: resizeChunk });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelgraph-long-'));
  const path = join(folder, 'film.mp4');
  execFileSync(findFfmpeg(), [
    ...[
      '-v',
      'error',
      '-f',
      'lavfi',
      '-i',
      `testsrc2=size=${width}x${height}:rate=${fps}:duration=${seconds}`,
    ],
    // Sound that begins earlier, as cameras do it: what is first in the file is no picture.
    ...['-f', 'lavfi', '-itsoffset', '-0.4', '-i', `sine=duration=${seconds}`, '-c:a', 'aac'],
    ...['-c:v', 'libx264', '-preset', 'veryfast', '-bf', '3', '-g', '100', '-pix_fmt', 'yuv420p', path],
  ]);
  bytes = await readFile(path);
  await mkdir(kept());
  clip = await open();
  digests = await digestsOf(frames.read(clip, signal));
}, 120_000);
afterAll(() => rm(folder, { recursive: true, force: true }));
async function open(selection = {}): Promise<StreamedFrames> {
  const opened = await media().decodeVideo(bytes, selection, signal);
  if ('pixels' in opened) throw new Error('this clip is short');
  return opened;
}
async function digestsOf(chunks: AsyncIterable<FrameChunk>): Promise<string[]> {
  const found: string[] = [];
  for await (const { rgb, frameCount: count } of chunks) {
    const frameBytes = rgb.length / count;
    for (let i = 0; i < count; i++) {
      const frame = rgb.subarray(i * frameBytes, (i + 1) * frameBytes);
      found.push(createHash('sha256').update(frame).digest('hex'));
    }
  }
  return found;
}
/** Programs that this process has started and that have not ended. */
const running = () =>
  execFileSync('ps', ['-o', 'comm=', '--ppid', String(process.pid)], { encoding: 'utf8' })
    .split('\n')
    .filter((name) => name.includes('ffmpeg'));

describe('a long video', { timeout: 90_000 }, () => {
  it('is kept as its file, with its size, length and rate, and read frame by frame', async () => {
    expect(sizeOfClip(clip)).toEqual({ frameCount, widthPx: width, heightPx: height });
    expect(clip).toMatchObject({ fps, source: { kind: 'video', reader: 'mov', startFrame: 0 } });
    expect(await readdir(temporary())).toEqual([]);
    expect(digests).toHaveLength(frameCount);
    // Every frame of the test picture is another.
    expect(new Set(digests).size).toBe(frameCount);
  });

  it('gives any part as it is in the whole, wherever decoding begins', async () => {
    for (const [start, count] of [
      [0, 3],
      [63, 3],
      [64, 1],
      [127, 2],
      [250, 30],
      [frameCount - 1, 1],
    ] as const) {
      const part = await digestsOf(frames.read(clip, signal, { start, frameCount: count }));
      expect(part, `${count} frames from ${start}`).toEqual(digests.slice(start, start + count));
    }
  });

  it('gives the same frames where two of them are shown at the same time', async () => {
    const path = join(folder, 'twice.mkv');
    execFileSync(findFfmpeg(), [
      ...['-v', 'error', '-f', 'lavfi', '-i', `testsrc2=size=${width}x${height}:rate=${fps}:duration=5`],
      ...['-vf', "setpts='if(eq(N,64),PREV_OUTPTS,PTS)'", '-vsync', 'passthrough'],
      ...['-c:v', 'libx264', '-preset', 'veryfast', '-bf', '0', '-g', '10', '-pix_fmt', 'yuv420p', path],
    ]);
    const twice = await media().decodeVideo(await readFile(path), {}, signal);
    const whole = await digestsOf(frames.read(twice, signal));
    expect(whole).toHaveLength(5 * fps);
    for (const start of [64, 65, 110])
      expect(await digestsOf(frames.read(twice, signal, { start, frameCount: 2 }))).toEqual(
        whole.slice(start, start + 2),
      );
  });

  it('plays backwards', async () => {
    const part = await open({ startFrame: 200, frameCount: 100 });
    const backwards = { ...part, source: { kind: 'reversed', clip: part } } as const;
    expect(await digestsOf(frames.read(backwards, signal))).toEqual(digests.slice(200, 300).reverse());
  });

  it('is read in part, at another rate and smaller', async () => {
    const slow = await open({ startFrame: 10, fps: 12, longestSidePx: 256 });
    expect(slow).toMatchObject({ frameCount: frameCount / 2 - 10, widthPx: 256, heightPx: 144, fps: 12 });
    const whole = await digestsOf(frames.read(slow, signal));
    expect(whole).toHaveLength(slow.frameCount);
    expect(await digestsOf(frames.read(slow, signal, { start: 150, frameCount: 4 }))).toEqual(
      whole.slice(150, 154),
    );
  });

  it('is resized and made into a video again, and only some frames are there at a time', async () => {
    const [widthPx, heightPx] = [96, 64];
    const small: Frames = { ...clip, widthPx, heightPx, source: { kind: 'resized', clip, fit: 'cover' } };
    const held = () => process.memoryUsage().arrayBuffers;
    const before = held();
    let most = 0;
    async function* watched() {
      for await (const chunk of frames.read(small, signal)) {
        yield chunk;
        most = Math.max(most, held() - before);
      }
    }
    const size = { frameCount, widthPx, heightPx };
    const request = { chunks: watched(), size, fps, quality: 50, metadata: {}, name: 'small' };
    const file = await media().muxVideo(request, signal);
    const again = await media().decodeVideo(await readFile(join(kept(), file.digest)), {}, signal);
    expect(sizeOfClip(again)).toEqual(size);
    // The clip has 83 MB in bytes and 330 MB in numbers. Buffers that wait to be collected are among these.
    expect(most).toBeLessThan(60e6);
    expect([running(), await readdir(temporary())]).toEqual([[], []]);
  });

  it('is read by two at the same time', async () => {
    const both = await Promise.all([
      digestsOf(frames.read(clip, signal, { frameCount: 100 })),
      digestsOf(frames.read(clip, signal, { start: 40, frameCount: 60 })),
    ]);
    expect(both).toEqual([digests.slice(0, 100), digests.slice(40, 100)]);
  });

  it('ends its programs when the reader stops, and when it is cancelled', async () => {
    for await (const chunk of frames.read(clip, signal)) {
      expect(chunk.frameCount).toBeGreaterThan(0);
      expect(running()).toHaveLength(1);
      break;
    }
    expect(running()).toEqual([]);

    const controller = new AbortController();
    const reason = new Error('cancelled');
    async function* cancelled() {
      for await (const chunk of frames.read(clip, controller.signal)) {
        yield chunk;
        controller.abort(reason);
      }
    }
    const request = { chunks: cancelled(), size: clip, fps, quality: 50, metadata: {}, name: 'never' };
    await expect(media().muxVideo(request, controller.signal)).rejects.toBe(reason);
    expect([running(), await readdir(temporary())]).toEqual([[], []]);
  });

  it('is as long as what can be decoded of it, also when it is damaged', async () => {
    const damaged = Buffer.from(bytes);
    // The table of contents stays, a third of the pictures does not.
    const from = damaged.indexOf('mdat') + Math.floor(bytes.length / 3);
    damaged.fill(0xff, from, from + Math.floor(bytes.length / 3));
    const opened = await media().decodeVideo(damaged, {}, signal);
    const { frameCount: left } = sizeOfClip(opened);
    expect(left).toBeGreaterThan(frameCount / 4);
    expect(left).toBeLessThan(frameCount);
    expect(await digestsOf(frames.read(opened, signal))).toHaveLength(left);
    expect([running(), await readdir(temporary())]).toEqual([[], []]);
  });

  it('cannot be read without its file, and the encoder is not left waiting', async () => {
    await rm(kept(), { recursive: true });
    await mkdir(kept());
    const request = {
      chunks: frames.read(clip, signal),
      size: clip,
      fps,
      quality: 50,
      metadata: {},
      name: 'x',
    };
    await expect(media().muxVideo(request, signal)).rejects.toMatchObject({
      name: 'ClipReadError',
      code: 'frames/gone',
    });
    expect([running(), await readdir(temporary())]).toEqual([[], []]);
  });
});
