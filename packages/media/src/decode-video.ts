/**
 * Frames of a video file, by ffmpeg with bounds on what it may open and how much it gives. They are taken from a pipe
 * as they are asked for; while nobody asks, ffmpeg waits.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chunkOfRgb,
  type FileRef,
  type FrameBackends,
  NodeError,
  type VideoSource,
} from '@reelgraph/node-api';
import { findFfmpeg } from './ffmpeg-program.ts';

/** What is read of a file, and how. */
export interface DecodeRequest {
  readonly path: string;
  readonly reader: VideoSource['reader'];
  /** Rate that frames are left out or repeated for. */
  readonly atFps?: number;
  readonly startFrame: number;
  readonly frameCount: number;
  /** See VideoSource. */
  readonly entries: VideoSource['entries'];
  readonly widthPx: number;
  readonly heightPx: number;
}

/** Arguments that make ffmpeg read one file of a stranger, and nothing else. */
export function inputArguments({ path, reader }: Pick<DecodeRequest, 'path' | 'reader'>): string[] {
  return ['-v', 'error', '-nostdin', '-protocol_whitelist', 'file', '-f', reader, '-i', path];
}

/** Filters that leave frames `startFrame` … `startFrame + frameCount` of a file. */
export function frameFilters({
  atFps,
  startFrame,
  frameCount,
}: Pick<DecodeRequest, 'atFps' | 'startFrame' | 'frameCount'>): string[] {
  return [
    ...(atFps === undefined ? [] : [`fps=${atFps}`]),
    `trim=start_frame=${startFrame}:end_frame=${startFrame + frameCount}`,
  ];
}

/** A frame in, a frame out: timestamps of a file neither drop nor repeat one. */
export const pictureArguments = ['-map', '0:v:0', '-an', '-vsync', 'passthrough'];

/**
 * Interleaved RGB bytes, `bytesPerChunk` at a time; the last may be fewer.
 *
 * @throws as `ffmpegOutput`
 */
export function decodeRgb(
  request: DecodeRequest,
  bytesPerChunk: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { entries, startFrame, widthPx, heightPx } = request;
  const entry = Math.min(Math.floor(startFrame / entries.every), entries.seconds.length);
  const seconds = entries.seconds[entry - 1];
  const seek = seconds === undefined ? [] : ['-ss', seconds.toFixed(6)];
  const skipped = seconds === undefined ? 0 : entry * entries.every;
  const filters = [
    ...frameFilters({ ...request, startFrame: startFrame - skipped }),
    `scale=${widthPx}:${heightPx}:flags=bicubic+accurate_rnd+full_chroma_int`,
  ];
  return ffmpegOutput(
    [
      ...seek,
      ...inputArguments(request),
      ...pictureArguments,
      ...['-vf', filters.join(','), '-f', 'rawvideo', '-pix_fmt', 'rgb24', 'pipe:1'],
    ],
    bytesPerChunk,
    signal,
  );
}

/** Of what ffmpeg says; about a damaged video it says something for every frame. */
const toldCharacters = 2000;

/**
 * What ffmpeg writes to its output, in pieces of exactly this size but for the last. It is gone when this ends.
 *
 * @throws NodeError 'media/decode-failed' | 'media/no-ffmpeg'; the signal's reason on abort
 */
export async function* ffmpegOutput(
  args: readonly string[],
  bytesPerChunk: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  signal.throwIfAborted();
  const child = spawn(findFfmpeg(), [...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const closed = exitOf(child);
  // A program that cannot be started is told of below.
  closed.catch(() => undefined);
  const kill = () => child.kill('SIGKILL');
  signal.addEventListener('abort', kill, { once: true });
  try {
    await started(child);
    let told = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      told = (told + text).slice(-toldCharacters);
    });
    let held = new Uint8Array(bytesPerChunk);
    let filled = 0;
    for await (const piece of child.stdout as AsyncIterable<Buffer>) {
      for (let at = 0; at < piece.length; ) {
        const taken = Math.min(piece.length - at, bytesPerChunk - filled);
        held.set(piece.subarray(at, at + taken), filled);
        at += taken;
        filled += taken;
        if (filled < bytesPerChunk) continue;
        yield held;
        held = new Uint8Array(bytesPerChunk);
        filled = 0;
      }
    }
    const code = await closed;
    signal.throwIfAborted();
    if (code !== 0) {
      throw new NodeError('media/decode-failed', 'The video could not be read to its end.', {
        hint: 'The file may be damaged. Play it to see where, and read it only up to there, or make it anew.',
        cause: told,
      });
    }
    if (filled > 0) yield held.subarray(0, filled);
  } finally {
    signal.removeEventListener('abort', kill);
    kill();
    await closed.catch(() => undefined);
  }
}

/** @throws NodeError 'media/no-ffmpeg' where the system refuses: a broken program, or too many processes */
async function started(child: ChildProcess): Promise<void> {
  try {
    await once(child, 'spawn');
  } catch (cause) {
    throw new NodeError('media/no-ffmpeg', 'ffmpeg could not be started.', {
      hint: 'Run "ffmpeg -version" to see why. If it works, the machine may be short of memory or processes.',
      cause,
    });
  }
}

async function exitOf(child: ChildProcess): Promise<number | null> {
  const [code]: unknown[] = await once(child, 'close');
  return typeof code === 'number' ? code : null;
}

/**
 * Decodes clips of files in the artifact store.
 *
 * @param pathOf where a file lies now; throws a NodeError when it is gone
 */
export function createClipDecoder(pathOf: (file: FileRef) => Promise<string>): FrameBackends['decode'] {
  return async function* decode({ source, widthPx, heightPx }, { start, frameCount }, perChunk, signal) {
    const { file, reader, atFps, startFrame, entries } = source;
    expectSane(source, [widthPx, heightPx, start, frameCount]);
    const frameBytes = widthPx * heightPx * 3;
    const request: DecodeRequest = {
      path: await pathOf(file),
      reader,
      ...(atFps === undefined ? {} : { atFps }),
      startFrame: startFrame + start,
      frameCount,
      entries,
      widthPx,
      heightPx,
    };
    for await (const rgb of decodeRgb(request, perChunk * frameBytes, signal))
      yield chunkOfRgb(rgb, { frameCount: rgb.length / frameBytes, widthPx, heightPx });
  };
}

/**
 * Kept results become arguments of a program: what a damaged one holds must not become another filter or reader.
 *
 * @param others numbers that stand in arguments, too
 * @throws NodeError 'frames/damaged'
 */
function expectSane(
  { reader, atFps = 1, startFrame, entries }: VideoSource,
  others: readonly unknown[],
): void {
  const numbers = [atFps, startFrame, entries.every, ...entries.seconds, ...others];
  if ((reader === 'mov' || reader === 'matroska') && numbers.every(Number.isFinite)) return;
  throw new NodeError('frames/damaged', 'What was kept of a video does not say how it is read.', {
    hint: 'Remove what is kept of earlier runs with "cache prune --to 0", then run again.',
  });
}
