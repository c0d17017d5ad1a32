/** Some frames of a clip, one after the other, as numbers or as bytes: whichever they came in, the other is made when asked for. */
import { concatAxis, formatShape, sliceAxis, type Tensor, TensorError } from '@reelgraph/tensor';

/** How much a clip holds. */
export interface ClipSize {
  readonly frameCount: number;
  readonly widthPx: number;
  readonly heightPx: number;
}

/** Immutable, like every value. */
export interface FrameChunk extends ClipSize {
  /** [1, 3, n, H, W] float32 in [-1, 1] */
  readonly pixels: Tensor<'float32'>;
  /** [n, H, W, 3] interleaved RGB: `pixels` rounded to the 256 levels of a byte. Not a copy where it came in bytes. */
  readonly rgb: Uint8Array;
  /** It came in bytes, so `rgb` costs nothing and loses nothing. */
  readonly isBytes: boolean;
}

/** @throws TensorError 'tensor/shape-mismatch' unless the tensor is [1, 3, T, H, W] with nothing empty */
export function clipSize(pixels: Tensor<'float32'>): ClipSize {
  const [batch, channels, frameCount = 0, heightPx = 0, widthPx = 0] = pixels.shape;
  const isClip =
    pixels.shape.length === 5 && batch === 1 && channels === 3 && frameCount * heightPx * widthPx > 0;
  if (!isClip) {
    throw new TensorError(
      'tensor/shape-mismatch',
      `A clip has the shape [1, 3, frames, height, width], got ${formatShape(pixels.shape)}.`,
    );
  }
  return { frameCount, widthPx, heightPx };
}

/** Frames in numbers. @throws as `clipSize` */
export function chunkOfPixels(pixels: Tensor<'float32'>): FrameChunk {
  return {
    ...clipSize(pixels),
    pixels,
    isBytes: false,
    get rgb() {
      return pixelsToRgb(pixels);
    },
  };
}

/** Frames in bytes. @throws TensorError 'tensor/shape-mismatch' when there are not as many as the size says */
export function chunkOfRgb(rgb: Uint8Array, { frameCount, widthPx, heightPx }: ClipSize): FrameChunk {
  expectBytes(rgb, { frameCount, widthPx, heightPx });
  let pixels: Tensor<'float32'> | undefined;
  return {
    frameCount,
    widthPx,
    heightPx,
    rgb,
    isBytes: true,
    get pixels() {
      pixels ??= rgbToPixels(rgb, { frameCount, widthPx, heightPx });
      return pixels;
    },
  };
}

/** Frames `start` to `end` of a chunk. */
export function sliceChunk(chunk: FrameChunk, start: number, end: number): FrameChunk {
  if (start === 0 && end === chunk.frameCount) return chunk;
  if (!chunk.isBytes) return chunkOfPixels(sliceAxis(chunk.pixels, 2, start, end));
  const frameBytes = chunk.widthPx * chunk.heightPx * 3;
  return chunkOfRgb(chunk.rgb.subarray(start * frameBytes, end * frameBytes), {
    ...chunk,
    frameCount: end - start,
  });
}

/** All chunks as one; they are of one size. @throws TensorError 'tensor/shape-mismatch' when there is none */
export function concatChunks(chunks: readonly FrameChunk[]): FrameChunk {
  const [first] = chunks;
  if (first === undefined || chunks.some(({ isBytes }) => !isBytes))
    return chunkOfPixels(
      concatAxis(
        chunks.map(({ pixels }) => pixels),
        2,
      ),
    );
  if (chunks.length === 1) return first;
  const rgb = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.rgb.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    rgb.set(chunk.rgb, at);
    at += chunk.rgb.length;
  }
  const frameCount = chunks.reduce((sum, chunk) => sum + chunk.frameCount, 0);
  return chunkOfRgb(rgb, { ...first, frameCount });
}

/** -1 … 1 to 0 … 255, rounded and clamped; NaN becomes 0. */
function toByte(value: number): number {
  const scaled = Math.round((value + 1) * 127.5);
  return scaled > 255 ? 255 : scaled > 0 ? scaled : 0;
}

/** A clip [1, 3, T, H, W] in [-1, 1] to interleaved bytes, frame after frame [T, H, W, 3]. */
export function pixelsToRgb(pixels: Tensor<'float32'>): Uint8Array<ArrayBuffer> {
  const { frameCount, widthPx, heightPx } = clipSize(pixels);
  const size = frameCount * heightPx * widthPx;
  const { data } = pixels;
  const rgb = new Uint8Array(size * 3);
  for (let i = 0, at = 0; i < size; i++) {
    rgb[at++] = toByte(data[i]!);
    rgb[at++] = toByte(data[size + i]!);
    rgb[at++] = toByte(data[2 * size + i]!);
  }
  return rgb;
}

/** Interleaved RGB bytes of frames one after the other to a clip [1, 3, T, H, W] in [-1, 1]. */
export function rgbToPixels(rgb: Uint8Array, size: ClipSize): Tensor<'float32'> {
  expectBytes(rgb, size);
  const { frameCount, widthPx, heightPx } = size;
  const places = frameCount * heightPx * widthPx;
  const data = new Float32Array(places * 3);
  for (let i = 0; i < places; i++) {
    for (let channel = 0; channel < 3; channel++)
      data[channel * places + i] = rgb[i * 3 + channel]! / 127.5 - 1;
  }
  return { dtype: 'float32', shape: [1, 3, frameCount, heightPx, widthPx], data };
}

function expectBytes(rgb: Uint8Array, { frameCount, widthPx, heightPx }: ClipSize): void {
  const wanted = frameCount * heightPx * widthPx * 3;
  if (rgb.length === wanted && wanted > 0) return;
  throw new TensorError(
    'tensor/shape-mismatch',
    `${frameCount} frames of ${widthPx}×${heightPx} need ${wanted} bytes, got ${rgb.length}.`,
  );
}

/**
 * Copies frames [1, 3, n, H, W] into a clip in the making, [3, T, H, W] as `into`, from its frame `at` on.
 *
 * @param to.frameCount T
 */
export function placeFrames(
  pixels: Tensor<'float32'>,
  into: Float32Array,
  to: { readonly at: number; readonly frameCount: number },
): void {
  const { frameCount, widthPx, heightPx } = clipSize(pixels);
  const plane = widthPx * heightPx;
  for (let channel = 0; channel < 3; channel++) {
    const from = channel * frameCount * plane;
    into.set(
      pixels.data.subarray(from, from + frameCount * plane),
      (channel * to.frameCount + to.at) * plane,
    );
  }
}

/** A clip in memory [1, 3, T, H, W] as chunks to be muxed. */
export function asChunks(pixels: Tensor<'float32'>): { chunks: AsyncIterable<FrameChunk>; size: ClipSize } {
  async function* chunks() {
    for (let frame = 0; frame < clipSize(pixels).frameCount; frame++)
      yield chunkOfPixels(sliceAxis(pixels, 2, frame, frame + 1));
  }
  return { chunks: chunks(), size: clipSize(pixels) };
}
