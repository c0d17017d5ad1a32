/**
 * Compares a patch of a clip with a drawing of each shape in each style.
 *
 * A drawing is linear in the shape's colour: pixel = (1 - k) background + w white + m colour, with k, w and m
 * known from the outline. So for any outline the best colour and what it leaves unexplained follow from four
 * sums, and shape, pose and colour can be searched without drawing pictures.
 */
import {
  distanceToShape,
  ringHalfWidth,
  ringMiddle,
  squareHalfSide,
  starInner,
  triangleInradius,
} from '../world/outline.ts';
import { biteDistance, biteRadius } from '../world/shape-drawing.ts';
import { type Rgb, reach, type Shape, type Style } from '../world/words.ts';

/** Where an outline lies, in pixels; the angle in radians. */
export interface Pose {
  readonly x: number;
  readonly y: number;
  readonly r: number;
  readonly angle: number;
}

/** A rectangle of one frame with the background behind it; pixels of weight 0 belong to something else. */
export interface Window {
  readonly x0: number;
  readonly y0: number;
  readonly width: number;
  readonly height: number;
  /** Clip minus background, RGB floats [height, width, 3]. */
  readonly difference: Float32Array;
  /** RGB floats of the same shape. */
  readonly background: Float32Array;
  readonly weight: Float32Array;
  /** Sum of the squared difference over all weighted pixels: what there is to explain. */
  readonly energy: number;
  /** Shorter side of the frame, pixels. */
  readonly short: number;
}

/** What a drawing explains. */
export interface Match {
  /** Squared error left when the colour is chosen freely, ÷ energy. */
  readonly unexplained: number;
  /** The best colour, 0-255, not clamped. */
  readonly colour: Rgb;
  /** Sums from which the error under any colour follows: Σy², Σm² and Σm·y per channel. */
  readonly yy: number;
  readonly mm: number;
  readonly my: Rgb;
}

export interface Outline {
  readonly shape: Shape;
  /** A bite out of a disc, as the angle at which it lies. */
  readonly bite?: number;
  /** Out of shape: `by` times as long as wide, `along` an angle. */
  readonly stretch?: { readonly along: number; readonly by: number };
}

/** Area within the outer outline of each shape of radius 1. */
export const filledArea: Readonly<Record<Shape, number>> = {
  circle: Math.PI,
  square: 4 * squareHalfSide ** 2,
  triangle: 3 * Math.sqrt(3) * triangleInradius ** 2,
  star: 10 * 0.5 * reach * starInner * Math.sin(Math.PI / 5),
  ring: Math.PI * (ringMiddle + ringHalfWidth) ** 2,
};

/** Turn after which a shape looks the same; 0 where every turn does. */
export const symmetry: Readonly<Record<Shape, number>> = {
  circle: 0,
  square: Math.PI / 2,
  triangle: (2 * Math.PI) / 3,
  star: (2 * Math.PI) / 5,
  ring: 0,
};

function clamp01(value: number): number {
  return value < 0 ? 0 : value > 1 ? 1 : value;
}

/** The window around some pixels of a frame, `margin` pixels wider on each side. */
export function windowOf(
  clip: { readonly frames: Uint8Array; readonly width: number; readonly height: number },
  background: Float32Array,
  frame: number,
  bounds: { x0: number; y0: number; x1: number; y1: number },
  margin: number,
  isOther: (index: number) => boolean,
): Window {
  const { width: fullWidth, height: fullHeight, frames } = clip;
  const x0 = Math.max(0, bounds.x0 - margin);
  const y0 = Math.max(0, bounds.y0 - margin);
  const x1 = Math.min(fullWidth - 1, bounds.x1 + margin);
  const y1 = Math.min(fullHeight - 1, bounds.y1 + margin);
  const width = x1 - x0 + 1;
  const height = y1 - y0 + 1;
  const difference = new Float32Array(width * height * 3);
  const behind = new Float32Array(width * height * 3);
  const weight = new Float32Array(width * height);
  let energy = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const index = (y + y0) * fullWidth + x + x0;
      const from = (frame * fullWidth * fullHeight + index) * 3;
      const i = y * width + x;
      const w = isOther(index) ? 0 : 1;
      weight[i] = w;
      for (let k = 0; k < 3; k++) {
        const b = background[from + k]!;
        const d = frames[from + k]! - b;
        behind[i * 3 + k] = b;
        difference[i * 3 + k] = d;
        energy += w * d * d;
      }
    }
  }
  return {
    x0,
    y0,
    width,
    height,
    difference,
    background: behind,
    weight,
    energy,
    short: Math.min(fullWidth, fullHeight),
  };
}

/** Fields of the drawing being compared: coverage of the background, of the colour, of white. */
let scratch = [new Float32Array(0), new Float32Array(0), new Float32Array(0)] as const;

/** Smooths `field` [height, width] in place with (1 2 1) / 4 along both axes. */
function smooth(field: Float32Array, width: number, height: number): void {
  for (let row = 0; row < height; row++) {
    let at = row * width;
    let before = field[at]!;
    for (const end = at + width - 1; at < end; at++) {
      const here = field[at]!;
      field[at] = 0.25 * (before + field[at + 1]!) + 0.5 * here;
      before = here;
    }
    field[at] = 0.25 * before + 0.75 * field[at]!;
  }
  for (let column = 0; column < width; column++) {
    let at = column;
    let before = field[at]!;
    for (const end = at + (height - 1) * width; at < end; at += width) {
      const here = field[at]!;
      field[at] = 0.25 * (before + field[at + width]!) + 0.5 * here;
      before = here;
    }
    field[at] = 0.25 * before + 0.75 * field[at]!;
  }
}

/** Compares a window with a drawing that is smoothed `blur` times; a video autoencoder blurs a clip about as one time does. */
export function match(window: Window, style: Style, outline: Outline, pose: Pose, blur: number): Match {
  const { shape, bite, stretch } = outline;
  const { x0, y0, width, height, difference, background, weight, short } = window;
  const size = width * height;
  if (scratch[0].length < size) {
    scratch = [new Float32Array(size), new Float32Array(size), new Float32Array(size)];
  }
  const [ks, ms, ws] = scratch;
  const cos = Math.cos(pose.angle);
  const sin = Math.sin(pose.angle);
  const stroke = 0.018 * short;
  const bx = bite === undefined ? 0 : biteDistance * pose.r * Math.cos(bite);
  const by = bite === undefined ? 0 : biteDistance * pose.r * Math.sin(bite);
  // Beyond this a shape leaves nothing but a glow.
  const spread = style === 'watercolour' ? 0.045 * short : 1;
  const far =
    style === 'neon'
      ? Number.POSITIVE_INFINITY
      : (reach * pose.r + spread) ** 2 * Math.max(stretch?.by ?? 1, 1 / (stretch?.by ?? 1));
  const axisX = Math.cos(stretch?.along ?? 0);
  const axisY = Math.sin(stretch?.along ?? 0);
  // Along the axis coordinates shrink, across it they grow, so that the area stays.
  const shrink = 1 / Math.sqrt(stretch?.by ?? 1);
  const isSimple = style === 'flat' || style === 'outline' || style === 'watercolour';
  for (let row = 0, i = 0; row < height; row++) {
    const y = row + y0 + 0.5;
    const fromY = y - pose.y;
    for (let column = 0; column < width; column++, i++) {
      const x = column + x0 + 0.5;
      let px = x - pose.x;
      let py = fromY;
      if (px * px + py * py > far) {
        ms[i] = 0;
        ks[i] = 0;
        ws[i] = 0;
        continue;
      }
      if (stretch !== undefined) {
        const along = (px * axisX + py * axisY) * shrink;
        const across = (py * axisX - px * axisY) / shrink;
        px = along * axisX - across * axisY;
        py = along * axisY + across * axisX;
      }
      let d = distanceToShape(shape, px, py, pose.r, cos, sin);
      if (bite !== undefined)
        d = Math.max(d, biteRadius * pose.r - Math.sqrt((px - bx) ** 2 + (py - by) ** 2));
      if (style === 'flat') {
        ms[i] = clamp01(0.5 - d);
      } else if (style === 'watercolour') {
        const soft = clamp01(0.5 - d / (0.045 * short));
        ms[i] = soft * (0.72 + 0.16 * Math.sin((2 * Math.PI * (x + 2 * y)) / (0.6 * short)));
      } else {
        const line = clamp01(0.5 - (Math.abs(d + stroke) - stroke));
        if (style === 'outline') {
          ms[i] = line;
        } else if (style === 'neon') {
          const glow = d > -2 * stroke ? 0.6 * Math.exp(-Math.max(0, d) / (0.05 * short)) : 0;
          ks[i] = 1 - (1 - glow) * (1 - line);
          ms[i] = (1 - line) * glow + 0.45 * line;
          ws[i] = 0.55 * line;
        } else {
          const hatch = (0.45 + 0.3 * Math.sin((2 * Math.PI * (x + y)) / (0.125 * short))) * clamp01(0.5 - d);
          ks[i] = 1 - (1 - hatch) * (1 - line);
          ms[i] = (1 - line) * hatch + 0.55 * line;
          ws[i] = 0;
        }
      }
    }
  }
  for (let pass = 0; pass < blur; pass++) {
    smooth(ms, width, height);
    if (!isSimple) {
      smooth(ks, width, height);
      smooth(ws, width, height);
    }
  }
  let yy = 0;
  let mm = 0;
  let m0 = 0;
  let m1 = 0;
  let m2 = 0;
  for (let i = 0, at = 0; i < size; i++, at += 3) {
    if (weight[i] === 0) continue;
    const m = ms[i]!;
    const k = isSimple ? m : ks[i]!;
    const w = isSimple ? 0 : 255 * ws[i]!;
    const a = difference[at]! + k * background[at]! - w;
    const b = difference[at + 1]! + k * background[at + 1]! - w;
    const c = difference[at + 2]! + k * background[at + 2]! - w;
    yy += a * a + b * b + c * c;
    mm += m * m;
    m0 += m * a;
    m1 += m * b;
    m2 += m * c;
  }
  const my: Rgb = [m0, m1, m2];
  const divisor = Math.max(1e-6, mm);
  const colour: Rgb = [m0 / divisor, m1 / divisor, m2 / divisor];
  const left = errorUnder({ yy, mm, my }, clampColour(colour));
  return { unexplained: window.energy > 0 ? left / window.energy : 1, colour, yy, mm, my };
}

/** Squared error left when the shape has a given colour. */
export function errorUnder({ yy, mm, my }: { yy: number; mm: number; my: Rgb }, colour: Rgb): number {
  let sum = yy;
  for (let k = 0; k < 3; k++) sum += colour[k]! * colour[k]! * mm - 2 * colour[k]! * my[k]!;
  return Math.max(0, sum);
}

function clampColour(colour: Rgb): Rgb {
  const inside = (value: number) => Math.max(0, Math.min(255, value));
  return [inside(colour[0]), inside(colour[1]), inside(colour[2])];
}

export interface Fitted {
  readonly pose: Pose;
  readonly match: Match;
}

/**
 * The pose of a shape that explains a window best, searched from `start` with steps that halve from `step` pixels
 * to `least`. `colour`, when known, is held; so are radius and angle when they are said to be fixed.
 */
export function fitPose(
  window: Window,
  style: Style,
  outline: Outline,
  start: Pose,
  options: {
    blur: number;
    step: number;
    least: number;
    colour?: Rgb;
    isSizeFixed?: boolean;
    isAngleFixed?: boolean;
    angles?: readonly number[];
  },
): Fitted {
  const costOf = (found: Match) =>
    options.colour === undefined
      ? found.unexplained
      : errorUnder(found, options.colour) / Math.max(1, window.energy);
  let pose = start;
  let found = match(window, style, outline, pose, options.blur);
  let cost = costOf(found);
  const consider = (candidate: Pose) => {
    const other = match(window, style, outline, candidate, options.blur);
    const otherCost = costOf(other);
    if (otherCost >= cost) return false;
    pose = candidate;
    found = other;
    cost = otherCost;
    return true;
  };
  for (const angle of options.angles ?? []) consider({ ...start, angle });
  const turns = symmetry[outline.shape] > 0 && !options.isAngleFixed;
  for (let step = options.step; step >= options.least; step /= 2) {
    for (let round = 0; round < 2; round++) {
      let isBetter = false;
      if (!consider({ ...pose, x: pose.x + step }))
        isBetter = consider({ ...pose, x: pose.x - step }) || isBetter;
      else isBetter = true;
      if (!consider({ ...pose, y: pose.y + step }))
        isBetter = consider({ ...pose, y: pose.y - step }) || isBetter;
      else isBetter = true;
      if (!options.isSizeFixed) {
        if (!consider({ ...pose, r: pose.r + step * 0.7 })) {
          isBetter = (pose.r > step && consider({ ...pose, r: pose.r - step * 0.7 })) || isBetter;
        } else isBetter = true;
      }
      if (turns) {
        const turn = (step * 1.2) / pose.r;
        if (!consider({ ...pose, angle: pose.angle + turn })) {
          isBetter = consider({ ...pose, angle: pose.angle - turn }) || isBetter;
        } else isBetter = true;
      }
      if (!isBetter) break;
    }
  }
  return { pose, match: found };
}
