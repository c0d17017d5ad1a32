import { defineNode, sizeOfClip } from '@reelgraph/node-api';
import { framesFacts } from '../frames-facts.ts';

/** Plays a clip backwards. */
export const reverseFrames = defineNode({
  type: 'reverse-frames',
  version: 1,
  title: 'Reverse',
  description: 'Plays a clip backwards: its last frame comes first.',
  category: 'Video',
  synonyms: ['backwards', 'rewind', 'flip time', 'boomerang'],
  inputs: {
    frames: { type: 'frames', label: 'Frames', description: 'The clip to turn round.' },
  },
  outputs: {
    frames: { type: 'frames', label: 'Frames', description: 'The same frames, last first.' },
  },
  params: {},
  cache: 'memory',
  lane: 'cpu',
  growing: ['frames'],
  infer: ({ inputs }) => ({ outputs: { frames: framesFacts(inputs.frames ?? {}) }, issues: [] }),
  async run({ inputs: { frames: clip }, ctx }) {
    const reversed = { ...sizeOfClip(clip), fps: clip.fps, source: { kind: 'reversed', clip } } as const;
    return { frames: await ctx.frames.make(reversed, ctx.signal) };
  },
});
