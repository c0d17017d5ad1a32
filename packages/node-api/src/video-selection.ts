/** What reading a part of a video gives: one rule for the node that foretells it and the service that does it. */
import type { VideoSelection } from './context.ts';

interface Size {
  readonly widthPx: number;
  readonly heightPx: number;
}

/** The size to read at: in proportion, no side longer than asked, none below 1. */
export function selectedSize(
  { widthPx, heightPx }: Size,
  { longestSidePx = Number.POSITIVE_INFINITY }: VideoSelection,
): Size {
  const factor = Math.min(1, longestSidePx / Math.max(widthPx, heightPx));
  const scaled = (side: number) => Math.max(1, Math.round(side * factor));
  return { widthPx: scaled(widthPx), heightPx: scaled(heightPx) };
}

/**
 * How many frames are read of a clip of even rate: brought to the rate asked for first, then cut. Below 1 when the
 * clip has ended before the first frame asked for.
 */
export function selectedFrames(
  clip: { readonly frameCount: number; readonly fps: number },
  { startFrame = 0, frameCount = Number.POSITIVE_INFINITY, fps = clip.fps }: VideoSelection,
): number {
  const atRate = fps === clip.fps ? clip.frameCount : Math.round((clip.frameCount * fps) / clip.fps);
  return Math.min(Math.max(1, atRate) - startFrame, frameCount);
}
