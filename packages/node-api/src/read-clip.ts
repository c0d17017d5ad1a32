/**
 * Reading a clip, whatever it is made of. Every reader gives its frames in order, in chunks of `perChunk` frames of
 * which only the last may have fewer: so two clips can be read side by side.
 */
import { sliceAxis, type Tensor } from '@reelgraph/tensor';
import { NodeError } from './errors.ts';
import {
  type ClipSize,
  chunkOfPixels,
  clipSize,
  concatChunks,
  type FrameChunk,
  sliceChunk,
} from './frame-chunk.ts';
import type { FrameBackends } from './frame-service.ts';
import type { GrowingClip } from './growing-clip.ts';
import type { FrameSource, Frames, StreamedFrames } from './values.ts';

/** A part of a clip. */
export interface ClipPart {
  readonly start: number;
  readonly frameCount: number;
}

/** What reading needs of its host. */
export interface ClipSources extends Pick<FrameBackends, 'decode' | 'resize'> {
  /** Frames held for playing backwards, in bytes of numbers. */
  readonly reversedBytes: number;
  readStored(
    clip: StreamedFrames,
    part: ClipPart,
    perChunk: number,
    signal: AbortSignal,
  ): AsyncIterable<FrameChunk>;
}

/**
 * Clips in memory and files that are read side by side for one clip: each file has a decoder of its own, and clips that
 * are laid over one another again and again double them each time.
 */
const mostOpen = 32;
const tooManyOpen = 'frames/too-many-clips';

/** A frame could not be made: with the code and hint of what was in its way, and the clips it was read through. */
export class ClipReadError extends Error {
  override readonly name = 'ClipReadError';
  readonly code: string;
  readonly hint: string | undefined;
  /** The one that failed first, then those made of it. */
  readonly clips: readonly Frames[];

  constructor(clips: readonly Frames[], cause: unknown) {
    const inner = cause instanceof ClipReadError ? cause.cause : cause;
    super(inner instanceof Error ? inner.message : String(inner), { cause: inner });
    this.clips = clips;
    const { code, hint } = inner instanceof Error ? codeOf(inner) : {};
    this.code = code ?? 'frames/unreadable';
    this.hint = hint;
  }
}

function codeOf(error: object): { code?: string; hint?: string } {
  const code =
    'code' in error && typeof error.code === 'string' && error.code.includes('/') ? error.code : '';
  const hint = 'hint' in error && typeof error.hint === 'string' ? error.hint : '';
  return { ...(code === '' ? {} : { code }), ...(hint === '' ? {} : { hint }) };
}

/** How much a clip holds, without reading it. */
export function sizeOfClip(frames: Frames): ClipSize {
  if ('pixels' in frames) return clipSize(frames.pixels);
  const { frameCount, widthPx, heightPx } = frames;
  return { frameCount, widthPx, heightPx };
}

/** Clips that a clip is made of. */
function partsOf({ source }: StreamedFrames): readonly Frames[] {
  switch (source.kind) {
    case 'video':
    case 'stored':
    case 'growing':
      return [];
    case 'joined':
      return [source.first, source.second];
    case 'composite':
      return [source.original, source.frames];
    case 'resized':
    case 'cut':
    case 'reversed':
    case 'retimed':
      return [source.clip];
  }
}

/** Clips that are still being made in this one. */
export function growingClips(frames: Frames): GrowingClip[] {
  const growing: GrowingClip[] = [];
  const clips = new Set([frames]);
  for (const clip of clips) {
    if ('pixels' in clip) continue;
    if (clip.source.kind === 'growing') growing.push(clip.source.clip);
    for (const part of partsOf(clip)) clips.add(part);
  }
  return growing;
}

/**
 * The same clip, of what the clips that were still growing in it have become.
 *
 * @throws TypeError when one of them is not whole
 */
export function settledClip(frames: Frames, known: Map<Frames, Frames> = new Map()): Frames {
  if ('pixels' in frames) return frames;
  const before = known.get(frames);
  if (before !== undefined) return before;
  const source = settledSource(frames.source, (clip) => settledClip(clip, known));
  const settled = 'made' in source ? source.made : source === frames.source ? frames : { ...frames, source };
  known.set(frames, settled);
  return settled;
}

/** The source of settled clips: itself where they are what they were, a clip that was made where it was that. */
function settledSource(
  source: FrameSource,
  settle: (clip: Frames) => Frames,
): FrameSource | { readonly made: Frames } {
  switch (source.kind) {
    case 'video':
    case 'stored':
      return source;
    case 'growing':
      if (source.clip.whole === undefined) throw new TypeError('A clip that is still growing is no result.');
      return { made: settle(source.clip.whole) };
    case 'joined': {
      const [first, second] = [settle(source.first), settle(source.second)];
      return first === source.first && second === source.second ? source : { ...source, first, second };
    }
    case 'composite': {
      const [original, frames] = [settle(source.original), settle(source.frames)];
      return original === source.original && frames === source.frames
        ? source
        : { ...source, original, frames };
    }
    case 'resized':
    case 'cut':
    case 'reversed':
    case 'retimed': {
      const clip = settle(source.clip);
      return clip === source.clip ? source : { ...source, clip };
    }
  }
}

/** Pixels of the largest frame that is held while the clip is read. A clip that is in it twice is looked at once. */
function largestFrame(frames: Frames): number {
  let largest = 0;
  const clips = new Set([frames]);
  for (const clip of clips) {
    const { widthPx, heightPx } = sizeOfClip(clip);
    largest = Math.max(largest, widthPx * heightPx);
    if (!('pixels' in clip)) for (const part of partsOf(clip)) clips.add(part);
  }
  return largest;
}

/** Frames in a chunk of this clip, at least one: so that memory depends neither on its length nor on its size. */
export function framesPerChunk(frames: Frames, chunkBytes: number): number {
  return Math.max(1, Math.floor(chunkBytes / (largestFrame(frames) * 12)));
}

/**
 * @param opened clips and files at work for the clip that is asked for
 * @throws ClipReadError; the signal's reason on abort
 */
export async function* readClip(
  sources: ClipSources,
  frames: Frames,
  part: ClipPart,
  perChunk: number,
  signal: AbortSignal,
  opened = { count: 0 },
): AsyncGenerator<FrameChunk, void, undefined> {
  const inner = (clip: Frames, { start, frameCount }: ClipPart) =>
    readClip(sources, clip, { start, frameCount }, perChunk, signal, opened);
  const opens = 'pixels' in frames || partsOf(frames).length === 0 ? 1 : 0;
  opened.count += opens;
  try {
    signal.throwIfAborted();
    if (opened.count > mostOpen) throw tooMany();
    let left = part.frameCount;
    for await (const chunk of partReader()) {
      signal.throwIfAborted();
      left -= chunk.frameCount;
      yield chunk;
    }
    if (left !== 0) throw incomplete(part.frameCount, part.frameCount - left);
  } catch (error) {
    signal.throwIfAborted();
    // No single clip is at fault for how many there are: the node is that made the outermost of them.
    const within = error instanceof ClipReadError && error.code !== tooManyOpen ? error.clips : [];
    throw new ClipReadError([...within, frames], error);
  } finally {
    opened.count -= opens;
  }

  function partReader(): AsyncIterable<FrameChunk> {
    if ('pixels' in frames) return slices(frames.pixels, part, perChunk);
    const { source } = frames;
    switch (source.kind) {
      case 'video':
        return sources.decode({ ...frames, source }, part, perChunk, signal);
      case 'stored':
        return sources.readStored(frames, part, perChunk, signal);
      case 'growing':
        return source.clip.read(part, perChunk, signal);
      case 'cut':
        return inner(source.clip, { ...part, start: part.start + source.start });
      case 'resized':
        return resized(inner(source.clip, part), (chunk) =>
          sources.resize(chunk, { widthPx: frames.widthPx, heightPx: frames.heightPx, fit: source.fit }),
        );
      case 'reversed':
        return reversed((wanted) => inner(source.clip, wanted), source.clip, part, perChunk, sources);
      case 'retimed':
        return retimed((wanted) => inner(source.clip, wanted), source.clip, frames, part, perChunk);
      case 'joined':
        return joined(inner, source, part, perChunk);
      case 'composite':
        return composite(inner(source.original, part), inner(source.frames, part), source.mask.weights, part);
    }
  }
}

function tooMany(): NodeError {
  return new NodeError(
    tooManyOpen,
    `The clip is laid together of more than ${mostOpen} clips that are seen at the same time.`,
    { hint: 'Make a video of some of them first, and load that.' },
  );
}

function incomplete(wanted: number, got: number): NodeError {
  return new NodeError('frames/incomplete', `The clip ended after ${got} of ${wanted} frames.`, {
    hint: 'The file it is read from may be damaged. Make the video anew, or trim the clip before that frame.',
  });
}

export async function* slices(
  pixels: Tensor<'float32'>,
  { start, frameCount }: ClipPart,
  perChunk: number,
): AsyncGenerator<FrameChunk> {
  const end = start + frameCount;
  for (let at = start; at < end; at += perChunk) {
    const next = Math.min(end, at + perChunk);
    yield chunkOfPixels(next - at === pixels.shape[2] ? pixels : sliceAxis(pixels, 2, at, next));
  }
}

async function* resized(
  chunks: AsyncIterable<FrameChunk>,
  resize: (chunk: FrameChunk) => Promise<FrameChunk>,
): AsyncGenerator<FrameChunk> {
  for await (const chunk of chunks) yield await resize(chunk);
}

/** Chunks of exactly `perChunk` frames, but for the last, of chunks of any size. */
async function* rechunk(
  chunks: AsyncIterable<FrameChunk>,
  perChunk: number,
): AsyncGenerator<FrameChunk, void, undefined> {
  let held: FrameChunk | undefined;
  for await (const chunk of chunks) {
    held = held === undefined ? chunk : concatChunks([held, chunk]);
    while (held !== undefined && held.frameCount >= perChunk) {
      const { frameCount }: FrameChunk = held;
      yield sliceChunk(held, 0, perChunk);
      held = frameCount === perChunk ? undefined : sliceChunk(held, perChunk, frameCount);
    }
  }
  if (held !== undefined) yield held;
}

/** Segments are read forwards, from the last to the first, and turned round one by one. */
function reversed(
  read: (part: ClipPart) => AsyncIterable<FrameChunk>,
  clip: Frames,
  { start, frameCount }: ClipPart,
  perChunk: number,
  { reversedBytes }: Pick<ClipSources, 'reversedBytes'>,
): AsyncIterable<FrameChunk> {
  const { frameCount: total } = sizeOfClip(clip);
  const longest = Math.max(1, Math.floor(reversedBytes / (largestFrame(clip) * 12)));
  async function* backwards(): AsyncGenerator<FrameChunk> {
    const first = total - start - frameCount;
    for (let end = total - start; end > first; end -= longest) {
      const from = Math.max(first, end - longest);
      const segment: FrameChunk[] = [];
      for await (const chunk of read({ start: from, frameCount: end - from })) segment.push(chunk);
      for (const chunk of segment.reverse()) {
        for (let i = chunk.frameCount - 1; i >= 0; i--) yield sliceChunk(chunk, i, i + 1);
      }
    }
  }
  return rechunk(backwards(), perChunk);
}

/** The frame nearest in time, of those that there are. */
function retimed(
  read: (part: ClipPart) => AsyncIterable<FrameChunk>,
  clip: Frames,
  { fps }: StreamedFrames,
  { start, frameCount }: ClipPart,
  perChunk: number,
): AsyncIterable<FrameChunk> {
  const last = sizeOfClip(clip).frameCount - 1;
  const frameAt = (i: number): number => Math.min(last, Math.round((i * clip.fps) / fps));
  async function* nearest(): AsyncGenerator<FrameChunk> {
    const [first, final] = [frameAt(start), frameAt(start + frameCount - 1)];
    let at = first;
    let next = start;
    for await (const chunk of read({ start: first, frameCount: final - first + 1 })) {
      while (next < start + frameCount && frameAt(next) < at + chunk.frameCount) {
        const from = frameAt(next) - at;
        yield sliceChunk(chunk, from, from + 1);
        next += 1;
      }
      at += chunk.frameCount;
    }
  }
  return rechunk(nearest(), perChunk);
}

/** Outside the crossfade every value stays as it is. */
function joined(
  read: (clip: Frames, part: ClipPart) => AsyncIterable<FrameChunk>,
  {
    first,
    second,
    crossfade,
  }: { readonly first: Frames; readonly second: Frames; readonly crossfade: number },
  part: ClipPart,
  perChunk: number,
): AsyncIterable<FrameChunk> {
  const fadeAt = sizeOfClip(first).frameCount - crossfade;
  const end = part.start + part.frameCount;
  /** What of the part lies in frames `from` … `to` of the whole. */
  const within = (from: number, to: number): ClipPart => {
    const start = Math.max(part.start, from);
    return { start, frameCount: Math.min(end, to) - start };
  };
  async function* inOrder(): AsyncGenerator<FrameChunk> {
    const before = within(0, fadeAt);
    if (before.frameCount > 0) yield* read(first, before);
    const fade = within(fadeAt, fadeAt + crossfade);
    if (fade.frameCount > 0) {
      const offset = fade.start - fadeAt;
      const into = read(second, { ...fade, start: offset });
      yield* crossfaded(read(first, fade), into, (i) => (offset + i + 1) / (crossfade + 1));
    }
    const after = within(fadeAt + crossfade, Number.POSITIVE_INFINITY);
    if (after.frameCount > 0) yield* read(second, { ...after, start: after.start - fadeAt });
  }
  return rechunk(inOrder(), perChunk);
}

/** Two clips side by side, chunk by chunk; both are let go of when the reader stops. */
async function* together(
  a: AsyncIterable<FrameChunk>,
  b: AsyncIterable<FrameChunk>,
): AsyncGenerator<readonly [FrameChunk, FrameChunk], void, undefined> {
  const other = b[Symbol.asyncIterator]();
  try {
    for await (const chunk of a) {
      const next = await other.next();
      if (next.done === true || next.value.frameCount !== chunk.frameCount)
        throw new RangeError('Two clips that are read side by side gave chunks of other sizes.');
      yield [chunk, next.value];
    }
  } finally {
    await other.return?.();
  }
}

/** a + share × (b - a), the share by frame. */
async function* crossfaded(
  a: AsyncIterable<FrameChunk>,
  b: AsyncIterable<FrameChunk>,
  shareOf: (frame: number) => number,
): AsyncGenerator<FrameChunk> {
  let at = 0;
  for await (const [from, to] of together(a, b)) {
    const plane = from.widthPx * from.heightPx;
    const [old, made] = [from.pixels, to.pixels.data];
    const data = old.data.map((value, i) => {
      const share = shareOf(at + (Math.floor(i / plane) % from.frameCount));
      return value + share * (made[i]! - value);
    });
    at += from.frameCount;
    yield chunkOfPixels({ ...old, data });
  }
}

/** @param weights [1, 1, T, H, W] of the whole clip */
async function* composite(
  original: AsyncIterable<FrameChunk>,
  frames: AsyncIterable<FrameChunk>,
  weights: Tensor<'float32'>,
  { start }: ClipPart,
): AsyncGenerator<FrameChunk> {
  let at = start;
  for await (const [below, above] of together(original, frames)) {
    const data = below.pixels.data.slice();
    const made = above.pixels.data;
    const places = below.frameCount * below.widthPx * below.heightPx;
    const mask = weights.data.subarray(at * below.widthPx * below.heightPx).subarray(0, places);
    for (let i = 0; i < data.length; i++) {
      const weight = mask[i % places]!;
      // Untouched bits outside, not a product with zero.
      if (weight === 1) data[i] = made[i]!;
      else if (weight > 0) data[i] = data[i]! + weight * (made[i]! - data[i]!);
    }
    at += below.frameCount;
    yield chunkOfPixels({ ...below.pixels, data });
  }
}
