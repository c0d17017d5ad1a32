import type { Clip } from '../world/clip.ts';
import { picturesPerTheme, tilePictures, tileSidePx } from './sprites.ts';
import type { Facing, TileKind, TileTheme } from './tile-world.ts';
import { tileThemes } from './tile-world.ts';

/** What a frame shows, read from its pixels alone. */
export interface BoardReading {
  readonly theme: TileTheme;
  readonly rows: number;
  readonly columns: number;
  /** Row by row; undefined where a tile looks like nothing of this world. Under the agent: the ground. */
  readonly kinds: readonly (TileKind | undefined)[];
  /** Absent when there is no agent, or more than one. */
  readonly agent?: { readonly row: number; readonly column: number; readonly facing: Facing };
  /** Phase that most moving tiles show. */
  readonly clock: number;
}

/**
 * Root mean square difference (0-255) from which a tile is no picture of this world. Noise of 28 dB is 10, and two
 * different pictures of a theme, but for lamp and eyes of the agent, are at least 30 apart.
 */
const unreadableFrom = 30;

/**
 * Reads frame `f` of a clip: each tile is the picture it is nearest to, in the theme that fits the whole best.
 *
 * @returns undefined when the frame is no whole number of tiles
 */
export function readBoard({ frames, width, height }: Clip, f: number): BoardReading | undefined {
  if (width % tileSidePx !== 0 || height % tileSidePx !== 0 || width === 0 || height === 0) return undefined;
  const rows = height / tileSidePx;
  const columns = width / tileSidePx;
  const rowBytes = tileSidePx * 3;
  const at = f * height * width * 3;
  const nearest = Array.from({ length: rows * columns }, (_, tile) => {
    const top = Math.floor(tile / columns) * tileSidePx;
    const left = (tile % columns) * rowBytes;
    const values = new Uint8Array(tileSidePx * rowBytes);
    for (let y = 0; y < tileSidePx; y++) {
      const from = at + (top + y) * width * 3 + left;
      values.set(frames.subarray(from, from + rowBytes), y * rowBytes);
    }
    return nearestOfThemes(values);
  });
  const totals = tileThemes.map((_, theme) =>
    nearest.reduce((sum, candidates) => sum + candidates[theme]!.squared, 0),
  );
  const theme = totals.indexOf(Math.min(...totals));
  const agents: { row: number; column: number; facing: Facing }[] = [];
  const clocks = new Map<number, number>();
  const kinds = nearest.map((candidates, tile) => {
    const { index, squared } = candidates[theme]!;
    if (Math.sqrt(squared / (tileSidePx * rowBytes)) >= unreadableFrom) return undefined;
    const { picture } = tilePictures[index]!;
    if ('phase' in picture) clocks.set(picture.phase, (clocks.get(picture.phase) ?? 0) + 1);
    if (picture.kind !== 'agent') return picture.kind;
    agents.push({ row: Math.floor(tile / columns), column: tile % columns, facing: picture.facing });
    return picture.ground;
  });
  const [agent, another] = agents;
  return {
    theme: tileThemes[theme]!,
    rows,
    columns,
    kinds,
    ...(agent === undefined || another !== undefined ? {} : { agent }),
    clock: [...clocks].sort((a, b) => b[1] - a[1])[0]?.[0] ?? 0,
  };
}

interface Nearest {
  readonly index: number;
  /** Sum of squared differences. */
  readonly squared: number;
}

/** Sums of red, green and blue of each picture: how far two of them are apart bounds the pictures' distance from below. */
const colourSums = tilePictures.map(({ pixels }) => sumsOf(pixels));

/** Pictures of one clip repeat: what was found for the same bytes is found again. */
const found = new Map<string, readonly Nearest[]>();
const mostFound = 4096;

/** The nearest picture of each theme. */
function nearestOfThemes(values: Uint8Array): readonly Nearest[] {
  const key = String.fromCharCode(...values);
  const known = found.get(key);
  if (known !== undefined) return known;
  const sums = sumsOf(values);
  const nearest = tileThemes.map((_, theme) => {
    let best: Nearest = { index: 0, squared: Number.POSITIVE_INFINITY };
    for (let index = theme * picturesPerTheme; index < (theme + 1) * picturesPerTheme; index++) {
      const own = colourSums[index]!;
      const apart = (own[0] - sums[0]) ** 2 + (own[1] - sums[1]) ** 2 + (own[2] - sums[2]) ** 2;
      // Of n differences with the sum s the squares are at least s² / n.
      if (apart / tileSidePx ** 2 >= best.squared) continue;
      const squared = squaredDistance(values, tilePictures[index]!.pixels, best.squared);
      if (squared < best.squared) best = { index, squared };
    }
    return best;
  });
  if (found.size >= mostFound) found.clear();
  found.set(key, nearest);
  return nearest;
}

function sumsOf(pixels: Uint8Array): readonly [number, number, number] {
  let [red, green, blue] = [0, 0, 0];
  for (let i = 0; i < pixels.length; i += 3) {
    red += pixels[i]!;
    green += pixels[i + 1]!;
    blue += pixels[i + 2]!;
  }
  return [red, green, blue];
}

/** Stops, with what it has, once it is at `enough`. */
function squaredDistance(a: Uint8Array, b: Uint8Array, enough: number): number {
  let squared = 0;
  for (let i = 0; i < a.length && squared < enough; i++) {
    const difference = a[i]! - b[i]!;
    squared += difference * difference;
  }
  return squared;
}
