import { fromFunction, randomNormal, type Tensor } from '@reelgraph/tensor';
import { describe, expect, it } from 'vitest';
import {
  createChunkCanvas,
  framesOfLatents,
  type LatentExtent,
  latentPiece,
  planDecode,
  type TilingRules,
} from './decode-tiles.ts';

const vaeScale = { spatial: 2, temporal: 4 };
const rules = (mostPlaces: number, more: Partial<TilingRules> = {}): TilingRules => ({
  vaeScale,
  context: { temporal: 2, spatial: 2 },
  mostPlaces,
  mostChunkBytes: 2 ** 30,
  ...more,
});

/**
 * A decoder that looks two latent frames back and two places around, as two layers of the shipped one do: each layer
 * adds up the frame before (its own where there is none) and the neighbours (nothing outside).
 */
function decode(latent: Tensor<'float32'>): Tensor<'float32'> {
  const [, , frames = 0, rows = 0, columns = 0] = latent.shape;
  let layer = Float64Array.from(latent.data.subarray(0, frames * rows * columns));
  for (let depth = 0; depth < 2; depth++) {
    const before = layer;
    const at = (t: number, y: number, x: number) =>
      y < 0 || x < 0 || y >= rows || x >= columns ? 0 : before[(Math.max(0, t) * rows + y) * columns + x]!;
    layer = before.map((value, i) => {
      const [x, y, t] = [i % columns, Math.floor(i / columns) % rows, Math.floor(i / (rows * columns))];
      const near = at(t, y - 1, x) + at(t, y + 1, x) + at(t, y, x - 1) + at(t, y, x + 1);
      return 0.5 * value + 0.3 * at(t - 1, y, x) + 0.2 * near;
    });
  }
  const { spatial, temporal } = vaeScale;
  const count = (frames - 1) * temporal + 1;
  const [height, width] = [rows * spatial, columns * spatial];
  return fromFunction([1, 3, count, height, width], (i) => {
    const [x, y] = [i % width, Math.floor(i / width) % height];
    const t = Math.ceil((Math.floor(i / (width * height)) % count) / temporal);
    const channel = Math.floor(i / (width * height * count));
    return layer[(t * rows + Math.floor(y / spatial)) * columns + Math.floor(x / spatial)]! + channel / 10;
  });
}

function decodeByChunk(latent: Tensor<'float32'>, extent: LatentExtent, tiling: TilingRules) {
  const plan = planDecode(extent, tiling);
  const chunks = plan.chunks.map((chunk) => {
    const canvas = createChunkCanvas(chunk, extent, vaeScale);
    for (const row of plan.rows)
      for (const column of plan.columns)
        canvas.draw(decode(latentPiece(latent, { chunk, row, column })), row, column);
    return canvas.pixels;
  });
  return { plan, chunks };
}

/** Largest difference between chunks one after the other and the whole. */
function worst(chunks: readonly Tensor<'float32'>[], whole: Tensor<'float32'>): number {
  const [, , total = 0, height = 0, width = 0] = whole.shape;
  let [at, largest] = [0, 0];
  for (const { data, shape } of chunks) {
    const places = (shape[2] ?? 0) * height * width;
    for (let i = 0; i < data.length; i++) {
      const channel = Math.floor(i / places);
      const there = whole.data[(channel * total + at) * height * width + (i % places)]!;
      largest = Math.max(largest, Math.abs(data[i]! - there));
    }
    at += shape[2] ?? 0;
  }
  expect(at).toBe(total);
  return largest;
}

describe('decoding in pieces', () => {
  it('is one piece where that is within the bounds', () => {
    const plan = planDecode({ frames: 17, rows: 8, columns: 8 }, rules(17 * 64));
    expect(plan).toEqual({
      chunks: [{ start: 0, end: 17, from: 0, to: 17 }],
      rows: [{ start: 0, end: 8, from: 0, to: 8 }],
      columns: [{ start: 0, end: 8, from: 0, to: 8 }],
    });
  });

  it.each([
    ['in time', { frames: 17, rows: 3, columns: 4 }, 80],
    ['in space', { frames: 3, rows: 40, columns: 24 }, 1200],
    ['in both', { frames: 9, rows: 24, columns: 33 }, 1000],
    ['to the smallest pieces', { frames: 7, rows: 19, columns: 17 }, 1],
  ])('equals the whole when it is divided %s', (_, extent, mostPlaces) => {
    const latent = randomNormal('5', [1, 2, extent.frames, extent.rows, extent.columns]);
    const { plan, chunks } = decodeByChunk(latent, extent, rules(mostPlaces));
    expect(plan.chunks.length * plan.rows.length * plan.columns.length).toBeGreaterThan(1);
    // 1e-6: two products and a sum of float32 values around 1, where tiles are blended.
    expect(worst(chunks, decode(latent))).toBeLessThan(1e-6);
  });

  it('needs its context: without it the pieces do not fit', () => {
    const extent = { frames: 9, rows: 24, columns: 33 };
    const latent = randomNormal('5', [1, 2, 9, 24, 33]);
    const short = rules(1000, { context: { temporal: 1, spatial: 1 } });
    expect(worst(decodeByChunk(latent, extent, short).chunks, decode(latent))).toBeGreaterThan(0.01);
  });

  it('keeps every piece within the bounds, and decodes little twice', () => {
    for (const extent of [
      { frames: 17, rows: 64, columns: 64 },
      { frames: 65, rows: 90, columns: 160 },
      { frames: 400, rows: 8, columns: 8 },
    ]) {
      const tiling = rules(24_576, { context: { temporal: 4, spatial: 4 } });
      const { chunks, rows, columns } = planDecode(extent, tiling);
      const length = (spans: typeof chunks) => spans.map(({ from, to }) => to - from);
      const largest = (spans: typeof chunks) => Math.max(...length(spans));
      const sum = (spans: typeof chunks) => length(spans).reduce((a, b) => a + b, 0);
      expect(largest(chunks) * largest(rows) * largest(columns)).toBeLessThanOrEqual(24_576);
      const decoded = sum(chunks) * sum(rows) * sum(columns);
      expect(decoded / (extent.frames * extent.rows * extent.columns)).toBeLessThan(2.5);
      expect(chunks.reduce((frames, chunk) => frames + framesOfLatents(chunk, 4), 0)).toBe(
        (extent.frames - 1) * 4 + 1,
      );
    }
  });

  it('gives chunks within their bytes', () => {
    const tiling = rules(1e9, { mostChunkBytes: 4 * 4 * 20 * 20 * 12 * 3 });
    const { chunks } = planDecode({ frames: 20, rows: 20, columns: 20 }, tiling);
    expect(chunks.map(({ start, end }) => end - start)).toEqual([3, 3, 3, 3, 3, 3, 2]);
  });
});
