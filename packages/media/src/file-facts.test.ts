import { execFile } from 'node:child_process';
import { mkdtemp, open, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { asChunks, selectedFrames, selectedSize } from '@reelgraph/node-api';
import { inMemory } from '@reelgraph/node-api/testing';
import { zeros } from '@reelgraph/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findFfmpeg } from './ffmpeg-program.ts';
import { readPart } from './file-bytes.ts';
import { fileFactsOf } from './file-facts.ts';
import { encodePng } from './image-files.ts';
import { createMediaService } from './media-service.ts';

const signal = new AbortController().signal;
let folder: string;
let clip: Uint8Array;
const media = () =>
  createMediaService({
    tempFolder: join(folder, 'temp'),
    async putFile(path, about) {
      await rename(path, join(folder, about.name));
      return { kind: 'file', digest: '0'.repeat(64), byteLength: 0, ...about };
    },
  });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelgraph-facts-'));
  const frames = asChunks(zeros('float32', [1, 3, 17, 32, 48]));
  await media().muxVideo({ ...frames, fps: 8, quality: 50, metadata: {}, name: 'clip' }, signal);
  clip = await readFile(join(folder, 'clip.mp4'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('facts of a file', () => {
  it('tells size, rate and length of a video without decoding it', async () => {
    expect(await fileFactsOf(clip)).toEqual({
      kind: 'video',
      mediaType: 'video/mp4',
      widthPx: 48,
      heightPx: 32,
      fps: 8,
      frameCount: 17,
      hasEvenRate: true,
    });
  });

  it('tells of the sound of a video, which nothing else here reads', async () => {
    const [silent, loud] = [join(folder, 'silent.mp4'), join(folder, 'loud.mp4')];
    await writeFile(silent, clip);
    const args = [
      '-y',
      '-i',
      silent,
      '-f',
      'lavfi',
      '-i',
      'sine=sample_rate=48000',
      '-c:v',
      'copy',
      '-shortest',
    ];
    await promisify(execFile)(findFfmpeg(), [...args, loud]);
    expect(await fileFactsOf(await readFile(loud))).toMatchObject({ kind: 'video', sampleRateHz: 48_000 });
  });

  it('of a file of gigabytes are told from the parts that say so, and it is read in pieces', async () => {
    // A box that nobody reads makes it large; the disk keeps no zeros.
    const paddingBytes = 3 * 1024 ** 3;
    const padding = Buffer.from('\0\0\0\0free');
    padding.writeUInt32BE(paddingBytes);
    const path = join(folder, 'large.mp4');
    await writeFile(path, [clip, padding]);
    await truncate(path, clip.byteLength + paddingBytes);
    const file = await open(path);
    try {
      const large = { fd: file.fd, byteLength: clip.byteLength + paddingBytes };
      expect(await fileFactsOf(large)).toEqual(await fileFactsOf(clip));
      await expect(readPart(large, 0, large.byteLength)).rejects.toMatchObject({ code: 'media/too-large' });
      expect(await readPart(large, 4, 4)).toEqual(new Uint8Array(Buffer.from('ftyp')));
    } finally {
      await file.close();
    }
  });

  it('tells size and transparency of a picture', async () => {
    const png = await encodePng(zeros('float32', [1, 3, 1, 4, 6]), 0);
    expect(await fileFactsOf(png)).toEqual({
      kind: 'image',
      mediaType: 'image/png',
      widthPx: 6,
      heightPx: 4,
      hasAlpha: false,
    });
  });

  it('says what cannot be read instead of failing', async () => {
    expect(await fileFactsOf(Buffer.from('hello'))).toMatchObject({
      kind: 'unusable',
      code: 'media/not-an-image',
    });
    expect(await fileFactsOf(clip.subarray(0, 40))).toMatchObject({
      kind: 'unusable',
      code: 'media/not-a-video',
    });
  });

  it.each([
    {},
    { fps: 24 },
    { fps: 7.3, startFrame: 2 },
    { fps: 5, frameCount: 4 },
    { longestSidePx: 37, startFrame: 16 },
  ])('foretells what is read with %o', async (selection) => {
    const { pixels } = inMemory(await media().decodeVideo(clip, selection, signal));
    const size = selectedSize({ widthPx: 48, heightPx: 32 }, selection);
    expect(pixels.shape).toEqual([
      1,
      3,
      selectedFrames({ frameCount: 17, fps: 8 }, selection),
      size.heightPx,
      size.widthPx,
    ]);
  });
});
