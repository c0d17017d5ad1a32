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
import type { Background, Colour, Shape, Size, Style } from '../world/words.ts';
import { type FittedBackground, fitBackground } from './background.ts';
import { findPatches, findWall } from './foreground.ts';
import { type HalfMove, type Path, readHalves, readPath, type TrackPoint } from './motion.ts';
import { readShape, readStyle, type ShapeTrack } from './read-objects.ts';
import { linkPatches } from './tracks.ts';

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
  readonly path: Path;
  /** What it does in each half of the clip, when that explains its path. */
  readonly halves: readonly [HalfMove, HalfMove] | undefined;
}

/** What a clip shows. */
export interface Reading {
  readonly frameCount: number;
  readonly background: Background | undefined;
  readonly style: Style | undefined;
  /** Left and right edge of a wall, as fractions of the width. */
  readonly wall: readonly [number, number] | undefined;
  /** The camera as a floor shows it, one view per frame; undefined where there is no floor to tell. */
  readonly views: readonly View[] | undefined;
  readonly objects: readonly ReadObject[];
}

/** Radii between small, medium and large, in shorter sides: the middles of the gaps between them. */
const smallToMedium = 0.1275;
const mediumToLarge = 0.1725;
/** Backgrounds whose mean error is larger are none of the world's. */
const mostBackgroundError = 22;

/** The size of a radius. */
export function sizeOf(radius: number): Size {
  return radius < smallToMedium ? 'small' : radius < mediumToLarge ? 'medium' : 'large';
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

/** Runs of one colour; a colour seen for one frame only is a flicker of the frames around it. */
function coloursOf(shape: ShapeTrack): { colour: Colour | undefined; from: number }[] {
  const seen = shape.sightings.flatMap((sighting, f) =>
    sighting === undefined ? [] : [{ f, colour: sighting.colour }],
  );
  const runs: { colour: Colour | undefined; from: number; count: number }[] = [];
  for (const { f, colour } of seen) {
    const run = runs.at(-1);
    if (run !== undefined && run.colour === colour) run.count++;
    else runs.push({ colour, from: f, count: 1 });
  }
  const lasting = runs.filter(({ count }) => count >= 2 || runs.length === 1);
  const merged: typeof runs = [];
  for (const run of lasting) if (merged.at(-1)?.colour !== run.colour) merged.push(run);
  return merged.map(({ colour, from }) => ({ colour, from }));
}

function readObject(clip: Clip, shape: ShapeTrack, background: FittedBackground): ReadObject {
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
    path: readPath(points, shape.shape ?? 'circle', frameCount, width / short),
    halves: readHalves(points, frameCount),
  };
}

/** Reads a clip (RGB bytes [T, H, W, 3], any size) back into what it shows. */
export function readClip(clip: Clip): Reading {
  let background = fitBackground(clip);
  const wall = findWall(clip);
  const contextOf = (fitted: FittedBackground) => {
    const tracks = linkPatches(clip, findPatches(clip, fitted, wall)).filter(
      ({ patches }) =>
        patches.filter((patch) => patch !== undefined).length >= Math.max(2, 0.12 * clip.frameCount),
    );
    return { clip, background: fitted, wall, tracks };
  };
  let context = contextOf(background);
  const style = readStyle(context);
  if (style === 'neon' && background.ground !== 'dark') {
    background = fitBackground(clip, ['dark']);
    context = contextOf(background);
  } else if (style !== undefined && style !== 'neon' && background.ground === 'dark') {
    background = fitBackground(clip, ['plain']);
    context = contextOf(background);
  }
  const objects =
    style === undefined
      ? []
      : context.tracks.map((track) => readObject(clip, readShape(context, track, style), background));
  return {
    frameCount: clip.frameCount,
    background: background.error <= mostBackgroundError ? background.name : undefined,
    style,
    wall: wall === undefined ? undefined : [wall.from / clip.width, wall.to / clip.width],
    views: background.isFloor ? background.views : undefined,
    objects,
  };
}
