/** Finds what differs from the background: connected patches of pixels, frame by frame. */

import type { Clip } from '../world/clip.ts';
import { type Colour, colourNames, colours, type Rgb, wallColour } from '../world/words.ts';
import type { FittedBackground } from './background.ts';

/** RGB distance from the background at which a pixel belongs to something, 0-255 units; the faintest contrast in the world is 55. */
const threshold = 42;
/** The same on the dark ground of neon, whose glows would join what stands apart; its lines lie 180 and more away. */
const neonThreshold = 130;

/** A connected patch of one frame. */
export interface Patch {
  readonly frame: number;
  /** Indices of its pixels within the frame, holes filled. */
  readonly pixels: readonly number[];
  /** How many of them differ from the background. */
  readonly solid: number;
  readonly x0: number;
  readonly y0: number;
  /** Last column and row, inclusive. */
  readonly x1: number;
  readonly y1: number;
  /** Centre of the filled patch, pixels. */
  readonly x: number;
  readonly y: number;
  /** The palette colour most of its clear pixels have, when they agree; only flat colours say so. */
  readonly colour: Colour | undefined;
  /** Mean RGB distance of its pixels from the background. */
  readonly contrast: number;
}

/** Columns [from, to) of a wall, by whole pixels, or undefined: nearly all their pixels are brown in nearly all frames. */
export function findWall(clip: Clip): { from: number; to: number } | undefined {
  const { frames, frameCount, width, height } = clip;
  const brown = new Float64Array(width);
  for (let at = 0, i = 0; at < frames.length; at += 3, i++) {
    const r = frames[at]! - wallColour[0];
    const g = frames[at + 1]! - wallColour[1];
    const b = frames[at + 2]! - wallColour[2];
    if (r * r + g * g + b * b < 45 * 45) brown[i % width]!++;
  }
  const all = frameCount * height;
  const isWall = (x: number) => brown[x]! > 0.8 * all;
  let best: { from: number; to: number } | undefined;
  for (let from = 0; from < width; from++) {
    if (!isWall(from)) continue;
    let to = from;
    while (to < width && isWall(to)) to++;
    if (best === undefined || to - from > best.to - best.from) best = { from, to };
    from = to;
  }
  // Half of the narrowest wall there is.
  return best !== undefined && best.to - best.from >= 0.19 * width ? best : undefined;
}

/** Distance of each pixel of a frame from the background; 0 behind a wall. On floors, edges of cells may lie a pixel off. */
function differences(
  clip: Clip,
  background: FittedBackground,
  frame: number,
  wall: { from: number; to: number } | undefined,
): Float32Array {
  const { frames, width, height } = clip;
  const { pixels, isFloor } = background;
  const out = new Float32Array(width * height);
  const offset = frame * width * height * 3;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (wall !== undefined && x >= wall.from - 1 && x <= wall.to) continue;
      const at = offset + (y * width + x) * 3;
      const r = frames[at]! - pixels[at]!;
      const g = frames[at + 1]! - pixels[at + 1]!;
      const b = frames[at + 2]! - pixels[at + 2]!;
      let sum = r * r + g * g + b * b;
      if (isFloor && sum >= threshold * threshold) {
        for (const step of [-3, 3, -3 * width, 3 * width]) {
          const to = at + step;
          if (to < offset || to >= offset + width * height * 3) continue;
          // Distance to the blends of this pixel's background and its neighbour's.
          const nr = pixels[to]! - pixels[at]!;
          const ng = pixels[to + 1]! - pixels[at + 1]!;
          const nb = pixels[to + 2]! - pixels[at + 2]!;
          const square = nr * nr + ng * ng + nb * nb;
          if (square < 1) continue;
          const along = Math.min(1, Math.max(0, (r * nr + g * ng + b * nb) / square));
          sum = Math.min(sum, (r - along * nr) ** 2 + (g - along * ng) ** 2 + (b - along * nb) ** 2);
        }
      }
      out[y * width + x] = Math.sqrt(sum);
    }
  }
  return out;
}

/** Nearest palette colour within `tolerance`, by RGB distance. */
export function nearestColour(rgb: Rgb, tolerance: number): Colour | undefined {
  let best: Colour | undefined;
  let least = tolerance;
  for (const name of colourNames) {
    const c = colours[name];
    const d = Math.hypot(rgb[0] - c[0], rgb[1] - c[1], rgb[2] - c[2]);
    if (d < least) {
      best = name;
      least = d;
    }
  }
  return best;
}

/** The patches of one frame, largest first. */
function patchesOf(
  clip: Clip,
  background: FittedBackground,
  frame: number,
  wall: { from: number; to: number } | undefined,
): Patch[] {
  const { width, height, frames } = clip;
  const difference = differences(clip, background, frame, wall);
  const size = width * height;
  const least = background.ground === 'dark' ? neonThreshold : threshold;
  const offset = frame * size * 3;
  const label = new Int16Array(size).fill(-1);
  const groups: number[][] = [];
  const stack: number[] = [];
  for (let start = 0; start < size; start++) {
    if (label[start] !== -1 || difference[start]! < least) continue;
    const group: number[] = [];
    label[start] = groups.length;
    stack.push(start);
    while (stack.length > 0) {
      const i = stack.pop()!;
      group.push(i);
      const x = i % width;
      const y = (i - x) / width;
      for (let dy = -1; dy <= 1; dy++) {
        for (let dx = -1; dx <= 1; dx++) {
          const nx = x + dx;
          const ny = y + dy;
          if (nx < 0 || ny < 0 || nx >= width || ny >= height) continue;
          const n = ny * width + nx;
          if (label[n] === -1 && difference[n]! >= least) {
            label[n] = groups.length;
            stack.push(n);
          }
        }
      }
    }
    groups.push(group);
  }
  // A few pixels are noise, or the rim of something behind a wall.
  const fewest = Math.max(3, size * 0.0012);
  const kept = mergeNested(
    groups.filter((group) => group.length >= fewest),
    width,
  );
  const patches: Patch[] = [];
  for (const group of kept) {
    const parts = splitByColour(group, frames, offset, width);
    for (const { pixels, colour } of parts) {
      if (pixels.length < fewest) continue;
      patches.push(patchFrom(frame, pixels, colour, difference, width, height));
    }
  }
  return patches.sort((a, b) => b.pixels.length - a.pixels.length);
}

interface Bounds {
  x0: number;
  y0: number;
  x1: number;
  y1: number;
}

function boundsOf(group: readonly number[], width: number): Bounds {
  const bounds = { x0: width, y0: Number.POSITIVE_INFINITY, x1: -1, y1: -1 };
  for (const i of group) {
    const x = i % width;
    const y = (i - x) / width;
    bounds.x0 = Math.min(bounds.x0, x);
    bounds.x1 = Math.max(bounds.x1, x);
    bounds.y0 = Math.min(bounds.y0, y);
    bounds.y1 = Math.max(bounds.y1, y);
  }
  return bounds;
}

/** Joins what lies inside the bounds of another, as the inner line of an outlined ring does. */
function mergeNested(groups: readonly number[][], width: number): number[][] {
  const sorted = [...groups].sort((a, b) => b.length - a.length);
  const kept: { group: number[]; bounds: Bounds }[] = [];
  for (const group of sorted) {
    const bounds = boundsOf(group, width);
    const around = kept.find(
      (other) =>
        bounds.x0 >= other.bounds.x0 &&
        bounds.x1 <= other.bounds.x1 &&
        bounds.y0 >= other.bounds.y0 &&
        bounds.y1 <= other.bounds.y1,
    );
    if (around) around.group.push(...group);
    else kept.push({ group: [...group], bounds });
  }
  return kept.map(({ group }) => group);
}

/** RGB distance from a palette colour within which a pixel clearly has it. */
const clearColour = 65;

/** Splits a patch in two when two palette colours each make up a clear part of it, as a shape and the paint it leaves do. */
function splitByColour(
  group: readonly number[],
  frames: Uint8Array,
  offset: number,
  width: number,
): { pixels: readonly number[]; colour: Colour | undefined }[] {
  const names = new Map<number, Colour>();
  const counts = new Map<Colour, number>();
  for (const i of group) {
    const at = offset + i * 3;
    const colour = nearestColour([frames[at]!, frames[at + 1]!, frames[at + 2]!], clearColour);
    if (colour === undefined) continue;
    names.set(i, colour);
    counts.set(colour, (counts.get(colour) ?? 0) + 1);
  }
  const ranked = [...counts].sort((a, b) => b[1] - a[1]);
  const clear = names.size / group.length;
  const main = ranked[0] !== undefined && ranked[0][1] > 0.3 * group.length ? ranked[0][0] : undefined;
  // Where two colours blend there may be a rim of a third; only what is wider than a rim counts.
  const depth = (colour: Colour) =>
    group.filter((i) => [i, i - 1, i + 1, i - width, i + width].every((n) => names.get(n) === colour)).length;
  const second = ranked
    .slice(1)
    .find(([colour, count]) => count >= Math.max(8, 0.1 * group.length) && depth(colour) >= 3);
  if (main === undefined || second === undefined || clear < 0.4) {
    return [{ pixels: group, colour: main }];
  }
  const both = [main, second[0]];
  const parts: number[][] = [[], []];
  // Blended pixels go with the clear ones around them.
  for (const i of group) {
    const own = names.get(i);
    let part = own === undefined ? -1 : both.indexOf(own);
    if (part === -1) {
      const votes = [0, 0];
      for (let dy = -2; dy <= 2; dy++) {
        for (let dx = -2; dx <= 2; dx++) {
          const name = names.get(i + dy * width + dx);
          const vote = name === undefined ? -1 : both.indexOf(name);
          if (vote !== -1) votes[vote]!++;
        }
      }
      part = votes[1]! > votes[0]! ? 1 : 0;
    }
    parts[part]!.push(i);
  }
  return parts.map((pixels, k) => ({ pixels, colour: both[k] }));
}

function patchFrom(
  frame: number,
  group: readonly number[],
  colour: Colour | undefined,
  difference: Float32Array,
  width: number,
  height: number,
): Patch {
  const { x0, y0, x1, y1 } = boundsOf(group, width);
  const filled = fillHoles(group, { x0, y0, x1, y1 }, width);
  let sumX = 0;
  let sumY = 0;
  for (const i of filled) {
    sumX += (i % width) + 0.5;
    sumY += Math.floor(i / width) + 0.5;
  }
  let contrast = 0;
  for (const i of group) contrast += difference[i]!;
  return {
    frame,
    pixels: filled,
    solid: group.length,
    x0,
    y0,
    x1,
    y1: Math.min(y1, height - 1),
    x: sumX / filled.length,
    y: sumY / filled.length,
    colour,
    contrast: contrast / group.length,
  };
}

/** A patch with every pixel that its outside cannot reach. */
function fillHoles(group: readonly number[], bounds: Bounds, width: number): number[] {
  const w = bounds.x1 - bounds.x0 + 3;
  const h = bounds.y1 - bounds.y0 + 3;
  const state = new Uint8Array(w * h);
  for (const i of group) state[(Math.floor(i / width) - bounds.y0 + 1) * w + (i % width) - bounds.x0 + 1] = 1;
  const stack = [0];
  state[0] = 2;
  while (stack.length > 0) {
    const i = stack.pop()!;
    const x = i % w;
    for (const n of [x > 0 ? i - 1 : -1, x < w - 1 ? i + 1 : -1, i - w, i + w]) {
      if (n < 0 || n >= state.length || state[n] !== 0) continue;
      state[n] = 2;
      stack.push(n);
    }
  }
  const filled: number[] = [];
  for (let y = 1; y < h - 1; y++) {
    for (let x = 1; x < w - 1; x++) {
      if (state[y * w + x] !== 2) filled.push((y - 1 + bounds.y0) * width + x - 1 + bounds.x0);
    }
  }
  return filled;
}

/** The patches of every frame. */
export function findPatches(
  clip: Clip,
  background: FittedBackground,
  wall: { from: number; to: number } | undefined,
): Patch[][] {
  return Array.from({ length: clip.frameCount }, (_, f) => patchesOf(clip, background, f, wall));
}
