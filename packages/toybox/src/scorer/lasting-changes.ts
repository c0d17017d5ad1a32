/** Finds what changes for good: a bite out of a disc, and a line of paint behind a shape. */
import type { Clip } from '../world/clip.ts';
import { distanceToShape } from '../world/outline.ts';
import { paintHalfWidth } from '../world/shape-drawing.ts';
import { type Colour, colours, type Shape, type Style } from '../world/words.ts';
import type { FittedBackground } from './background.ts';
import { nearestColour } from './foreground.ts';
import type { Sighting } from './read-objects.ts';
import { fitPose, type Window } from './template.ts';

/** A bite that was taken. */
export interface ReadBite {
  /** Radians, seen from the centre. */
  readonly angle: number;
  /** First frame that shows it. */
  readonly from: number;
  /** Share of the frames from then on that show it, 0-1. */
  readonly kept: number;
  /** Share of what is there that disc and bite leave unexplained, 0-1. */
  readonly unexplained: number;
}

/** A line of paint. */
export interface ReadPaint {
  readonly colour: Colour;
  /** Share of the frames, once there is a line to see, that show it whole, 0-1. */
  readonly kept: number;
}

/** How much of what a whole disc leaves unexplained a bite must explain. */
const biteExplains = 0.5;

/**
 * Looks for a bite in a disc, given its window in each frame; undefined when the disc looks whole.
 * The windows and sightings go frame by frame.
 */
export function findBite(
  windows: readonly (Window | undefined)[],
  sightings: readonly (Sighting | undefined)[],
  style: Style,
  blur: number,
): ReadBite | undefined {
  const seen = windows.flatMap((window, f) => {
    const sighting = sightings[f];
    return window === undefined || sighting === undefined ? [] : [{ f, window, sighting }];
  });
  if (seen.length < 4) return undefined;
  const radii = seen.map(({ sighting }) => sighting.pose.r).sort((a, b) => a - b);
  // A bite makes the disc that fits smaller, never larger.
  const radius = radii[Math.floor(0.8 * (radii.length - 1))]!;
  const fitted = (index: number, bite: number | undefined) => {
    const { window, sighting } = seen[index]!;
    const outline = { shape: 'circle' as Shape, ...(bite === undefined ? {} : { bite }) };
    return fitPose(window, style, outline, { ...sighting.pose, r: radius }, { blur, step: 1, least: 0.25 })
      .match.unexplained;
  };
  const late = [0.6, 0.75, 0.9].map((share) => Math.floor(share * (seen.length - 1)));
  let best = { angle: 0, error: Number.POSITIVE_INFINITY };
  const consider = (angle: number) => {
    const error = late.reduce((sum, index) => sum + fitted(index, angle), 0);
    if (error < best.error) best = { angle, error };
  };
  for (let i = 0; i < 12; i++) consider((i * Math.PI) / 6);
  for (const step of [0.26, 0.13]) {
    const { angle } = best;
    consider(angle - step);
    consider(angle + step);
  }
  let left = 0;
  const shows = seen.map((_, index) => {
    const bitten = fitted(index, best.angle);
    const whole = fitted(index, undefined);
    left += Math.min(bitten, whole);
    return bitten < biteExplains * whole && whole > 0.03;
  });
  const first = shows.indexOf(true);
  if (first === -1) return undefined;
  const after = shows.slice(first);
  return {
    angle: ((best.angle % (2 * Math.PI)) + 2 * Math.PI) % (2 * Math.PI),
    from: seen[first]!.f,
    kept: after.filter(Boolean).length / after.length,
    unexplained: left / seen.length,
  };
}

/** Fewer pixels of line than this, at 64 by 64, and there is none to see. */
const leastLine = 14;

/**
 * Looks for the line that a shape would have painted from its first place to where it is.
 * @returns undefined when most frames show no line of one colour there
 */
export function findPaint(
  clip: Clip,
  background: FittedBackground,
  shape: Shape,
  sightings: readonly (Sighting | undefined)[],
): ReadPaint | undefined {
  const first = sightings.find((sighting) => sighting !== undefined);
  if (first === undefined) return undefined;
  const { width, height, frames } = clip;
  const own = nearestColour(first.rgb, Number.POSITIVE_INFINITY);
  const least = (leastLine * width * height) / 4096;
  const half = paintHalfWidth * first.pose.r;
  const votes = new Map<Colour, number>();
  const perFrame: { colours: Map<Colour, number>; expected: number }[] = [];
  sightings.forEach((sighting, f) => {
    if (sighting === undefined) return;
    const { pose } = sighting;
    const [ex, ey] = [pose.x - first.pose.x, pose.y - first.pose.y];
    const square = Math.max(1e-6, ex * ex + ey * ey);
    const cos = Math.cos(pose.angle);
    const sin = Math.sin(pose.angle);
    const found = new Map<Colour, number>();
    let expected = 0;
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const x = column + 0.5;
        const y = row + 0.5;
        const along = Math.min(1, Math.max(0, ((x - first.pose.x) * ex + (y - first.pose.y) * ey) / square));
        const d = Math.hypot(x - first.pose.x - ex * along, y - first.pose.y - ey * along) - half;
        if (d > -0.8 || distanceToShape(shape, x - pose.x, y - pose.y, pose.r, cos, sin) < 1.5) continue;
        expected++;
        const at = (f * width * height + row * width + column) * 3;
        const colour = nearestColour([frames[at]!, frames[at + 1]!, frames[at + 2]!], 70);
        // A background may be nearer to what is there than any colour of paint.
        if (colour === undefined || isBackground(background.pixels, frames, at, colour)) continue;
        found.set(colour, (found.get(colour) ?? 0) + 1);
      }
    }
    if (expected < least) return;
    perFrame.push({ colours: found, expected });
    for (const [colour, count] of found) votes.set(colour, (votes.get(colour) ?? 0) + count);
  });
  if (perFrame.length < 3) return undefined;
  const [most] = [...votes].sort((a, b) => b[1] - a[1]);
  if (most === undefined || most[0] === own) return undefined;
  const [colour] = most;
  const whole = perFrame.filter(
    ({ colours: found, expected }) => (found.get(colour) ?? 0) >= 0.75 * expected,
  );
  const kept = whole.length / perFrame.length;
  return kept >= 0.5 ? { colour, kept } : undefined;
}

function isBackground(background: Float32Array, frames: Uint8Array, at: number, colour: Colour): boolean {
  const paint = colours[colour];
  let toBackground = 0;
  let toPaint = 0;
  for (let k = 0; k < 3; k++) {
    toBackground += (frames[at + k]! - background[at + k]!) ** 2;
    toPaint += (frames[at + k]! - paint[k]!) ** 2;
  }
  return toBackground < toPaint;
}

/** Pixels of each palette colour that differ from the background, in one frame. */
function coloursIn(clip: Clip, background: FittedBackground, f: number): Map<Colour, number[]> {
  const { width, height, frames } = clip;
  const found = new Map<Colour, number[]>();
  for (let i = 0; i < width * height; i++) {
    const at = (f * width * height + i) * 3;
    const colour = nearestColour([frames[at]!, frames[at + 1]!, frames[at + 2]!], 75);
    if (colour === undefined || isBackground(background.pixels, frames, at, colour)) continue;
    const pixels = found.get(colour);
    if (pixels === undefined) found.set(colour, [i]);
    else pixels.push(i);
  }
  return found;
}

/**
 * The background as it would be if one colour that spreads through the clip were paint, left by the colour that is
 * there from the first frame: shapes on a line are read as well as shapes on plain ground. Undefined when no colour
 * spreads so.
 */
export function withPaintAsBackground(
  clip: Clip,
  background: FittedBackground,
): FittedBackground | undefined {
  const { width, height, frameCount } = clip;
  const perFrame = Array.from({ length: frameCount }, (_, f) => coloursIn(clip, background, f));
  const [own] = [...perFrame[0]!].sort((a, b) => b[1].length - a[1].length)[0] ?? [];
  if (own === undefined) return undefined;
  const countOf = (colour: Colour, f: number) => perFrame[f]!.get(colour)?.length ?? 0;
  const least = (20 * width * height) / 4096;
  const middle = frameCount >> 1;
  const last = frameCount - 1;
  const spreading = [...perFrame[last]!.keys()].filter(
    (colour) =>
      colour !== own &&
      countOf(colour, last) > least &&
      countOf(colour, last) > 1.3 * countOf(colour, middle) &&
      countOf(colour, middle) > countOf(colour, 1),
  );
  const [paint] = spreading.sort((a, b) => countOf(b, last) - countOf(a, last));
  if (paint === undefined) return undefined;
  const centres = perFrame.map((found) => {
    const pixels = found.get(own) ?? [];
    const x = pixels.reduce((sum, i) => sum + (i % width) + 0.5, 0) / pixels.length;
    const y = pixels.reduce((sum, i) => sum + Math.floor(i / width) + 0.5, 0) / pixels.length;
    return { x, y, area: pixels.length };
  });
  if (centres.some(({ area }) => area < least)) return undefined;
  const first = centres[0]!;
  // In the first frame nothing but the shape is seen; its area says how wide its line is.
  const half = paintHalfWidth * Math.sqrt(differing(clip, background) / Math.PI);
  const pixels = background.pixels.slice();
  const colour = colours[paint];
  centres.forEach(({ x: toX, y: toY }, f) => {
    const [ex, ey] = [toX - first.x, toY - first.y];
    const square = Math.max(1e-6, ex * ex + ey * ey);
    for (let i = 0; i < width * height; i++) {
      const x = (i % width) + 0.5;
      const y = Math.floor(i / width) + 0.5;
      const along = Math.min(1, Math.max(0, ((x - first.x) * ex + (y - first.y) * ey) / square));
      const d = Math.hypot(x - first.x - ex * along, y - first.y - ey * along) - half;
      // A soft edge: the clip may be blurred.
      const share = Math.min(1, Math.max(0, 0.5 - d / 1.6));
      if (share === 0) continue;
      const at = (f * width * height + i) * 3;
      for (let k = 0; k < 3; k++) pixels[at + k]! += (colour[k]! - pixels[at + k]!) * share;
    }
  });
  // As between the cells of a floor, the edge of the line may lie a pixel off.
  return { ...background, pixels, isFloor: true };
}

/** Pixels of the first frame that differ from the background. */
function differing({ frames, width, height }: Clip, { pixels }: FittedBackground): number {
  let count = 0;
  for (let at = 0; at < width * height * 3; at += 3) {
    let sum = 0;
    for (let k = 0; k < 3; k++) sum += (frames[at + k]! - pixels[at + k]!) ** 2;
    if (sum > 42 * 42) count++;
  }
  return count;
}
