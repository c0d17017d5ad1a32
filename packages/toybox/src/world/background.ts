/** Draws what lies behind the shapes. */
import { type Canvas, coverageAt } from './canvas.ts';
import type { View } from './pose.ts';
import {
  type Background,
  type Floor,
  floors,
  type Gradient,
  gradients,
  type Rgb,
  type Style,
  type Tone,
  tones,
} from './words.ts';

/** Pencil scenes are drawn on paper, whatever their background is called. */
export const paper: Rgb = [235, 232, 225];
/** A checkerboard has this many cells across a frame and along its height, from the horizon down. */
const cells = 8;
const horizon = 0.625;
/** Brightness of a background under neon shapes. */
const neonDimming = 0.3;

function isFloor(background: Background): background is Floor {
  return Object.hasOwn(floors, background);
}

function isGradient(background: Background): background is Gradient {
  return Object.hasOwn(gradients, background);
}

function isTone(background: Background): background is Tone {
  return Object.hasOwn(tones, background);
}

/** Signed distance, in cells, to the nearest border of a row of cells; positive in every second cell. */
function stripe(at: number): number {
  return 0.5 - Math.abs(at - 2 * Math.floor(at / 2) - 1);
}

/** Coverage of floor, and of light cells on it, per row or column of pixels. */
function inCells(coordinates: Float64Array, origin: number, pixelsPerUnit: number): Float64Array {
  return coordinates.map((at) => coverageAt((-stripe((at - origin) * cells) * pixelsPerUnit) / cells));
}

/** Covers the canvas with a background seen by a camera. */
export function drawBackground(canvas: Canvas, background: Background, style: Style, view: View): void {
  const { width, height, pixels } = canvas;
  const dimming = style === 'neon' ? neonDimming : 1;
  const dimmed = (colour: Rgb): Rgb => [colour[0] * dimming, colour[1] * dimming, colour[2] * dimming];
  // Where in the world each column and row of pixels looks, as fractions.
  const u = Float64Array.from(
    { length: width },
    (_, i) => ((i + 0.5) / width - 0.5) / view.zoom + 0.5 + view.pan,
  );
  const v = Float64Array.from({ length: height }, (_, i) => ((i + 0.5) / height - 0.5) / view.zoom + 0.5);

  const fillRow = (row: number, colour: Rgb) => {
    const [r, g, b] = colour;
    for (let at = row * width * 3, end = at + width * 3; at < end; at += 3) {
      pixels[at] = r;
      pixels[at + 1] = g;
      pixels[at + 2] = b;
    }
  };
  if (style === 'pencil' || isTone(background)) {
    const colour = dimmed(style === 'pencil' || !isTone(background) ? paper : tones[background]);
    for (let row = 0; row < height; row++) fillRow(row, colour);
    return;
  }
  if (isGradient(background)) {
    const [top, bottom] = gradients[background].map((tone) => dimmed(tones[tone]));
    for (let row = 0; row < height; row++) {
      const share = Math.min(1, Math.max(0, v[row]!));
      const between = (c: 0 | 1 | 2) => top![c] + (bottom![c] - top![c]) * share;
      fillRow(row, [between(0), between(1), between(2)]);
    }
    return;
  }
  if (!isFloor(background)) return;
  const [light, dark, behind] = floors[background].map(dimmed);
  const across = inCells(u, 0, width * view.zoom);
  const along = inCells(v, horizon, height * view.zoom);
  for (let row = 0; row < height; row++) {
    const below = coverageAt((horizon - v[row]!) * height * view.zoom);
    if (below === 0) {
      fillRow(row, behind!);
      continue;
    }
    const b = along[row]!;
    let at = row * width * 3;
    for (let column = 0; column < width; column++) {
      const a = across[column]!;
      const lit = a + b - 2 * a * b;
      for (let c = 0; c < 3; c++) {
        const floor = dark![c]! + (light![c]! - dark![c]!) * lit;
        pixels[at++] = behind![c]! + (floor - behind![c]!) * below;
      }
    }
  }
}
