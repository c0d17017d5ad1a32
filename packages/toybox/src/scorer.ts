/**
 * Reads a clip of the Toybox world back into words, knowing nothing of the prompt that made it.
 *
 * The reading is made of plain measurements: the background is the median pixel, the object is what
 * differs from it, its shape is the outline that fits best, its motion is the path of its centre. So a
 * model can be scored against captions without a learnt judge, and the judge itself can be tested: true
 * renders must read back right, and mutants (another colour, shape or direction) must not.
 */
import {
  type AttributeName,
  type Attributes,
  backgroundNames,
  backgrounds,
  type Clip,
  colourNames,
  colours,
  distanceToShape,
  type Motion,
  parseCaption,
  type Rgb,
  type Shape,
  shapes,
} from './world.ts';

/** Where the object is in one frame; lengths as fractions of the width, the height and the shorter side. */
export interface TrackPoint {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  /** Radians, modulo the symmetry of the shape; 0 for a circle. */
  readonly angle: number;
}

/** What a clip shows. An attribute is absent when the clip shows no such thing clearly. */
export interface Reading extends Partial<Attributes> {
  /** One entry per frame, undefined where no object is seen. */
  readonly track: readonly (TrackPoint | undefined)[];
}

/** One line of a score table: how often an attribute was read as captioned. */
export interface ScoreRow {
  readonly attribute: AttributeName | 'all';
  readonly correct: number;
  readonly total: number;
  readonly rate: number;
  /** The rate the same readings would get beside captions dealt out at random. */
  readonly chance: number;
}

export const attributeNames = [
  'colour',
  'shape',
  'size',
  'motion',
  'background',
] as const satisfies AttributeName[];

/** Farthest an RGB colour may lie from the named one, in 0-255 units; the closest two names lie 89 apart. */
const colourTolerance = 75;
/** Least contrast between object and background, in 0-255 units. */
const leastContrast = 45;
/** Radius, as a fraction of the shorter side, between small (to 0.12) and large (from 0.19). */
const sizeThreshold = 0.152;

function distance(a: Rgb, b: Rgb): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}

function nearest<T extends string>(colour: Rgb, names: readonly T[], table: Record<T, Rgb>): T | undefined {
  let best: T | undefined;
  let bestDistance = colourTolerance;
  for (const name of names) {
    const d = distance(colour, table[name]);
    if (d < bestDistance) {
      best = name;
      bestDistance = d;
    }
  }
  return best;
}

/** Per-channel median of the pixels whose index is listed. */
function medianColour(frames: Uint8Array, pixels: ArrayLike<number>): Rgb {
  const channel = (c: number) => {
    const counts = new Uint32Array(256);
    for (let i = 0; i < pixels.length; i++) counts[frames[pixels[i]! * 3 + c]!]!++;
    let value = 0;
    for (let seen = counts[0]!; seen * 2 < pixels.length; seen += counts[value]!) value++;
    return value;
  };
  return [channel(0), channel(1), channel(2)];
}

/** Colour of the object: the median of the hundredth of all pixels that differ most from the background. */
function objectColour({ frames }: Clip, background: Rgb): Rgb {
  const count = frames.length / 3;
  const differences = new Uint16Array(count);
  const histogram = new Uint32Array(512);
  for (let i = 0; i < count; i++) {
    const d = Math.round(distance([frames[i * 3]!, frames[i * 3 + 1]!, frames[i * 3 + 2]!], background));
    differences[i] = d;
    histogram[d]!++;
  }
  let threshold = 511;
  for (let kept = histogram[threshold]!; kept < count / 100; kept += histogram[threshold]!) threshold--;
  const pixels: number[] = [];
  for (let i = 0; i < count; i++) if (differences[i]! >= threshold) pixels.push(i);
  return medianColour(frames, pixels);
}

/** How much of each pixel the object covers, 0-1: where its colour lies between background and object. */
function coverageOf(clip: Clip, frame: number, background: Rgb, object: Rgb): Float32Array {
  const { frames, width, height } = clip;
  const coverage = new Float32Array(width * height);
  const axis: Rgb = [object[0] - background[0], object[1] - background[1], object[2] - background[2]];
  const square = axis[0] ** 2 + axis[1] ** 2 + axis[2] ** 2;
  let at = frame * width * height * 3;
  for (let i = 0; i < coverage.length; i++, at += 3) {
    const along =
      (frames[at]! - background[0]) * axis[0] +
      (frames[at + 1]! - background[1]) * axis[1] +
      (frames[at + 2]! - background[2]) * axis[2];
    const value = along / square;
    // Below a quarter it may be noise or ringing of a decoder, which summed over a frame would weigh much.
    coverage[i] = value < 0.25 ? 0 : Math.min(1, value);
  }
  return coverage;
}

interface Blob {
  readonly coverage: Float32Array;
  readonly area: number;
  /** Centre in pixels. */
  readonly x: number;
  readonly y: number;
}

function blobOf(coverage: Float32Array, width: number): Blob | undefined {
  let area = 0;
  let sumX = 0;
  let sumY = 0;
  for (let i = 0; i < coverage.length; i++) {
    const value = coverage[i]!;
    if (value === 0) continue;
    area += value;
    sumX += value * ((i % width) + 0.5);
    sumY += value * (Math.floor(i / width) + 0.5);
  }
  // A twentieth of a percent of the frame: far below the smallest shape, above stray pixels.
  if (area < coverage.length * 0.0005) return undefined;
  return { coverage, area, x: sumX / area, y: sumY / area };
}

/** Area of a shape of radius 1. */
const unitArea: Record<Shape, number> = {
  circle: Math.PI,
  square: Math.PI,
  triangle: 3 * Math.sqrt(3) * 0.65 ** 2,
};
/** Turn after which a shape looks the same. */
const symmetry: Record<Shape, number> = { circle: 0, square: Math.PI / 2, triangle: (2 * Math.PI) / 3 };

interface Fit {
  /** Mean absolute difference of coverage over the blob's area; 0 is perfect, about 0.3 is another shape. */
  readonly error: number;
  readonly angle: number;
}

/**
 * Fit a shape of the blob's area at its centre, over all angles. The outline may be up to three pixels soft,
 * since a decoder blurs it: the softness that fits best is taken, or every shape would look like a circle.
 */
function fitShape(blob: Blob, shape: Shape, width: number): Fit {
  const height = blob.coverage.length / width;
  const radius = Math.sqrt(blob.area / unitArea[shape]);
  const reach = 1.3 * radius + 3;
  const fromColumn = Math.max(0, Math.floor(blob.x - reach));
  const toColumn = Math.min(width - 1, Math.ceil(blob.x + reach));
  const fromRow = Math.max(0, Math.floor(blob.y - reach));
  const toRow = Math.min(height - 1, Math.ceil(blob.y + reach));

  const errorAt = (angle: number, softness: number): number => {
    const cos = Math.cos(angle);
    const sin = Math.sin(angle);
    let sum = 0;
    for (let row = fromRow; row <= toRow; row++) {
      for (let column = fromColumn; column <= toColumn; column++) {
        const d = distanceToShape(shape, column + 0.5 - blob.x, row + 0.5 - blob.y, radius, cos, sin);
        const expected = Math.min(1, Math.max(0, 0.5 - d / softness));
        // The blob has no coverage below a quarter; neither may the template.
        sum += Math.abs((expected < 0.25 ? 0 : expected) - blob.coverage[row * width + column]!);
      }
    }
    return sum / blob.area;
  };

  const turn = symmetry[shape];
  const angles = turn === 0 ? [0] : Array.from({ length: 16 }, (_, i) => (i * turn) / 16);
  let best: Fit = { error: Number.POSITIVE_INFINITY, angle: 0 };
  const consider = (angle: number, softness: number) => {
    const error = errorAt(angle, softness);
    if (error < best.error) best = { error, angle };
  };
  for (const angle of angles) consider(angle, 1.5);
  const coarse = best.angle;
  for (const softness of [1, 2, 3]) consider(coarse, softness);
  return best;
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Sum of the changes of a series, ignoring wiggles smaller than `ignore`; turning points count in full. */
function pathLength(values: readonly number[], ignore: number): number {
  let length = 0;
  let anchor = values[0]!;
  for (const value of values) {
    if (Math.abs(value - anchor) < ignore) continue;
    length += Math.abs(value - anchor);
    anchor = value;
  }
  return length;
}

/** Whole turn made over a clip, in radians, from angles known only modulo the symmetry of the shape. */
function turnOf(angles: readonly number[], period: number): number {
  let total = 0;
  for (let i = 1; i < angles.length; i++) {
    const step = angles[i]! - angles[i - 1]!;
    total += step - period * Math.round(step / period);
  }
  return total;
}

function readMotion(points: readonly TrackPoint[], shape: Shape): Motion | undefined {
  if (points.length < 2) return undefined;
  const xs = points.map((point) => point.x);
  const ys = points.map((point) => point.y);
  const range = (values: readonly number[]) => Math.max(...values) - Math.min(...values);
  const end = Math.max(1, Math.round(points.length / 8));
  // Means of the first and last eighth, so that one bad frame decides nothing.
  const net = (values: readonly number[]) => meanOf(values.slice(-end)) - meanOf(values.slice(0, end));
  const [netX, netY] = [net(xs), net(ys)];

  // A tenth of the frame: a third of the shortest travel there is, three times a decoder's wobble.
  const still = 0.1;
  if (range(xs) < still && range(ys) < still) {
    const period = symmetry[shape];
    const turn =
      period === 0
        ? 0
        : turnOf(
            points.map((point) => point.angle),
            period,
          );
    // True spins turn by 2.4 radians or more over a default clip; half of that is clearly seen as turning.
    return Math.abs(turn) > 1.2 ? 'spins' : 'stays still';
  }
  if (range(ys) > range(xs) && pathLength(ys, 0.03) > 1.5 * Math.abs(netY) + still) return 'bounces';
  // Diagonal or wandering paths are none of the world's motions.
  if (Math.abs(netX) > 2 * Math.abs(netY) && Math.abs(netX) > still)
    return netX > 0 ? 'moves right' : 'moves left';
  if (Math.abs(netY) > 2 * Math.abs(netX) && Math.abs(netY) > still)
    return netY > 0 ? 'moves down' : 'moves up';
  return undefined;
}

/** Reads a clip (RGB bytes [T, H, W, 3], any size) back into the words of the world. */
export function readClip(clip: Clip): Reading {
  const { frames, frameCount, width, height } = clip;
  const everyPixel = Uint32Array.from({ length: frames.length / 3 }, (_, i) => i);
  const backgroundRgb = medianColour(frames, everyPixel);
  const background = nearest(backgroundRgb, backgroundNames, backgrounds);
  const withBackground = background === undefined ? {} : { background };
  const objectRgb = objectColour(clip, backgroundRgb);
  if (distance(objectRgb, backgroundRgb) < leastContrast) {
    return { ...withBackground, track: Array.from({ length: frameCount }, () => undefined) };
  }
  const colour = nearest(objectRgb, colourNames, colours);

  const blobs = Array.from({ length: frameCount }, (_, f) =>
    blobOf(coverageOf(clip, f, backgroundRgb, objectRgb), width),
  );
  const seen = blobs.filter((blob) => blob !== undefined);
  if (seen.length === 0) return { ...withBackground, track: blobs.map(() => undefined) };

  // One shape for the whole clip: the one with the least error summed over all frames.
  const fits = new Map(shapes.map((shape) => [shape, seen.map((blob) => fitShape(blob, shape, width))]));
  const errorOf = (shape: Shape) => meanOf(fits.get(shape)!.map((fit) => fit.error));
  const shape = shapes.reduce((best, other) => (errorOf(other) < errorOf(best) ? other : best));

  const shorter = Math.min(width, height);
  const pointOf = (blob: Blob, fit: Fit): TrackPoint => ({
    x: blob.x / width,
    y: blob.y / height,
    radius: Math.sqrt(blob.area / unitArea[shape]) / shorter,
    angle: fit.angle,
  });
  const points = seen.map((blob, i) => pointOf(blob, fits.get(shape)![i]!));
  let next = 0;
  const track = blobs.map((blob) => (blob === undefined ? undefined : points[next++]));
  const radius = meanOf(points.map((point) => point.radius));
  // An object that is missing from more than a quarter of the frames does not move, it flickers.
  const motion = seen.length >= 0.75 * frameCount ? readMotion(points, shape) : undefined;
  return {
    ...withBackground,
    ...(colour === undefined ? {} : { colour }),
    shape,
    size: radius < sizeThreshold ? 'small' : 'large',
    ...(motion === undefined ? {} : { motion }),
    track,
  };
}

/** Which attributes of a canonical caption a reading agrees with. */
export function compareWithCaption(reading: Reading, caption: string): Record<AttributeName, boolean> {
  const said = parseCaption(caption);
  if (said === undefined) throw new TypeError(`Not a caption of the Toybox world: "${caption}"`);
  return compareAttributes(reading, said);
}

function compareAttributes(reading: Reading, said: Attributes): Record<AttributeName, boolean> {
  return {
    colour: reading.colour === said.colour,
    shape: reading.shape === said.shape,
    size: reading.size === said.size,
    motion: reading.motion === said.motion,
    background: reading.background === said.background,
  };
}

/**
 * Score clips against their captions: one row per attribute, and a row for clips with every attribute right.
 * The clips may be of any size and length.
 */
export function scoreClips(items: Iterable<Clip & { readonly caption: string }>): ScoreRow[] {
  const captions: string[] = [];
  const readings: Reading[] = [];
  for (const item of items) {
    captions.push(item.caption);
    readings.push(readClip(item));
  }
  return scoreReadings(readings, captions);
}

/** Like {@link scoreClips}, for clips that were read before. */
export function scoreReadings(readings: readonly Reading[], captions: readonly string[]): ScoreRow[] {
  const total = readings.length;
  const agreements = readings.map((reading, i) => compareWithCaption(reading, captions[i]!));
  const said = captions.map((caption) => parseCaption(caption)!);
  const isAllRight = (agreement: Record<AttributeName, boolean>) => Object.values(agreement).every(Boolean);
  const row = (
    attribute: ScoreRow['attribute'],
    agrees: (agreement: Record<AttributeName, boolean>) => boolean,
  ) => {
    const correct = agreements.filter(agrees).length;
    let dealt = 0;
    for (const reading of readings)
      for (const other of said) dealt += Number(agrees(compareAttributes(reading, other)));
    return { attribute, correct, total, rate: correct / total, chance: dealt / total ** 2 };
  };
  return [...attributeNames.map((name) => row(name, (agreement) => agreement[name])), row('all', isAllRight)];
}

/** The table as lines of text, for terminals and Markdown. */
export function formatScoreTable(rows: readonly ScoreRow[]): string {
  const percent = (rate: number) => `${(100 * rate).toFixed(1)} %`;
  const lines = rows.map(
    ({ attribute, correct, total, rate, chance }) =>
      `| ${attribute.padEnd(10)} | ${`${correct}/${total}`.padStart(9)} | ${percent(rate).padStart(7)} | ${percent(chance).padStart(7)} |`,
  );
  return ['| attribute  |   correct |    rate |  chance |', '|---|--:|--:|--:|', ...lines].join('\n');
}
