import { defineNode, type Frames, type InferIssue, NodeError } from '@reelgraph/node-api';
import { concatAxis, sliceAxis, type Tensor } from '@reelgraph/tensor';
import { rateAt, resizeAt } from '../../latent/clip-fault.ts';
import { differ, framesFacts } from '../frames-facts.ts';

/** Puts clips one after the other. */
export const joinClips = defineNode({
  type: 'join-clips',
  version: 1,
  title: 'Join clips',
  description: 'Plays two or three clips one after the other, as one clip.',
  category: 'Video',
  synonyms: ['concat', 'append', 'merge', 'stitch', 'crossfade', 'combine clips'],
  inputs: {
    first: { type: 'frames', label: 'First', description: 'The clip that begins; its speed is kept.' },
    second: { type: 'frames', label: 'Second', description: 'The clip that follows.' },
    third: { type: 'frames', label: 'Third', description: 'A clip after that, if any.', optional: true },
  },
  outputs: {
    frames: { type: 'frames', label: 'Frames', description: 'All frames in order.' },
  },
  params: {
    crossfade: {
      kind: 'integer',
      label: 'Crossfade',
      description:
        'Frames over which a clip turns into the next; they overlap, so the whole gets shorter. 0 is a cut, and every frame stays as it is.',
      default: 0,
      min: 0,
      max: 1000,
      unit: 'frames',
    },
  },
  cache: 'memory',
  lane: 'cpu',
  infer({ inputs, params }) {
    const issues: InferIssue[] = [];
    const { first } = inputs;
    const others = [inputs.second, ...('third' in inputs ? [inputs.third] : [])];
    for (const [index, other] of others.entries()) {
      const port = index === 0 ? 'second' : 'third';
      if (differ(first, other, ['widthPx', 'heightPx'])) {
        const { widthPx, heightPx } = first ?? {};
        issues.push({
          code: 'join-clips/other-size',
          severity: 'error',
          message: `The clips have different sizes: "first" is ${sizeText(first)}, "${port}" is ${sizeText(other)}. Put a Resize clip before one of them.`,
          port,
          ...(widthPx === undefined || heightPx === undefined
            ? {}
            : { fix: resizeAt(port, { widthPx, heightPx }) }),
        });
      }
      if (first?.fps !== undefined && other?.fps !== undefined && !sameRate(first.fps, other.fps)) {
        issues.push({
          code: 'join-clips/other-rate',
          severity: 'error',
          message: `The clips have different rates: "first" has ${shown(first.fps)} frames a second, "${port}" has ${shown(other?.fps)}, and would move at another speed. Put a Change frame rate before one of them.`,
          port,
          fix: rateAt(port, first.fps),
        });
      }
    }
    const counts = [first, ...others].map((facts) => facts?.frameCount);
    const shortest = Math.min(...counts.map((count) => count ?? Number.POSITIVE_INFINITY));
    if (params.crossfade > shortest) {
      issues.push({
        code: 'join-clips/short-clip',
        severity: 'error',
        message: `A crossfade of ${params.crossfade} frames needs clips at least that long; one has ${shortest}.`,
        param: 'crossfade',
        fix: { label: `Fade over ${shortest}`, param: 'crossfade', value: shortest },
      });
    }
    const total = counts.every((count) => count !== undefined)
      ? counts.reduce((sum, count) => sum + count, 0) - params.crossfade * (counts.length - 1)
      : undefined;
    const { frameCount: _, ...facts } = first ?? {};
    return {
      outputs: {
        frames: framesFacts({ ...facts, ...(total !== undefined && total > 0 ? { frameCount: total } : {}) }),
      },
      issues,
    };
  },
  run({ inputs, params }) {
    const { first, second, third } = inputs;
    const clips = [first, second, ...(third === undefined ? [] : [third])];
    const slow = clips.find(({ fps }) => !sameRate(first.fps, fps));
    if (slow !== undefined) {
      throw new NodeError(
        'join-clips/other-rate',
        `The clips have different rates: ${shown(first.fps)} and ${shown(slow.fps)} frames a second.`,
        { hint: 'Put a Change frame rate before one of them.' },
      );
    }
    const pixels = clips
      .map((clip) => clip.pixels)
      .reduce((joined, clip) => joinTwo(joined, clip, params.crossfade));
    return { frames: { pixels, fps: first.fps } satisfies Frames };
  },
});

/** Containers round rates; a hundredth of a frame a second is no other speed. */
const sameRate = (a: number, b: number) => Math.abs(a - b) <= 0.01;

const shown = (rate: number | undefined) => Math.round((rate ?? 0) * 100) / 100;

function sizeText(
  facts: { readonly widthPx?: number | undefined; readonly heightPx?: number | undefined } = {},
) {
  return `${facts.widthPx ?? '?'}×${facts.heightPx ?? '?'}`;
}

/** [1, 3, Ta, H, W] and [1, 3, Tb, H, W] to [1, 3, Ta + Tb - crossfade, H, W]; outside the fade every value stays. */
function joinTwo(a: Tensor<'float32'>, b: Tensor<'float32'>, crossfade: number): Tensor<'float32'> {
  const [, , aCount = 0, aHeight, aWidth] = a.shape;
  const [, , bCount = 0, bHeight, bWidth] = b.shape;
  if (aHeight !== bHeight || aWidth !== bWidth) {
    throw new NodeError(
      'join-clips/other-size',
      `The clips have different sizes: ${aWidth}×${aHeight} and ${bWidth}×${bHeight}.`,
      { hint: 'Put a Resize clip before one of them.' },
    );
  }
  if (crossfade > Math.min(aCount, bCount)) {
    throw new NodeError(
      'join-clips/short-clip',
      `A crossfade of ${crossfade} frames needs clips at least that long; these have ${aCount} and ${bCount}.`,
      { hint: 'Use a shorter crossfade.' },
    );
  }
  if (crossfade === 0) return concatAxis([a, b], 2);
  const faded = Array.from({ length: crossfade }, (_, i) => {
    const from = sliceAxis(a, 2, aCount - crossfade + i, aCount - crossfade + i + 1);
    const to = sliceAxis(b, 2, i, i + 1);
    const share = (i + 1) / (crossfade + 1);
    return { ...from, data: from.data.map((value, at) => value + share * (to.data[at]! - value)) };
  });
  return concatAxis(
    [sliceAxis(a, 2, 0, aCount - crossfade), ...faded, sliceAxis(b, 2, crossfade, bCount)],
    2,
  );
}
