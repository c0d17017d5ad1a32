/** What is under the pointer, answered from geometry because most of the picture is paint and not DOM. */
import { contains, type Rect } from './geometry.ts';
import { squaredDistanceToWire, type WirePath, wireBounds } from './wire-path.ts';

/** The topmost node at a point: the last in `order` whose rectangle holds it. */
export function nodeAt(
  order: Iterable<readonly [id: string, rect: Rect]>,
  x: number,
  y: number,
): string | undefined {
  let found: string | undefined;
  for (const [id, rect] of order) if (contains(rect, x, y)) found = id;
  return found;
}

/** The wire nearest to a point and within `tolerance` of it. */
export function wireAt(
  wires: Iterable<readonly [key: string, path: WirePath]>,
  x: number,
  y: number,
  tolerance: number,
): string | undefined {
  let found: string | undefined;
  let best = tolerance * tolerance;
  for (const [key, path] of wires) {
    const box = wireBounds(path);
    if (x < box.x - tolerance || x > box.x + box.width + tolerance) continue;
    if (y < box.y - tolerance || y > box.y + box.height + tolerance) continue;
    const distance = squaredDistanceToWire(path, x, y);
    if (distance <= best) {
      best = distance;
      found = key;
    }
  }
  return found;
}
