/** Draws a solid box seen from above at 30 degrees, without perspective. */
import { type Canvas, coverageAt, layOver } from './canvas.ts';
import type { Box } from './scene.ts';
import { colours, type Rgb } from './words.ts';

interface Point {
  readonly x: number;
  readonly y: number;
}

/** Fills a convex polygon, given in either sense of rotation. */
function fillPolygon(canvas: Canvas, corners: readonly Point[], colour: Rgb): void {
  const next = (i: number) => corners[(i + 1) % corners.length]!;
  const area = corners.reduce((sum, corner, i) => sum + corner.x * next(i).y - next(i).x * corner.y, 0);
  const turn = area > 0 ? 1 : -1;
  const edges = corners.map((corner, i) => {
    const ex = next(i).x - corner.x;
    const ey = next(i).y - corner.y;
    const length = Math.max(1e-6, Math.hypot(ex, ey));
    return { x: corner.x, y: corner.y, nx: (turn * ey) / length, ny: (-turn * ex) / length };
  });
  const { width, height, pixels } = canvas;
  // The whole frame: the soft edge of a side seen from almost beside it reaches far beyond its corners.
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      let d = Number.NEGATIVE_INFINITY;
      for (const edge of edges) {
        d = Math.max(d, (column + 0.5 - edge.x) * edge.nx + (row + 0.5 - edge.y) * edge.ny);
        if (d >= 0.5) break;
      }
      if (d < 0.5) layOver(pixels, (row * width + column) * 3, colour, coverageAt(d));
    }
  }
}

/** Draws the sides of a box that face us, then its top, as they are in frame `f`. */
export function drawBox(canvas: Canvas, box: Box, f: number): void {
  const { width, height } = canvas;
  const short = Math.min(width, height);
  const half = box.side * short;
  const tall = box.height * short;
  const [r, g, b] = colours[box.colour];
  const angle = box.angle + box.turn * f;
  // A height is seen at 0.8660254 of its length, depth towards us at half of it.
  const place = (corner: Point, z: number): Point => ({
    x: 0.5 * width + corner.x,
    y: 0.56 * height + 0.5 * corner.y - 0.8660254 * (z - tall / 2),
  });
  const corners = [0, 1, 2, 3].map((k) => ({
    x: half * Math.SQRT2 * Math.cos(angle + ((k + 0.5) * Math.PI) / 2),
    y: half * Math.SQRT2 * Math.sin(angle + ((k + 0.5) * Math.PI) / 2),
  }));
  for (let k = 0; k < 4; k++) {
    // The side between corners k-1 and k looks along this direction.
    const facing = angle + (k * Math.PI) / 2;
    if (Math.sin(facing) <= 0.02) continue;
    const from = corners[(k + 3) % 4]!;
    const to = corners[k]!;
    const light = 0.42 + 0.4 * Math.abs(Math.cos(facing - 0.6));
    const side = [place(from, 0), place(to, 0), place(to, tall), place(from, tall)];
    fillPolygon(canvas, side, [r * light, g * light, b * light]);
  }
  const top = corners.map((corner) => place(corner, tall));
  fillPolygon(canvas, top, [r, g, b]);
}
