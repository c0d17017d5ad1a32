import { defineNode, sizeOfClip } from '@reelgraph/node-api';
import { clipSizeOf } from '../../latent/clip-fault.ts';
import { sizeFacts } from '../../video/frames-facts.ts';
import { emptyMask } from '../empty-mask.ts';

/** A mask made for one clip, for another. */
export const fitMask = defineNode({
  type: 'fit-mask',
  version: 1,
  title: 'Fit mask',
  description: 'Stretches a mask over another clip, in place and in time.',
  category: 'Mask',
  synonyms: ['resize mask', 'scale mask', 'mask size', 'match'],
  inputs: {
    mask: { type: 'mask', label: 'Mask', description: 'The mask to stretch.' },
    frames: {
      type: 'frames',
      label: 'Frames',
      description: 'The clip that the mask is for; only its size counts.',
    },
  },
  outputs: {
    mask: { type: 'mask', label: 'Mask', description: 'The mask in the size of the clip.' },
  },
  params: {},
  cache: 'memory',
  lane: 'cpu',
  infer: ({ inputs }) => ({ outputs: { mask: sizeFacts(inputs.frames ?? {}) }, issues: [] }),
  run({ inputs }) {
    const { weights } = inputs.mask;
    const from = clipSizeOf(weights);
    const to = sizeOfClip(inputs.frames);
    const fitted = emptyMask(inputs.frames);
    let at = 0;
    for (let frame = 0; frame < to.frameCount; frame++) {
      const t = nearest(frame, to.frameCount, from.frameCount);
      for (let y = 0; y < to.heightPx; y++) {
        const row = (t * from.heightPx + nearest(y, to.heightPx, from.heightPx)) * from.widthPx;
        for (let x = 0; x < to.widthPx; x++) {
          fitted.data[at++] = weights.data[row + nearest(x, to.widthPx, from.widthPx)]!;
        }
      }
    }
    return { mask: { weights: fitted } };
  },
});

/** The place among `from` that lies where place `at` among `to` does. */
function nearest(at: number, to: number, from: number): number {
  return Math.min(from - 1, Math.floor(((at + 0.5) * from) / to));
}
