/**
 * Reads a clip of the Toybox world back, knowing nothing of the prompt that made it.
 *
 * Everything is measured: the background is the one of the world's that explains most pixels, things are
 * what differs from it, a thing's shape and style are the drawing that explains it best, its motion the path
 * of the world that its centre follows. So a model can be scored without a learnt judge, and the judge
 * itself can be tested: true renders must read back right, and spoilt ones must not.
 */
import type { Clip } from '../world/clip.ts';
import type { View } from '../world/pose.ts';
import { paintHalfWidth } from '../world/shape-drawing.ts';
import type { Background, Colour, Rgb, Shape, Size, Style } from '../world/words.ts';
import { type FittedBackground, fitBackground } from './background.ts';
import { type ReadBox, readBox } from './box.ts';
import { cameraFromObjects, cameraFromViews, type ReadCamera } from './camera.ts';
import { findPatches, findWall, nearestColour } from './foreground.ts';
import { findPaint, type ReadBite, type ReadPaint, withPaintAsBackground } from './lasting-changes.ts';
import {
  type HalfMove,
  type Path,
  type Return,
  readHalves,
  readPath,
  readReturn,
  type TrackPoint,
} from './motion.ts';
import { type Context, cutsOf, readShape, readStyles, type ShapeTrack } from './read-objects.ts';
import { filledArea } from './template.ts';
import { linkPatches, type PatchTrack } from './tracks.ts';

/** A shape that a clip shows. What it does not show clearly is undefined. */
export interface ReadObject {
  readonly shape: Shape | undefined;
  /** Share of what is seen that the drawing of the shape leaves unexplained, 0-1. */
  readonly unexplained: number;
  /** Its colours in order, with the frame from which each is seen; usually one. */
  readonly colours: readonly { readonly colour: Colour | undefined; readonly from: number }[];
  readonly size: Size | undefined;
  /** One per frame, undefined where it is not seen. */
  readonly track: readonly (TrackPoint | undefined)[];
  /** When it is seen: one spell, or several with at least two unseen frames between; each with what is seen then. */
  readonly spells: readonly Spell[];
  readonly path: Path;
  /** What it does in each half of the clip, when that explains its path. */
  readonly halves: readonly [HalfMove, HalfMove] | undefined;
  /** How it comes and goes back, when it does. */
  readonly back: Return | undefined;
  readonly bite: ReadBite | undefined;
  readonly paint: ReadPaint | undefined;
}

/** Frames in which a shape is seen without a break. */
export interface Spell {
  readonly from: number;
  /** Inclusive. */
  readonly to: number;
  readonly shape: Shape | undefined;
  readonly colour: Colour | undefined;
}

/** What a clip shows. */
export interface Reading {
  readonly frameCount: number;
  /** Width ÷ shorter side of the frame. */
  readonly aspect: number;
  readonly background: Background | undefined;
  /** The style that explains the clip best. */
  readonly style: Style | undefined;
  /** All styles that explain it about as well; small rings look the same flat and outlined. */
  readonly styles: readonly Style[];
  /** Left and right edge of a wall, as fractions of the width. */
  readonly wall: readonly [number, number] | undefined;
  /** The camera's view in each frame, where a floor shows it; tracks are freed of it. */
  readonly views: readonly View[] | undefined;
  /** The camera: off the floor, or else the one under which all shapes stand still, if any. */
  readonly camera: ReadCamera | undefined;
  readonly box: ReadBox | undefined;
  /** Empty when there is a box. */
  readonly objects: readonly ReadObject[];
}

/** Radii between small, medium and large, in shorter sides: the middles of the gaps between them. */
const smallToMedium = 0.1275;
const mediumToLarge = 0.1725;
/** Area of the smallest triangle, in squares of the shorter side. */
const smallestArea = filledArea.triangle * 0.1 ** 2;
/** Farthest a colour may lie from its name, in RGB distance; the closest two names lie 71 apart. */
const colourTolerance = 60;
/** Backgrounds whose mean error is larger are none of the world's. */
const mostBackgroundError = 22;

/** The size of a radius. */
export function sizeOf(radius: number): Size {
  return radius < smallToMedium ? 'small' : radius < mediumToLarge ? 'medium' : 'large';
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

/** Frames around one that have a say in its colour. */
const colourWindow = 2;

/** Runs of one colour. A frame has the colour most frames around it have; a run's is named by its median. */
function coloursOf(shape: ShapeTrack): { colour: Colour | undefined; from: number }[] {
  const seen = shape.sightings.flatMap((sighting, f) =>
    sighting === undefined ? [] : [{ f, rgb: sighting.rgb }],
  );
  const names = seen.map(({ rgb }) => nearestColour(rgb, Number.POSITIVE_INFINITY)!);
  const smooth = names.map((name, i) => {
    const around = names.slice(Math.max(0, i - colourWindow), i + colourWindow + 1);
    const count = (other: Colour) => around.filter((candidate) => candidate === other).length;
    return around.reduce((best, other) => (count(other) > count(best) ? other : best), name);
  });
  const runs: { name: Colour; from: number; rgbs: Rgb[] }[] = [];
  seen.forEach(({ f, rgb }, i) => {
    const run = runs.at(-1);
    if (run !== undefined && run.name === smooth[i]) run.rgbs.push(rgb);
    else runs.push({ name: smooth[i]!, from: f, rgbs: [rgb] });
  });
  const middles = runs.map(({ from, rgbs }): { from: number; length: number; rgb: Rgb } => {
    const middle = (k: 0 | 1 | 2) => median(rgbs.map((rgb) => rgb[k]));
    return { from, length: rgbs.length, rgb: [middle(0), middle(1), middle(2)] };
  });
  const lasting = middles.filter(({ length, rgb }, i) => {
    const [before, after] = [middles[i - 1], middles[i + 1]];
    return (
      before === undefined || after === undefined || length > 3 || !isBetween(rgb, before.rgb, after.rgb)
    );
  });
  return lasting.map(({ from, rgb }) => ({ colour: nearestColour(rgb, colourTolerance), from }));
}

/** Whether a colour is a blend of two others, as a fade from one to the other passes through. */
function isBetween(rgb: Rgb, from: Rgb, to: Rgb): boolean {
  const along = [0, 1, 2].map((k) => to[k]! - from[k]!);
  const square = along.reduce((sum, d) => sum + d * d, 0);
  const share = along.reduce((sum, d, k) => sum + d * (rgb[k]! - from[k]!), 0) / Math.max(1, square);
  const off = along.map((d, k) => rgb[k]! - from[k]! - share * d);
  return share > 0 && share < 1 && Math.hypot(...off) < 45;
}

function readObject(
  clip: Clip,
  shape: ShapeTrack,
  background: FittedBackground,
  paint: ReadPaint | undefined,
  spells: readonly Spell[],
): ReadObject {
  const { width, height, frameCount } = clip;
  const short = Math.min(width, height);
  const track = shape.sightings.map((sighting, frame): TrackPoint | undefined => {
    if (sighting === undefined) return undefined;
    const { pan, zoom } = background.views[frame]!;
    const { x, y, r, angle } = sighting.pose;
    return {
      frame,
      x: (x / width - 0.5) / zoom + 0.5 + pan,
      y: (y / height - 0.5) / zoom + 0.5,
      radius: r / short / zoom,
      angle,
      isCut: sighting.isCut,
    };
  });
  const points = track.filter((point) => point !== undefined);
  const whole = points.filter((point) => !point.isCut);
  const radius = median((whole.length > 0 ? whole : points).map((point) => point.radius));
  return {
    shape: shape.shape,
    unexplained: shape.unexplained,
    colours: coloursOf(shape),
    size: sizeOf(radius),
    track,
    spells,
    path: readPath(points, shape.shape ?? 'circle', frameCount, width / short),
    halves: readHalves(points, frameCount),
    back: readReturn(points, frameCount),
    bite: shape.bite,
    paint,
  };
}

/** Reads a clip (RGB bytes [T, H, W, 3], any size) back into what it shows. */
export function readClip(clip: Clip): Reading {
  let background = fitBackground(clip);
  const wall = findWall(clip);
  const contextOf = (fitted: FittedBackground) => {
    const tracks = linkPatches(clip, findPatches(clip, fitted, wall), (patch) =>
      cutsOf({ clip, wall }, patch),
    ).filter((track) => isThing(track, clip));
    return { clip, background: fitted, wall, tracks };
  };
  const read = (
    box: ReadBox | undefined,
    styles: readonly Style[],
    objects: readonly ReadObject[],
  ): Reading => {
    const views = background.isFloor ? background.views : undefined;
    return {
      frameCount: clip.frameCount,
      aspect: clip.width / Math.min(clip.width, clip.height),
      background: background.error <= mostBackgroundError ? background.name : undefined,
      style: styles[0],
      styles,
      wall: wall === undefined ? undefined : [wall.from / clip.width, wall.to / clip.width],
      views,
      camera:
        views === undefined
          ? cameraFromObjects(
              objects.map(({ track }) => track.filter((point) => point !== undefined)),
              clip.frameCount,
            )
          : cameraFromViews(views),
      box,
      objects,
    };
  };
  const box = background.ground === 'plain' && wall === undefined ? readBox(clip, background) : undefined;
  if (box !== undefined) return read(box, ['flat'], []);
  const painted = background.ground === 'plain' ? withPaintAsBackground(clip, background) : undefined;
  if (painted !== undefined) {
    const objects = readShapes(contextOf(painted), 'flat', background);
    // The line is believed when what painted it is clearly seen.
    if (objects.length === 1 && objects[0]!.paint !== undefined && objects[0]!.shape !== undefined) {
      return read(undefined, ['flat'], objects);
    }
  }
  let context = contextOf(background);
  const styles = readStyles(context);
  const [style] = styles;
  const ground = style === 'neon' ? 'dark' : style === 'pencil' ? 'paper' : 'plain';
  if (style !== undefined && background.ground !== ground) {
    background = fitBackground(clip, [ground]);
    context = contextOf(background);
  }
  return read(undefined, styles, style === undefined ? [] : readShapes(context, style));
}

/** Whether a track is more than a speckle: it lasts, or is as large as a good part of the smallest shape. */
function isThing({ patches }: PatchTrack, { frameCount, width, height }: Clip): boolean {
  const areas = patches.flatMap((patch) => (patch === undefined ? [] : [patch.pixels.length]));
  if (areas.length < Math.max(2, 0.12 * frameCount)) return false;
  const short = Math.min(width, height);
  return areas.length >= 0.5 * frameCount || median(areas) > 0.4 * smallestArea * short * short;
}

/** `ground` is the background without paint. */
function readShapes(
  context: Context,
  style: Style,
  ground: FittedBackground = context.background,
): ReadObject[] {
  const { clip, background, tracks } = context;
  const shapes = tracks.map((track) => ({ track, shape: readShape(context, track, style) }));
  const painted = shapes.map(({ shape }) =>
    style === 'flat' && shape.shape !== undefined
      ? findPaint(clip, ground, shape.shape, shape.sightings)
      : undefined,
  );
  const isLine = (other: PatchTrack) =>
    shapes.some(
      ({ track, shape }, i) =>
        painted[i] !== undefined && track !== other && isPaintOf(other, shape, clip.width),
    );
  return shapes.flatMap(({ track, shape }, i) =>
    isLine(track)
      ? []
      : [readObject(clip, shape, background, painted[i], spellsOf(context, track, shape, style))],
  );
}

/** Unseen frames that end a spell. */
const leastAbsence = 2;

/** The spells of a track. Their shapes are read apart from each other when there are several. */
function spellsOf(context: Context, track: PatchTrack, whole: ShapeTrack, style: Style): Spell[] {
  const ranges: { from: number; to: number }[] = [];
  track.patches.forEach((patch, f) => {
    if (patch === undefined) return;
    const range = ranges.at(-1);
    if (range !== undefined && f - range.to <= leastAbsence) range.to = f;
    else ranges.push({ from: f, to: f });
  });
  return ranges.map(({ from, to }) => {
    const isIn = (f: number) => f >= from && f <= to;
    if (ranges.length === 1) return { from, to, shape: whole.shape, colour: coloursOf(whole).at(-1)?.colour };
    const part = { patches: track.patches.map((patch, f) => (isIn(f) ? patch : undefined)) };
    // The rest of the track is not another thing that covers this one.
    const read = readShape(
      { ...context, tracks: context.tracks.filter((other) => other !== track) },
      part,
      style,
    );
    // The middle of a spell shows it best; at its ends it comes out of hiding.
    const runs = coloursOf(read);
    const longest = runs.map((run, i) => ({ run, length: (runs[i + 1]?.from ?? to + 1) - run.from }));
    const [most] = longest.sort((a, b) => b.length - a.length);
    // In a few blurred frames two shapes may look alike; then it is taken for what the whole track shows.
    const shape = read.alike.find((name) => name === whole.shape) ?? read.shape;
    return { from, to, shape, colour: most?.run.colour };
  });
}

/** Whether nearly all of a track lies on the line that a shape would have painted. */
function isPaintOf(line: PatchTrack, shape: ShapeTrack, width: number): boolean {
  const first = shape.sightings.find((sighting) => sighting !== undefined);
  if (first === undefined) return false;
  let on = 0;
  let all = 0;
  line.patches.forEach((patch, f) => {
    const pose = shape.sightings[f]?.pose;
    if (patch === undefined || pose === undefined) return;
    const [ex, ey] = [pose.x - first.pose.x, pose.y - first.pose.y];
    const square = Math.max(1e-6, ex * ex + ey * ey);
    for (const i of patch.pixels) {
      const x = (i % width) + 0.5;
      const y = Math.floor(i / width) + 0.5;
      const along = Math.min(1, Math.max(0, ((x - first.pose.x) * ex + (y - first.pose.y) * ey) / square));
      const d = Math.hypot(x - first.pose.x - ex * along, y - first.pose.y - ey * along);
      all++;
      if (d < paintHalfWidth * pose.r + 1.5 || Math.hypot(x - pose.x, y - pose.y) < 1.05 * pose.r + 1) on++;
    }
  });
  return all > 0 && on >= 0.8 * all;
}
