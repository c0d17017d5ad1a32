/** A mask that marks nothing yet, as large as a clip. */
import { type Frames, NodeError, sizeOfClip } from '@reelgraph/node-api';
import { type Tensor, zeros } from '@reelgraph/tensor';

/** A mask is whole in memory, 4 bytes a pixel of every frame: this many take 1 GB. */
const mostPixels = 2 ** 28;

/** @returns [1, 1, T, H, W], all 0 @throws NodeError 'mask/too-large' */
export function emptyMask(frames: Frames): Tensor<'float32'> {
  const { frameCount, widthPx, heightPx } = sizeOfClip(frames);
  if (frameCount * widthPx * heightPx > mostPixels) {
    throw new NodeError(
      'mask/too-large',
      `A mask for ${frameCount} frames of ${widthPx}×${heightPx} does not fit into memory.`,
      { hint: 'Put a Trim or a Resize clip before it.' },
    );
  }
  return zeros('float32', [1, 1, frameCount, heightPx, widthPx]);
}
