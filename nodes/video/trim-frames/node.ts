import { defineNode, NodeError, sizeOfClip } from '@reelgraph/node-api';
import { framesFacts } from '../frames-facts.ts';

/** Cuts frames off a clip. */
export const trimFrames = defineNode({
  type: 'trim-frames',
  version: 1,
  title: 'Trim',
  description: 'Leaves out frames at the start and at the end of a clip.',
  category: 'Video',
  synonyms: ['cut', 'crop time', 'take', 'slice', 'shorten', 'drop frames'],
  inputs: {
    frames: { type: 'frames', label: 'Frames', description: 'The clip to shorten.' },
  },
  outputs: {
    frames: { type: 'frames', label: 'Frames', description: 'The frames that are left.' },
  },
  params: {
    cutStart: {
      kind: 'integer',
      label: 'Cut at start',
      description: 'How many frames to leave out at the start.',
      default: 0,
      min: 0,
      max: 100_000,
    },
    cutEnd: {
      kind: 'integer',
      label: 'Cut at end',
      description: 'How many frames to leave out at the end.',
      default: 0,
      min: 0,
      max: 100_000,
    },
    most: {
      kind: 'integer',
      label: 'Frames at most',
      description: 'Of what is left, how many frames to keep from its start; 0 keeps all.',
      zeroLabel: 'all',
      default: 0,
      min: 0,
      max: 100_000,
    },
  },
  cache: 'memory',
  lane: 'cpu',
  growing: ['frames'],
  infer({ inputs, params }) {
    const { frameCount, ...facts } = inputs.frames ?? {};
    if (frameCount === undefined) return { outputs: { frames: framesFacts(facts) }, issues: [] };
    const left = frameCount - params.cutStart - params.cutEnd;
    if (left < 1) {
      return {
        outputs: { frames: framesFacts(facts) },
        issues: [
          {
            code: 'trim-frames/nothing-left',
            severity: 'error',
            message: nothingLeft(frameCount, params.cutStart, params.cutEnd),
            param: 'cutStart',
            fix: { kind: 'set-params', label: 'Cut nothing', values: { cutStart: 0, cutEnd: 0 } },
          },
        ],
      };
    }
    return {
      outputs: {
        frames: framesFacts({ ...facts, frameCount: params.most > 0 ? Math.min(left, params.most) : left }),
      },
      issues: [],
    };
  },
  async run({ inputs, params, ctx }) {
    const { frames: clip } = inputs;
    const { frameCount, ...size } = sizeOfClip(clip);
    const { cutStart, cutEnd, most } = params;
    const left = frameCount - cutStart - cutEnd;
    if (left < 1) {
      throw new NodeError('trim-frames/nothing-left', nothingLeft(frameCount, cutStart, cutEnd), {
        hint: 'Cut fewer frames.',
      });
    }
    const count = most > 0 ? Math.min(left, most) : left;
    if (count === frameCount) return { frames: clip };
    const cut = { ...size, frameCount: count, fps: clip.fps };
    return {
      frames: await ctx.frames.make({ ...cut, source: { kind: 'cut', clip, start: cutStart } }, ctx.signal),
    };
  },
});

function nothingLeft(frameCount: number, start: number, end: number): string {
  return `The clip has ${frameCount} ${frameCount === 1 ? 'frame' : 'frames'}; cutting ${start} at the start and ${end} at the end leaves none.`;
}
