import { defineNode, sizeOfClip } from '@reelgraph/node-api';
import { framesFacts } from '../frames-facts.ts';

const fits = ['cover', 'contain', 'stretch'] as const;

/** Gives every frame of a clip another size. */
export const resizeFrames = defineNode({
  type: 'resize-frames',
  version: 1,
  title: 'Resize clip',
  description: 'Gives every frame of a clip another size, for example one that the model can make.',
  category: 'Video',
  synonyms: ['scale', 'crop', 'resolution', 'aspect ratio', 'fit'],
  inputs: {
    frames: { type: 'frames', label: 'Frames', description: 'The clip to resize.' },
  },
  outputs: {
    frames: { type: 'frames', label: 'Frames', description: 'The clip in its new size.' },
  },
  params: {
    width: {
      kind: 'integer',
      label: 'Width',
      description: 'Width of the new frames.',
      default: 64,
      min: 1,
      max: 8192,
      step: 16,
      unit: 'px',
    },
    height: {
      kind: 'integer',
      label: 'Height',
      description: 'Height of the new frames.',
      default: 64,
      min: 1,
      max: 8192,
      step: 16,
      unit: 'px',
    },
    fit: {
      kind: 'choice',
      label: 'Fit',
      description: 'What to do when old and new frames have different shapes.',
      default: 'cover',
      options: [
        { value: 'cover', label: 'Fill the frame, crop what sticks out' },
        { value: 'contain', label: 'Show all of it, black bars' },
        { value: 'stretch', label: 'Stretch to the frame' },
      ],
    },
  },
  cache: 'memory',
  lane: 'cpu',
  growing: ['frames'],
  infer: ({ inputs, params }) => ({
    outputs: { frames: framesFacts({ ...inputs.frames, widthPx: params.width, heightPx: params.height }) },
    issues: [],
  }),
  async run({ inputs, params, ctx }) {
    const { frames } = inputs;
    const { frameCount, widthPx, heightPx } = sizeOfClip(frames);
    if (widthPx === params.width && heightPx === params.height) return { frames };
    const size = { frameCount, widthPx: params.width, heightPx: params.height, fps: frames.fps };
    const fit = fits.find((known) => known === params.fit) ?? 'cover';
    return {
      frames: await ctx.frames.make({ ...size, source: { kind: 'resized', clip: frames, fit } }, ctx.signal),
    };
  },
});
