/**
 * Decoding a latent in pieces. A causal video decoder sees some latent frames before the one it draws, and places
 * around it; each piece is decoded with that much context, which is cut off again. Where pieces meet side by side they
 * overlap by a little more and one turns linearly into the other.
 *
 * ```text
 *   latent frames   0 1 2 3 4 5 6 7 8 9        context of 2
 *   first piece     [kept       ]
 *   second piece          c c [kept     ]      decoded from c on, frames of c are dropped
 * ```
 *
 * With a context as large as what the decoder sees, pieces hold what the whole holds, up to the rounding of sums
 * taken in another order.
 */
import type { Tensor } from '@reelgraph/tensor';

/** How far a decoder looks, and how much is decoded at a time. */
export interface TilingRules {
  readonly vaeScale: { readonly spatial: number; readonly temporal: number };
  /** Latent frames before, and latent places on each side, that a place is drawn from. */
  readonly context: { readonly temporal: number; readonly spatial: number };
  /** Latent places of a piece, its context among them: what bounds memory. */
  readonly mostPlaces: number;
  /** Bytes of float pixels of a chunk, unless a single latent frame has more. */
  readonly mostChunkBytes: number;
}

/** Latent size of a clip. */
export interface LatentExtent {
  readonly frames: number;
  readonly rows: number;
  readonly columns: number;
}

/** A stretch of an axis: `start` … `end` is kept of what is decoded from `from` … `to`. */
export interface TileSpan {
  readonly from: number;
  readonly to: number;
  readonly start: number;
  readonly end: number;
}

/** Every chunk is drawn by all tiles, rows times columns. */
export interface DecodePlan {
  /** In time: one after the other, without overlap. */
  readonly chunks: readonly TileSpan[];
  readonly rows: readonly TileSpan[];
  readonly columns: readonly TileSpan[];
}

/** Latent places on each side of a seam over which two tiles are blended. */
const blend = 1;
/** Of a tile, without what it shares. */
const leastTile = 8;

/** The division with the least decoded twice among those that keep within the bounds; one piece where that is enough. */
export function planDecode(extent: LatentExtent, rules: TilingRules): DecodePlan {
  const { frames, rows, columns } = extent;
  const { spatial } = rules.context;
  // At least one: the first latent frame of what is decoded stands for one frame only.
  const temporal = Math.max(1, rules.context.temporal);
  const edge = spatial + blend;
  const bytesPerFrame = rows * columns * rules.vaeScale.spatial ** 2 * rules.vaeScale.temporal * 12;
  const longest = Math.max(1, Math.floor(rules.mostChunkBytes / bytesPerFrame));
  const most = (size: number) => Math.max(1, Math.floor(size / leastTile));
  /** Places along an axis that is cut in `parts`: in the largest part, and in all. */
  const cut = (size: number, parts: number, before: number, after: number) => ({
    largest: Math.min(size, Math.ceil(size / parts) + (parts > 1 ? before : 0) + (parts > 2 ? after : 0)),
    total: size + (parts - 1) * (before + after),
  });

  let best = { chunks: frames, rows: most(rows), columns: most(columns), cost: Number.POSITIVE_INFINITY };
  for (let chunks = Math.ceil(frames / longest); chunks <= frames; chunks++) {
    const t = cut(frames, chunks, temporal, 0);
    for (let down = 1; down <= most(rows); down++) {
      const y = cut(rows, down, edge, edge);
      for (let across = 1; across <= most(columns); across++) {
        const x = cut(columns, across, edge, edge);
        const cost = t.total * y.total * x.total;
        if (cost >= best.cost || t.largest * y.largest * x.largest > rules.mostPlaces) continue;
        best = { chunks, rows: down, columns: across, cost };
      }
    }
  }
  return {
    chunks: spans(frames, best.chunks, 0, { before: temporal, after: 0 }),
    rows: spans(rows, best.rows, blend, { before: spatial, after: spatial }),
    columns: spans(columns, best.columns, blend, { before: spatial, after: spatial }),
  };
}

function spans(
  size: number,
  parts: number,
  overlap: number,
  context: { readonly before: number; readonly after: number },
): TileSpan[] {
  const length = Math.ceil(size / parts);
  return Array.from({ length: Math.ceil(size / length) }, (_, i) => {
    const start = Math.max(0, i * length - overlap);
    const end = Math.min(size, (i + 1) * length + overlap);
    return {
      start,
      end,
      from: Math.max(0, start - context.before),
      to: Math.min(size, end + context.after),
    };
  });
}

/** Frames that latent frames `start` … `end` stand for: the first of a clip for one, every other for `temporal`. */
export function framesOfLatents({ start, end }: Pick<TileSpan, 'start' | 'end'>, temporal: number): number {
  return (end - start) * temporal - (start === 0 ? temporal - 1 : 0);
}

/** A piece of a latent [1, C, T, H, W]. */
export function latentPiece(
  latent: Tensor<'float32'>,
  { chunk, row, column }: { readonly chunk: TileSpan; readonly row: TileSpan; readonly column: TileSpan },
): Tensor<'float32'> {
  const [, channels = 0, frames = 0, rows = 0, columns = 0] = latent.shape;
  const shape = [1, channels, chunk.to - chunk.from, row.to - row.from, column.to - column.from];
  const data = new Float32Array(shape.reduce((product, side) => product * side, 1));
  let at = 0;
  for (let channel = 0; channel < channels; channel++) {
    for (let t = chunk.from; t < chunk.to; t++) {
      for (let y = row.from; y < row.to; y++) {
        const line = ((channel * frames + t) * rows + y) * columns;
        data.set(latent.data.subarray(line + column.from, line + column.to), at);
        at += column.to - column.from;
      }
    }
  }
  return { dtype: 'float32', shape, data };
}

/** Draws decoded pieces into the frames of one chunk, [1, 3, n, H, W]. */
export function createChunkCanvas(
  chunk: TileSpan,
  extent: LatentExtent,
  { spatial, temporal }: TilingRules['vaeScale'],
): {
  readonly pixels: Tensor<'float32'>;
  /** @param decoded frames of the piece with its context, [1, 3, f, h, w] */
  draw(decoded: Tensor<'float32'>, row: TileSpan, column: TileSpan): void;
} {
  const frameCount = framesOfLatents(chunk, temporal);
  const [height, width] = [extent.rows * spatial, extent.columns * spatial];
  const data = new Float32Array(3 * frameCount * height * width);
  return {
    pixels: { dtype: 'float32', shape: [1, 3, frameCount, height, width], data },
    draw(decoded, row, column) {
      const [, , frames = 0, , tileWidth = 0] = decoded.shape;
      const tileHeight = decoded.shape[3] ?? 0;
      // A piece is decoded as a clip of its own, so its first latent frame gives one frame and not four.
      const dropped = frames - frameCount;
      const down = weights(row, extent.rows, spatial);
      const across = weights(column, extent.columns, spatial);
      const [top, left] = [(row.start - row.from) * spatial, (column.start - column.from) * spatial];
      for (let channel = 0; channel < 3; channel++) {
        for (let t = 0; t < frameCount; t++) {
          for (let y = 0; y < down.length; y++) {
            const from = ((channel * frames + t + dropped) * tileHeight + top + y) * tileWidth + left;
            const to = ((channel * frameCount + t) * height + row.start * spatial + y) * width;
            const rowWeight = down[y]!;
            for (let x = 0; x < across.length; x++)
              data[to + column.start * spatial + x]! += rowWeight * across[x]! * decoded.data[from + x]!;
          }
        }
      }
    },
  };
}

/** Weight of each kept pixel along an axis: 1, and a slope to each neighbour. Those of two neighbours make 1. */
function weights({ start, end }: TileSpan, size: number, scale: number): Float32Array {
  const pixels = new Float32Array((end - start) * scale).fill(1);
  const slope = 2 * blend * scale;
  for (let i = 0; i < slope && i < pixels.length; i++) {
    const share = (i + 0.5) / slope;
    if (start > 0) pixels[i] = share;
    if (end < size) pixels[pixels.length - 1 - i] = share;
  }
  return pixels;
}
