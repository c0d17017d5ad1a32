/**
 * The frame service over whatever decodes, resizes and keeps files: the host brings ffmpeg and the artifact store, a
 * test brings fakes. How clips are made of clips is here, once for both.
 */
import type { Tensor } from '@reelgraph/tensor';
import { concatAxis, sliceAxis } from '@reelgraph/tensor';
import type { FrameService } from './context.ts';
import { NodeError } from './errors.ts';
import { type ClipSize, chunkOfPixels, clipSize, type FrameChunk, placeFrames } from './frame-chunk.ts';
import { growClip } from './growing-clip.ts';
import { type ClipSources, framesPerChunk, readClip, sizeOfClip, slices } from './read-clip.ts';
import { createStoredClips, type FrameFiles } from './stored-clips.ts';
import type { Fit, StreamedFrames, VideoSource, WholeFrames } from './values.ts';

/** What a frame service needs of its host. */
export interface FrameBackends {
  /**
   * Decodes frames `start` … `start + frameCount` of a clip from a video file, `perChunk` at a time; ends the decoder
   * when it is left early.
   */
  decode(
    clip: StreamedFrames & { readonly source: VideoSource },
    part: { readonly start: number; readonly frameCount: number },
    perChunk: number,
    signal: AbortSignal,
  ): AsyncIterable<FrameChunk>;
  /** Every frame in exactly this size. */
  resize(
    chunk: FrameChunk,
    size: { readonly widthPx: number; readonly heightPx: number; readonly fit: Fit },
  ): Promise<FrameChunk>;
  /** Where computed frames are kept; without it they stay in memory. */
  readonly files?: FrameFiles;
}

/** Bounds on what is held, in bytes of float pixels: the same on every machine. Tests have smaller ones. */
export interface FrameLimits {
  /** Clips up to this are made at once and stay in memory. */
  readonly shortBytes: number;
  /** Of a chunk; a single frame may take more. */
  readonly chunkBytes: number;
  /** Of frames held for playing backwards. */
  readonly reversedBytes: number;
}

const defaultLimits: FrameLimits = { shortBytes: 2 ** 26, chunkBytes: 2 ** 24, reversedBytes: 2 ** 28 };
/** A clip that a node needs whole takes 12 bytes a pixel: this many take 1.6 GB. */
const mostPixels = 2 ** 27;

/** Whether a clip is made at once, and not when it is read. */
export function isShort(
  { frameCount, widthPx, heightPx }: ClipSize,
  { shortBytes }: Pick<FrameLimits, 'shortBytes'> = defaultLimits,
): boolean {
  return frameCount * widthPx * heightPx * 12 <= shortBytes;
}

export function createFrameService(
  backends: FrameBackends,
  limits: FrameLimits = defaultLimits,
): FrameService {
  const stored = createStoredClips(backends.files, limits.chunkBytes);
  const sources: ClipSources = {
    decode: backends.decode,
    resize: backends.resize,
    readStored: stored.read,
    reversedBytes: limits.reversedBytes,
  };

  const read: FrameService['read'] = (frames, signal, part = {}) => {
    const { frameCount } = sizeOfClip(frames);
    const start = part.start ?? 0;
    const wanted = { start, frameCount: part.frameCount ?? frameCount - start };
    if (!(start >= 0 && wanted.frameCount > 0 && start + wanted.frameCount <= frameCount)) {
      throw new RangeError(
        `Frames ${start} to ${start + wanted.frameCount} are not all in a clip of ${frameCount}.`,
      );
    }
    return readClip(sources, frames, wanted, framesPerChunk(frames, limits.chunkBytes), signal);
  };

  const whole: FrameService['whole'] = async (frames, signal, part = {}) => {
    const size = sizeOfClip(frames);
    const count = part.frameCount ?? size.frameCount - (part.start ?? 0);
    if ('pixels' in frames && count === size.frameCount) return frames.pixels;
    if (count * size.widthPx * size.heightPx > mostPixels) {
      const fit = Math.floor(mostPixels / (size.widthPx * size.heightPx));
      throw new NodeError(
        'frames/too-large',
        `This needs ${count} frames of ${size.widthPx}×${size.heightPx} in memory at the same time; ${fit} of them fit.`,
        { hint: 'Put a Trim or a Resize clip before it.' },
      );
    }
    return joined(read(frames, signal, part), { ...size, frameCount: count });
  };

  return {
    read,
    whole,
    async make(clip, signal) {
      if (!isShort(clip, limits)) return clip;
      return { pixels: await whole(clip, signal), fps: clip.fps };
    },
    async keep(clip, given, signal, onGrowing) {
      const chunks = framesOf(given, clip);
      return isShort(clip, limits) || backends.files === undefined
        ? keepInMemory(clip, chunks, signal, onGrowing)
        : stored.write(clip, chunks, signal, onGrowing);
    },
  };
}

/** The same chunks. @throws RangeError where they are not the frames of a clip of this size */
async function* framesOf(
  chunks: AsyncIterable<Tensor<'float32'>>,
  { frameCount, widthPx, heightPx }: ClipSize,
): AsyncGenerator<Tensor<'float32'>> {
  let given = 0;
  for await (const chunk of chunks) {
    const size = clipSize(chunk);
    given += size.frameCount;
    if (size.widthPx !== widthPx || size.heightPx !== heightPx || given > frameCount)
      throw new RangeError(
        `Expected ${frameCount} frames of ${widthPx}×${heightPx}, got frame ${given} of ${size.widthPx}×${size.heightPx}.`,
      );
    yield chunk;
  }
  if (given < frameCount) throw new RangeError(`Expected ${frameCount} frames, got ${given}.`);
}

/** @param onGrowing given the clip when the first of several chunks is there */
async function keepInMemory(
  { fps, frameCount, widthPx, heightPx }: ClipSize & { readonly fps: number },
  chunks: AsyncIterable<Tensor<'float32'>>,
  signal: AbortSignal,
  onGrowing: ((frames: StreamedFrames) => void) | undefined,
): Promise<WholeFrames> {
  const parts: Tensor<'float32'>[] = [];
  const making = growClip((start, end) => chunkOfPixels(framesOfParts(parts, start, end)));
  let given = 0;
  for await (const chunk of chunks) {
    signal.throwIfAborted();
    parts.push(chunk);
    given += clipSize(chunk).frameCount;
    making.reach(given);
    if (parts.length === 1 && given < frameCount)
      onGrowing?.({ frameCount, widthPx, heightPx, fps, source: { kind: 'growing', clip: making.clip } });
  }
  const pixels = parts.length === 1 && parts[0] !== undefined ? parts[0] : concatAxis(parts, 2);
  const whole = { pixels, fps };
  making.become(whole, (part, perChunk) => slices(pixels, part, perChunk));
  parts.length = 0;
  return whole;
}

/** Frames `start` … `end` of clips [1, 3, n, H, W] one after the other. */
function framesOfParts(parts: readonly Tensor<'float32'>[], start: number, end: number): Tensor<'float32'> {
  const slices: Tensor<'float32'>[] = [];
  let at = 0;
  for (const part of parts) {
    const { frameCount } = clipSize(part);
    const [from, to] = [Math.max(start, at), Math.min(end, at + frameCount)];
    if (from < to) slices.push(sliceAxis(part, 2, from - at, to - at));
    at += frameCount;
  }
  return concatAxis(slices, 2);
}

/** All chunks as one tensor [1, 3, T, H, W]; only one chunk is held beside it. */
async function joined(chunks: AsyncIterable<FrameChunk>, size: ClipSize): Promise<Tensor<'float32'>> {
  const { frameCount, widthPx, heightPx } = size;
  const data = new Float32Array(3 * frameCount * widthPx * heightPx);
  let at = 0;
  for await (const chunk of chunks) {
    if (chunk.frameCount === frameCount) return chunk.pixels;
    placeFrames(chunk.pixels, data, { at, frameCount });
    at += chunk.frameCount;
  }
  return { dtype: 'float32', shape: [1, 3, frameCount, heightPx, widthPx], data };
}
