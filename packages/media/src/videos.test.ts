import { mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asChunks, type FileRef } from '@reelgraph/node-api';
import { fromFunction, type Tensor } from '@reelgraph/tensor';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findFfmpeg, isBundledFfmpeg } from './ffmpeg-program.ts';
import { createMediaService } from './media-service.ts';
import { decodeVideoFile, encodeError, qualityToCrf } from './video-files.ts';
import { readVideoMetadata, readWorkflowFromVideo } from './video-metadata.ts';

const signal = new AbortController().signal;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelgraph-media-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A store that keeps files under their suggested names. */
const media = () =>
  createMediaService({
    tempFolder: join(folder, 'temp'),
    async putFile(path, { mediaType, name }): Promise<FileRef> {
      await rename(path, join(folder, name));
      const { length } = await readFile(join(folder, name));
      return { kind: 'file', digest: '0'.repeat(64), byteLength: length, mediaType, name };
    },
  });

/** A coloured square that moves right over grey. */
const movingSquare = (frames: number, height: number, width: number): Tensor<'float32'> =>
  fromFunction([1, 3, frames, height, width], (i) => {
    const [x, y] = [i % width, Math.floor(i / width) % height];
    const frame = Math.floor(i / (width * height)) % frames;
    const channel = Math.floor(i / (width * height * frames));
    const inside = Math.abs(x - 8 - frame * 2) < 6 && Math.abs(y - height / 2) < 6;
    return inside ? [0.75, -0.7, -0.7][channel]! : 0;
  });

const mux = (
  pixels: Tensor<'float32'>,
  more: { name?: string; metadata?: Record<string, string>; fps?: number } = {},
) =>
  media().muxVideo(
    {
      ...asChunks(pixels),
      fps: more.fps ?? 8,
      quality: 90,
      metadata: more.metadata ?? {},
      name: more.name ?? 'clip',
    },
    signal,
  );

/** Names of the top-level boxes of an mp4. */
function boxes(bytes: Buffer): string[] {
  const names: string[] = [];
  for (let at = 0; at < bytes.length; at += Math.max(8, bytes.readUInt32BE(at))) {
    names.push(bytes.toString('latin1', at + 4, at + 8));
  }
  return names;
}

describe('muxing', () => {
  it('makes an mp4 that starts to play before it is whole, and shows the frames it was given', async () => {
    const pixels = movingSquare(17, 64, 64);
    const file = await mux(pixels);
    expect(file).toMatchObject({ mediaType: 'video/mp4', name: 'clip.mp4' });
    const bytes = await readFile(join(folder, file.name));
    expect(boxes(bytes).filter((name) => name === 'moov' || name === 'mdat')).toEqual(['moov', 'mdat']);

    const back = await decodeVideoFile(join(folder, file.name), { widthPx: 64, heightPx: 64 });
    expect(back.shape).toEqual(pixels.shape);
    const error =
      back.data.reduce((sum, value, i) => sum + Math.abs(value - pixels.data[i]!), 0) / back.data.length;
    // 0.02 of a range of 2: what H.264 with halved colour resolution loses at quality 90.
    expect(error).toBeLessThan(0.02);
  });

  it('gives the same bytes for the same frames', async () => {
    const pixels = movingSquare(9, 48, 80);
    const metadata = { workflow: '{"reelgraph":1}' };
    await mux(pixels, { name: 'a', metadata });
    await mux(pixels, { name: 'b', metadata });
    expect(await readFile(join(folder, 'a.mp4'))).toEqual(await readFile(join(folder, 'b.mp4')));
  });

  it('carries the workflow and gives it back to the byte', async () => {
    const workflow = JSON.stringify({ prompt: 'quotes " \\ ; = # and\nlines, emoji 🎬, ünïcode' });
    await mux(movingSquare(5, 32, 32), {
      metadata: { comment: 'Made here', title: 'One', artist: 'a b c', workflow },
    });
    const bytes = await readFile(join(folder, 'clip.mp4'));
    expect(await readWorkflowFromVideo(bytes)).toBe(workflow);
    const tags = await readVideoMetadata(bytes);
    // One space is what the library between us and ffmpeg splits options at.
    expect([tags.get('comment'), tags.get('title'), tags.get('artist')]).toEqual([
      'Made here',
      'One',
      'a b c',
    ]);
  });

  it('carries a workflow longer than an argument may be, or says that this ffmpeg cannot', async () => {
    const workflow = JSON.stringify({ prompt: '# = ; \\ \n 🎬'.repeat(20_000) });
    const muxed = mux(movingSquare(5, 32, 32), { metadata: { workflow } });
    if (isBundledFfmpeg(findFfmpeg())) {
      await expect(muxed).rejects.toMatchObject({ code: 'media/metadata-too-long' });
      return;
    }
    await muxed;
    expect(await readWorkflowFromVideo(await readFile(join(folder, 'clip.mp4')))).toBe(workflow);
  });

  it('lets odd sizes grow by one repeated pixel', async () => {
    await mux(movingSquare(5, 33, 47));
    const back = await decodeVideoFile(join(folder, 'clip.mp4'), { widthPx: 48, heightPx: 34 });
    expect(back.shape).toEqual([1, 3, 5, 34, 48]);
  });

  it('makes a clip of a single frame', async () => {
    await mux(movingSquare(1, 32, 32), { fps: 23.976 });
    const back = await decodeVideoFile(join(folder, 'clip.mp4'), { widthPx: 32, heightPx: 32 });
    expect(back.shape[2]).toBe(1);
  });

  it('stops on cancel with the reason, and leaves nothing behind', async () => {
    const controller = new AbortController();
    const reason = new Error('cancelled');
    const pixels = movingSquare(120, 256, 256);
    const running = media().muxVideo(
      { ...asChunks(pixels), fps: 8, quality: 100, metadata: {}, name: 'clip' },
      controller.signal,
    );
    setImmediate(() => controller.abort(reason));
    await expect(running).rejects.toBe(reason);
    expect(await readdir(join(folder, 'temp'))).toEqual([]);
  });

  it('does not wait for frames that are long in coming once the encoder has failed', async () => {
    const { promise: never, reject: stop } = Promise.withResolvers<never>();
    const { chunks, size } = asChunks(movingSquare(2, 32, 32));
    const slow = (async function* () {
      yield* chunks;
      await never;
    })();
    // No encoder takes this rate.
    const request = {
      chunks: slow,
      size,
      fps: -1,
      quality: 50,
      metadata: {},
      name: 'x',
      stop: () => stop(new Error('stop')),
    };
    await expect(media().muxVideo(request, signal)).rejects.toMatchObject({ code: 'media/encode-failed' });
    expect(await readdir(join(folder, 'temp'))).toEqual([]);
  });

  it('leaves nothing behind when the store cannot take the file', async () => {
    const service = createMediaService({
      tempFolder: join(folder, 'temp'),
      putFile: () => Promise.reject(new Error('disk full')),
    });
    const clip = asChunks(movingSquare(5, 32, 32));
    await expect(
      service.muxVideo({ ...clip, fps: 8, quality: 50, metadata: {}, name: 'x' }, signal),
    ).rejects.toThrow('disk full');
    expect(await readdir(join(folder, 'temp'))).toEqual([]);
  });
});

describe('what users read when ffmpeg fails', () => {
  it('is its last telling line without paths of the machine', () => {
    const error = encodeError(
      ['Input #0', '/home/someone/.reelgraph/temp/mux-1/video.mp4: Invalid argument', 'Conversion failed!'],
      undefined,
    );
    expect(error.message).toBe('ffmpeg could not make the video: …: Invalid argument.');
  });

  it('names a full disk', () => {
    expect(encodeError(['av_interleaved_write_frame(): No space left on device'], undefined).code).toBe(
      'media/disk-full',
    );
  });
});

describe('choosing ffmpeg', () => {
  it('takes the named one, and says so when it cannot be run', () => {
    expect(findFfmpeg({ FFMPEG_PATH: process.execPath })).toBe(process.execPath);
    expect(() => findFfmpeg({ FFMPEG_PATH: '/nowhere/ffmpeg' })).toThrowError('FFMPEG_PATH names a file');
  });

  it('falls back to the one from npm', () => {
    expect(findFfmpeg({ PATH: '' })).toContain('@ffmpeg-installer');
  });
});

describe('small rules', () => {
  it('quality runs from small files to lossless looks', () => {
    expect([-5, 0, 50, 80, 100, 300].map(qualityToCrf)).toEqual([40, 40, 26, 18, 12, 12]);
  });

  it('a file that is no mp4 is told apart from one without a workflow', async () => {
    await expect(readVideoMetadata(Buffer.from('not a video'))).rejects.toMatchObject({
      code: 'media/not-a-video',
    });
    await mux(movingSquare(5, 32, 32));
    expect(await readWorkflowFromVideo(await readFile(join(folder, 'clip.mp4')))).toBeUndefined();
  });
});
