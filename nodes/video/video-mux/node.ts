import { defineNode, type FrameChunk, type RunContext, sizeOfClip } from '@reelgraph/node-api';
import { framesFacts } from '../frames-facts.ts';

/** 4:2:0 video has even sizes; the media service adds one column or row where one is odd. */
const evenUp = (size: number) => size + (size % 2);

/** So much faster or slower than its frames say is worth a word. */
const noticedTimes = 2;
const amount = (times: number): string => String(Math.round(times * 10) / 10);

/** Makes a video file of frames. */
export const videoMux = defineNode({
  type: 'video-mux',
  version: 1,
  title: 'Make video',
  description:
    'Makes an mp4 of the frames that plays everywhere. This workflow is stored inside: drop the video into the editor to get it back.',
  category: 'Video',
  synonyms: ['create video', 'encode', 'mp4', 'h264', 'combine', 'export'],
  inputs: {
    frames: { type: 'frames', label: 'Frames', description: 'The pictures, in order.' },
  },
  outputs: {
    video: { type: 'video', label: 'Video', description: 'The mp4 file.' },
  },
  params: {
    fps: {
      kind: 'number',
      label: 'Frames per second',
      description: 'Speed of playback. Changing it makes the clip faster or slower without making it anew.',
      default: 8,
      min: 1,
      max: 120,
      step: 1,
      unit: 'fps',
    },
    quality: {
      kind: 'integer',
      label: 'Quality',
      description: 'Higher looks better and makes a larger file; from 80 on no difference is seen.',
      default: 80,
      min: 0,
      max: 100,
    },
  },
  cache: 'disk',
  lane: 'cpu',
  growing: ['frames'],
  usesWorkflow: true,
  work({ inputs }) {
    const { widthPx, heightPx, frameCount } = inputs.frames ?? {};
    if (widthPx === undefined || heightPx === undefined || frameCount === undefined) return undefined;
    // Starting the encoder takes as long as a short clip.
    return { time: { starts: 1, pixels: widthPx * heightPx * frameCount } };
  },
  infer({ inputs, params }) {
    const { widthPx, heightPx, frameCount, fps } = inputs.frames ?? {};
    const times = fps === undefined ? 1 : fps / params.fps;
    return {
      outputs: {
        video: framesFacts({
          ...(widthPx === undefined ? {} : { widthPx: evenUp(widthPx) }),
          ...(heightPx === undefined ? {} : { heightPx: evenUp(heightPx) }),
          ...(frameCount === undefined ? {} : { frameCount }),
          fps: params.fps,
        }),
      },
      // A clip made somewhat faster or slower is meant so; one of twice the length is seldom.
      issues:
        fps === undefined || (times < noticedTimes && times > 1 / noticedTimes)
          ? []
          : [
              {
                code: 'video/other-speed',
                severity: 'warning',
                message: `The frames were made for ${fps} a second; at ${params.fps} they play ${times > 1 ? `${amount(times)} times slower` : `${amount(1 / times)} times faster`}. Change frame rate keeps the speed.`,
                param: 'fps',
                fix: { label: `Use ${fps} fps`, param: 'fps', value: fps },
              },
            ],
    };
  },
  async run({ inputs, params, ctx }) {
    const { frames } = inputs;
    const size = sizeOfClip(frames);
    // The next frames may be long in coming: an encoder that has failed does not wait for them.
    const stopped = new AbortController();
    const reading = AbortSignal.any([ctx.signal, stopped.signal]);
    const file = await ctx.media.muxVideo(
      {
        chunks: withProgress(ctx.frames.read(frames, reading), size.frameCount, ctx),
        stop: () => stopped.abort(),
        size,
        fps: params.fps,
        quality: params.quality,
        metadata: { comment: 'Made with Reelgraph', workflow: ctx.workflowJson },
        name: 'clip',
      },
      ctx.signal,
    );
    const [widthPx, heightPx] = [evenUp(size.widthPx), evenUp(size.heightPx)];
    return { video: { file, widthPx, heightPx, frameCount: size.frameCount, fps: params.fps } };
  },
});

/** The same chunks; says how far it is where there are several of them. */
async function* withProgress(
  chunks: AsyncIterable<FrameChunk>,
  totalSteps: number,
  ctx: Pick<RunContext, 'progress'>,
): AsyncGenerator<FrameChunk> {
  let step = 0;
  for await (const chunk of chunks) {
    yield chunk;
    step += chunk.frameCount;
    if (chunk.frameCount < totalSteps) ctx.progress({ step, totalSteps, message: 'encoding' });
  }
}
