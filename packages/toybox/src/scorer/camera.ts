/** Tells what the camera does: from a floor, or from what all that stands still seems to do. */
import { timingOf, type View, viewAt } from '../world/pose.ts';
import type { Camera } from '../world/words.ts';
import { leastSquares, type TrackPoint } from './motion.ts';

/** Moves of a camera that is not tied to a box. */
export type Move = Exclude<Camera, 'orbits left' | 'orbits right'>;

/** A camera as the clip shows it. */
export interface ReadCamera {
  readonly move: Move;
  /** The pan and the zoom over the whole clip: difference and ratio of the last view to the first. */
  readonly pan: number;
  readonly zoom: number;
  /** Mean distance from the path of the world's camera of that name, as a fraction of the frame. */
  readonly pathError: number;
}

const moves = ['pans left', 'pans right', 'zooms in', 'zooms out'] as const;

/** Mean error over frames and over the corners of the middle half of the frame, seen by two cameras. */
function meanPathError(views: readonly View[], move: Move, frameCount: number): number {
  const timing = timingOf(frameCount);
  const start = viewAt(move, 0, timing);
  let sum = 0;
  views.forEach((view, f) => {
    const expected = viewAt(move, f, timing);
    // Only changes count: how a floor lies under the first view is free.
    const pan = view.pan - views[0]!.pan - (expected.pan - start.pan);
    const zoom = view.zoom - expected.zoom;
    sum += Math.hypot(pan, 0.25 * zoom);
  });
  return sum / views.length;
}

/** The move that fits a path of views best, by its amount; still when the views hardly change. */
function moveOf(pan: number, zoom: number, frameCount: number): Move | undefined {
  const { last, span } = timingOf(frameCount);
  const scale = last / span;
  const panned = pan / (0.26 * scale);
  const zoomed = Math.log(zoom) / Math.log(1 + 0.45 * scale);
  if (Math.abs(panned) < 0.25 && Math.abs(zoomed) < 0.25) return 'still';
  // Between six tenths and one and a half times the world's amount, and nothing of the other.
  const isAmount = (value: number) => Math.abs(value) > 0.6 && Math.abs(value) < 1.5;
  if (isAmount(panned) && Math.abs(zoomed) < 0.35) return panned > 0 ? 'pans right' : 'pans left';
  if (isAmount(zoomed) && Math.abs(panned) < 0.35) return zoomed > 0 ? 'zooms in' : 'zooms out';
  return undefined;
}

/** Reads the camera off the views of a floor. */
export function cameraFromViews(views: readonly View[]): ReadCamera | undefined {
  const first = views[0]!;
  const final = views.at(-1)!;
  const pan = final.pan - first.pan;
  const zoom = final.zoom / first.zoom;
  const move = moveOf(pan, zoom, views.length);
  return move === undefined
    ? undefined
    : { move, pan, zoom, pathError: meanPathError(views, move, views.length) };
}

/** Farthest a thing that stands still may stray from its place in the world, root mean square, as a fraction of the frame. */
const mostStray = 0.025;

/**
 * Reads the camera off shapes, supposing that they stand still and are of one size.
 * @param tracks  paths as seen on screen
 * @returns the camera move under which they do, or undefined when there is none
 */
export function cameraFromObjects(
  tracks: readonly (readonly TrackPoint[])[],
  frameCount: number,
): ReadCamera | undefined {
  if (tracks.length === 0 || tracks.some((track) => track.length < 0.7 * frameCount)) return undefined;
  const timing = timingOf(frameCount);
  let best: { move: (typeof moves)[number]; stray: number } | undefined;
  for (const move of moves) {
    let sum = 0;
    let count = 0;
    for (const track of tracks) {
      const xs = track.map(({ x, frame }) => {
        const { pan, zoom } = viewAt(move, frame, timing);
        return (x - 0.5) / zoom + 0.5 + pan;
      });
      const ys = track.map(({ y, frame }) => (y - 0.5) / viewAt(move, frame, timing).zoom + 0.5);
      const radii = track.map(({ radius, frame }) => radius / viewAt(move, frame, timing).zoom);
      sum += variance(xs) + variance(ys) + variance(radii) * 4;
      count++;
    }
    const stray = Math.sqrt(sum / count);
    if (best === undefined || stray < best.stray) best = { move, stray };
  }
  if (best === undefined || best.stray > mostStray) return undefined;
  const views = Array.from({ length: frameCount }, (_, f) => viewAt(best.move, f, timing));
  const slope = (value: (point: TrackPoint) => number) =>
    tracks.reduce((sum, track) => {
      const fit = leastSquares(
        [track.map(() => 1), track.map(({ frame }) => frame)],
        track.map(value),
        track.map(() => 1),
      ).coefficients;
      return sum + (fit[0]! + fit[1]! * timing.last) / fit[0]!;
    }, 0) / tracks.length;
  const pan = best.move.startsWith('pans') ? views.at(-1)!.pan - views[0]!.pan : 0;
  return { move: best.move, pan, zoom: slope(({ radius }) => radius), pathError: best.stray };
}

function variance(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
}
