/** Draws one shape, in any style, with its bite and its line of paint. */
import { type Canvas, coverageAt, layOver, windowAround } from './canvas.ts';
import { distanceToShape } from './outline.ts';
import type { Pose } from './pose.ts';
import { type Rgb, reach, type Shape, type Style } from './words.ts';

/** A bite's radius and its distance from the disc's centre, in radii of the disc. */
export const biteRadius = 0.62;
export const biteDistance = 0.85;
/** Half the width of a line of paint, in radii of what paints it. */
export const paintHalfWidth = 0.45;

/** A shape as it is in one frame; lengths in pixels. */
export interface Drawn {
  readonly shape: Shape;
  readonly style: Style;
  readonly colour: Rgb;
  readonly pose: Pose;
  /** Angle of a bite that has been taken. */
  readonly biteAngle?: number | undefined;
  /** The line painted up to here. */
  readonly paint?: { readonly from: Pose; readonly colour: Rgb } | undefined;
}

/** Signed distance of a point from a shape's outline, less what was bitten off. */
export function distanceToDrawn({ shape, pose, biteAngle }: Drawn): (x: number, y: number) => number {
  const { x: cx, y: cy, radius, angle } = pose;
  const cos = Math.cos(angle);
  const sin = Math.sin(angle);
  if (biteAngle === undefined) return (x, y) => distanceToShape(shape, x - cx, y - cy, radius, cos, sin);
  const holeX = cx + biteDistance * radius * Math.cos(biteAngle);
  const holeY = cy + biteDistance * radius * Math.sin(biteAngle);
  return (x, y) =>
    Math.max(
      distanceToShape(shape, x - cx, y - cy, radius, cos, sin),
      biteRadius * radius - Math.sqrt((x - holeX) ** 2 + (y - holeY) ** 2),
    );
}

/**
 * How far from its outline a style leaves colour, in pixels along either axis. Outlines measure the
 * distance to a sharp tip as if its edges went on, which is less than half the true one: hence the factor.
 */
function spreadOf(style: Style, short: number): number {
  // Neon glows as exp(-d / 0.05 short); at eight such lengths it is less than a tenth of a level.
  const farthest = style === 'watercolour' ? 0.0225 * short : style === 'neon' ? 0.4 * short : 0.5;
  return 2.5 * farthest + 1;
}

/** A line with round ends from where the shape started to where it is. */
function drawPaint(canvas: Canvas, pose: Pose, from: Pose, colour: Rgb): void {
  const { pixels, width } = canvas;
  const half = paintHalfWidth * pose.radius;
  const ex = pose.x - from.x;
  const ey = pose.y - from.y;
  const square = Math.max(1e-6, ex * ex + ey * ey);
  const around = windowAround(
    canvas,
    from.x + ex / 2,
    from.y + ey / 2,
    Math.max(Math.abs(ex), Math.abs(ey)) / 2 + half + 1,
  );
  for (let row = around.top; row < around.bottom; row++) {
    for (let column = around.left; column < around.right; column++) {
      const x = column + 0.5 - from.x;
      const y = row + 0.5 - from.y;
      const along = Math.min(1, Math.max(0, (x * ex + y * ey) / square));
      const d = Math.sqrt((x - ex * along) ** 2 + (y - ey * along) ** 2) - half;
      if (d < 0.5) layOver(pixels, (row * width + column) * 3, colour, coverageAt(d));
    }
  }
}

/** Draws a shape over the canvas. Lengths of a style are fractions of the frame's shorter side. */
export function drawShape(canvas: Canvas, drawn: Drawn): void {
  const { style, colour, pose, paint } = drawn;
  if (paint !== undefined) drawPaint(canvas, pose, paint.from, paint.colour);
  const { pixels, width } = canvas;
  const short = Math.min(width, canvas.height);
  const stroke = 0.018 * short;
  const around = windowAround(canvas, pose.x, pose.y, reach * pose.radius + spreadOf(style, short));
  const distance = distanceToDrawn(drawn);
  const dark: Rgb = [colour[0] * 0.55, colour[1] * 0.55, colour[2] * 0.55];
  const lit = (c: number) => c + (255 - c) * 0.55;
  const light: Rgb = [lit(colour[0]), lit(colour[1]), lit(colour[2])];
  for (let row = around.top; row < around.bottom; row++) {
    const y = row + 0.5;
    for (let column = around.left; column < around.right; column++) {
      const x = column + 0.5;
      const d = distance(x, y);
      const at = (row * width + column) * 3;
      if (style === 'flat') {
        if (d < 0.5) layOver(pixels, at, colour, coverageAt(d));
        continue;
      }
      const line = coverageAt(Math.abs(d + stroke) - stroke);
      switch (style) {
        case 'outline':
          if (line > 0) layOver(pixels, at, colour, line);
          break;
        case 'watercolour': {
          const soft = Math.min(1, Math.max(0, 0.5 - d / (0.045 * short)));
          if (soft === 0) break;
          const wash = 0.72 + 0.16 * Math.sin((2 * Math.PI * (x + 2 * y)) / (0.6 * short));
          layOver(pixels, at, colour, soft * wash);
          break;
        }
        case 'neon':
          if (d > -2 * stroke) {
            layOver(pixels, at, colour, 0.6 * Math.exp(-Math.max(0, d) / (0.05 * short)));
          }
          if (line > 0) layOver(pixels, at, light, line);
          break;
        case 'pencil': {
          if (d >= 0.5) break;
          const hatch = 0.45 + 0.3 * Math.sin((2 * Math.PI * (x + y)) / (0.125 * short));
          layOver(pixels, at, colour, hatch * coverageAt(d));
          layOver(pixels, at, dark, line);
          break;
        }
      }
    }
  }
}
