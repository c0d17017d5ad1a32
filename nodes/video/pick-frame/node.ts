import { defineNode, type InferIssue, NodeError, sizeOfClip } from '@reelgraph/node-api';

/** Takes one frame of a clip as a picture. */
export const pickFrame = defineNode({
  type: 'pick-frame',
  version: 1,
  title: 'Pick frame',
  description: 'Takes one frame of a clip as a picture, for example the last one to go on from.',
  category: 'Video',
  synonyms: ['frame to image', 'still', 'snapshot', 'last frame', 'extract frame'],
  inputs: {
    frames: { type: 'frames', label: 'Frames', description: 'The clip to take a frame of.' },
  },
  outputs: {
    image: { type: 'image', label: 'Image', description: 'The frame as a picture.' },
  },
  params: {
    frame: {
      kind: 'choice',
      label: 'Frame',
      description: 'Which frame to take.',
      default: 'last',
      options: [
        { value: 'first', label: 'First frame' },
        { value: 'last', label: 'Last frame' },
        { value: 'index', label: 'At a frame number' },
      ],
    },
    frameIndex: {
      kind: 'integer',
      label: 'Frame number',
      description: 'Used with "At a frame number"; 0 is the first.',
      default: 0,
      min: 0,
      max: 100_000,
    },
  },
  cache: 'memory',
  lane: 'cpu',
  infer({ inputs, params }) {
    const { widthPx, heightPx, frameCount } = inputs.frames ?? {};
    const issues: InferIssue[] = [];
    if (params.frame === 'index' && frameCount !== undefined && params.frameIndex >= frameCount) {
      issues.push({
        code: 'pick-frame/outside-clip',
        severity: 'error',
        message: `The clip has frames 0 to ${frameCount - 1}; there is no frame ${params.frameIndex}.`,
        param: 'frameIndex',
        fix: { label: `Use frame ${frameCount - 1}`, param: 'frameIndex', value: frameCount - 1 },
      });
    }
    return {
      outputs: {
        image: {
          ...(widthPx === undefined ? {} : { widthPx }),
          ...(heightPx === undefined ? {} : { heightPx }),
        },
      },
      issues,
    };
  },
  async run({ inputs, params, ctx }) {
    const { frameCount: count } = sizeOfClip(inputs.frames);
    const index = params.frame === 'first' ? 0 : params.frame === 'last' ? count - 1 : params.frameIndex;
    if (index >= count) {
      throw new NodeError(
        'pick-frame/outside-clip',
        `The clip has frames 0 to ${count - 1}; there is no frame ${index}.`,
        { hint: 'Choose a frame inside the clip.' },
      );
    }
    const part = { start: index, frameCount: 1 };
    return { image: { pixels: await ctx.frames.whole(inputs.frames, ctx.signal, part) } };
  },
});
