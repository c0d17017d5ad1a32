/** Measures of clips beyond words: seams, loops, falls, collisions, and whether what was hidden comes back. */
import type { Clip } from '../world/clip.ts';
import { bounceHeight } from '../world/pose.ts';
import { gravity, restitution } from '../world/words.ts';
import { leastSquares, type TrackPoint } from './motion.ts';
import type { Reading, ReadObject } from './reading.ts';

/** Mean absolute difference of two frames of a clip, 0-255 units. */
export function frameChange(clip: Clip, from: number, to: number): number {
  const size = clip.width * clip.height * 3;
  let sum = 0;
  for (let i = 0; i < size; i++) sum += Math.abs(clip.frames[from * size + i]! - clip.frames[to * size + i]!);
  return sum / size;
}

/** The middle change from one frame to the next, 0-255 units. */
export function medianFrameChange(clip: Clip): number {
  const changes = Array.from({ length: clip.frameCount - 1 }, (_, f) => frameChange(clip, f, f + 1));
  return changes.sort((a, b) => a - b)[changes.length >> 1] ?? 0;
}

/** Changes smaller than this (0-255 units) cannot be seen; ratios are taken to it when a clip stands still. */
const leastChange = 0.5;

/**
 * Change at a seam ÷ the median frame change of the clip; 1 is a seam like any other step.
 * @param at  the first frame after the seam
 */
export function seamRatio(clip: Clip, at: number): number {
  return frameChange(clip, at - 1, at) / Math.max(leastChange, medianFrameChange(clip));
}

/** Change from the last frame back to the first ÷ the median frame change. */
export function loopRatio(clip: Clip): number {
  return frameChange(clip, clip.frameCount - 1, 0) / Math.max(leastChange, medianFrameChange(clip));
}

/** Peak signal-to-noise ratio of one frame against a picture, RGB bytes [H, W, 3], in dB. */
export function framePsnr(clip: Clip, frame: number, picture: Uint8Array): number {
  const size = clip.width * clip.height * 3;
  if (picture.length !== size)
    throw new RangeError(`expected a picture of ${size} bytes, got ${picture.length}`);
  let sum = 0;
  for (let i = 0; i < size; i++) sum += (clip.frames[frame * size + i]! - picture[i]!) ** 2;
  return sum === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10((255 * 255 * size) / sum);
}

/** A fall and its rebounds, fitted. */
export interface Fall {
  /** Heights of the frame per frame, per frame; the world's is 0.02. */
  readonly gravity: number;
  /** Speed after ÷ before the ground is touched; the world's is 0.8. */
  readonly restitution: number;
  /** Root mean square of what the fit leaves of the path, heights of the frame. */
  readonly residual: number;
}

/** Fits gravity and restitution to the path of a shape that falls from rest; undefined when it is seen too rarely. */
export function fitFall(points: readonly TrackPoint[]): Fall | undefined {
  if (points.length < 9) return undefined;
  const weights = points.map((point) => (point.isCut ? 0.2 : 1));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const ones = points.map(() => 1);
  const errorOf = (drop: number, g: number, e: number) =>
    leastSquares(
      [ones],
      points.map(({ y, frame }) => y + bounceHeight(drop, frame, g, e)),
      weights,
    ).error;
  let best = { drop: 0.3, g: gravity, e: restitution, error: Number.POSITIVE_INFINITY };
  const consider = (drop: number, g: number, e: number) => {
    const error = errorOf(drop, g, e);
    if (error < best.error) best = { drop, g, e, error };
  };
  for (let drop = 0.14; drop < 0.5; drop += 0.03) {
    for (let g = 0.008; g < 0.04; g *= 1.15) for (let e = 0.3; e < 1.1; e += 0.1) consider(drop, g, e);
  }
  for (let step = 1; step > 0.02; step /= 2) {
    for (let round = 0; round < 3; round++) {
      const { drop, g, e } = best;
      for (const d of [-step, step]) {
        consider(drop + 0.015 * d, g, e);
        consider(drop, g * (1 + 0.08 * d), e);
        consider(drop, g, e + 0.06 * d);
        // A higher fall under more gravity takes as long: the two go together.
        consider(drop * (1 + 0.08 * d), g * (1 + 0.08 * d), e);
      }
    }
  }
  return { gravity: best.g, restitution: best.e, residual: Math.sqrt(best.error / total) };
}

/** Farthest a fall may stray from its fit, heights of the frame: under a pixel of 64. */
const mostFallResidual = 0.013;

/** Whether a fall has the world's gravity within a tenth, and its restitution within 15 %. */
export function isWorldFall(fall: Fall): { gravity: boolean; restitution: boolean } {
  const isFall = fall.residual <= mostFallResidual;
  return {
    gravity: isFall && Math.abs(fall.gravity / gravity - 1) <= 0.1,
    restitution: isFall && Math.abs(fall.restitution / restitution - 1) <= 0.15,
  };
}

/** Momentum that a collision of two equal shapes gains or loses ÷ the speed at which they meet; 0 is none. */
export function momentumError(left: ReadObject, right: ReadObject): number | undefined {
  const [a, b] = [left.back, right.back];
  if (a === undefined || b === undefined) return undefined;
  const closing = Math.abs(a.before - b.before);
  return Math.abs(a.before + b.before - a.after - b.after) / Math.max(1e-6, closing);
}

/** Something out of sight for a while. */
export interface Absence {
  /** Frames in which nothing of it is seen. */
  readonly frames: number;
  /** Whether it comes back with the shape and the colour it had. */
  readonly isBack: boolean;
}

/** The longest absence of a shape between its first and its last sighting; undefined when it is always seen. */
export function absenceOf(object: ReadObject): Absence | undefined {
  const [before, after] = [object.spells.at(0), object.spells.at(-1)];
  if (before === undefined || after === undefined || before === after) return undefined;
  const gaps = object.spells.slice(1).map((spell, i) => spell.from - object.spells[i]!.to - 1);
  const isSame = before.shape !== undefined && before.shape === after.shape;
  return {
    frames: Math.max(...gaps),
    isBack: isSame && before.colour !== undefined && before.colour === after.colour,
  };
}

/**
 * Share of absences that end well, for each number of hidden frames up to `most`: those at least so long that
 * come back ÷ those at least so long. Undefined where there is none so long.
 */
export function survivalCurve(absences: readonly Absence[], most: number): (number | undefined)[] {
  return Array.from({ length: most }, (_, i) => {
    const long = absences.filter(({ frames }) => frames >= i + 1);
    return long.length === 0 ? undefined : long.filter(({ isBack }) => isBack).length / long.length;
  });
}

/** Whether two readings, of two parts of a clip, show the same shapes: as many, with the same outlines, colours and sizes. */
export function isSameCast(before: Reading, after: Reading): boolean {
  if (before.objects.length !== after.objects.length || before.background !== after.background) return false;
  const left = [...after.objects];
  return before.objects.every((object) => {
    const at = left.findIndex(
      (other) =>
        object.shape !== undefined &&
        other.shape === object.shape &&
        other.colours[0]?.colour === object.colours.at(-1)?.colour &&
        Math.abs(endRadius(object, -1) / endRadius(other, 0) - 1) < 0.15,
    );
    if (at === -1) return false;
    left.splice(at, 1);
    return true;
  });
}

function endRadius(object: ReadObject, end: 0 | -1): number {
  const whole = object.track.filter((point) => point !== undefined && !point.isCut);
  const few = end === 0 ? whole.slice(0, 5) : whole.slice(-5);
  return few.map((point) => point!.radius).sort((a, b) => a - b)[few.length >> 1] ?? Number.NaN;
}

/** How much what should last changes from the first quarter of a clip to its last: largest of the relative changes of radii. */
export function radiusDrift(reading: Reading): number {
  const drifts = reading.objects.map((object) => Math.abs(endRadius(object, -1) / endRadius(object, 0) - 1));
  return drifts.length === 0 ? Number.NaN : Math.max(...drifts);
}
