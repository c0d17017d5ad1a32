/** Frames as the interleaved 8-bit RGB that encoders and image files use. */
import { clipSize, type FrameChunk, toByte } from '@reelgraph/node-api';
import type { Tensor } from '@reelgraph/tensor';

/**
 * One frame as interleaved RGB bytes. A `size` larger than the clip is filled by repeating the last column and
 * row, which is how odd sizes become even without a visible border.
 */
export function frameToRgb(
  pixels: Tensor<'float32'>,
  frame: number,
  size?: { widthPx: number; heightPx: number },
): Uint8Array<ArrayBuffer> {
  const { frameCount, widthPx, heightPx } = clipSize(pixels);
  const width = size?.widthPx ?? widthPx;
  const height = size?.heightPx ?? heightPx;
  const plane = heightPx * widthPx;
  const rgb = new Uint8Array(width * height * 3);
  let at = 0;
  for (let y = 0; y < height; y++) {
    const row = frame * plane + Math.min(y, heightPx - 1) * widthPx;
    for (let x = 0; x < width; x++) {
      const from = row + Math.min(x, widthPx - 1);
      for (let channel = 0; channel < 3; channel++) {
        rgb[at++] = toByte(pixels.data[channel * frameCount * plane + from]!);
      }
    }
  }
  return rgb;
}

/** Frame `frame` of a chunk as bytes of a larger picture, as in `frameToRgb`. A view of the chunk where it fits as it is. */
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
