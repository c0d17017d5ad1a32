/** The 32-bit finaliser of MurmurHash3 (public domain). */
function mix32(value: number): number {
  let h = value >>> 0;
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  h ^= h >>> 16;
  return h >>> 0;
}

/**
 * The `index`-th uniform number in [0, 1) of a seed (0 <= seed < 2^32); counter based, so draws do not
 * depend on their order. The same as `draw` in `training/tiles_world.py`.
 */
export function draw(seed: number, index: number): number {
  const counter = Math.imul(index + 1, 0x9e3779b9) >>> 0;
  return mix32(mix32(seed) + counter) / 2 ** 32;
}
