/**
 * Masks from pixels to latent places. A latent place stands for a box of pixels in some frames; it is given as
 * clean only when none of them is to change.
 */
import { formatShape, type Tensor, TensorError } from '@reelgraph/tensor';
import { type FrameRule, latentFrameCount, pixelFramesOfLatent } from './frame-rule.ts';
import type { KnownFrames } from './known-frames.ts';

/**
 * Which latent places stay, from which pixels change.
 *
 * @param change  [1, 1, F, H, W] float32; above 0 where something new is wanted. F fits the rule, H and W are
 *   multiples of `spatial`
 * @param spatial pixels along a side of one latent place
 * @returns [1, 1, T, H / spatial, W / spatial]; 1 where nothing changes, else 0
 * @throws TensorError 'tensor/shape-mismatch'
 */
export function placesToKeep(change: Tensor<'float32'>, spatial: number, rule: FrameRule): Tensor<'float32'> {
  const [batch, channels, frameCount = 0, height = 0, width = 0] = change.shape;
  const latentFrames = latentFrameCount(frameCount, rule);
  const rows = height / spatial;
  const columns = width / spatial;
  const fits =
    change.shape.length === 5 &&
    batch === 1 &&
    channels === 1 &&
    [latentFrames, rows, columns].every(isCount);
  if (!fits) {
    throw new TensorError(
      'tensor/shape-mismatch',
      `A mask [1, 1, F, H, W] needs frames of ${rule.multiple}n + ${rule.plus} and sides in multiples of ${spatial}, got ${formatShape(change.shape)}.`,
    );
  }
  const data = new Float32Array(latentFrames * rows * columns).fill(1);
  for (let t = 0; t < latentFrames; t++) {
    const [first, last] = pixelFramesOfLatent(t, rule);
    for (let frame = first; frame <= last; frame++) {
      for (let y = 0; y < height; y++) {
        const to = (t * rows + Math.floor(y / spatial)) * columns;
        const from = (frame * height + y) * width;
        for (let x = 0; x < width; x++) {
          if (change.data[from + x]! > 0) data[to + Math.floor(x / spatial)] = 0;
        }
      }
    }
  }
  return { dtype: 'float32', shape: [1, 1, latentFrames, rows, columns], data };
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value > 0;
}

/**
 * The places of a clip that stay, as what is known.
 *
 * @param latent the whole clip, [1, C, T, h, w] float32, normalised; left untouched
 * @param keep   [1, 1, T, h, w]; 1 where it stays, else 0
 * @throws TensorError 'tensor/shape-mismatch'
 */
export function knownPlaces(latent: Tensor<'float32'>, keep: Tensor<'float32'>): KnownFrames {
  if (!keep.shape.every((size, axis) => size === (axis === 1 ? 1 : latent.shape[axis]))) {
    throw new TensorError(
      'tensor/shape-mismatch',
      `The places ${formatShape(keep.shape)} were made for another size than the latent ${formatShape(latent.shape)}.`,
    );
  }
  const places = keep.data.length;
  const data = new Float32Array(latent.data.length);
  // Not a product: a place that is not known holds 0, whatever the clip has there.
  for (let i = 0; i < data.length; i++) data[i] = keep.data[i % places]! > 0 ? latent.data[i]! : 0;
  return { latent: { dtype: 'float32', shape: latent.shape, data }, mask: keep };
}
