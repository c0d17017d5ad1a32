/** A video from a stranger as a clip: decoded at once when it is short, else looked through and kept to be read later. */
import { mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type FileRef,
  type Frames,
  isShort,
  NodeError,
  rgbToPixels,
  selectedSize,
  type VideoBytes,
  type VideoSelection,
  type VideoSource,
} from '@reelgraph/node-api';
import {
  type DecodeRequest,
  decodeRgb,
  ffmpegOutput,
  frameFilters,
  inputArguments,
  pictureArguments,
} from './decode-video.ts';
import { notAVideo, probeVideo, type VideoInfo } from './video-probe.ts';

/** Pixels of a frame: what a single one takes must not fill the memory. */
const maxFramePixels = 2 ** 26;
/** Nearly ten hours at 30 a second; a file of a stranger may claim any number. */
const maxFrames = 2 ** 20;
/** Files of screen recorders claim rates up to 1000; no picture lasts that short. */
const maxFps = 120;
/** Decoding can begin at every so many frames; those between are decoded and left out. */
const framesPerEntry = 64;

export interface OpenVideoOptions {
  /** Where the file lies while it is looked through; nothing stays there. */
  readonly tempFolder: string;
  /** Takes the file of a long clip into the artifact store. */
  keepFile(path: string, about: { readonly mediaType: string; readonly name: string }): Promise<FileRef>;
}

/**
 * A clip of a video; see MediaService.
 *
 * @throws NodeError 'media/not-a-video' | 'media/too-large' | 'media/no-frames' | 'media/disk-full' | 'media/no-ffmpeg';
 *   what `video` throws; the signal's reason on abort
 */
export async function openVideo(
  video: VideoBytes,
  selection: VideoSelection,
  { tempFolder, keepFile }: OpenVideoOptions,
  signal: AbortSignal,
): Promise<Frames> {
  signal.throwIfAborted();
  await mkdir(tempFolder, { recursive: true });
  const folder = await mkdtemp(join(tempFolder, `${process.pid}-read-`));
  try {
    const path = join(folder, 'video');
    const info = await writeAndProbe(path, video, signal);
    const size = selectedSize(info, selection);
    if (size.widthPx * size.heightPx > maxFramePixels) {
      throw new NodeError(
        'media/too-large',
        `The video has frames of ${size.widthPx}×${size.heightPx}, of which not one fits into memory.`,
        { hint: 'Scale it down while reading.' },
      );
    }
    const startFrame = selection.startFrame ?? 0;
    const fps = Math.min(selection.fps ?? info.fps, maxFps);
    const request: DecodeRequest = {
      path,
      reader: info.reader,
      ...(fps === info.fps ? {} : { atFps: fps }),
      startFrame,
      frameCount: selection.frameCount ?? maxFrames + 1,
      entries: { every: framesPerEntry, seconds: [] },
      ...size,
    };
    const short = await decodeShort(request, signal);
    if (short !== undefined) return { pixels: short, fps };
    return { ...size, fps, ...(await keepLong(request, info, keepFile, signal)) };
  } catch (error) {
    throw error instanceof NodeError && error.code === 'media/decode-failed' ? notAVideo(error.cause) : error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A copy of our own: nobody can change it between the look at it and the reading. */
async function writeAndProbe(path: string, video: VideoBytes, signal: AbortSignal): Promise<VideoInfo> {
  const file = await open(path, 'wx+');
  try {
    let byteLength = 0;
    for await (const piece of video instanceof Uint8Array ? [video] : video) {
      signal.throwIfAborted();
      await file.writeFile(piece).catch((cause: unknown) => {
        throw isFull(cause) ? diskFull(cause) : cause;
      });
      byteLength += piece.byteLength;
    }
    return await probeVideo({ fd: file.fd, byteLength });
  } finally {
    await file.close();
  }
}

function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');
}

function diskFull(cause: unknown): NodeError {
  return new NodeError(
    'media/disk-full',
    'The disk is full: the video could not be copied into the data folder.',
    {
      hint: 'Free some space and run again; finished steps are kept.',
      cause,
    },
  );
}

/** All frames of a clip, unless there are too many to be held; those decoded by then are left. */
async function decodeShort(request: DecodeRequest, signal: AbortSignal) {
  const { startFrame, widthPx, heightPx } = request;
  const frameBytes = widthPx * heightPx * 3;
  const frames: Uint8Array[] = [];
  for await (const frame of decodeRgb(request, frameBytes, signal)) {
    frames.push(frame);
    if (!isShort({ frameCount: frames.length, widthPx, heightPx })) return undefined;
  }
  if (frames.length === 0) {
    throw new NodeError('media/no-frames', `The video has no frame from number ${startFrame} on.`, {
      hint: 'Start earlier.',
    });
  }
  return rgbToPixels(Buffer.concat(frames), { frameCount: frames.length, widthPx, heightPx });
}

/** Decodes the whole clip once, small and thrown away: its length is known from then on, and that it can be read. */
async function keepLong(
  request: DecodeRequest,
  { reader }: VideoInfo,
  keepFile: OpenVideoOptions['keepFile'],
  signal: AbortSignal,
): Promise<{ frameCount: number; source: VideoSource }> {
  const { atFps, startFrame, frameCount: wanted, path } = request;
  const times = await frameTimes({ ...request, startFrame: 0, frameCount: startFrame + wanted }, signal);
  const frameCount = times.length - startFrame;
  if (frameCount > maxFrames) {
    throw new NodeError('media/too-large', `The video has more than ${maxFrames} frames.`, {
      hint: 'Read fewer frames.',
    });
  }
  const mediaType = reader === 'matroska' ? 'video/webm' : 'video/mp4';
  const file = await keepFile(path, { mediaType, name: 'video' });
  // Where the rate is changed on the way, frames are chosen by counting from the beginning.
  const seconds = atFps === undefined ? entriesAt(times) : [];
  return {
    frameCount,
    source: {
      kind: 'video',
      file,
      reader,
      ...(atFps === undefined ? {} : { atFps }),
      startFrame,
      entries: { every: framesPerEntry, seconds },
    },
  };
}

/** Half-way between two frames, so that rounding cannot move a frame to the other side. */
function entriesAt(times: readonly number[]): number[] {
  const seconds: number[] = [];
  for (let frame = framesPerEntry; frame < times.length; frame += framesPerEntry) {
    const [before, at] = [times[frame - 1]!, times[frame]!];
    // Decoding cannot begin between two frames that are shown at the same time; what follows is counted from before.
    if (!(before < at)) break;
    seconds.push((before + at) / 2);
  }
  return seconds;
}

/** When each frame is shown, in seconds from the start of the file, as ffmpeg tells it. */
async function frameTimes(request: DecodeRequest, signal: AbortSignal): Promise<number[]> {
  const filters = [...frameFilters(request), 'scale=16:16:flags=neighbor', 'format=gray'];
  const args = [
    ...inputArguments(request),
    ...pictureArguments,
    ...['-vf', filters.join(','), '-f', 'framecrc', 'pipe:1'],
  ];
  const times: number[] = [];
  const decoder = new TextDecoder();
  let secondsPerTick = 0;
  let rest = '';
  for await (const bytes of ffmpegOutput(args, 4096, signal)) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const [, numerator, denominator] = /^#tb 0: (\d+)\/(\d+)/.exec(line) ?? [];
      if (denominator !== undefined) secondsPerTick = Number(numerator) / Number(denominator);
      if (!line.startsWith('#')) times.push(Number(line.split(',')[2]) * secondsPerTick);
    }
  }
  return times;
}
