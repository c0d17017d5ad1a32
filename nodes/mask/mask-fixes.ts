/** What mends a mask of another size than the clip it is used on. */
import type { InferFix } from '@reelgraph/node-api';

/** The mask made for the clip at `frames` in the first place. */
export function maskOfClip(port: string, frames: string): InferFix {
  return { kind: 'same-source', label: 'Make the mask for this clip', port, type: 'frames', from: frames };
}

/** The mask stretched over the clip at `frames`. */
export function fitMaskAt(port: string, frames: string): InferFix {
  return {
    kind: 'convert',
    label: 'Fit the mask to the clip',
    port,
    through: [{ type: 'fit-mask', inputs: { frames } }],
  };
}
