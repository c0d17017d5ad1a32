/** The vocabulary of the Toybox world and its constants; `training/world.py` lists the same. */

/** Red, green and blue, 0-255. */
export type Rgb = readonly [red: number, green: number, blue: number];

/** Shape colours by name. */
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

/** Plain backgrounds by name, which gradients and box scenes are made of too. */
export const tones = {
  black: [12, 12, 16],
  gray: [110, 110, 115],
  navy: [20, 25, 70],
  sand: [205, 180, 130],
} as const satisfies Record<string, Rgb>;

/** Gradients by name: the tone at the top and the one at the bottom. */
export const gradients = {
  'black to gray': ['black', 'gray'],
  'gray to black': ['gray', 'black'],
  'navy to sand': ['navy', 'sand'],
  'sand to navy': ['sand', 'navy'],
} as const satisfies Record<string, readonly [top: keyof typeof tones, bottom: keyof typeof tones]>;

/** Checkerboard floors by name: the light cells, the dark cells and the plain wall behind the floor. */
export const floors = {
  'gray checkerboard': [
    [110, 110, 115],
    [62, 62, 68],
    [12, 12, 16],
  ],
  'sand checkerboard': [
    [205, 180, 130],
    [150, 126, 84],
    [20, 25, 70],
  ],
} as const satisfies Record<string, readonly [light: Rgb, dark: Rgb, behind: Rgb]>;

/** Colour of the wall that shapes pass behind. */
export const wallColour: Rgb = [120, 72, 40];

/** What a shape, or a box, is coloured. */
export type Colour = keyof typeof colours;
/** A plain background. */
export type Tone = keyof typeof tones;
/** A background that changes from top to bottom. */
export type Gradient = keyof typeof gradients;
/** A checkerboard floor before a plain wall. */
export type Floor = keyof typeof floors;
/** Everything that can lie behind the shapes. */
export type Background = Tone | Gradient | Floor;

/** Colours in the order that seeds choose from. */
export const colourNames = ['red', 'green', 'blue', 'yellow', 'purple', 'orange', 'white', 'cyan'] as const;
/** Plain backgrounds in the order that seeds choose from. */
export const toneNames = ['black', 'gray', 'navy', 'sand'] as const;
/** Checkerboard floors in the order that seeds choose from. */
export const floorNames = ['gray checkerboard', 'sand checkerboard'] as const;
/** All backgrounds in the order that seeds choose from. */
export const backgroundNames = [
  ...toneNames,
  'black to gray',
  'gray to black',
  'navy to sand',
  'sand to navy',
  ...floorNames,
] as const;

/** Outlines of the shapes. */
export const shapes = ['circle', 'square', 'triangle', 'star', 'ring'] as const;
/** Sizes by name; a shape that grows or shrinks has none. */
export const sizes = ['small', 'medium', 'large'] as const;
/** Ways of drawing. */
export const styles = ['flat', 'outline', 'watercolour', 'neon', 'pencil'] as const;
/** What the camera does. */
export const cameras = [
  'still',
  'pans left',
  'pans right',
  'zooms in',
  'zooms out',
  'orbits left',
  'orbits right',
] as const;
/** How the first of two shapes lies to the second. */
export const relations = ['left', 'above'] as const;

/** Direction words and their unit steps, x to the right and y down. */
export const directions = {
  right: [1, 0],
  left: [-1, 0],
  up: [0, -1],
  down: [0, 1],
  'up and to the right': [1, -1],
  'up and to the left': [-1, -1],
  'down and to the right': [1, 1],
  'down and to the left': [-1, 1],
} as const satisfies Record<string, readonly [x: number, y: number]>;

/** The directions that events and painted lines take. */
export const straightDirections = ['right', 'left', 'up', 'down'] as const;

/** What a single shape can do, in the order that seeds choose from. */
export const motions = [
  'moves right',
  'moves left',
  'moves up',
  'moves down',
  'moves up and to the right',
  'moves up and to the left',
  'moves down and to the right',
  'moves down and to the left',
  'stays still',
  'bounces',
  'spins',
  'rolls right',
  'rolls left',
  'orbits',
  'swings',
  'grows',
  'shrinks',
  'leaves to the right and comes back',
  'leaves to the left and comes back',
] as const;

/** Kinds of scene and how often each is drawn when the kind is left open. */
export const kindShares = {
  single: 0.4,
  pair: 0.22,
  trio: 0.05,
  events: 0.1,
  wall: 0.06,
  bite: 0.03,
  paint: 0.03,
  collide: 0.03,
  camera: 0.05,
  box: 0.03,
} as const;

/** Kinds of scene. */
export const sceneKinds = [
  'single',
  'pair',
  'trio',
  'events',
  'wall',
  'bite',
  'paint',
  'collide',
  'camera',
  'box',
] as const satisfies readonly (keyof typeof kindShares)[];

export type Shape = (typeof shapes)[number];
export type Size = (typeof sizes)[number];
export type Style = (typeof styles)[number];
export type Camera = (typeof cameras)[number];
export type Relation = (typeof relations)[number];
export type Direction = keyof typeof directions;
export type StraightDirection = (typeof straightDirections)[number];
export type Motion = (typeof motions)[number];
export type SceneKind = keyof typeof kindShares;

/** Radii of the sizes, as fractions of the frame's shorter side: lowest and highest. */
export const radiusRanges = {
  small: [0.1, 0.115],
  medium: [0.14, 0.155],
  large: [0.19, 0.205],
} as const satisfies Record<Size, readonly [low: number, high: number]>;

/** Radii between which shapes grow and shrink. */
export const smallestRadius = 0.1;
export const largestRadius = 0.21;

/** Frames per second of every clip. */
export const framesPerSecond = 8;

/** Seeds from here on are for evaluation only; training draws its seeds below. */
export const firstEvaluationSeed = 2 ** 31;

/** Fall of bouncing shapes: fractions of the frame's height per frame, per frame. */
export const gravity = 0.02;
/** Speed after the ground is touched, divided by the speed before. */
export const restitution = 0.8;
/** Frames of one orbit, and of one swing there and back. */
export const period = 16;
/** How far any shape reaches from its centre, in radii. */
export const reach = 1.3;

/** Whether the world contains a shape in a motion: what is round cannot be seen to turn. */
export function exists(shape: Shape, motion: Motion | 'collides'): boolean {
  const isRound = shape === 'circle' || shape === 'ring';
  return !(isRound && (motion === 'spins' || motion === 'rolls right' || motion === 'rolls left'));
}

/**
 * Whether a single shape's triple is kept out of training, to see whether the model composes what it
 * learnt apart. The rule spreads them over all colours, shapes and motions; about one in ten is.
 */
export function isHeldOut(triple: {
  readonly colour: Colour;
  readonly shape: Shape;
  readonly motion: Motion;
}): boolean {
  const c = colourNames.indexOf(triple.colour);
  const s = shapes.indexOf(triple.shape);
  const m = motions.indexOf(triple.motion);
  const sum = 3 * c + 7 * s + m + Math.floor(c / 4) + Math.floor(m / 5);
  return exists(triple.shape, triple.motion) && sum % 10 === 0;
}
