/**
 * A moving preview is one image with its frames side by side. The browser plays it: a background as wide as all
 * tiles, moved one tile at a time. No timer of ours runs.
 */
import type { Preview } from '@reelgraph/protocol';

export interface TileStrip {
  readonly url: string;
  /** Width over height of one frame. */
  readonly aspect: number;
  /** CSS `background-size` that makes one tile fill the box. */
  readonly backgroundSize: string;
  /** CSS `animation-timing-function` that stops once on every tile. */
  readonly timing: string;
  readonly durationSeconds: number;
  readonly moving: boolean;
}

/** Only images are shown, whatever a message says it holds. */
const imageTypes = new Set(['image/png', 'image/jpeg', 'image/webp']);

export function tileStrip(preview: Preview): TileStrip | undefined {
  if (!imageTypes.has(preview.mediaType)) return undefined;
  const moving = preview.frameCount > 1;
  return {
    url: `data:${preview.mediaType};base64,${preview.data}`,
    aspect: preview.widthPx / preview.heightPx,
    backgroundSize: `${preview.frameCount * 100}% 100%`,
    // From 0 % to 100 % in frameCount stops, both ends shown: background-position p % aligns tile p/100·(n−1).
    timing: moving ? `steps(${preview.frameCount}, jump-none)` : 'linear',
    durationSeconds: preview.frameCount / preview.fps,
    moving,
  };
}

/** The largest box of an aspect inside a slot. */
export function fitInside(aspect: number, width: number, height: number): { width: number; height: number } {
  return aspect >= width / height
    ? { width, height: Math.round(width / aspect) }
    : { width: Math.round(height * aspect), height };
}
