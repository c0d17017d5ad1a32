import { defineNode } from '@reelgraph/node-api';
import { concatAxis, sliceAxis } from '@reelgraph/tensor';
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
  infer: ({ inputs }) => ({ outputs: { frames: framesFacts(inputs.frames ?? {}) }, issues: [] }),
  run({ inputs }) {
    const { pixels, fps } = inputs.frames;
    const count = pixels.shape[2] ?? 0;
    const frames = Array.from({ length: count }, (_, i) => sliceAxis(pixels, 2, count - 1 - i, count - i));
    return { frames: { pixels: concatAxis(frames, 2), fps } };
  },
});
