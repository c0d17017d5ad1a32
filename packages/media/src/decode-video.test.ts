import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asChunks, type FileRef, type VideoSelection } from '@reelgraph/node-api';
import { inMemory } from '@reelgraph/node-api/testing';
import { fromFunction } from '@reelgraph/tensor';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createClipDecoder } from './decode-video.ts';
import { createMediaService } from './media-service.ts';

const signal = new AbortController().signal;
let folder: string;
let clip: Buffer;
const media = () =>
  createMediaService({
    tempFolder: join(folder, 'temp'),
    async putFile(path, { mediaType, name }): Promise<FileRef> {
      await rename(path, join(folder, name));
      return { kind: 'file', digest: '0'.repeat(64), byteLength: 0, mediaType, name };
    },
  });

/** Frame n is grey of level n / 12 - 0.5 with a red left half; 12 frames of 48 x 32. */
const pixels = fromFunction([1, 3, 12, 32, 48], (i) => {
  const frame = Math.floor(i / (48 * 32)) % 12;
  const isRed = i < 48 * 32 * 12;
  return isRed && i % 48 < 24 ? 0.8 : frame / 12 - 0.5;
});

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelgraph-decode-'));
  const request = { ...asChunks(pixels), fps: 8, quality: 95, metadata: {}, name: 'clip' };
  await media().muxVideo(request, signal);
  clip = await readFile(join(folder, 'clip.mp4'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Green of the last pixel of each frame: the grey level. */
const levels = ({ data, shape }: typeof pixels) => {
  const [, , frames = 0, height = 0, width = 0] = shape;
  return Array.from({ length: frames }, (_, t) => data[(frames + t + 1) * height * width - 1]!);
};

/** The clip, or a part of it, which is short. */
const decode = async (selection: VideoSelection) =>
  inMemory(await media().decodeVideo(clip, selection, signal));

describe('reading a video', () => {
  it('gives every frame back, in order, at its rate', async () => {
    const { pixels: read, fps } = await decode({});
    expect(fps).toBe(8);
    expect(read.shape).toEqual(pixels.shape);
    // 0.03 of a range of 2: H.264 at high quality, 8 bits a colour.
    for (const [n, level] of levels(read).entries())
      expect(Math.abs(level - (n / 12 - 0.5))).toBeLessThan(0.03);
    expect(Math.abs(read.data[0]! - 0.8)).toBeLessThan(0.06);
    expect(await readdir(join(folder, 'temp'))).toEqual([]);
  });

  it('reads a part', async () => {
    const { pixels: read } = await decode({ startFrame: 9, frameCount: 2 });
    expect(read.shape[2]).toBe(2);
    expect(Math.abs(levels(read)[0]! - 0.25)).toBeLessThan(0.03);
  });

  it('takes another rate and scales down in proportion, never up', async () => {
    const half = await decode({ fps: 4, longestSidePx: 24 });
    expect(half.fps).toBe(4);
    expect(half.pixels.shape).toEqual([1, 3, 6, 16, 24]);
    const large = await decode({ longestSidePx: 4096 });
    expect(large.pixels.shape).toEqual(pixels.shape);
  });

  it('says so when nothing is left to read', async () => {
    await expect(media().decodeVideo(clip, { startFrame: 12 }, signal)).rejects.toMatchObject({
      code: 'media/no-frames',
    });
  });

  it.each([
    ['a playlist that names other files', Buffer.from('#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n')],
    ['nothing', Buffer.alloc(0)],
    ['a picture', Buffer.from('\x89PNG\r\n\x1a\n0000000000000000', 'latin1')],
  ])('refuses %s before ffmpeg sees it', async (_, bytes) => {
    await expect(media().decodeVideo(bytes, {}, signal)).rejects.toMatchObject({
      code: 'media/not-a-video',
      hint: expect.stringContaining('MP4'),
    });
  });

  it('refuses a file cut short, or gives what it holds, and leaves nothing behind', async () => {
    const half = clip.subarray(0, Math.floor(clip.length / 2));
    const read = await media()
      .decodeVideo(half, {}, signal)
      .catch((error: unknown) => error);
    expect(read).toSatisfy(
      (value: unknown) =>
        typeof value === 'object' && value !== null && ('pixels' in value || 'code' in value),
    );
    expect(await readdir(join(folder, 'temp'))).toEqual([]);
  });

  it('says so when ffmpeg is there and cannot be started, and the process goes on', async () => {
    const broken = join(folder, 'ffmpeg');
    await writeFile(broken, '#!/no/such/interpreter\n', { mode: 0o755 });
    vi.stubEnv('FFMPEG_PATH', broken);
    try {
      await expect(media().decodeVideo(clip, {}, signal)).rejects.toMatchObject({ code: 'media/no-ffmpeg' });
    } finally {
      vi.unstubAllEnvs();
    }
    expect(await readdir(join(folder, 'temp'))).toEqual([]);
  });

  it.each([
    ['another reader', { reader: 'concat' }],
    ['a filter in the place of a rate', { atFps: '1,movie=filename=/etc/hostname' }],
    ['a time that is none', { entries: { every: 64, seconds: ['1 -i /etc/hostname'] } }],
    ['a filter in the place of a size', {}, '48,movie=filename=/etc/hostname'],
  ])('reads nothing where a kept clip has %s', async (_, damage, widthPx: unknown = 48) => {
    const file = { kind: 'file', digest: '0'.repeat(64), byteLength: 1, mediaType: 'video/mp4', name: 'v' };
    const source = { kind: 'video', file, reader: 'mov', startFrame: 0, entries: { every: 64, seconds: [] } };
    const size = { frameCount: 1, widthPx, heightPx: 32 };
    let looked = 0;
    const decoder = createClipDecoder(async () => {
      looked += 1;
      return join(folder, 'clip.mp4');
    });
    const kept = JSON.parse(JSON.stringify({ ...size, fps: 8, source: { ...source, ...damage } }));
    const reading = decoder(kept, { start: 0, frameCount: 1 }, 1, signal)[Symbol.asyncIterator]().next();
    await expect(reading).rejects.toMatchObject({ code: 'frames/damaged' });
    expect(looked).toBe(0);
  });

  it('takes a file piece by piece, and nothing of one that turns out to be another', async () => {
    async function* pieces(end?: Error) {
      for (let at = 0; at < clip.length; at += 1000) yield clip.subarray(at, at + 1000);
      if (end !== undefined) throw end;
    }
    const { pixels: read } = inMemory(await media().decodeVideo(pieces(), {}, signal));
    expect(read).toEqual((await decode({})).pixels);
    const changed = new Error('changed');
    await expect(media().decodeVideo(pieces(changed), {}, signal)).rejects.toBe(changed);
    expect(await readdir(join(folder, 'temp'))).toEqual([]);
  });

  it('stops when cancelled', async () => {
    const controller = new AbortController();
    const reason = new Error('cancelled');
    const reading = media().decodeVideo(clip, {}, controller.signal);
    controller.abort(reason);
    await expect(reading).rejects.toBe(reason);
  });
});
