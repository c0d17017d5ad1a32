/** The curve of a wire: one cubic Bézier that leaves its output to the right and enters its input from the left. */
import type { Place, Rect } from './geometry.ts';

export interface WirePath {
  readonly from: Place;
  readonly to: Place;
  /** Horizontal reach of both control points. */
  readonly reach: number;
}

export function wirePath(from: Place, to: Place): WirePath {
  const dx = to.x - from.x;
  const dy = Math.abs(to.y - from.y);
  // A wire that goes back needs a wider bow, so that it is seen to leave on the right side.
  const reach = dx >= 0 ? Math.min(Math.max(dx * 0.5, 28), 160) : Math.min(60 - dx * 0.35 + dy * 0.15, 260);
  return { from, to, reach };
}

/** Point of the curve at `t` in 0..1. */
export function pointOnWire({ from, to, reach }: WirePath, t: number): Place {
  const u = 1 - t;
  const a = u * u * u;
  const b = 3 * u * u * t;
  const c = 3 * u * t * t;
  const d = t * t * t;
  return {
    x: a * from.x + b * (from.x + reach) + c * (to.x - reach) + d * to.x,
    y: (a + b) * from.y + (c + d) * to.y,
  };
}

/** A rectangle that holds the whole curve. */
export function wireBounds({ from, to, reach }: WirePath): Rect {
  const left = Math.min(from.x, to.x - reach);
  const right = Math.max(from.x + reach, to.x);
  const top = Math.min(from.y, to.y);
  return { x: left, y: top, width: right - left, height: Math.abs(to.y - from.y) };
}

const segments = 20;

/** Squared distance from a point to the curve (to its polyline; the error is far below a pixel of tolerance). */
export function squaredDistanceToWire(path: WirePath, x: number, y: number): number {
  let best = Infinity;
  let previous = path.from;
  for (let index = 1; index <= segments; index++) {
    const next = pointOnWire(path, index / segments);
    best = Math.min(best, squaredDistanceToSegment(previous, next, x, y));
    previous = next;
  }
  return best;
}

function squaredDistanceToSegment(a: Place, b: Place, x: number, y: number): number {
  const dx = b.x - a.x;
  const dy = b.y - a.y;
  const length = dx * dx + dy * dy;
  const t = length === 0 ? 0 : Math.min(1, Math.max(0, ((x - a.x) * dx + (y - a.y) * dy) / length));
  const ex = x - (a.x + t * dx);
  const ey = y - (a.y + t * dy);
  return ex * ex + ey * ey;
}
