import {
  defineNode,
  type InferIssue,
  NodeError,
  selectedFrames,
  selectedSize,
  type VideoSelection,
} from '@reelgraph/node-api';
import { fileIssues } from '../file-issues.ts';
import { framesFacts } from '../frames-facts.ts';

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
  // What it holds of a long video is the file, which the result keeps in the store.
  cache: 'disk',
  lane: 'cpu',
  infer({ params, context }) {
    const facts = context.files?.get(params.file);
    const issues: InferIssue[] = fileIssues(params.file, facts, 'video');
    if (facts?.kind !== 'video')
      return { outputs: { frames: framesFacts(params.fps > 0 ? { fps: params.fps } : {}) }, issues };
    const selection = selectionOf(params);
    const { fps, frameCount, hasEvenRate, sampleRateHz } = facts;
    if (sampleRateHz !== undefined) {
      issues.push({
        code: 'load-video/sound-left-out',
        severity: 'warning',
        message: 'The video has sound, which is left out: what is made of its pictures is silent.',
        param: 'file',
      });
    }
    // Pictures of uneven length are counted only when none is left out or repeated.
    const isCounted = frameCount !== undefined && (hasEvenRate || params.fps === 0);
    const left = isCounted ? selectedFrames({ frameCount, fps }, selection) : undefined;
    if (left !== undefined && left < 1) {
      issues.push({
        code: 'load-video/after-end',
        severity: 'error',
        message: `The video has ${left + params.start} frames${params.fps > 0 ? ` at ${params.fps} a second` : ''}; there is no frame ${params.start}.`,
        param: 'start',
        fix: { label: 'Start at frame 0', param: 'start', value: 0 },
      });
    }
    return {
      outputs: {
        frames: framesFacts({
          ...selectedSize(facts, selection),
          fps: params.fps > 0 ? params.fps : fps,
          ...(left === undefined || left < 1 ? {} : { frameCount: left }),
        }),
      },
      issues,
    };
  },
  async run({ params, ctx }) {
    if (params.file === '') {
      throw new NodeError('file/none-chosen', 'No video is chosen.', {
        hint: 'Drop an MP4, MOV or WebM onto the node.',
      });
    }
    const selection = selectionOf(params);
    return {
      frames: await ctx.media.decodeVideo(ctx.files.stream(params.file), selection, ctx.signal),
    };
  },
});

/** What of the video is read; a param of 0 leaves it as it is. */
function selectionOf(params: {
  readonly start: number;
  readonly frames: number;
  readonly fps: number;
  readonly longestSide: number;
}): VideoSelection {
  return {
    startFrame: params.start,
    ...(params.frames > 0 ? { frameCount: params.frames } : {}),
    ...(params.fps > 0 ? { fps: params.fps } : {}),
    ...(params.longestSide > 0 ? { longestSidePx: params.longestSide } : {}),
  };
}
