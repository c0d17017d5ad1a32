import type { FileFacts } from '@reelgraph/node-api';
import { createTestContext, inMemory } from '@reelgraph/node-api/testing';
import { describe, expect, it } from 'vitest';
import { loadVideo } from './node.ts';

const defaults = { file: 'inputs/a.mp4', start: 0, frames: 0, fps: 0, longestSide: 0 };
/** A file that the fake media service reads as 12 frames of 4×4, frame n of level n. */
const load = (params: Partial<typeof defaults> = {}) =>
  loadVideo.run({
    inputs: {},
    params: { ...defaults, ...params },
    ctx: createTestContext({ files: { read: async () => Uint8Array.of(4, 12) } }),
  });

describe('load-video', () => {
  it('reads the file its param names, whole', async () => {
    const { frames } = await load();
    expect(inMemory(frames).pixels.shape).toEqual([1, 3, 12, 4, 4]);
    expect(frames.fps).toBe(8);
  });

  it('reads the part its params name', async () => {
    const { frames } = await load({ start: 3, frames: 5, fps: 24 });
    expect(inMemory(frames).pixels.shape[2]).toBe(5);
    expect(inMemory(frames).pixels.data[0]).toBeCloseTo(3 / 127.5 - 1, 6);
    expect(frames.fps).toBe(24);
  });

  it('says that nothing is chosen, while wiring and when run', async () => {
    const { issues } = loadVideo.infer!({
      inputs: {},
      params: { ...defaults, file: '' },
      context: { models: new Map() },
    });
    expect(issues).toMatchObject([{ code: 'file/none-chosen', param: 'file' }]);
    await expect(load({ file: '' })).rejects.toMatchObject({ code: 'file/none-chosen' });
  });

  describe('before it runs', () => {
    const clip = {
      kind: 'video',
      mediaType: 'video/mp4',
      widthPx: 1280,
      heightPx: 720,
      fps: 24,
      frameCount: 48,
      hasEvenRate: true,
    } as const;
    const foretold = (params: Partial<typeof defaults>, facts: FileFacts = clip) =>
      loadVideo.infer!({
        inputs: {},
        params: { ...defaults, ...params },
        context: { models: new Map(), files: new Map([[defaults.file, facts]]) },
      });

    it('knows the frames of a file that was looked at', () => {
      expect(foretold({}).outputs.frames).toEqual({
        widthPx: 1280,
        heightPx: 720,
        frameCount: 48,
        fps: 24,
        durationSeconds: 2,
      });
      expect(foretold({ start: 4, frames: 9, fps: 8, longestSide: 640 }).outputs.frames).toEqual({
        widthPx: 640,
        heightPx: 360,
        frameCount: 9,
        fps: 8,
        durationSeconds: 9 / 8,
      });
    });

    it('does not guess how many frames of uneven length make a new rate', () => {
      const uneven = { ...clip, hasEvenRate: false };
      expect(foretold({ fps: 8 }, uneven).outputs.frames).toEqual({ widthPx: 1280, heightPx: 720, fps: 8 });
      expect(foretold({}, uneven).outputs.frames?.frameCount).toBe(48);
    });

    it('refuses to start behind the end', () => {
      expect(foretold({ start: 16, fps: 8 }).issues).toMatchObject([
        {
          code: 'load-video/after-end',
          param: 'start',
          message: 'The video has 16 frames at 8 a second; there is no frame 16.',
          fix: { param: 'start', value: 0 },
        },
      ]);
      expect(foretold({ start: 15, fps: 8 }).issues).toEqual([]);
    });

    it('says that sound is left out, and nothing of what is silent', () => {
      expect(foretold({}, { ...clip, sampleRateHz: 48_000 }).issues).toMatchObject([
        { code: 'load-video/sound-left-out', severity: 'warning', param: 'file' },
      ]);
      expect(foretold({}).issues).toEqual([]);
    });

    it('says what is wrong with the file', () => {
      const picture = {
        kind: 'image',
        mediaType: 'image/png',
        widthPx: 8,
        heightPx: 8,
        hasAlpha: false,
      } as const;
      expect(foretold({}, picture).issues).toMatchObject([{ code: 'media/not-a-video', param: 'file' }]);
      const gone = { kind: 'unusable', code: 'file/not-found', message: 'There is no such file.' } as const;
      expect(foretold({}, gone).issues).toMatchObject([{ code: 'file/not-found', param: 'file' }]);
    });
  });

  it('passes on what is wrong with the file', async () => {
    const ctx = createTestContext({ files: { read: async () => new Uint8Array() } });
    const run = loadVideo.run({ inputs: {}, params: defaults, ctx });
    await expect(run).rejects.toMatchObject({ code: 'media/not-a-video' });
  });
});
