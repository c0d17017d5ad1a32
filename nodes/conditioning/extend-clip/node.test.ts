import type { Conditioning, Frames } from '@reelgraph/node-api';
import { createTestContext, inMemory, fakeModelRef as model } from '@reelgraph/node-api/testing';
import { fromFunction } from '@reelgraph/tensor';
import { describe, expect, it } from 'vitest';
import { joinClips } from '../../video/join-clips/node.ts';
import { newFrames as keepNewFrames } from '../../video/new-frames/node.ts';
import { extendClip } from './node.ts';

const ctx = createTestContext();
const conditioning: Conditioning = await ctx.models.encodeText(model, 'a red circle', ctx.signal);

/** 32×32 frames whose values are these; the fake encoder's latent frame t has the value of frame 4t. */
const clip = (...values: number[]): Frames => ({
  pixels: fromFunction([1, 3, values.length, 32, 32], (i) => values[Math.floor(i / 1024) % values.length]!),
  fps: 8,
});
const ramp = (count: number, from = 0): Frames => clip(...Array.from({ length: count }, (_, i) => from + i));
const extend = (
  clips: { before?: Frames; after?: Frames },
  params: { newFrames: number; contextFrames?: number },
) =>
  extendClip.run({ inputs: { model, conditioning, ...clips }, params: { contextFrames: 9, ...params }, ctx });
/** Mask and value of each latent frame. */
const summary = ({ known }: Conditioning) =>
  Array.from({ length: known?.mask.shape[2] ?? 0 }, (_, t) => [
    known?.mask.data[t * 16],
    known?.latent.data[t * 16],
  ]);

describe('extend-clip', () => {
  it('goes on: the end of the clip is known at the start of the strip', async () => {
    const made = await extend({ before: ramp(17) }, { newFrames: 8 });
    expect(made.latent).toMatchObject({ frameCount: 17, widthPx: 32, heightPx: 32, model: 'fake' });
    expect(made.latent.samples.shape).toEqual([1, 2, 5, 4, 4]);
    // Frames 8 to 16 of the clip: latent frames of its frames 8, 12 and 16.
    expect(summary(made.conditioning)).toEqual([
      [1, 8],
      [1, 12],
      [1, 16],
      [0, 0],
      [0, 0],
    ]);
    expect([made.lead, made.tail]).toEqual([9, 0]);
    expect(made.conditioning.promptEmbeds).toBe(conditioning.promptEmbeds);
  });

  it('leads up: the start of the clip is known at the end, without the latent frame that holds one frame', async () => {
    const made = await extend({ after: ramp(17) }, { newFrames: 8 });
    expect(summary(made.conditioning)).toEqual([
      [0, 0],
      [0, 0],
      [0, 0],
      [1, 4],
      [1, 8],
    ]);
    expect([made.lead, made.tail]).toEqual([0, 9]);
  });

  it('fills a gap of any length', async () => {
    const made = await extend({ before: ramp(9), after: ramp(12, 100) }, { newFrames: 8, contextFrames: 12 });
    // 8 is 3 more than a gap of 4j - 1 allows, so the clip after is known from its frame 4 on.
    expect(summary(made.conditioning)).toEqual([
      [1, 0],
      [1, 4],
      [1, 8],
      [0, 0],
      [0, 0],
      [0, 0],
      [1, 107],
      [1, 111],
    ]);
    expect([made.lead, made.tail, made.latent.frameCount]).toEqual([9, 12, 29]);
  });

  // before ┐                       ┌ before ┐
  //        ├→ extend → made → new frames ┤        ├→ join
  // after  ┘                       └ after  ┘
  it.each([
    ['forward', { before: ramp(17) }],
    ['backward', { after: ramp(17, 50) }],
    ['between', { before: ramp(17), after: ramp(17, 50) }],
    ['loop', { before: ramp(17), after: ramp(17) }],
  ])(
    'cut and joined (%s) every given frame is there once, with the new ones in their place',
    async (_, clips) => {
      for (const newFrames of [1, 6, 7, 8, 13]) {
        const { lead, tail, latent } = await extend(clips, { newFrames, contextFrames: 13 });
        // In place of what a model makes: frames of the value -1.
        const made = clip(...Array<number>(latent.frameCount).fill(-1));
        const { frames } = await keepNewFrames.run({
          inputs: { frames: made, lead, tail },
          params: { fade: 0 },
          ctx,
        });
        expect(inMemory(frames).pixels.shape[2]).toBe(newFrames);
        const { before, after } = { before: undefined, after: undefined, ...clips };
        const parts = [before, frames, after].filter((part) => part !== undefined);
        const [first = frames, second = frames, third] = parts;
        const joined = await joinClips.run({
          inputs: { first, second, ...(third === undefined ? {} : { third }) },
          params: { crossfade: 0 },
          ctx,
        });
        const { shape, data } = inMemory(joined.frames).pixels;
        const values = Array.from({ length: shape[2] ?? 0 }, (_, t) => data[t * 1024]);
        const given = (part: Frames | undefined) =>
          part === undefined
            ? []
            : Array.from({ length: 17 }, (_, t) => inMemory(part).pixels.data[t * 1024]);
        expect(values).toEqual([...given(before), ...Array(newFrames).fill(-1), ...given(after)]);
      }
    },
  );

  it('refuses what cannot be extended, while wiring and when run', async () => {
    const rules = { model: 'fake', frameRule: { multiple: 4, plus: 1 }, sizeMultiple: 16 };
    const size = { widthPx: 32, heightPx: 32 };
    const issues = (inputs: Parameters<NonNullable<typeof extendClip.infer>>[0]['inputs']) =>
      extendClip.infer!({
        inputs,
        params: { newFrames: 8, contextFrames: 9 },
        context: { models: new Map() },
      }).issues.map(({ code, port }) => [code, port]);
    expect(issues({ model: rules })).toEqual([['extend-clip/no-clip', 'before']]);
    expect(issues({ model: rules, before: { widthPx: 40, heightPx: 32 } })).toEqual([
      ['clip/size', 'before'],
    ]);
    expect(issues({ model: rules, before: size, after: { ...size, widthPx: 48 } })).toEqual([
      ['extend-clip/other-size', 'after'],
    ]);
    expect(issues({ model: rules, after: { ...size, frameCount: 4 } })).toEqual([
      ['extend-clip/too-short', 'after'],
    ]);
    await expect(extend({}, { newFrames: 8 })).rejects.toMatchObject({ code: 'extend-clip/no-clip' });
    await expect(extend({ after: ramp(4) }, { newFrames: 8 })).rejects.toMatchObject({
      code: 'extend-clip/too-short',
      hint: 'Use a clip after of 8 or more frames.',
    });
    const narrow = { pixels: fromFunction([1, 3, 9, 32, 24], () => 0), fps: 8 };
    await expect(extend({ before: narrow }, { newFrames: 8 })).rejects.toMatchObject({ code: 'clip/size' });
  });

  it('labels the wire with the length of the strip', () => {
    const rules = { model: 'fake', frameRule: { multiple: 4, plus: 1 }, sizeMultiple: 16 };
    const before = { widthPx: 32, heightPx: 32, frameCount: 17, fps: 8 };
    const { outputs } = extendClip.infer!({
      inputs: { model: rules, before },
      params: { newFrames: 16, contextFrames: 9 },
      context: { models: new Map() },
    });
    expect(outputs.latent).toEqual({ ...rules, widthPx: 32, heightPx: 32, frameCount: 25 });
  });
});
