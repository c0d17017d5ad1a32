/** Reads shapes off tracks: outline, style, colour and pose in every frame, by comparing with drawings of each. */
import type { Clip } from '../world/clip.ts';
import { type Colour, type Rgb, type Shape, type Style, shapes } from '../world/words.ts';
import type { FittedBackground } from './background.ts';
import { nearestColour, type Patch } from './foreground.ts';
import {
  errorUnder,
  type Fitted,
  filledArea,
  fitPose,
  type Outline,
  type Pose,
  symmetry,
  type Window,
  windowOf,
} from './template.ts';
import type { PatchTrack } from './tracks.ts';

/** A shape in one frame, in pixels. */
export interface Sighting {
  readonly pose: Pose;
  readonly colour: Colour | undefined;
  /** Share of what is there that the drawing leaves unexplained, 0-1. */
  readonly unexplained: number;
  /** Whether frame or wall may cut it off. */
  readonly isCut: boolean;
}

/** A track read as a shape. */
export interface ShapeTrack {
  /** Undefined when no shape explains what is seen. */
  readonly shape: Shape | undefined;
  /** Share of what is there that the best drawing leaves unexplained, over the frames that decided the shape. */
  readonly unexplained: number;
  readonly sightings: readonly (Sighting | undefined)[];
}

/** More unexplained than this, and what is seen is none of the shapes. */
const mostUnexplained = 0.16;
/** Frames of a track that decide its shape. */
const decidingFrames = 5;
const softnesses = [1, 1.7, 2.6] as const;
/** Farthest a colour may lie from its name, in RGB distance; the closest two names lie 71 apart. */
const colourTolerance = 60;

interface Context {
  readonly clip: Clip;
  readonly background: FittedBackground;
  readonly wall: { from: number; to: number } | undefined;
  readonly tracks: readonly PatchTrack[];
}

function isCut({ clip, wall }: Context, patch: Patch): boolean {
  const atFrame = patch.x0 <= 1 || patch.y0 <= 1 || patch.x1 >= clip.width - 2 || patch.y1 >= clip.height - 2;
  return atFrame || (wall !== undefined && patch.x1 >= wall.from - 3 && patch.x0 <= wall.to + 2);
}

function windowFor({ clip, background, wall, tracks }: Context, patch: Patch, margin: number): Window {
  const { width } = clip;
  const own = new Set(patch.pixels);
  const others = new Set<number>();
  for (const track of tracks) {
    const other = track.patches[patch.frame];
    if (other === undefined || other === patch) continue;
    for (const i of other.pixels) {
      others.add(i);
      for (const n of [i - 1, i + 1, i - width, i + width]) if (!own.has(n)) others.add(n);
    }
  }
  return windowOf(clip, background.pixels, patch.frame, patch, margin, (i) => {
    if (others.has(i)) return true;
    const x = i % width;
    return wall !== undefined && x >= wall.from - 1 && x <= wall.to;
  });
}

function startPose(patch: Patch, shape: Shape): Pose {
  return { x: patch.x, y: patch.y, r: Math.sqrt(patch.pixels.length / filledArea[shape]), angle: 0 };
}

function anglesOf(shape: Shape): number[] {
  const turn = symmetry[shape];
  return turn === 0 ? [] : Array.from({ length: 6 }, (_, i) => (i * turn) / 6);
}

/** Frames of a track in which it is seen whole, spread evenly; those it has when it has none. */
function chooseFrames(context: Context, track: PatchTrack, most: number): Patch[] {
  const seen = track.patches.filter((patch) => patch !== undefined);
  const whole = seen.filter((patch) => !isCut(context, patch));
  const from =
    whole.length >= 2 ? whole : [...seen].sort((a, b) => b.pixels.length - a.pixels.length).slice(0, most);
  const count = Math.min(most, from.length);
  return Array.from(
    { length: count },
    (_, i) => from[count === 1 ? from.length >> 1 : Math.round((i * (from.length - 1)) / (count - 1))]!,
  );
}

interface Candidate {
  readonly outline: Outline;
  readonly unexplained: number;
}

function pooled(windows: readonly Window[], fits: readonly Fitted[]): number {
  let left = 0;
  let all = 0;
  fits.forEach((fit, i) => {
    left += fit.match.unexplained * windows[i]!.energy;
    all += windows[i]!.energy;
  });
  return all === 0 ? 1 : left / all;
}

/** How far around a patch a style may leave colour, pixels. */
function marginOf(style: Style): number {
  return style === 'neon' ? 6 : style === 'watercolour' ? 4 : 3;
}

/** Places to search from: the patch's own size, and smaller where a style's glow makes the patch larger than the shape. */
function startsOf(patch: Patch, shape: Shape, style: Style): Pose[] {
  const own = startPose(patch, shape);
  return style === 'neon' ? [0.85, 0.7, 0.58].map((scale) => ({ ...own, r: own.r * scale })) : [own];
}

function fitFrom(window: Window, patch: Patch, style: Style, shape: Shape, softness: number): Fitted {
  const fits = startsOf(patch, shape, style).map((start) =>
    fitPose(window, style, { shape }, start, { softness, step: 1, least: 0.25, angles: anglesOf(shape) }),
  );
  return fits.reduce((best, other) => (other.match.unexplained < best.match.unexplained ? other : best));
}

/** How well each shape explains a track in a style, best first. Shapes that the first frame rules out are not tried on. */
function rankShapes(
  context: Context,
  track: PatchTrack,
  style: Style,
  softness: number,
  count: number,
): Candidate[] {
  const patches = chooseFrames(context, track, count);
  const windows = patches.map((patch) => windowFor(context, patch, marginOf(style)));
  const fits = new Map<Shape, Fitted[]>(shapes.map((shape) => [shape, []]));
  let open: readonly Shape[] = shapes;
  windows.forEach((window, i) => {
    for (const shape of open) fits.get(shape)!.push(fitFrom(window, patches[i]!, style, shape, softness));
    const least = Math.min(...open.map((shape) => pooled(windows, fits.get(shape)!)));
    open = open.filter((shape) => pooled(windows, fits.get(shape)!) < 2.5 * least + 0.03);
  });
  return open
    .map((shape) => ({ outline: { shape }, unexplained: pooled(windows, fits.get(shape)!) }))
    .sort((a, b) => a.unexplained - b.unexplained);
}

/** So little unexplained that no other style need be tried. */
const clearlyExplained = 0.03;

/** The style that explains all tracks best. */
export function readStyle(context: Context): Style | undefined {
  const { ground } = context.background;
  if (context.tracks.length === 0) return undefined;
  if (ground === 'paper') return 'pencil';
  // Black is as dark as neon makes a ground, so there either may be.
  const styles: readonly Style[] =
    ground === 'dark'
      ? ['neon', 'flat', 'outline', 'watercolour']
      : ['flat', 'outline', 'watercolour', 'neon'];
  let best: { style: Style; cost: number } | undefined;
  for (const style of styles) {
    let cost = 0;
    for (const track of context.tracks) cost += rankShapes(context, track, style, 1.5, 1)[0]!.unexplained;
    if (best === undefined || cost < best.cost) best = { style, cost };
    if (best.cost < clearlyExplained * context.tracks.length) break;
  }
  return best!.style;
}

/** Reads one track as a shape drawn in `style`. */
export function readShape(context: Context, track: PatchTrack, style: Style): ShapeTrack {
  let best: { ranked: Candidate[]; softness: number } | undefined;
  for (const softness of softnesses) {
    const ranked = rankShapes(context, track, style, softness, 2);
    if (best === undefined || ranked[0]!.unexplained < best.ranked[0]!.unexplained)
      best = { ranked, softness };
    if (ranked[0]!.unexplained < clearlyExplained / 2) break;
  }
  const { softness } = best!;
  const [first] = rankShapes(context, track, style, softness, decidingFrames);
  const { outline, unexplained } = first!;
  return {
    shape: unexplained <= mostUnexplained ? outline.shape : undefined,
    unexplained,
    sightings: followShape(context, track, style, outline, softness),
  };
}

/** The pose and colour of a shape in every frame of its track. */
function followShape(
  context: Context,
  track: PatchTrack,
  style: Style,
  outline: Outline,
  softness: number,
): (Sighting | undefined)[] {
  const { shape } = outline;
  const margin = marginOf(style);
  const sightings: (Sighting | undefined)[] = track.patches.map(() => undefined);
  const follow = (patch: Patch, start: Pose, isRadiusFixed: boolean, colour: Rgb | undefined) => {
    const window = windowFor(context, patch, margin);
    const { pose, match } = fitPose(window, style, outline, start, {
      softness,
      step: 1,
      least: 0.12,
      angles: anglesOf(shape),
      isRadiusFixed,
      ...(colour === undefined ? {} : { colour }),
    });
    sightings[patch.frame] = {
      pose,
      colour: nearestColour(match.colour, colourTolerance),
      unexplained:
        colour === undefined ? match.unexplained : errorUnder(match, colour) / Math.max(1, window.energy),
      isCut: isCut(context, patch),
    };
  };
  let before: Pose | undefined;
  // Whole sightings first; they say how large it is where frame or wall cut it off.
  for (const patch of track.patches) {
    if (patch === undefined || isCut(context, patch)) continue;
    const [start] = startsOf(patch, shape, style);
    follow(
      patch,
      before === undefined ? start! : { ...start!, r: (start!.r + before.r) / 2, angle: before.angle },
      false,
      undefined,
    );
    before = sightings[patch.frame]!.pose;
  }
  const whole = sightings.filter((sighting) => sighting !== undefined);
  const radii = whole.map(({ pose }) => pose.r).sort((a, b) => a - b);
  const radius = radii[Math.floor(radii.length / 2)];
  for (const patch of track.patches) {
    if (patch === undefined || sightings[patch.frame] !== undefined) continue;
    const start = startPose(patch, shape);
    if (radius === undefined) {
      follow(patch, start, false, undefined);
      continue;
    }
    // The middle of what is seen lies off the shape's own, away from the edge that cuts it.
    const offX = Math.max(0, radius - (patch.x1 - patch.x0 + 1) / 2);
    const offY = Math.max(0, radius - (patch.y1 - patch.y0 + 1) / 2);
    const { wall, clip } = context;
    const right = patch.x1 >= clip.width - 2 || (wall !== undefined && Math.abs(patch.x1 - wall.from) <= 3);
    const left = patch.x0 <= 1 || (wall !== undefined && Math.abs(patch.x0 - wall.to) <= 3);
    const below = patch.y1 >= clip.height - 2;
    const above = patch.y0 <= 1;
    const middleX = (patch.x0 + patch.x1 + 1) / 2;
    const middleY = (patch.y0 + patch.y1 + 1) / 2;
    follow(
      patch,
      {
        ...start,
        r: radius,
        x: right ? middleX + offX : left ? middleX - offX : start.x,
        y: below ? middleY + offY : above ? middleY - offY : start.y,
      },
      true,
      undefined,
    );
  }
  return sightings;
}
