/** Frames to an mp4 file and back. Frames are piped as they come, so a clip is never whole in memory here. */
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { type ClipSize, type FrameChunk, NodeError, rgbToPixels } from '@reelgraph/node-api';
import type { Tensor } from '@reelgraph/tensor';
import ffmpeg from 'fluent-ffmpeg';
import { findFfmpeg, isBundledFfmpeg } from './ffmpeg-program.ts';
import { createFramePump } from './frame-pump.ts';

export interface VideoFileRequest {
  /** As in MuxRequest; odd sizes grow by one repeated column or row, because H.264 in 4:2:0 needs even ones */
  readonly chunks: AsyncIterable<FrameChunk>;
  readonly stop?: () => void;
  readonly size: ClipSize;
  readonly fps: number;
  /** 0 (smallest file) … 100 (visually lossless) */
  readonly quality: number;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Threads of the encoder: fixed, because x264's bytes depend on their number and a workflow should give the
 * same file on every machine.
 */
const encoderThreads = 4;
/** Arguments of a program hold 32 KiB on Windows and 128 KiB each on Linux; longer values travel in a file. */
const maxArgumentBytes = process.platform === 'win32' ? 20_000 : 100_000;

/** Quality 0 … 100 to x264's rate factor 40 … 12; steps of it are about equally visible. */
export function qualityToCrf(quality: number): number {
  return Math.round(40 - (Math.min(100, Math.max(0, quality)) / 100) * 28);
}

/**
 * Writes an H.264 mp4 that browsers and phones play, in a new folder under `tempFolder`, and hands it to
 * `use`; the folder is gone when this returns, whether it was done, failed or was cancelled.
 *
 * The same request gives the same bytes with the same ffmpeg.
 *
 * @throws NodeError 'media/encode-failed' | 'media/disk-full' | 'media/no-ffmpeg'; what `chunks` throws; the signal's
 *   reason on abort
 */
export async function withVideoFile<T>(
  request: VideoFileRequest,
  tempFolder: string,
  signal: AbortSignal,
  use: (path: string) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  await mkdir(tempFolder, { recursive: true });
  // Names its owner: a process that is killed cannot remove it, and the store does when the owner is gone.
  const folder = await mkdtemp(join(tempFolder, `${process.pid}-mux-`));
  try {
    const path = join(folder, 'video.mp4');
    await encode(request, folder, path, signal);
    signal.throwIfAborted();
    return await use(path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function encode(
  request: VideoFileRequest,
  folder: string,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  const { fps, quality, size } = request;
  const widthPx = size.widthPx + (size.widthPx % 2);
  const heightPx = size.heightPx + (size.heightPx % 2);
  const input = new PassThrough({ highWaterMark: 1 << 20 });

  const program = findFfmpeg();
  const command = ffmpeg()
    .setFfmpegPath(program)
    .input(input)
    .inputOptions([
      ...['-protocol_whitelist', 'pipe,file'],
      ...[
        '-f',
        'rawvideo',
        '-pix_fmt',
        'rgb24',
        '-video_size',
        `${widthPx}x${heightPx}`,
        '-framerate',
        String(fps),
      ],
    ]);
  await addMetadata(command, request.metadata, folder, isBundledFfmpeg(program));
  command
    .outputOptions([
      ...['-map', '0:v:0', '-c:v', 'libx264', '-preset', 'medium', '-crf', String(qualityToCrf(quality))],
      ...[
        '-vf',
        'scale=out_color_matrix=bt709:out_range=tv:flags=accurate_rnd+full_chroma_int',
        '-pix_fmt',
        'yuv420p',
      ],
      ...['-color_primaries', 'bt709', '-color_trc', 'bt709', '-colorspace', 'bt709', '-color_range', 'tv'],
      ...['-threads', String(encoderThreads), '-fflags', '+bitexact', '-flags:v', '+bitexact'],
      ...['-movflags', 'use_metadata_tags+faststart', '-f', 'mp4'],
    ])
    .output(path);
  // The library asks ffmpeg for its formats before each run, in a form that new versions no longer print.
  Object.assign(command, { _checkCapabilities: (done: () => void) => done() });

  const pump = createFramePump(request, input, { widthPx, heightPx });
  const lines: string[] = [];
  const onAbort = () => command.kill('SIGKILL');
  const encoded = new Promise<void>((resolve, reject) => {
    command.on('stderr', (line: string) => {
      lines.push(line);
      if (lines.length > 40) lines.shift();
    });
    command.on('end', () => resolve());
    // After the program has ended, whatever ended it.
    command.on('error', reject);
    command.on('start', () => {
      // A cancel that came while the program was being started.
      if (signal.aborted) onAbort();
      else pump.start(onAbort);
    });
  });
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    command.run();
    await encoded;
  } catch (cause) {
    signal.throwIfAborted();
    pump.throwIfFailed();
    throw encodeError(lines, cause);
  } finally {
    signal.removeEventListener('abort', onAbort);
    // Whoever makes the frames has let go of what that took.
    await pump.stop();
  }
  pump.throwIfFailed();
}

/** Options go to the library one by one: in a list it would split any that has one space. */
async function addMetadata(
  command: ffmpeg.FfmpegCommand,
  metadata: Readonly<Record<string, string>>,
  folder: string,
  isBundled: boolean,
): Promise<void> {
  const entries = Object.entries(metadata).map(([key, value]) => [key, value.replaceAll('\0', '')] as const);
  const byteLength = entries.reduce((sum, [, value]) => sum + Buffer.byteLength(value), 0);
  if (byteLength < maxArgumentBytes) {
    for (const [key, value] of entries) command.outputOptions('-metadata', `${key}=${value}`);
    return;
  }
  if (isBundled) {
    throw new NodeError(
      'media/metadata-too-long',
      `The workflow has ${Math.ceil(byteLength / 1000)} kB; the ffmpeg that came with npm can store at most ${maxArgumentBytes / 1000} kB of it inside a video.`,
      { hint: 'Install ffmpeg on this machine, or set FFMPEG_PATH to one.' },
    );
  }
  const escaped = (text: string) => text.replace(/[=;#\\\n]/g, '\\$&');
  const file = join(folder, 'tags.txt');
  await writeFile(
    file,
    `;FFMETADATA1\n${entries.map(([key, value]) => `${escaped(key)}=${escaped(value)}\n`).join('')}`,
  );
  command.input(file).inputOptions(['-f', 'ffmetadata']).outputOptions(['-map_metadata', '1']);
}

/** @internal */
export function encodeError(lines: readonly string[], cause: unknown): NodeError {
  const full = lines.some((line) => /no space left|disk quota/i.test(line));
  if (full) {
    return new NodeError('media/disk-full', 'The disk is full: the video could not be written.', {
      hint: 'Free some space and run again; everything before the video is kept.',
      cause,
    });
  }
  const telling = lines.findLast(
    (line) => line.trim() !== '' && !/^(\[libx264|frame=|Conversion failed)/.test(line),
  );
  // A quoted or bare absolute path, up to the next space or colon.
  const line = telling?.replace(/(?:[A-Za-z]:)?(?:[\\/][^\s:'"\\/]+){2,}/g, '…').trim();
  return new NodeError(
    'media/encode-failed',
    `ffmpeg could not make the video${line === undefined ? '' : `: ${line.slice(0, 300)}`}.`,
    {
      hint: 'Try another size or quality. If it keeps failing, set FFMPEG_PATH to another ffmpeg.',
      cause,
    },
  );
}

/**
 * Decodes a video that this program made, for tests and comparisons. Not for files of strangers.
 *
 * @returns pixels [1, 3, T, H, W] in [-1, 1]
 */
export async function decodeVideoFile(
  path: string,
  size: { widthPx: number; heightPx: number },
): Promise<Tensor<'float32'>> {
  const args = [
    '-v',
    'error',
    '-i',
    path,
    '-vf',
    'scale=in_color_matrix=bt709:flags=accurate_rnd+full_chroma_int',
  ];
  const child = spawn(findFfmpeg(), [...args, '-f', 'rawvideo', '-pix_fmt', 'rgb24', 'pipe:1'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const chunks: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (code !== 0) {
    throw new NodeError('media/decode-failed', 'The video could not be decoded.', {
      cause: Buffer.concat(errors).toString(),
    });
  }
  const rgb = Buffer.concat(chunks);
  return rgbToPixels(rgb, { ...size, frameCount: rgb.length / (size.widthPx * size.heightPx * 3) });
}
