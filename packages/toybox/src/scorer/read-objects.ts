/** Reads shapes off tracks: outline, style, colour and pose in every frame, by comparing with drawings of each. */
import type { Clip } from '../world/clip.ts';
import { colourNames, colours, type Rgb, type Shape, type Style, shapes } from '../world/words.ts';
import type { FittedBackground } from './background.ts';
import type { Patch } from './foreground.ts';
import { findBite, type ReadBite } from './lasting-changes.ts';
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
  /** Its colour as measured. */
  readonly rgb: Rgb;
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
  /** Shapes that explain it about as well as the best. */
  readonly alike: readonly Shape[];
  /** Seen only on discs drawn flat. */
  readonly bite: ReadBite | undefined;
}

/**
 * More unexplained than this, and what is seen is none of the shapes. True renders that went through the
 * autoencoder leave less: 0.09 of filled shapes, 0.12 of rings and 0.14 of what is drawn in thin lines or glows.
 */
function mostUnexplained(style: Style, shape: Shape): number {
  if (style !== 'flat') return 0.16;
  return shape === 'ring' ? 0.125 : 0.1;
}

/** Frames of a track that decide its shape. */
const decidingFrames = 5;
/** How often a drawing is smoothed, the likeliest first. */
const blurs = [1, 0, 2] as const;

export interface Context {
  readonly clip: Clip;
  readonly background: FittedBackground;
  readonly wall: { from: number; to: number } | undefined;
  readonly tracks: readonly PatchTrack[];
}

/** Which sides of a patch frame or wall may cut off. */
export function cutsOf({ clip, wall }: Pick<Context, 'clip' | 'wall'>, patch: Patch) {
  return {
    left: patch.x0 <= 0 || (wall !== undefined && Math.abs(patch.x0 - wall.to - 1) <= 2),
    right: patch.x1 >= clip.width - 1 || (wall !== undefined && Math.abs(patch.x1 - wall.from + 2) <= 2),
    above: patch.y0 <= 0,
    below: patch.y1 >= clip.height - 1,
  };
}

function isCut(context: Context, patch: Patch): boolean {
  return Object.values(cutsOf(context, patch)).some(Boolean);
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
    (_, i) => from[count === 1 ? 0 : Math.round((i * (from.length - 1)) / (count - 1))]!,
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
  return style === 'neon' ? [1, 0.85, 0.7].map((scale) => ({ ...own, r: own.r * scale })) : [own];
}

function fitFrom(window: Window, patch: Patch, style: Style, shape: Shape, blur: number): Fitted {
  const fits = startsOf(patch, shape, style).map((start) =>
    fitPose(window, style, { shape }, start, { blur, step: 1, least: 0.25, angles: anglesOf(shape) }),
  );
  return fits.reduce((best, other) => (other.match.unexplained < best.match.unexplained ? other : best));
}

/** How well each shape explains a track in a style, best first. Shapes that the first frame rules out are not tried on. */
function rankShapes(
  context: Context,
  track: PatchTrack,
  style: Style,
  blur: number,
  count: number,
  among: readonly Shape[] = shapes,
): Candidate[] {
  const patches = chooseFrames(context, track, count);
  const windows = patches.map((patch) => windowFor(context, patch, marginOf(style)));
  const fits = new Map<Shape, Fitted[]>(among.map((shape) => [shape, []]));
  let open = among;
  windows.forEach((window, i) => {
    for (const shape of open) fits.get(shape)!.push(fitFrom(window, patches[i]!, style, shape, blur));
    const least = Math.min(...open.map((shape) => pooled(windows, fits.get(shape)!)));
    open = open.filter((shape) => pooled(windows, fits.get(shape)!) < 2.5 * least + 0.03);
  });
  return open
    .map((shape) => ({ outline: { shape }, unexplained: pooled(windows, fits.get(shape)!) }))
    .sort((a, b) => a.unexplained - b.unexplained);
}

/** So little unexplained that no other style need be tried. */
const clearlyExplained = 0.03;

/** Styles that explain all tracks about equally well, the best first; small rings look the same flat and outlined. */
export function readStyles(context: Context): Style[] {
  const { background, tracks } = context;
  const { ground } = background;
  if (tracks.length === 0) return [];
  if (ground === 'paper') return ['pencil'];
  const costOf = (style: Style, frames: number) =>
    tracks.reduce((sum, track) => sum + leastUnexplained(context, track, style, frames), 0);
  const isClear = (cost: number) => cost < clearlyExplained * tracks.length;
  const hasRing = (cost: number) => isClear(cost) && isClear(costOf('outline', 1));
  if (ground === 'plain') {
    const cost = costOf('flat', 1);
    if (isClear(cost)) return hasRing(cost) ? ['flat', 'outline'] : ['flat'];
  }
  // Black is as dark as neon makes a ground, so there either may be.
  const costs = (['flat', 'neon', 'outline', 'watercolour'] as const)
    .map((style) => ({ style, cost: costOf(style, 3) }))
    .sort((a, b) => a.cost - b.cost);
  const least = costs[0]!.cost;
  return costs.filter(({ cost }) => cost <= 1.15 * least + 0.002 * tracks.length).map(({ style }) => style);
}

/** Unexplained by the best shape of a named colour, in the frame that shows it best; bites and paint spoil some frames. */
function leastUnexplained(context: Context, track: PatchTrack, style: Style, count: number): number {
  const patches = chooseFrames(context, track, count);
  let least = 1;
  for (const patch of patches) {
    const window = windowFor(context, patch, marginOf(style));
    const costOf = ({ match: found }: Fitted) =>
      Math.min(...colourNames.map((name) => errorUnder(found, colours[name]))) / Math.max(1, window.energy);
    let best: { shape: Shape; fit: Fitted } | undefined;
    for (const shape of shapes) {
      const fit = fitFrom(window, patch, style, shape, 1);
      if (best === undefined || costOf(fit) < costOf(best.fit)) best = { shape, fit };
    }
    least = Math.min(least, costOf(best!.fit));
    for (const blur of [0, 2]) {
      const { pose } = best!.fit;
      const fit = fitPose(window, style, { shape: best!.shape }, pose, { blur, step: 0.5, least: 0.25 });
      least = Math.min(least, costOf(fit));
    }
    if (least < clearlyExplained / 3) break;
  }
  return least;
}

/** Reads one track as a shape drawn in `style`. */
export function readShape(context: Context, track: PatchTrack, style: Style): ShapeTrack {
  let best: { ranked: Candidate[]; blur: number } | undefined;
  for (const blur of blurs) {
    // A shape that fits far worse than two others at one blur is not the best at another.
    const among = best?.ranked.slice(0, 3).map(({ outline }) => outline.shape);
    const ranked = rankShapes(context, track, style, blur, 2, among);
    if (best === undefined || ranked[0]!.unexplained < best.ranked[0]!.unexplained) best = { ranked, blur };
    if (ranked[0]!.unexplained < clearlyExplained / 2) break;
  }
  const { blur } = best!;
  const ranked = rankShapes(context, track, style, blur, decidingFrames);
  const { outline, unexplained } = ranked[0]!;
  const alike = ranked
    .filter(
      (other) =>
        other.unexplained <= Math.min(mostUnexplained(style, outline.shape), 1.3 * unexplained + 0.01),
    )
    .map((other) => other.outline.shape);
  if (style === 'flat' && unexplained > clearlyExplained / 2) {
    const bitten = readBitten(context, track, blur, unexplained);
    if (bitten !== undefined) return bitten;
  }
  const isShape =
    unexplained <= mostUnexplained(style, outline.shape) &&
    !isOutOfShape(context, track, style, outline.shape, blur);
  return {
    shape: isShape ? outline.shape : undefined,
    unexplained,
    sightings: followShape(context, track, style, outline, blur),
    alike,
    bite: undefined,
  };
}

/** Length ÷ width of what is out of shape. */
const stretches = [1.2, 1.35, 1.5] as const;
/** A stretched drawing must leave this share, or less, of what the right one leaves unexplained. */
const stretchExplains = 0.7;

/** Whether a shape is longer than wide in most of the frames that decide. */
function isOutOfShape(
  context: Context,
  track: PatchTrack,
  style: Style,
  shape: Shape,
  blur: number,
): boolean {
  const patches = chooseFrames(context, track, decidingFrames).filter((patch) => !isCut(context, patch));
  const stretched = patches.filter((patch) => {
    const window = windowFor(context, patch, marginOf(style));
    const { pose, match: own } = fitFrom(window, patch, style, shape, blur);
    // Whatever is explained as well as this is in shape, but for the blur.
    if (own.unexplained < 0.01) return false;
    const fitted = (by: number, along: number) =>
      fitPose(window, style, { shape, stretch: { by, along } }, pose, { blur, step: 0.5, least: 0.25 }).match
        .unexplained;
    const least = Math.min(
      ...stretches.flatMap((by) => [0, 0.25, 0.5, 0.75].map((turn) => fitted(by, turn * Math.PI))),
    );
    return least < stretchExplains * own.unexplained;
  });
  return stretched.length > 0.5 * patches.length;
}

/** A track read as a disc with a bite, when that explains far more of it than the best whole shape. */
function readBitten(
  context: Context,
  track: PatchTrack,
  blur: number,
  unexplained: number,
): ShapeTrack | undefined {
  const whole = followShape(context, track, 'flat', { shape: 'circle' }, blur);
  const windows = track.patches.map((patch) =>
    patch === undefined || isCut(context, patch) ? undefined : windowFor(context, patch, marginOf('flat')),
  );
  const bite = findBite(windows, whole, 'flat', blur);
  if (
    bite === undefined ||
    bite.unexplained > 0.6 * unexplained ||
    bite.unexplained > mostUnexplained('flat', 'circle')
  )
    return undefined;
  const outline = { shape: 'circle', bite: bite.angle } as const;
  const bitten = followShape(context, track, 'flat', outline, blur);
  const sightings = whole.map((sighting, f) => (f < bite.from ? sighting : bitten[f]));
  return { shape: 'circle', unexplained: bite.unexplained, sightings, alike: ['circle'], bite };
}

/** The pose and colour of a shape in every frame of its track. */
function followShape(
  context: Context,
  track: PatchTrack,
  style: Style,
  outline: Outline,
  blur: number,
): (Sighting | undefined)[] {
  const { shape } = outline;
  const margin = marginOf(style);
  const sightings: (Sighting | undefined)[] = track.patches.map(() => undefined);
  const note = (patch: Patch, { pose, match }: Fitted) => {
    sightings[patch.frame] = {
      pose,
      rgb: match.colour,
      unexplained: match.unexplained,
      isCut: !sure.includes(patch),
    };
  };
  const seen = track.patches.filter((patch) => patch !== undefined);
  const whole = seen.filter((patch) => !isCut(context, patch));
  const areas = (whole.length > 0 ? whole : seen).map((patch) => patch.pixels.length).sort((a, b) => a - b);
  // The size of those seen whole, or of the one that shows most.
  const area = areas[whole.length > 0 ? areas.length >> 1 : areas.length - 1]!;
  const sure = seen.filter((patch) => !isCut(context, patch) || patch.pixels.length > 0.9 * area);
  let before: Pose | undefined;
  for (const patch of sure) {
    const [start] = startsOf(patch, shape, style);
    const from =
      before === undefined ? start! : { ...start!, r: (start!.r + before.r) / 2, angle: before.angle };
    const window = windowFor(context, patch, margin);
    note(
      patch,
      fitPose(window, style, outline, from, { blur, step: 1, least: 0.12, angles: anglesOf(shape) }),
    );
    before = sightings[patch.frame]!.pose;
  }
  // They say how large it is, and of what colour, where frame or wall cut it off.
  const known = sure.map((patch) => sightings[patch.frame]!);
  const middle = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1]!;
  const radius = middle(known.map(({ pose }) => pose.r));
  for (const patch of seen) {
    if (sightings[patch.frame] !== undefined) continue;
    const nearest = sure.reduce((best, other) =>
      Math.abs(other.frame - patch.frame) < Math.abs(best.frame - patch.frame) ? other : best,
    );
    const { pose, rgb } = sightings[nearest.frame]!;
    // The middle of what is seen lies off the shape's own, away from the edge that cuts it.
    const { left, right, above, below } = cutsOf(context, patch);
    const offX = Math.max(0, radius - (patch.x1 - patch.x0 + 1) / 2);
    const offY = Math.max(0, radius - (patch.y1 - patch.y0 + 1) / 2);
    const x = (patch.x0 + patch.x1 + 1) / 2 + (right ? offX : left ? -offX : 0);
    const y = (patch.y0 + patch.y1 + 1) / 2 + (below ? offY : above ? -offY : 0);
    const window = windowFor(context, patch, Math.max(margin, Math.ceil(radius)));
    const fits = [0, 0.5, -0.5].map((shift) =>
      fitPose(
        window,
        style,
        outline,
        {
          x: x + (left || right ? shift * radius : 0),
          y: y + (left || right ? 0 : shift * radius),
          r: radius,
          angle: pose.angle,
        },
        {
          blur,
          step: 1,
          least: 0.12,
          colour: rgb,
          isSizeFixed: true,
          // Half a shape shows how it is turned; less fits at many angles.
          ...(patch.pixels.length > 0.5 * area ? { angles: anglesOf(shape) } : { isAngleFixed: true }),
        },
      ),
    );
    const cost = ({ match }: Fitted) => errorUnder(match, rgb);
    note(
      patch,
      fits.reduce((best, other) => (cost(other) < cost(best) ? other : best)),
    );
  }
  return sightings;
}
