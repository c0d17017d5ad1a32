/**
 * The Toybox world: one coloured shape moving on a plain background.
 *
 * The same specification is written in Python in `training/world.py`, which renders the training clips;
 * `golden/` holds the two renderers equal. Everything is a pure function of an integer seed or of
 * explicit scene parameters, so a clip's truth is always known.
 *
 * Units: lengths along x are fractions of the frame's width, along y of its height, radii of its shorter
 * side; time is counted in frames (8 per second); angles in radians, clockwise on screen.
 */

export type Rgb = readonly [red: number, green: number, blue: number];

/** Shape colours by name, 0-255. */
export const colours = {
  red: [220, 40, 40],
  green: [40, 180, 60],
  blue: [50, 80, 220],
  yellow: [235, 210, 40],
  purple: [150, 50, 190],
  orange: [240, 140, 30],
  white: [240, 240, 240],
  cyan: [40, 200, 210],
} as const satisfies Record<string, Rgb>;

/** Background colours by name, 0-255. */
export const backgrounds = {
  black: [12, 12, 16],
  gray: [110, 110, 115],
  navy: [20, 25, 70],
  sand: [205, 180, 130],
} as const satisfies Record<string, Rgb>;

export type Colour = keyof typeof colours;
export type Background = keyof typeof backgrounds;

export const colourNames = Object.keys(colours) as readonly Colour[];
export const backgroundNames = Object.keys(backgrounds) as readonly Background[];
export const shapes = ['circle', 'square', 'triangle'] as const;
export const sizes = ['small', 'large'] as const;
export const motions = [
  'moves right',
  'moves left',
  'moves up',
  'moves down',
  'bounces',
  'spins',
  'stays still',
] as const;

export type Shape = (typeof shapes)[number];
export type Size = (typeof sizes)[number];
export type Motion = (typeof motions)[number];

/** What a caption says and a scorer reads back. */
export interface Attributes {
  readonly colour: Colour;
  readonly shape: Shape;
  readonly size: Size;
  readonly motion: Motion;
  readonly background: Background;
}

export type AttributeName = keyof Attributes;

/** One clip of the world, fully determined. See the module comment for units. */
export interface Scene extends Attributes {
  readonly radius: number;
  /** Centre in frame 0; while bouncing, `y` is where the centre touches the ground. */
  readonly x: number;
  readonly y: number;
  /** Travel per frame. */
  readonly vx: number;
  readonly vy: number;
  /** 0 when not bouncing. */
  readonly bounceHeight: number;
  readonly bouncePeriod: number;
  readonly bouncePhase: number;
  readonly angle: number;
  /** Turn per frame. */
  readonly spin: number;
}

export interface ClipSize {
  readonly frameCount: number;
  readonly width: number;
  readonly height: number;
}

/** RGB bytes [T, H, W, 3]. */
export interface Clip extends ClipSize {
  readonly frames: Uint8Array;
}

/** The size Toybox was trained at, and its frames per second. */
export const defaultClipSize: ClipSize = { frameCount: 17, width: 64, height: 64 };
export const framesPerSecond = 8;

/** Seeds from here on are for evaluation only; training draws its seeds below. */
export const firstEvaluationSeed = 2 ** 31;

/** Half the side of a square of the same area as the circle of radius 1. */
export const squareHalfSide = 0.886227;
/** Inradius of the triangle; its corners lie at twice that, 1.3 radii, the furthest any shape reaches. */
export const triangleInradius = 0.65;
const margin = 1.3;
const radiusRanges = { small: [0.1, 0.12], large: [0.19, 0.215] } as const;

/** The 32-bit finaliser of MurmurHash3 (public domain). */
function mix32(value: number): number {
  let h = value >>> 0;
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  h ^= h >>> 16;
  return h >>> 0;
}

/**
 * The `index`-th uniform number in [0, 1) of a seed (0 <= seed < 2^32); counter based, so draws do not
 * depend on their order.
 */
export function draw(seed: number, index: number): number {
  const counter = Math.imul(index + 1, 0x9e3779b9) >>> 0;
  return mix32(mix32(seed) + counter) / 2 ** 32;
}

/** Every combination the world contains. A circle cannot be seen to spin, so that pair is left out. */
export function exists(shape: Shape, motion: Motion): boolean {
  return !(shape === 'circle' && motion === 'spins');
}

/**
 * A scene for an integer seed; attributes given in `fixed` are kept, the others follow from the seed.
 * The shape stays inside the frame for `frameCount` frames: longer clips move more slowly.
 */
export function randomScene(
  seed: number,
  fixed: Partial<Attributes> = {},
  frameCount: number = defaultClipSize.frameCount,
): Scene {
  const pick = <T>(list: readonly T[], index: number): T =>
    list[Math.floor(draw(seed, index) * list.length)]!;
  const colour = fixed.colour ?? pick(colourNames, 0);
  const shape = fixed.shape ?? pick(shapes, 1);
  const size = fixed.size ?? pick(sizes, 2);
  let motion = fixed.motion ?? pick(motions, 3);
  const background = fixed.background ?? pick(backgroundNames, 4);
  if (fixed.motion === undefined && !exists(shape, motion)) {
    motion = pick(
      motions.filter((other) => exists(shape, other)),
      14,
    );
  }

  const [low, high] = radiusRanges[size];
  const radius = low + (high - low) * draw(seed, 5);
  const edge = margin * radius;
  const free = 1 - 2 * edge;
  const travel = 0.3 + 0.12 * draw(seed, 8);
  const span = Math.max(defaultClipSize.frameCount, frameCount) - 1;
  const sign = (positive: Motion, negative: Motion) =>
    Number(motion === positive) - Number(motion === negative);
  const vx = (sign('moves right', 'moves left') * travel) / span;
  const vy = (sign('moves down', 'moves up') * travel) / span;
  const bounceHeight = motion === 'bounces' ? 0.24 + 0.12 * draw(seed, 8) : 0;
  const spins = motion === 'spins';
  return {
    colour,
    shape,
    size,
    motion,
    background,
    radius,
    x: edge + Math.max(0, -vx * span) + (free - Math.abs(vx) * span) * draw(seed, 6),
    y:
      edge +
      Math.max(0, -vy * span) +
      bounceHeight +
      (free - Math.abs(vy) * span - bounceHeight) * draw(seed, 7),
    vx,
    vy,
    bounceHeight,
    bouncePeriod: 10 + 2 * draw(seed, 9),
    bouncePhase: draw(seed, 10),
    angle: spins ? 2 * Math.PI * draw(seed, 11) : 0,
    spin: spins ? (0.15 + 0.08 * draw(seed, 12)) * (draw(seed, 13) < 0.5 ? -1 : 1) : 0,
  };
}

/** Centre (in pixels) and angle of the shape in frame `f`. */
export function poseAt(scene: Scene, f: number, width: number, height: number) {
  const phase = f / scene.bouncePeriod + scene.bouncePhase;
  const u = phase - Math.floor(phase);
  return {
    x: (scene.x + scene.vx * f) * width,
    y: (scene.y + scene.vy * f - scene.bounceHeight * 4 * u * (1 - u)) * height,
    angle: scene.angle + scene.spin * f,
  };
}

/**
 * Signed distance (negative inside) from a shape of radius `r` at the origin, turned by the angle whose
 * cosine and sine are given; y points down.
 */
export function distanceToShape(
  shape: Shape,
  x: number,
  y: number,
  r: number,
  cos: number,
  sin: number,
): number {
  if (shape === 'circle') return Math.sqrt(x * x + y * y) - r;
  const qx = cos * x + sin * y;
  const qy = cos * y - sin * x;
  if (shape === 'square') return Math.max(Math.abs(qx), Math.abs(qy)) - squareHalfSide * r;
  return Math.max(0.8660254 * Math.abs(qx) - 0.5 * qy, qy) - triangleInradius * r;
}

/**
 * Render a scene, anti-aliased: coverage of a pixel is clamp(0.5 - d, 0, 1), d the distance in pixels of
 * its centre to the shape.
 */
export function renderScene(scene: Scene, size: ClipSize = defaultClipSize): Clip {
  const { frameCount, width, height } = size;
  const frames = new Uint8Array(frameCount * height * width * 3);
  const radius = scene.radius * Math.min(width, height);
  const fore = colours[scene.colour];
  const back = backgrounds[scene.background];
  let at = 0;
  for (let f = 0; f < frameCount; f++) {
    const pose = poseAt(scene, f, width, height);
    const cos = Math.cos(pose.angle);
    const sin = Math.sin(pose.angle);
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const distance = distanceToShape(
          scene.shape,
          column + 0.5 - pose.x,
          row + 0.5 - pose.y,
          radius,
          cos,
          sin,
        );
        const coverage = Math.min(1, Math.max(0, 0.5 - distance));
        for (let channel = 0; channel < 3; channel++) {
          frames[at++] = Math.floor(back[channel]! + (fore[channel]! - back[channel]!) * coverage + 0.5);
        }
      }
    }
  }
  return { frames, frameCount, width, height };
}

/** The canonical caption, for example "a small red circle moves right on a navy background". */
export function captionOf(attributes: Attributes): string {
  const { size, colour, shape, motion, background } = attributes;
  return `a ${size} ${colour} ${shape} ${motion} on a ${background} background`;
}

const captionPattern = new RegExp(
  `^a (${sizes.join('|')}) (${colourNames.join('|')}) (${shapes.join('|')}) (${motions.join('|')}) on a (${backgroundNames.join('|')}) background$`,
);

/** Reads a canonical caption (case, outer space and a final full stop do not matter); undefined for other text. */
export function parseCaption(caption: string): Attributes | undefined {
  const match = captionPattern.exec(caption.trim().toLowerCase().replace(/\.$/, ''));
  if (match === null) return undefined;
  // The pattern admits nothing but the words of each list.
  const [, size, colour, shape, motion, background] = match;
  return {
    size: size as Size,
    colour: colour as Colour,
    shape: shape as Shape,
    motion: motion as Motion,
    background: background as Background,
  };
}

/**
 * Whether a colour-shape-motion triple is kept out of training (15 of the 160), to see whether the model
 * composes what it learnt apart. The rule spreads them over all colours, shapes and motions.
 */
export function isHeldOut({
  colour,
  shape,
  motion,
}: Pick<Attributes, 'colour' | 'shape' | 'motion'>): boolean {
  const c = colourNames.indexOf(colour);
  const m = motions.indexOf(motion);
  const sum = 3 * c + 5 * shapes.indexOf(shape) + 2 * m + Math.floor(c / 4) + Math.floor(m / 5);
  return exists(shape, motion) && sum % 10 === 0;
}
