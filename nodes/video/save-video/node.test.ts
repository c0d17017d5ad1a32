import type { VideoValue } from '@reelgraph/node-api';
import { createTestContext } from '@reelgraph/node-api/testing';
import { describe, expect, it } from 'vitest';
import { saveVideo } from './node.ts';

const video: VideoValue = {
  file: { kind: 'file', digest: 'a'.repeat(64), byteLength: 10, mediaType: 'video/mp4', name: 'clip.mp4' },
  widthPx: 64,
  heightPx: 64,
  frameCount: 17,
  fps: 8,
};
const save = async (name: string) =>
  (await saveVideo.run({ inputs: { video }, params: { name }, ctx: createTestContext() })).video;

describe('save-video', () => {
  it('passes the video on under its new name', async () => {
    expect(await save('shot 1')).toEqual({ ...video, file: { ...video.file, name: 'shot 1.mp4' } });
  });

  it.each([
    ['../../x', 'x.mp4'],
    ['', 'clip.mp4'],
    ['a/b:c', 'a-b-c.mp4'],
  ])('a name %j is made safe: %s', async (name, safe) => {
    expect((await save(name)).file.name).toBe(safe);
  });

  it('is what a run is for, and shows the video', () => {
    expect(saveVideo).toMatchObject({ isOutput: true, preview: 'video' });
  });
});
