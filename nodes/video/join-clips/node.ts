import {
  defineNode,
  type Frames,
  type InferIssue,
  NodeError,
  type StreamedFrames,
  sizeOfClip,
} from '@reelgraph/node-api';
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
  growing: ['first', 'second', 'third'],
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
  async run({ inputs, params, ctx }) {
    const { first, second, third } = inputs;
    const clips = [second, ...(third === undefined ? [] : [third])];
    const slow = clips.find(({ fps }) => !sameRate(first.fps, fps));
    if (slow !== undefined) {
      throw new NodeError(
        'join-clips/other-rate',
        `The clips have different rates: ${shown(first.fps)} and ${shown(slow.fps)} frames a second.`,
        { hint: 'Put a Change frame rate before one of them.' },
      );
    }
    let frames = first;
    for (const clip of clips)
      frames = await ctx.frames.make(joined(frames, clip, params.crossfade), ctx.signal);
    return { frames };
  },
});

/** Nearly ten hours at 30 a second, as of a video that is loaded; a clip joined to itself often enough is endless. */
const mostFrames = 2 ** 20;

/** Containers round rates; a hundredth of a frame a second is no other speed. */
const sameRate = (a: number, b: number) => Math.abs(a - b) <= 0.01;

const shown = (rate: number | undefined) => Math.round((rate ?? 0) * 100) / 100;

function sizeText(
  facts: { readonly widthPx?: number | undefined; readonly heightPx?: number | undefined } = {},
) {
  return `${facts.widthPx ?? '?'}×${facts.heightPx ?? '?'}`;
}

/** One clip after the other, at the rate of the first; they overlap by the crossfade. */
function joined(first: Frames, second: Frames, crossfade: number): StreamedFrames {
  const a = sizeOfClip(first);
  const b = sizeOfClip(second);
  if (a.heightPx !== b.heightPx || a.widthPx !== b.widthPx) {
    throw new NodeError(
      'join-clips/other-size',
      `The clips have different sizes: ${a.widthPx}×${a.heightPx} and ${b.widthPx}×${b.heightPx}.`,
      { hint: 'Put a Resize clip before one of them.' },
    );
  }
  if (crossfade > Math.min(a.frameCount, b.frameCount)) {
    throw new NodeError(
      'join-clips/short-clip',
      `A crossfade of ${crossfade} frames needs clips at least that long; these have ${a.frameCount} and ${b.frameCount}.`,
      { hint: 'Use a shorter crossfade.' },
    );
  }
  const frameCount = a.frameCount + b.frameCount - crossfade;
  if (frameCount > mostFrames) {
    throw new NodeError(
      'join-clips/too-long',
      `Together the clips have ${frameCount} frames; ${mostFrames} is the most.`,
      {
        hint: 'Join fewer of them.',
      },
    );
  }
  return { ...a, frameCount, fps: first.fps, source: { kind: 'joined', first, second, crossfade } };
}
