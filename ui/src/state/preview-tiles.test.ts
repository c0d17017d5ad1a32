import type { Preview } from '@reelgraph/protocol';
import { describe, expect, it } from 'vitest';
import { fitInside, tileStrip } from './preview-tiles.ts';

const preview: Preview = {
  runId: 'r',
  nodeId: 'denoise',
  step: 3,
  mediaType: 'image/png',
  frameCount: 5,
  widthPx: 64,
  heightPx: 32,
  fps: 8,
  data: 'AAAA',
};

describe('a preview strip', () => {
  it('shows one tile at a time, all of them in the time of the clip', () => {
    expect(tileStrip(preview)).toEqual({
      url: 'data:image/png;base64,AAAA',
      aspect: 2,
      backgroundSize: '500% 100%',
      timing: 'steps(5, jump-none)',
      durationSeconds: 5 / 8,
      moving: true,
    });
  });

  it('stands still with one frame', () => {
    expect(tileStrip({ ...preview, frameCount: 1 })).toMatchObject({ moving: false, timing: 'linear' });
  });

  it('shows images only', () => {
    expect(tileStrip({ ...preview, mediaType: 'text/html' })).toBeUndefined();
    expect(tileStrip({ ...preview, mediaType: 'image/svg+xml' })).toBeUndefined();
  });
});

it('fits a frame into its slot without changing its shape', () => {
  expect(fitInside(1, 228, 170)).toEqual({ width: 170, height: 170 });
  expect(fitInside(4, 228, 170)).toEqual({ width: 228, height: 57 });
});
