import { defineNode, type Frames, type InferIssue, NodeError } from '@reelgraph/node-api';
import { concatAxis, sliceAxis, type Tensor } from '@reelgraph/tensor';

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
    const others = [inputs.second, ...(inputs.third === undefined ? [] : [inputs.third])];
    for (const [index, other] of others.entries()) {
      const port = index === 0 ? 'second' : 'third';
      for (const side of ['widthPx', 'heightPx'] as const) {
        const [a, b] = [first?.[side], other?.[side]];
        if (a === undefined || b === undefined || a === b) continue;
        issues.push({
          code: 'join-clips/other-size',
          severity: 'error',
          message: `The clips have different sizes: "first" is ${sizeText(first)}, "${port}" is ${sizeText(other)}. Put a Resize clip before one of them.`,
          port,
        });
        break;
      }
    }
    const counts = [first, ...others].map((facts) => facts?.frameCount);
    const total = counts.every((count) => count !== undefined)
      ? counts.reduce((sum, count) => sum + count, 0) - params.crossfade * (counts.length - 1)
      : undefined;
    const { frameCount: _, ...facts } = first ?? {};
    return {
      outputs: { frames: { ...facts, ...(total !== undefined && total > 0 ? { frameCount: total } : {}) } },
      issues,
    };
  },
  run({ inputs, params }) {
    const { first, second, third } = inputs;
    const clips = [first, second, ...(third === undefined ? [] : [third])];
    const pixels = clips
      .map((clip) => clip.pixels)
      .reduce((joined, clip) => joinTwo(joined, clip, params.crossfade));
    return { frames: { pixels, fps: first.fps } satisfies Frames };
  },
});

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
