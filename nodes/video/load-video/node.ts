import { defineNode, NodeError } from '@reelgraph/node-api';

/** Brings a video's pictures into the graph. */
export const loadVideo = defineNode({
  type: 'load-video',
  version: 1,
  title: 'Load video',
  description: 'Brings in the pictures of a video: MP4, MOV or WebM. Its sound is left out.',
  category: 'Video',
  synonyms: ['open video', 'import', 'clip', 'movie', 'upload', 'footage', 'mp4'],
  inputs: {},
  outputs: {
    frames: { type: 'frames', label: 'Frames', description: 'The pictures of the video, in order.' },
  },
  params: {
    file: {
      kind: 'file',
      label: 'File',
      description: 'The video to use. Drop one here or choose a file.',
      default: '',
      accept: 'video',
    },
    start: {
      kind: 'integer',
      label: 'First frame',
      description: 'Where to begin reading; 0 is the first picture.',
      default: 0,
      min: 0,
      max: 1_000_000,
    },
    frames: {
      kind: 'integer',
      label: 'Frames',
      description: 'How many pictures to read at most; 0 reads all of them.',
      zeroLabel: 'all',
      default: 0,
      min: 0,
      max: 100_000,
    },
    fps: {
      kind: 'number',
      label: 'Frames per second',
      description:
        'Leaves out or repeats pictures to reach this rate, so that fast footage moves as the model expects; 0 takes every picture.',
      zeroLabel: 'as they are',
      default: 0,
      min: 0,
      max: 120,
      step: 1,
      unit: 'fps',
    },
    longestSide: {
      kind: 'integer',
      label: 'Longest side',
      description: 'Larger videos are scaled down to this while they are read; 0 keeps their size.',
      zeroLabel: 'as it is',
      default: 0,
      min: 0,
      max: 8192,
      unit: 'px',
    },
  },
  preview: 'video',
  cache: 'memory',
  lane: 'cpu',
  infer({ params }) {
    return {
      outputs: { frames: params.fps > 0 ? { fps: params.fps } : {} },
      issues:
        params.file === ''
          ? [
              {
                code: 'file/none-chosen',
                severity: 'error',
                message: 'No video is chosen. Drop one onto the node.',
                param: 'file',
              },
            ]
          : [],
    };
  },
  async run({ params, ctx }) {
    if (params.file === '') {
      throw new NodeError('file/none-chosen', 'No video is chosen.', {
        hint: 'Drop an MP4, MOV or WebM onto the node.',
      });
    }
    const selection = {
      startFrame: params.start,
      ...(params.frames > 0 ? { frameCount: params.frames } : {}),
      ...(params.fps > 0 ? { fps: params.fps } : {}),
      ...(params.longestSide > 0 ? { longestSidePx: params.longestSide } : {}),
    };
    return {
      frames: await ctx.media.decodeVideo(await ctx.files.read(params.file), selection, ctx.signal),
    };
  },
});
