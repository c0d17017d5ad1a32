/** Reads the solid box of a box scene: its colour, and the way it is turned in each frame. */
import { drawBox } from '../world/box-drawing.ts';
import { type Canvas, createCanvas } from '../world/canvas.ts';
import type { Clip } from '../world/clip.ts';
import { timingOf } from '../world/pose.ts';
import type { Box } from '../world/scene.ts';
import { type Camera, type Colour, colourNames } from '../world/words.ts';
import type { FittedBackground } from './background.ts';
import { nearestColour } from './foreground.ts';

/** A box that a clip shows. */
export interface ReadBox {
  readonly colour: Colour;
  /** Turn since the first frame, in radians, one per frame; positive when the camera orbits left. */
  readonly turns: readonly number[];
  /** Undefined when it does not turn steadily. */
  readonly camera: Extract<Camera, 'orbits left' | 'orbits right'> | undefined;
  /** Share of what is there that the drawing leaves unexplained, 0-1. */
  readonly unexplained: number;
}

/** More unexplained than this, and there is no box. */
const mostUnexplained = 0.1;
const quarter = Math.PI / 2;

interface Sides {
  readonly side: number;
  readonly height: number;
}

/** Looks for a box; undefined when the clip shows none. */
export function readBox(clip: Clip, background: FittedBackground): ReadBox | undefined {
  const { frameCount, width, height, frames } = clip;
  const size = width * height * 3;
  const canvas = createCanvas(clip);
  const middle = frameCount >> 1;
  const colours = likelyColours(clip, background, middle);
  if (colours.length === 0) return undefined;

  const energies = Array.from({ length: frameCount }, (_, f) => {
    let sum = 0;
    for (let i = 0; i < size; i++) sum += (frames[f * size + i]! - background.pixels[f * size + i]!) ** 2;
    return sum;
  });
  const errorOf = (f: number, colour: Colour, sides: Sides, angle: number): number => {
    drawOver(canvas, background, f, { colour, ...sides, angle, turn: 0 });
    let sum = 0;
    for (let i = 0; i < size; i++) sum += (frames[f * size + i]! - canvas.pixels[i]!) ** 2;
    return sum / Math.max(1, energies[f]!);
  };

  let best = {
    colour: colours[0]!,
    sides: { side: 0.21, height: 0.31 },
    angle: 0,
    error: Number.POSITIVE_INFINITY,
  };
  const consider = (colour: Colour, sides: Sides, angle: number) => {
    const error = errorOf(middle, colour, sides, angle);
    if (error < best.error) best = { colour, sides, angle, error };
  };
  for (const colour of colours) for (let i = 0; i < 8; i++) consider(colour, best.sides, (i * quarter) / 8);
  // Far from anything like a box: no need to look closer.
  if (best.error > 0.45) return undefined;
  for (const step of [1, 0.5, 0.25]) {
    for (let round = 0; round < 2; round++) {
      const { colour, sides, angle } = best;
      for (const d of [-step, step]) {
        consider(colour, { ...sides, side: sides.side + 0.02 * d }, angle);
        consider(colour, { ...sides, height: sides.height + 0.04 * d }, angle);
        consider(colour, sides, angle + 0.1 * d);
      }
    }
  }
  const { colour, sides } = best;
  const angles = new Array<number>(frameCount).fill(best.angle);
  let left = 0;
  const follow = (f: number, around: number) => {
    let found = { angle: around, error: errorOf(f, colour, sides, around) };
    for (const step of [0.1, 0.05, 0.05, 0.025, 0.0125]) {
      const { angle } = found;
      for (const candidate of [angle - step, angle + step]) {
        const error = errorOf(f, colour, sides, candidate);
        if (error < found.error) found = { angle: candidate, error };
      }
    }
    angles[f] = found.angle;
    left += found.error;
  };
  follow(middle, best.angle);
  for (let f = middle + 1; f < frameCount; f++) follow(f, angles[f - 1]!);
  for (let f = middle - 1; f >= 0; f--) follow(f, angles[f + 1]!);
  const unexplained = left / frameCount;
  if (unexplained > mostUnexplained) return undefined;
  const turns = angles.map((angle) => angle - angles[0]!);
  const { last, span } = timingOf(frameCount);
  const turned = turns.at(-1)!;
  const steady = turns.every((turn, f) => Math.abs(turn - (turned * f) / last) < 0.2);
  // The slowest orbit turns by one radian over the span.
  const camera =
    steady && Math.abs(turned) > (0.6 * last) / span
      ? turned > 0
        ? 'orbits left'
        : 'orbits right'
      : undefined;
  return { colour, turns, camera, unexplained };
}

function drawOver(canvas: Canvas, background: FittedBackground, f: number, box: Box): void {
  const size = canvas.pixels.length;
  canvas.pixels.set(background.pixels.subarray(f * size, (f + 1) * size));
  drawBox(canvas, box, 0);
}

/** Colours that the top of a box may have: those of at least a few pixels in the middle of the frame. */
function likelyColours({ frames, width, height }: Clip, background: FittedBackground, f: number): Colour[] {
  const counts = new Map<Colour, number>();
  let foreground = 0;
  for (let row = Math.floor(0.2 * height); row < 0.8 * height; row++) {
    for (let column = Math.floor(0.2 * width); column < 0.8 * width; column++) {
      const at = (f * width * height + row * width + column) * 3;
      const d = Math.hypot(...[0, 1, 2].map((k) => frames[at + k]! - background.pixels[at + k]!));
      if (d < 42) continue;
      foreground++;
      const colour = nearestColour([frames[at]!, frames[at + 1]!, frames[at + 2]!], 60);
      if (colour !== undefined) counts.set(colour, (counts.get(colour) ?? 0) + 1);
    }
  }
  // The smallest box covers more of a frame than the largest shape.
  if (foreground < 0.1 * width * height) return [];
  const least = 0.01 * width * height;
  return colourNames
    .filter((name) => (counts.get(name) ?? 0) > least)
    .sort((a, b) => counts.get(b)! - counts.get(a)!)
    .slice(0, 2);
}
