import { createTestContext } from '@reelgraph/node-api/testing';
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
    expect(frames.pixels.shape).toEqual([1, 3, 12, 4, 4]);
    expect(frames.fps).toBe(8);
  });

  it('reads the part its params name', async () => {
    const { frames } = await load({ start: 3, frames: 5, fps: 24 });
    expect(frames.pixels.shape[2]).toBe(5);
    expect(frames.pixels.data[0]).toBeCloseTo(3 / 127.5 - 1, 6);
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

  it('passes on what is wrong with the file', async () => {
    const ctx = createTestContext({ files: { read: async () => new Uint8Array() } });
    const run = loadVideo.run({ inputs: {}, params: defaults, ctx });
    await expect(run).rejects.toMatchObject({ code: 'media/not-a-video' });
  });
});
