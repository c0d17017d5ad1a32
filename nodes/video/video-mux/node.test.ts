import { createFakeMedia, createTestContext } from '@reelgraph/node-api/testing';
import { zeros } from '@reelgraph/tensor';
import { describe, expect, it } from 'vitest';
import { videoMux } from './node.ts';

const frames = { pixels: zeros('float32', [1, 3, 9, 32, 47]), fps: 8 };

describe('video-mux', () => {
  it('stores the workflow in the video', async () => {
    const media = createFakeMedia();
    const ctx = createTestContext({ media, workflowJson: '{"reelgraph":1}' });
    const { video } = await videoMux.run({ inputs: { frames }, params: { fps: 12, quality: 70 }, ctx });
    expect(media.muxed).toMatchObject([
      { fps: 12, quality: 70, metadata: { workflow: '{"reelgraph":1}', comment: 'Made with Reelgraph' } },
    ]);
    expect(video).toMatchObject({
      widthPx: 48,
      heightPx: 32,
      frameCount: 9,
      fps: 12,
      file: { mediaType: 'video/mp4' },
    });
    expect(videoMux.usesWorkflow).toBe(true);
  });

  it('labels the wire with size and duration', () => {
    const inputs = { frames: { widthPx: 47, heightPx: 32, frameCount: 9, fps: 8 } };
    const { outputs } = videoMux.infer!({
      inputs,
      params: { fps: 3, quality: 70 },
      context: { models: new Map() },
    });
    expect(outputs.video).toEqual({ widthPx: 48, heightPx: 32, frameCount: 9, durationSeconds: 3, fps: 3 });
  });

  it.each([
    [24, 8, 'they play 3 times slower'],
    [8, 24, 'they play 3 times faster'],
    [30, 15, 'they play 2 times slower'],
    [8, 12, undefined],
    [undefined, 12, undefined],
  ])('says when frames for %s a second are made to play at %s', (fps, chosen, words) => {
    const { issues } = videoMux.infer!({
      inputs: { frames: fps === undefined ? {} : { fps } },
      params: { fps: chosen, quality: 70 },
      context: { models: new Map() },
    });
    if (words === undefined) return expect(issues).toEqual([]);
    expect(issues[0]?.message).toContain(words);
    expect(issues).toMatchObject([{ severity: 'warning', fix: { param: 'fps', value: fps } }]);
  });
});
