/** The pictures of a video file from a stranger, by ffmpeg with bounds on what it may open and how much it gives. */
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Frames, NodeError, selectedSize, type VideoSelection } from '@reelgraph/node-api';
import { findFfmpeg } from './ffmpeg-program.ts';
import { rgbToPixels } from './pixels.ts';
import { notAVideo, probeVideo } from './video-probe.ts';

/** Frames are held as numbers, 12 bytes a pixel: this many take 1.6 GB. */
export const maxVideoPixels = 2 ** 27;
/** Files of screen recorders claim rates up to 1000; no picture lasts that short. */
const maxFps = 120;

/**
 * Decodes a video; see MediaService.
 *
 * @param tempFolder where the file lies while it is read; nothing stays there
 * @throws NodeError 'media/not-a-video' | 'media/too-large' | 'media/no-frames' | 'media/no-ffmpeg'; the signal's
 *   reason on abort
 */
export async function decodeVideo(
  bytes: Uint8Array,
  selection: VideoSelection,
  tempFolder: string,
  signal: AbortSignal,
): Promise<Frames> {
  signal.throwIfAborted();
  const info = await probeVideo(bytes);
  const size = selectedSize(info, selection);
  const startFrame = selection.startFrame ?? 0;
  const fps = Math.min(selection.fps ?? info.fps, maxFps);
  const mostFrames = Math.floor(maxVideoPixels / (size.widthPx * size.heightPx));
  // One more than may be held, so that a clip that is too long is told from one that just fits.
  const wanted = Math.min(selection.frameCount ?? Number.POSITIVE_INFINITY, mostFrames + 1);
  await mkdir(tempFolder, { recursive: true });
  const folder = await mkdtemp(join(tempFolder, `${process.pid}-read-`));
  try {
    const path = join(folder, 'video');
    await writeFile(path, bytes);
    const filters = [
      ...(fps === info.fps ? [] : [`fps=${fps}`]),
      `trim=start_frame=${startFrame}:end_frame=${startFrame + wanted}`,
      `scale=${size.widthPx}:${size.heightPx}:flags=bicubic+accurate_rnd+full_chroma_int`,
    ];
    const rgb = await readFrames(
      [
        ...['-v', 'error', '-nostdin', '-protocol_whitelist', 'file', '-f', info.reader, '-i', path],
        // A frame in, a frame out: timestamps of a file neither drop nor repeat one.
        ...['-map', '0:v:0', '-an', '-vsync', 'passthrough', '-vf', filters.join(',')],
        ...['-f', 'rawvideo', '-pix_fmt', 'rgb24', 'pipe:1'],
      ],
      signal,
    );
    const frameCount = rgb.length / (size.widthPx * size.heightPx * 3);
    if (frameCount === 0) {
      throw new NodeError('media/no-frames', `The video has no frame from number ${startFrame} on.`, {
        hint: 'Start earlier.',
      });
    }
    if (frameCount > mostFrames) {
      throw new NodeError(
        'media/too-large',
        `The video has more frames of ${size.widthPx}×${size.heightPx} than fit into memory; ${mostFrames} do.`,
        { hint: 'Read fewer frames, or scale it down while reading.' },
      );
    }
    return { pixels: rgbToPixels(rgb, { frameCount, ...size }), fps };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function readFrames(args: readonly string[], signal: AbortSignal): Promise<Buffer> {
  const child = spawn(findFfmpeg(), [...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const chunks: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  const onAbort = () => child.kill('SIGKILL');
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', resolve);
    });
    signal.throwIfAborted();
    if (code !== 0) throw notAVideo(Buffer.concat(errors).toString().slice(-2000));
    return Buffer.concat(chunks);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
