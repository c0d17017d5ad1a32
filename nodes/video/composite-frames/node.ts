import {
  defineNode,
  type InferFix,
  type InferIssue,
  NodeError,
  type PortFacts,
  sizeOfClip,
} from '@reelgraph/node-api';
import { formatShape, sameShape } from '@reelgraph/tensor';
import { resizeAt, trimAt } from '../../latent/clip-fault.ts';
import { fitMaskAt, maskOfClip } from '../../mask/mask-fixes.ts';
import { framesFacts } from '../frames-facts.ts';

/** Puts the changed part of a clip back into the original. */
export const compositeFrames = defineNode({
  type: 'composite-frames',
  version: 1,
  title: 'Put back',
  description:
    'Shows the new clip inside the mask and the original everywhere else, pixel for pixel as it was.',
  category: 'Mask',
  synonyms: ['composite', 'overlay', 'blend', 'paste', 'image composite masked', 'alpha over'],
  inputs: {
    original: { type: 'frames', label: 'Original', description: 'The clip that stays outside the mask.' },
    frames: { type: 'frames', label: 'New', description: 'The clip that is seen inside the mask.' },
    mask: { type: 'mask', label: 'Mask', description: 'Where the new clip is seen.' },
  },
  outputs: {
    frames: { type: 'frames', label: 'Frames', description: 'Both in one, at the speed of the original.' },
  },
  params: {},
  cache: 'memory',
  lane: 'cpu',
  growing: ['original', 'frames'],
  infer({ inputs }) {
    const issues: InferIssue[] = [];
    for (const port of ['frames', 'mask'] as const) {
      for (const size of ['frameCount', 'widthPx', 'heightPx'] as const) {
        const [a, b] = [inputs.original?.[size], inputs[port]?.[size]];
        if (a === undefined || b === undefined || a === b) continue;
        issues.push({
          code: 'composite-frames/other-size',
          severity: 'error',
          message: `"${port}" has another size or length than the original (${b} instead of ${a}). Make all three from one clip.`,
          port,
          otherFixes:
            port === 'mask'
              ? [maskOfClip(port, 'original'), fitMaskAt(port, 'original')]
              : sameAs(inputs.original, inputs.frames),
        });
        break;
      }
    }
    return { outputs: { frames: framesFacts(inputs.original ?? {}) }, issues };
  },
  async run({ inputs, ctx }) {
    const { original, frames, mask } = inputs;
    const size = sizeOfClip(original);
    const shape = (channels: number, of: typeof size) => [
      1,
      channels,
      of.frameCount,
      of.heightPx,
      of.widthPx,
    ];
    const wanted = shape(3, size);
    const made = shape(3, sizeOfClip(frames));
    if (!sameShape(wanted, made) || !sameShape(shape(1, size), mask.weights.shape)) {
      throw new NodeError(
        'composite-frames/other-size',
        `The original ${formatShape(wanted)}, the new clip ${formatShape(made)} and the mask ${formatShape(mask.weights.shape)} differ in size or length.`,
        { hint: 'Make all three from one clip.' },
      );
    }
    const source = { kind: 'composite', original, frames, mask } as const;
    return { frames: await ctx.frames.make({ ...size, fps: original.fps, source }, ctx.signal) };
  },
});

/** What brings the new clip to the size of the original, and the longer of both to the length of the other. */
function sameAs(original: PortFacts = {}, made: PortFacts = {}): InferFix[] {
  const { widthPx, heightPx, frameCount } = original;
  const isOtherSize = widthPx !== made.widthPx || heightPx !== made.heightPx;
  if (isOtherSize && widthPx !== undefined && heightPx !== undefined)
    return [resizeAt('frames', { widthPx, heightPx })];
  if (frameCount === undefined || made.frameCount === undefined) return [];
  return [made.frameCount > frameCount ? trimAt('frames', frameCount) : trimAt('original', made.frameCount)];
}
