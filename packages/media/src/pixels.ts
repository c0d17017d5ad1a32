/** Between float frames in [-1, 1], planar, and the interleaved 8-bit RGB that encoders and image files use. */
import { formatShape, type Tensor, TensorError } from '@reelgraph/tensor';

/** Sizes of a clip [1, 3, T, H, W]. */
export interface ClipSize {
  readonly frameCount: number;
  readonly widthPx: number;
  readonly heightPx: number;
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

/** -1 … 1 to 0 … 255, rounded and clamped; NaN becomes 0. */
function toByte(value: number): number {
  const scaled = Math.round((value + 1) * 127.5);
  return scaled > 255 ? 255 : scaled > 0 ? scaled : 0;
}

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

/** Interleaved RGB bytes of frames one after the other to a clip [1, 3, T, H, W] in [-1, 1]. */
export function rgbToPixels(rgb: Uint8Array, { frameCount, widthPx, heightPx }: ClipSize): Tensor<'float32'> {
  const size = frameCount * heightPx * widthPx;
  if (rgb.length !== size * 3) {
    throw new TensorError(
      'tensor/shape-mismatch',
      `${frameCount} frames of ${widthPx}×${heightPx} need ${size * 3} bytes, got ${rgb.length}.`,
    );
  }
  const data = new Float32Array(size * 3);
  for (let i = 0; i < size; i++) {
    for (let channel = 0; channel < 3; channel++)
      data[channel * size + i] = rgb[i * 3 + channel]! / 127.5 - 1;
  }
  return { dtype: 'float32', shape: [1, 3, frameCount, heightPx, widthPx], data };
}
