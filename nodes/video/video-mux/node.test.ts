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
});
