/**
 * Finds the background of a clip: which of the world's ten it is, how the camera looks at it in each
 * frame, and the picture it makes, so that everything else in the clip is what differs from it.
 */
import { drawBackground } from '../world/background.ts';
import type { Canvas } from '../world/canvas.ts';
import { createCanvas } from '../world/canvas.ts';
import type { Clip } from '../world/clip.ts';
import type { View } from '../world/pose.ts';
import { type Background, floorNames, floors, gradients, type Style, toneNames } from '../world/words.ts';

/** How a style treats the ground: as it is, darkened (neon), or not at all (pencil on paper). */
export type Ground = 'plain' | 'dark' | 'paper';

export interface FittedBackground {
  /** Undefined on paper, which hides it. */
  readonly name: Background | undefined;
  readonly ground: Ground;
  /** One per frame; on anything but a floor the camera leaves no trace and the view is the still one. */
  readonly views: readonly View[];
  readonly isFloor: boolean;
  /** Float RGB [T, H, W, 3], 0-255. */
  readonly pixels: Float32Array;
  /** Mean RGB distance of the pixels that lie near it, 0-255 units. */
  readonly error: number;
  /** Share of all pixels that lie near it. */
  readonly share: number;
}

const stillView: View = { pan: 0, zoom: 1 };
/** Cells of a floor across the frame. */
const cells = 8;
/** RGB distance at which a pixel is surely something else. */
const cap = 60;
/** Pixels nearer than this count as background. */
const near = 45;

const gradientNames: readonly Background[] = [
  'black to gray',
  'gray to black',
  'navy to sand',
  'sand to navy',
];
const styleOf: Readonly<Record<Ground, Style>> = { plain: 'flat', dark: 'neon', paper: 'pencil' };

function isFloorName(name: Background): boolean {
  return Object.hasOwn(floors, name);
}

function isGradientName(name: Background): boolean {
  return Object.hasOwn(gradients, name);
}

/** Mean of the distance, capped, between a frame and a picture, over every `step`-th pixel from row `fromRow`. */
function costOf(clip: Clip, frame: number, picture: Canvas, step: number, fromRow: number): number {
  const { frames, width, height } = clip;
  const { pixels } = picture;
  const offset = frame * width * height * 3;
  let sum = 0;
  let count = 0;
  for (let i = fromRow * width; i < width * height; i += step) {
    const at = i * 3;
    const r = frames[offset + at]! - pixels[at]!;
    const g = frames[offset + at + 1]! - pixels[at + 1]!;
    const b = frames[offset + at + 2]! - pixels[at + 2]!;
    sum += Math.min(cap, Math.sqrt(r * r + g * g + b * b));
    count++;
  }
  return sum / count;
}

/** Frames looked at to name the background: first, last and some between. */
function probes(frameCount: number): number[] {
  return [...new Set([0, 0.25, 0.5, 0.75, 1].map((share) => Math.round(share * (frameCount - 1))))];
}

const panPeriod = 2 / cells;

/** The view of one frame of a floor that fits best, near `around` where the pattern repeats. */
function fitView(
  clip: Clip,
  frame: number,
  name: Background,
  ground: Ground,
  picture: Canvas,
  around: View | undefined,
): { view: View; cost: number } {
  const fromRow = Math.floor(clip.height * 0.5);
  let best = { view: stillView, cost: Number.POSITIVE_INFINITY };
  const consider = (view: View) => {
    drawBackground(picture, name, styleOf[ground], view);
    const cost = costOf(clip, frame, picture, 1, fromRow);
    if (cost < best.cost) best = { view, cost };
  };
  if (around === undefined) {
    for (let i = 0; i < 16; i++) consider({ pan: (i / 16 - 0.5) * panPeriod, zoom: 1 });
    for (let zoom = 1.03; zoom < 1.5; zoom += 0.03) consider({ pan: 0, zoom });
  } else {
    for (let i = -3; i <= 3; i++) consider({ pan: around.pan + (i / 64) * panPeriod * 2, zoom: around.zoom });
    for (let i = -2; i <= 2; i++) consider({ pan: around.pan, zoom: around.zoom + i * 0.025 });
  }
  for (const step of [0.5, 0.25, 0.125]) {
    const { view } = best;
    for (const [dp, dz] of [
      [1, 0],
      [-1, 0],
      [0, 1],
      [0, -1],
    ] as const) {
      consider({ pan: view.pan + (dp * step) / 64, zoom: view.zoom + dz * step * 0.02 });
    }
  }
  return best;
}

/** Fits every background the world has and keeps the one that explains most of the clip. */
export function fitBackground(
  clip: Clip,
  grounds: readonly Ground[] = ['plain', 'dark', 'paper'],
): FittedBackground {
  const { frameCount } = clip;
  const picture = createCanvas(clip);
  const frames = probes(frameCount);
  let best: { name: Background; ground: Ground; cost: number } | undefined;
  const consider = (name: Background, ground: Ground) => {
    let cost = 0;
    if (isFloorName(name)) {
      // Both wall and floor must fit, the floor under the best view there is.
      for (const f of frames) {
        const { view } = fitView(clip, f, name, ground, picture, undefined);
        drawBackground(picture, name, styleOf[ground], view);
        cost += costOf(clip, f, picture, 2, 0);
      }
    } else {
      // A zoom stretches a gradient a little; either end of it may fit.
      for (const f of frames) {
        let least = Number.POSITIVE_INFINITY;
        for (const zoom of isGradientName(name) ? [1, 1.2, 1.4] : [1]) {
          drawBackground(picture, name, styleOf[ground], { pan: 0, zoom });
          least = Math.min(least, costOf(clip, f, picture, 2, 0));
        }
        cost += least;
      }
    }
    cost /= frames.length;
    if (best === undefined || cost < best.cost) best = { name, ground, cost };
  };
  for (const ground of grounds) {
    if (ground === 'paper') consider('black', ground);
    else {
      for (const name of toneNames) consider(name, ground);
      for (const name of gradientNames) consider(name, ground);
    }
  }
  // Floors cost most to try; a plain tone that explains nearly everything rules them out.
  if (best === undefined || best.cost > 6) {
    for (const ground of grounds) {
      if (ground !== 'paper') for (const name of floorNames) consider(name, ground);
    }
  }
  const { name, ground } = best!;
  return pictured(clip, name, ground, picture);
}

function pictured(clip: Clip, name: Background, ground: Ground, picture: Canvas): FittedBackground {
  const { width, height, frameCount, frames } = clip;
  const size = width * height * 3;
  const pixels = new Float32Array(frameCount * size);
  const views: View[] = [];
  const isFloor = isFloorName(name) && ground !== 'paper';
  const isGradient = isGradientName(name) && ground !== 'paper';
  for (let f = 0; f < frameCount; f++) {
    let view = stillView;
    if (isFloor) view = fitView(clip, f, name, ground, picture, views.at(-1)).view;
    else if (isGradient) {
      let least = Number.POSITIVE_INFINITY;
      for (let zoom = 1; zoom < 1.5 && least > 3; zoom += 0.09) {
        drawBackground(picture, name, styleOf[ground], { pan: 0, zoom });
        const cost = costOf(clip, f, picture, 2, 0);
        if (cost < least - 0.05) {
          least = cost;
          view = { pan: 0, zoom };
        }
      }
    }
    views.push(view);
    drawBackground(picture, name, styleOf[ground], view);
    pixels.set(picture.pixels, f * size);
  }
  // A model's background may be a little off; what all near pixels have in common is taken over.
  const offset = [0, 0, 0];
  let count = 0;
  for (let at = 0; at < frames.length; at += 3) {
    if (distanceAt(frames, pixels, at) > near) continue;
    count++;
    for (let k = 0; k < 3; k++) offset[k]! += frames[at + k]! - pixels[at + k]!;
  }
  let error = 0;
  if (count > 0) {
    for (let k = 0; k < 3; k++) offset[k] = Math.max(-20, Math.min(20, offset[k]! / count));
    for (let at = 0; at < frames.length; at += 3) {
      const d = distanceAt(frames, pixels, at);
      if (d <= near) error += d;
      for (let k = 0; k < 3; k++) pixels[at + k]! += offset[k]!;
    }
  }
  return {
    name: ground === 'paper' ? undefined : name,
    ground,
    views: isFloor ? views : views.map(() => stillView),
    isFloor,
    pixels,
    error: count === 0 ? Number.POSITIVE_INFINITY : error / count,
    share: (count * 3) / frames.length,
  };
}

function distanceAt(a: ArrayLike<number>, b: ArrayLike<number>, at: number): number {
  const r = a[at]! - b[at]!;
  const g = a[at + 1]! - b[at + 1]!;
  const c = a[at + 2]! - b[at + 2]!;
  return Math.sqrt(r * r + g * g + c * c);
}
