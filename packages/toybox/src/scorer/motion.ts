/** Names the motion of a shape from its path: the model of the world that explains the path best, if any does. */
import { bounceHeight, timingOf } from '../world/pose.ts';
import {
  type Direction,
  directions,
  type Motion,
  period,
  type Shape,
  type StraightDirection,
} from '../world/words.ts';
import { symmetry } from './template.ts';

/** Where a shape is in one frame: fractions of width, height and shorter side; radians. */
export interface TrackPoint {
  readonly frame: number;
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  readonly angle: number;
  /** Whether frame or wall may cut the shape off, so that its place is less sure. */
  readonly isCut: boolean;
}

/** What one half of a clip shows a shape do. */
export type HalfMove = StraightDirection | 'rests';

/** A path explained by constants of the world. */
export interface Path {
  readonly motion: Motion | undefined;
  /** Root mean square of what the model leaves of the path, fractions of the frame. */
  readonly residual: number;
  /** Height that a bouncing shape falls from. */
  readonly drop?: number;
}

/** Farthest a path may stray from its model, as a fraction of the frame (root mean square): two pixels of 64. */
const mostResidual = 0.032;
/** Travel below which something stands still, for a clip of the default length. */
const stillTravel = 0.1;

/** Least squares of `values` on the columns of `basis`, weighted; returns coefficients and the squared error. */
export function leastSquares(
  basis: readonly (readonly number[])[],
  values: readonly number[],
  weights: readonly number[],
): { coefficients: number[]; error: number } {
  const n = basis.length;
  const matrix = basis.map((a) => [
    ...basis.map((b) => a.reduce((sum, value, i) => sum + weights[i]! * value * b[i]!, 0)),
    a.reduce((sum, value, i) => sum + weights[i]! * value * values[i]!, 0),
  ]);
  for (let i = 0; i < n; i++) {
    let pivot = i;
    for (let k = i + 1; k < n; k++) if (Math.abs(matrix[k]![i]!) > Math.abs(matrix[pivot]![i]!)) pivot = k;
    [matrix[i], matrix[pivot]] = [matrix[pivot]!, matrix[i]!];
    const lead = matrix[i]![i]!;
    if (Math.abs(lead) < 1e-9) continue;
    for (let k = 0; k < n; k++) {
      if (k === i) continue;
      const factor = matrix[k]![i]! / lead;
      for (let j = i; j <= n; j++) matrix[k]![j]! -= factor * matrix[i]![j]!;
    }
  }
  const coefficients = matrix.map((row, i) => (Math.abs(row[i]!) < 1e-9 ? 0 : row[n]! / row[i]!));
  const error = values.reduce((sum, value, i) => {
    const guess = basis.reduce((total, column, k) => total + coefficients[k]! * column[i]!, 0);
    return sum + weights[i]! * (value - guess) ** 2;
  }, 0);
  return { coefficients, error };
}

/** Whole turn over a path, radians, from angles known only up to the symmetry of the shape. */
export function turnOf(points: readonly TrackPoint[], shape: Shape): number {
  const whole = symmetry[shape];
  if (whole === 0) return 0;
  // Where it is cut off, a shape fits at many angles.
  const sure = points.filter((point) => !point.isCut);
  let total = 0;
  for (let i = 1; i < sure.length; i++) {
    const step = sure[i]!.angle - sure[i - 1]!.angle;
    total += step - whole * Math.round(step / whole);
  }
  return total;
}

/** The direction of a travel, when it is clearly one of `names`. */
function directionOf<T extends Direction>(dx: number, dy: number, names: readonly T[]): T | undefined {
  const length = Math.hypot(dx, dy);
  // Within 22 degrees of it, where eight directions meet.
  return names.find((name) => {
    const [sx, sy] = directions[name];
    return (dx * sx + dy * sy) / (length * Math.hypot(sx, sy)) > 0.92;
  });
}

const allDirections = Object.keys(directions).filter((name): name is Direction => name in directions);
const straight = ['right', 'left', 'up', 'down'] as const;

/** Reads the motion of a path of a shape in a clip of `frameCount` frames; `aspect` is width ÷ shorter side. */
export function readPath(
  points: readonly TrackPoint[],
  shape: Shape,
  frameCount: number,
  aspect: number,
): Path {
  const none: Path = { motion: undefined, residual: Number.POSITIVE_INFINITY };
  if (points.length < 3) return none;
  const { last, span } = timingOf(frameCount);
  const scale = last / span;
  const f = points.map((point) => point.frame);
  const xs = points.map((point) => point.x);
  const ys = points.map((point) => point.y);
  const weights = points.map((point) => (point.isCut ? 0.2 : 1));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const ones = f.map(() => 1);
  const rms = (error: number) => Math.sqrt(error / total);
  const flatX = leastSquares([ones], xs, weights).error;
  const flatY = leastSquares([ones], ys, weights).error;

  const lineX = leastSquares([ones, f], xs, weights);
  const lineY = leastSquares([ones, f], ys, weights);
  const dx = lineX.coefficients[1]! * last;
  const dy = lineY.coefficients[1]! * last;
  const line = rms(lineX.error + lineY.error);

  const candidates: Path[] = [];
  const add = (motion: Path['motion'], residual: number, more: Partial<Path> = {}) =>
    candidates.push({ motion, residual, ...more });

  const grown = leastSquares(
    [ones, f],
    points.map((point) => point.radius),
    weights,
  ).coefficients;
  const ratio = (grown[0]! + grown[1]! * last) / Math.max(1e-6, grown[0]!);
  const spread = Math.hypot(Math.sqrt(flatX / total), Math.sqrt(flatY / total));
  const turn = turnOf(points, shape);
  const isResting = Math.hypot(dx, dy) < stillTravel * scale && spread < 0.04;
  if (isResting) {
    // From 0.1 to 0.21 over the span: more than half of that growth.
    const growth = 1 + 0.6 * scale;
    if (ratio > growth) return { motion: 'grows', residual: spread };
    if (ratio < 1 / growth) return { motion: 'shrinks', residual: spread };
    if (ratio > 1.25 || ratio < 0.8) return none;
    // The slowest spin turns by 0.13 a frame.
    if (Math.abs(turn) > 0.09 * last) return { motion: 'spins', residual: spread };
    return Math.abs(turn) < 0.045 * last ? { motion: 'stays still', residual: spread } : none;
  }
  if (Math.hypot(dx, dy) >= 0.6 * 0.3 * scale) {
    const direction = directionOf(dx, dy, allDirections);
    if (direction !== undefined) {
      const rolled = (dx * aspect) / (points.reduce((sum, point) => sum + point.radius, 0) / points.length);
      const isLevel = direction === 'right' || direction === 'left';
      if (symmetry[shape] > 0 && isLevel && Math.abs(turn - rolled) < 0.35 * Math.abs(rolled)) {
        add(`rolls ${direction}`, line);
      } else if (Math.abs(turn) < 0.35 * Math.abs(rolled) || Math.abs(turn) < 0.7)
        add(`moves ${direction}`, line);
      else add(undefined, line);
    }
  }
  const cos = f.map((at) => Math.cos((2 * Math.PI * at) / period));
  const sin = f.map((at) => Math.sin((2 * Math.PI * at) / period));
  const swing = leastSquares([ones, cos, sin], xs, weights);
  const width = Math.hypot(swing.coefficients[1]!, swing.coefficients[2]!);
  if (width > 0.1 && width < 0.32) add('swings', rms(swing.error + flatY));

  // x = cx + a cos - b sin, y = cy + a sin + b cos: one rotation, clockwise.
  const zeros = f.map(() => 0);
  const orbit = leastSquares(
    [
      [...ones, ...zeros],
      [...zeros, ...ones],
      [...cos, ...sin],
      [...sin.map((value) => -value), ...cos],
    ],
    [...xs, ...ys],
    [...weights, ...weights],
  );
  const radius = Math.hypot(orbit.coefficients[2]!, orbit.coefficients[3]!);
  if (radius > 0.15 && radius < 0.36) add('orbits', rms(orbit.error));

  let bounce: { drop: number; error: number } | undefined;
  for (let drop = 0.14; drop < 0.5; drop += 0.01) {
    const falls = ys.map((y, i) => y + bounceHeight(drop, f[i]!));
    const { error } = leastSquares([ones], falls, weights);
    if (bounce === undefined || error < bounce.error) bounce = { drop, error };
  }
  if (bounce !== undefined) add('bounces', rms(bounce.error + flatX), { drop: bounce.drop });

  const leave = leastSquares([ones, f.map((at) => 1 - Math.abs(1 - (2 * at) / last))], xs, weights);
  const out = leave.coefficients[1]!;
  // At its farthest the whole shape is outside.
  const middle = leave.coefficients[0]! + out;
  if ((out > 0 && middle > 0.95) || (out < 0 && middle < 0.05)) {
    add(
      out > 0 ? 'leaves to the right and comes back' : 'leaves to the left and comes back',
      rms(leave.error + flatY),
    );
  }
  const best = candidates.reduce<Path>(
    (least, other) => (other.residual < least.residual ? other : least),
    none,
  );
  return best.residual <= mostResidual ? best : none;
}

/** What a path shows in each half of the clip, when the two explain it: rest, or a straight move. */
export function readHalves(
  points: readonly TrackPoint[],
  frameCount: number,
): readonly [HalfMove, HalfMove] | undefined {
  const { last } = timingOf(frameCount);
  if (points.length < 4) return undefined;
  const weights = points.map((point) => (point.isCut ? 0.2 : 1));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const ones = points.map(() => 1);
  const first = points.map(({ frame }) => Math.min(1, (2 * frame) / last));
  const second = points.map(({ frame }) => Math.max(0, (2 * frame) / last - 1));
  const x = leastSquares(
    [ones, first, second],
    points.map((point) => point.x),
    weights,
  );
  const y = leastSquares(
    [ones, first, second],
    points.map((point) => point.y),
    weights,
  );
  if (Math.sqrt((x.error + y.error) / total) > mostResidual) return undefined;
  const half = (k: 1 | 2): HalfMove | undefined => {
    const dx = x.coefficients[k]!;
    const dy = y.coefficients[k]!;
    if (Math.hypot(dx, dy) < 0.1) return 'rests';
    // True moves of half a clip are 0.26 long or longer.
    return Math.hypot(dx, dy) > 0.15 ? directionOf(dx, dy, straight) : undefined;
  };
  const [before, after] = [half(1), half(2)];
  return before === undefined || after === undefined ? undefined : [before, after];
}

/** A path along x that turns back at once. */
export interface Return {
  /** Frame of the turn. */
  readonly at: number;
  /** Speeds before and after, widths per frame, signed. */
  readonly before: number;
  readonly after: number;
  /** Root mean square of what the two straight parts leave of the path. */
  readonly residual: number;
  /** Place of the turn, fraction of the width. */
  readonly x: number;
}

/** The way a shape comes and goes back along x, when its path shows a turn. */
export function readReturn(points: readonly TrackPoint[], frameCount: number): Return | undefined {
  const { last } = timingOf(frameCount);
  if (points.length < 0.7 * frameCount) return undefined;
  const weights = points.map((point) => (point.isCut ? 0.2 : 1));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const xs = points.map((point) => point.x);
  const ones = points.map(() => 1);
  const flatY = leastSquares(
    [ones],
    points.map((point) => point.y),
    weights,
  ).error;
  let best: Return | undefined;
  for (let at = 0.3 * last; at <= 0.7 * last; at += 0.125) {
    const before = points.map(({ frame }) => Math.min(0, frame - at));
    const after = points.map(({ frame }) => Math.max(0, frame - at));
    const { coefficients, error } = leastSquares([ones, before, after], xs, weights);
    const residual = Math.sqrt((error + flatY) / total);
    if (best === undefined || residual < best.residual) {
      best = { at, before: coefficients[1]!, after: coefficients[2]!, residual, x: coefficients[0]! };
    }
  }
  return best !== undefined && best.residual <= mostResidual && best.before * best.after < 0
    ? best
    : undefined;
}
