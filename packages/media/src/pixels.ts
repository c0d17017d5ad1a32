/** Frames as the interleaved 8-bit RGB that encoders and image files use. */
import { chunkOfPixels, type FrameChunk } from '@reelgraph/node-api';
import { sliceAxis, type Tensor } from '@reelgraph/tensor';

/** One frame of a clip as interleaved RGB bytes. */
export function frameToRgb(pixels: Tensor<'float32'>, frame: number): Uint8Array {
  return chunkOfPixels(sliceAxis(pixels, 2, frame, frame + 1)).rgb;
}

/**
 * Frame `frame` of a chunk as bytes of a larger picture: the last column and row are repeated, which is how odd sizes
 * become even without a visible border. A view of the chunk where it fits as it is.
 *
 * @param rgb of the chunk, which may be made each time it is asked for
 */
export function paddedRgb(
  chunk: FrameChunk,
  rgb: Uint8Array,
  frame: number,
  size: { widthPx: number; heightPx: number },
): Uint8Array {
  const { widthPx, heightPx } = chunk;
  const frameBytes = widthPx * heightPx * 3;
  const bytes = rgb.subarray(frame * frameBytes, (frame + 1) * frameBytes);
  if (size.widthPx === widthPx && size.heightPx === heightPx) return bytes;
  const padded = new Uint8Array(size.widthPx * size.heightPx * 3);
  for (let y = 0; y < size.heightPx; y++) {
    const from = Math.min(y, heightPx - 1) * widthPx * 3;
    const to = y * size.widthPx * 3;
    padded.set(bytes.subarray(from, from + widthPx * 3), to);
    for (let x = widthPx; x < size.widthPx; x++)
      padded.copyWithin(to + x * 3, to + (widthPx - 1) * 3, to + widthPx * 3);
  }
  return padded;
}
