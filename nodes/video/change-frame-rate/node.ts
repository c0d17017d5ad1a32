import { defineNode, selectedFrames, sizeOfClip } from '@reelgraph/node-api';
import { framesFacts } from '../frames-facts.ts';

/** Brings a clip to another rate at the same speed. */
export const changeFrameRate = defineNode({
  type: 'change-frame-rate',
  version: 1,
  title: 'Change frame rate',
  description:
    'Leaves out or repeats frames to reach another rate; the clip lasts as long and moves as fast as before.',
  category: 'Video',
  synonyms: ['fps', 'resample', 'retime', 'convert rate', 'drop frames', 'duplicate frames'],
  inputs: {
    frames: { type: 'frames', label: 'Frames', description: 'The clip to bring to another rate.' },
  },
  outputs: {
    frames: { type: 'frames', label: 'Frames', description: 'The clip at the new rate.' },
  },
  params: {
    fps: {
      kind: 'number',
      label: 'Frames per second',
      description: 'The new rate.',
      default: 8,
      min: 1,
      max: 120,
      step: 1,
      unit: 'fps',
    },
  },
  cache: 'memory',
  lane: 'cpu',
  growing: ['frames'],
  infer({ inputs, params: { fps } }) {
    const { frameCount, fps: before, ...size } = inputs.frames ?? {};
    const count =
      frameCount === undefined || before === undefined
        ? {}
        : { frameCount: selectedFrames({ frameCount, fps: before }, { fps }) };
    return { outputs: { frames: framesFacts({ ...size, ...count, fps }) }, issues: [] };
  },
  async run({ inputs: { frames: clip }, params: { fps }, ctx }) {
    if (clip.fps === fps) return { frames: clip };
    const { frameCount: before, ...size } = sizeOfClip(clip);
    const frameCount = selectedFrames({ frameCount: before, fps: clip.fps }, { fps });
    return {
      frames: await ctx.frames.make(
        { ...size, frameCount, fps, source: { kind: 'retimed', clip } },
        ctx.signal,
      ),
    };
  },
});
