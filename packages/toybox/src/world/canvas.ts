/** One frame being drawn: colours as numbers 0-255, [H, W, 3], not rounded until it is done. */
import type { FrameSize } from './clip.ts';
import type { Rgb } from './words.ts';

export interface Canvas extends FrameSize {
  readonly pixels: Float64Array;
}

/** A rectangle of whole pixels; `right` and `bottom` are just outside. */
export interface Window {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** A canvas without any colour yet. */
export function createCanvas({ width, height }: FrameSize): Canvas {
  return { width, height, pixels: new Float64Array(height * width * 3) };
}

/** The pixels of a canvas no farther than `radius` from a point along either axis. */
export function windowAround({ width, height }: FrameSize, x: number, y: number, radius: number): Window {
  return {
    left: Math.max(0, Math.floor(x - radius)),
    top: Math.max(0, Math.floor(y - radius)),
    right: Math.min(width, Math.ceil(x + radius)),
    bottom: Math.min(height, Math.ceil(y + radius)),
  };
}

/** Lays a colour over the pixel that starts at index `at`; `coverage` 0-1. */
export function layOver(pixels: Float64Array, at: number, colour: Rgb, coverage: number): void {
  pixels[at]! += (colour[0] - pixels[at]!) * coverage;
  pixels[at + 1]! += (colour[1] - pixels[at + 1]!) * coverage;
  pixels[at + 2]! += (colour[2] - pixels[at + 2]!) * coverage;
}

/** How much of a pixel lies inside an outline at signed distance `d` (pixels) from its centre. */
export function coverageAt(d: number): number {
  return d >= 0.5 ? 0 : d <= -0.5 ? 1 : 0.5 - d;
}
