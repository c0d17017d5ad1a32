import { mix32 } from '../mix32.ts';

/**
 * The `index`-th uniform number in [0, 1) of a seed (0 <= seed < 2^32); counter based, so draws do not
 * depend on their order. The same as `draw` in `training/tiles_world.py`.
 */
export function draw(seed: number, index: number): number {
  const counter = Math.imul(index + 1, 0x9e3779b9) >>> 0;
  return mix32(mix32(seed) + counter) / 2 ** 32;
}
