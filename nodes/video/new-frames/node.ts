import {
  defineNode,
  type FrameSource,
  type Frames,
  type InferIssue,
  NodeError,
  type RunContext,
  sizeOfClip,
  type WholeFrames,
} from '@reelgraph/node-api';
import { formatShape, sameShape, type Tensor } from '@reelgraph/tensor';
import { resizeAt } from '../../latent/clip-fault.ts';
import { differ, framesFacts, sizeFacts } from '../frames-facts.ts';

/**
 * Largest correction of a pixel that is made whole; from twice that on none is. What a VAE loses stays below it; a
 * shape that the model put elsewhere does not, and must not be drawn twice.
 */
const largestCorrection = 0.15;
/** A pixel that differs by this from the seam shows something else by now, and its correction with it is over. */
const largestChange = 0.1;

/**
 * Keeps what is new of a clip made by extend-clip, and takes the step out of its seams.
 *
 * The model sees and gives back the given frames through its codec, which changes them a little everywhere. Cut hard,
 * the clip would jump by that change where given and made frames meet. So the change of the frame at the seam,
 * r = given - made, is added to the new frames beside it, less with each: by 1 - i / (fade + 1) to the i-th, and only
 * where a pixel still shows what it showed at the seam; the outline of a shape would stay behind otherwise. Given
 * frames are never touched.
 *
 * The model counts frames and not seconds: going on from a clip of 24 a second it makes frames a 24th apart, whatever
 * rate its own clips have. So the new frames have the rate of the clip that they belong to.
 */
export const newFrames = defineNode({
  type: 'new-frames',
  version: 2,
  title: 'Keep new frames',
  description:
    'Cuts the frames that were given off a clip made with Extend clip, and matches what is left to them, so that nothing jumps where they are joined.',
  category: 'Video',
  synonyms: ['cut', 'trim', 'seam', 'match', 'smooth', 'join', 'stitch'],
  inputs: {
    frames: { type: 'frames', label: 'Frames', description: 'The whole clip as the model made it.' },
    lead: {
      type: 'integer',
      label: 'Lead',
      description: 'From Extend clip: frames at its start that are not new.',
    },
    tail: {
      type: 'integer',
      label: 'Tail',
      description: 'From Extend clip: frames at its end that are not new.',
    },
    before: {
      type: 'frames',
      label: 'Clip before',
      description:
        'The clip that the new frames follow, if any: their colours are matched to its last frame.',
      optional: true,
    },
    after: {
      type: 'frames',
      label: 'Clip after',
      description:
        'The clip that follows the new frames, if any: their colours are matched to its first frame.',
      optional: true,
    },
  },
  outputs: {
    frames: { type: 'frames', label: 'Frames', description: 'The new frames alone, ready to be joined.' },
  },
  params: {
    fade: {
      kind: 'integer',
      label: 'Match over',
      description: 'Over how many new frames the matching fades out; 0 matches nothing.',
      zeroLabel: 'nothing',
      default: 4,
      min: 0,
      max: 100,
      unit: 'frames',
    },
  },
  cache: 'memory',
  lane: 'cpu',
  infer({ inputs }) {
    const { frames, lead, tail, before, after } = inputs;
    const issues: InferIssue[] = [];
    for (const port of ['before', 'after'] as const) {
      if (!differ(frames, inputs[port], ['widthPx', 'heightPx'])) continue;
      const { widthPx, heightPx } = frames ?? {};
      issues.push({
        code: 'new-frames/other-size',
        severity: 'error',
        message: `"${port}" has another size than the clip made. Connect what is connected to Extend clip.`,
        port,
        ...(widthPx === undefined || heightPx === undefined
          ? {}
          : { fix: resizeAt(port, { widthPx, heightPx }) }),
      });
    }
    const { frameCount: total, ...facts } = frames ?? {};
    const [atStart, atEnd] = [lead?.value, tail?.value];
    const isKnown = total !== undefined && atStart !== undefined && atEnd !== undefined;
    const left = isKnown ? total - atStart - atEnd : undefined;
    if (left !== undefined && left < 1) {
      issues.push({
        code: 'new-frames/nothing-new',
        severity: 'error',
        message: `The clip has ${total} frames; without ${atStart} at the start and ${atEnd} at the end none is left. Connect Lead and Tail of the Extend clip that this clip was made with.`,
        port: 'frames',
      });
    }
    const isAlone = !('before' in inputs) && !('after' in inputs);
    const fps = 'before' in inputs ? before?.fps : isAlone ? facts.fps : after?.fps;
    return {
      outputs: {
        frames: framesFacts({
          ...sizeFacts(facts),
          ...(fps === undefined ? {} : { fps }),
          ...(left === undefined || left < 1 ? {} : { frameCount: left }),
        }),
      },
      issues,
    };
  },
  async run({ inputs, params, ctx }) {
    const { frames, lead, tail, before, after } = inputs;
    const { frameCount: total, ...size } = sizeOfClip(frames);
    if (!(lead >= 0 && tail >= 0 && lead + tail < total)) {
      throw new NodeError(
        'new-frames/nothing-new',
        `The clip has ${total} frames; without ${lead} at the start and ${tail} at the end none is left.`,
        { hint: 'Connect Lead and Tail of the Extend clip that this clip was made with.' },
      );
    }
    const fps = (before ?? after ?? frames).fps;
    const count = total - lead - tail;
    const partOf = (start: number, frameCount: number) =>
      ctx.frames.whole(frames, ctx.signal, { start, frameCount });
    const atStart = before !== undefined && lead > 0 ? Math.min(params.fade, count) : 0;
    const atEnd = after !== undefined && tail > 0 ? Math.min(params.fade, count) : 0;

    /** New frames from `start` on, with the corrections of the seams that reach them. */
    const matched = async (start: number, frameCount: number): Promise<WholeFrames> => {
      const made = await partOf(lead + start, frameCount);
      const data = made.data.slice();
      if (before !== undefined && atStart > 0 && start === 0) {
        const seam = { given: before, which: 'last', made: await partOf(lead - 1, 1) } as const;
        matchEnd(made, data, await correction(seam, ctx), seam.made, params.fade, 'start');
      }
      if (after !== undefined && atEnd > 0 && start + frameCount === count) {
        const seam = { given: after, which: 'first', made: await partOf(total - tail, 1) } as const;
        matchEnd(made, data, await correction(seam, ctx), seam.made, params.fade, 'end');
      }
      return { pixels: { ...made, data }, fps };
    };
    // Seams so near that both reach some frames.
    if (atStart + atEnd >= count) return { frames: await matched(0, count) };
    const clip = (frameCount: number, source: FrameSource) =>
      ctx.frames.make({ ...size, frameCount, fps, source }, ctx.signal);
    const between = count - atStart - atEnd;
    let kept = await clip(between, { kind: 'cut', clip: frames, start: lead + atStart });
    if (atStart > 0) {
      const first = await matched(0, atStart);
      kept = await clip(atStart + between, { kind: 'joined', first, second: kept, crossfade: 0 });
    }
    if (atEnd > 0) {
      const second = await matched(count - atEnd, atEnd);
      kept = await clip(count, { kind: 'joined', first: kept, second, crossfade: 0 });
    }
    return { frames: kept };
  },
});

/** Where a clip that was given meets what was made, and the made frame that the given one stands for, [1, 3, 1, H, W]. */
interface Seam {
  readonly given: Frames;
  readonly which: 'first' | 'last';
  readonly made: Tensor<'float32'>;
}

/** given - made of the frame at a seam, [1, 3, 1, H, W], where it is small enough to be a loss of the codec. */
async function correction(
  { given, which, made }: Seam,
  ctx: Pick<RunContext, 'frames' | 'signal'>,
): Promise<Tensor<'float32'>> {
  const start = which === 'first' ? 0 : sizeOfClip(given).frameCount - 1;
  const frame = await ctx.frames.whole(given, ctx.signal, { start, frameCount: 1 });
  if (!sameShape(frame.shape, made.shape)) {
    throw new NodeError(
      'new-frames/other-size',
      `The clip made has frames ${formatShape(made.shape)}, the clip given ${formatShape(frame.shape)}.`,
      { hint: 'Connect what is connected to Extend clip.' },
    );
  }
  const data = frame.data.map((value, i) => {
    const difference = value - made.data[i]!;
    return difference * Math.min(1, Math.max(0, 2 - Math.abs(difference) / largestCorrection));
  });
  return { ...frame, data };
}

/**
 * Adds the correction of a seam to the frames at one end of a clip, less and less; results stay in [-1, 1].
 *
 * @param made   the new frames as they were made, [1, 3, T, H, W]
 * @param data   the same frames, changed in place
 * @param added  see `correction`
 * @param atSeam the made frame that the given clip replaces, [1, 3, 1, H, W]
 */
function matchEnd(
  made: Tensor<'float32'>,
  data: Float32Array,
  { data: added }: Tensor<'float32'>,
  atSeam: Tensor<'float32'>,
  fade: number,
  end: 'start' | 'end',
): void {
  const [, channels = 0, frameCount = 0, height = 0, width = 0] = made.shape;
  const plane = height * width;
  for (let step = 1; step <= Math.min(fade, frameCount); step++) {
    const share = 1 - step / (fade + 1);
    const frame = end === 'start' ? step - 1 : frameCount - step;
    for (let i = 0; i < plane; i++) {
      let change = 0;
      for (let channel = 0; channel < channels; channel++) {
        const value = made.data[(channel * frameCount + frame) * plane + i]!;
        change = Math.max(change, Math.abs(value - atSeam.data[channel * plane + i]!));
      }
      const weight = share * Math.max(0, 1 - change / largestChange);
      if (weight === 0) continue;
      for (let channel = 0; channel < channels; channel++) {
        const at = (channel * frameCount + frame) * plane + i;
        data[at] = Math.min(1, Math.max(-1, data[at]! + weight * added[channel * plane + i]!));
      }
    }
  }
}
