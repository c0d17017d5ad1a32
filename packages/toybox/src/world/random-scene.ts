/** Scenes from seeds. `training/world.py` makes the same scene of the same seed, draw by draw. */
import { defaultClipSize } from './clip.ts';
import { Draws } from './draws.ts';
import type { Body, BodyEvent, Scene } from './scene.ts';
import {
  type Background,
  backgroundNames,
  type Camera,
  type Colour,
  cameras,
  colourNames,
  directions,
  exists,
  floorNames,
  kindShares,
  largestRadius,
  type Motion,
  motions,
  radiusRanges,
  reach,
  relations,
  type SceneKind,
  type Shape,
  type Size,
  sceneKinds,
  shapes,
  sizes,
  smallestRadius,
  straightDirections,
  styles,
  type Tone,
  toneNames,
} from './words.ts';

/** Attributes to keep; the seed chooses the rest. */
export interface FixedAttributes {
  /** Shape, colour, size and motion of a scene with one shape, as far as its kind leaves them open. */
  readonly shape?: Shape | undefined;
  readonly colour?: Colour | undefined;
  readonly size?: Size | undefined;
  /** Of the kind `single`. */
  readonly motion?: Motion | undefined;
  /** Of any kind; a box stands on a plain one, the first tone of the name. */
  readonly background?: Background | undefined;
}

export interface SceneOptions {
  /** 17 by default. Longer clips move more slowly, shorter ones as fast, so that shapes stay inside. */
  readonly frameCount?: number | undefined;
  /** Chosen by the seed, by {@link kindShares}, when absent. */
  readonly kind?: SceneKind | undefined;
  readonly fixed?: FixedAttributes | undefined;
  /** False leaves the style flat, true makes it another; the seed chooses when absent. */
  readonly isStyled?: boolean | undefined;
}

/** What the kinds of scene are made from. */
interface Making {
  readonly scene: Scene;
  readonly draws: Draws;
  readonly fixed: FixedAttributes;
  /** Frames over which a whole move lasts. */
  readonly span: number;
  /** Index of the last frame, at least 1. */
  readonly last: number;
}

/** Where a centre may go. */
interface Area {
  readonly lowX: number;
  readonly highX: number;
  readonly lowY: number;
  readonly highY: number;
}

function makeBody(
  draws: Draws,
  fixed: FixedAttributes = {},
  ofSizes: readonly Size[] = sizes,
  ofShapes: readonly Shape[] = shapes,
): Body & { size: Size } {
  const drawnShape = draws.pick(ofShapes);
  const drawnColour = draws.pick(colourNames);
  const drawnSize = draws.pick(ofSizes);
  const size = fixed.size ?? drawnSize;
  const [lowest, highest] = radiusRanges[size];
  const radius = draws.between(lowest, highest);
  return {
    shape: fixed.shape ?? drawnShape,
    colour: fixed.colour ?? drawnColour,
    size,
    radius,
    motion: 'stays still',
    x: 0.5,
    y: 0.5,
    vx: 0,
    vy: 0,
    angle: 0,
    spin: 0,
    amount: 0,
    phase: 0,
  };
}

/** The start in [low, high], chosen by `mark` in [0, 1), from which `travel` (signed) stays inside. */
function startWithin(mark: number, low: number, high: number, travel: number): number {
  return low + Math.max(0, -travel) + Math.max(0, high - low - Math.abs(travel)) * mark;
}

function otherColour(draws: Draws, colour: Colour): Colour {
  return draws.pick(colourNames.filter((name) => name !== colour));
}

function wholeFrame(body: Body): Area {
  const edge = reach * body.radius;
  return { lowX: edge, highX: 1 - edge, lowY: edge, highY: 1 - edge };
}

function directionOf(motion: Motion): readonly [x: number, y: number] {
  for (const [direction, step] of Object.entries(directions)) {
    if (motion === `moves ${direction}`) return step;
  }
  return [0, 0];
}

/** The shape in `motion` over `span` frames with its centre inside the area. */
function setInMotion(body: Body, draws: Draws, motion: Motion, span: number, area: Area): Body {
  const amount = draws.next();
  const across = draws.next();
  const down = draws.next();
  const extent = reach * body.radius;
  let { lowX, highX, lowY, highY } = area;
  const moving: Body = { ...body, motion };
  let dx = 0;
  let dy = 0;
  switch (motion) {
    case 'rolls right':
    case 'rolls left':
      dx = (motion === 'rolls right' ? 1 : -1) * Math.min(0.3 + 0.12 * amount, highX - lowX);
      break;
    case 'bounces':
      moving.amount = Math.min(0.28 + 0.12 * amount, highY - lowY);
      lowY += moving.amount;
      break;
    case 'spins':
      moving.spin = (0.13 + 0.07 * amount) * (draws.next() < 0.5 ? -1 : 1);
      moving.angle = 2 * Math.PI * draws.next();
      break;
    case 'orbits':
      moving.amount = Math.min(0.28, 0.49 - extent);
      moving.phase = 2 * Math.PI * amount;
      lowX = highX = lowY = highY = 0.5;
      break;
    case 'swings':
      moving.amount = Math.min(0.18 + 0.04 * amount, (highX - lowX) / 2);
      moving.phase = 2 * Math.PI * draws.next();
      lowX += moving.amount;
      highX -= moving.amount;
      break;
    case 'grows':
    case 'shrinks': {
      const grows = motion === 'grows';
      moving.size = null;
      moving.radius = grows ? smallestRadius : largestRadius;
      moving.amount = grows ? largestRadius / smallestRadius : smallestRadius / largestRadius;
      const edge = reach * largestRadius;
      lowX = lowY = edge;
      highX = highY = 1 - edge;
      break;
    }
    case 'leaves to the right and comes back':
    case 'leaves to the left and comes back': {
      const isRight = motion === 'leaves to the right and comes back';
      moving.amount = (0.36 + 2 * extent) * (isRight ? 1 : -1);
      lowX = highX = isRight ? 0.85 - extent : 0.15 + extent;
      break;
    }
    case 'stays still':
      break;
    default: {
      const [sx, sy] = directionOf(motion);
      const travel = (0.3 + 0.12 * amount) * (sx !== 0 && sy !== 0 ? 0.8 : 1);
      dx = sx * Math.min(travel, highX - lowX);
      dy = sy * Math.min(travel, highY - lowY);
    }
  }
  moving.vx = dx / span;
  moving.vy = dy / span;
  moving.x = startWithin(across, lowX, highX, dx);
  moving.y = startWithin(down, lowY, highY, dy);
  return moving;
}

function makeSingle({ scene, draws, fixed, span }: Making): void {
  const { motion: chosen } = fixed;
  const able = shapes.filter((shape) => chosen === undefined || exists(shape, chosen));
  const body = makeBody(draws, fixed, sizes, able);
  const drawn = draws.pick(motions);
  const again = draws.pick(motions.filter((other) => exists(body.shape, other)));
  const motion = chosen ?? (exists(body.shape, drawn) ? drawn : again);
  scene.objects.push(setInMotion(body, draws, motion, span, wholeFrame(body)));
}

function makePair({ scene, draws, span }: Making): void {
  const first = makeBody(draws);
  const second = makeBody(draws, {}, first.size === 'large' ? ['small', 'medium'] : sizes);
  const relation = draws.pick(relations);
  scene.relation = relation;
  const bothStill = draws.next() < 0.4;
  // Beside each other they keep to their columns, above each other to their rows, so they never meet.
  const along: readonly Motion[] =
    relation === 'left' ? ['moves up', 'moves down', 'bounces'] : ['moves right', 'moves left'];
  const a = reach * first.radius;
  const b = reach * second.radius;
  const free = 1 - 2 * a - 2 * b - 0.02;
  const firstAt = 0.005 + a + free * 0.5 * draws.next();
  const secondAt = 0.995 - b - free * 0.5 * draws.next();
  for (const [body, at, edge] of [
    [first, firstAt, a],
    [second, secondAt, b],
  ] as const) {
    const turning: readonly Motion[] = exists(body.shape, 'spins') ? ['spins'] : [];
    const motion = draws.pick<Motion>(['stays still', ...along, ...turning]);
    const area: Area =
      relation === 'left'
        ? { lowX: at, highX: at, lowY: edge, highY: 1 - edge }
        : { lowX: edge, highX: 1 - edge, lowY: at, highY: at };
    scene.objects.push(setInMotion(body, draws, bothStill ? 'stays still' : motion, span, area));
  }
}

function makeTrio({ scene, draws, span }: Making): void {
  const bodies = [0, 1, 2].map(() => makeBody(draws, {}, ['small']));
  const free = 1 - bodies.reduce((sum, body) => sum + 2 * reach * body.radius, 0);
  const gaps = [0, 1, 2, 3].map(() => draws.next());
  const allGaps = gaps.reduce((sum, gap) => sum + gap, 0);
  let at = 0;
  bodies.forEach((body, i) => {
    const edge = reach * body.radius;
    at += (free * gaps[i]!) / allGaps + edge;
    const area = { lowX: at, highX: at, lowY: edge, highY: 1 - edge };
    scene.objects.push(setInMotion(body, draws, 'stays still', span, area));
    at += edge;
  });
}

/** Two events, one in each half: a change of colour or a move, in either order. */
function makeEvents({ scene, draws, fixed, last }: Making): void {
  const body = makeBody(draws, fixed);
  const both = draws.pick([
    ['turn', 'move'],
    ['move', 'turn'],
    ['move', 'move'],
  ] as const);
  const area = wholeFrame(body);
  const events: BodyEvent[] = [];
  const corners = [{ x: 0, y: 0 }];
  both.forEach((what, half) => {
    const from = (last * half) / 2;
    const to = (last * (half + 1)) / 2;
    const colour = otherColour(draws, body.colour);
    const drawn = draws.pick(straightDirections);
    const other = draws.pick(straightDirections.filter((name) => name !== drawn));
    const travel = draws.between(0.26, 0.32);
    if (what === 'turn') {
      const middle = (from + to) / 2;
      events.push({ what, colour, from: middle, to: middle, dx: 0, dy: 0 });
      return;
    }
    const before = events.at(-1);
    const direction = before?.what === 'move' && before.direction === drawn ? other : drawn;
    const [sx, sy] = directions[direction];
    const step = { dx: sx * travel, dy: sy * travel };
    events.push({ what, direction, from, to, ...step });
    const corner = corners.at(-1)!;
    corners.push({ x: corner.x + step.dx, y: corner.y + step.dy });
  });
  const startBetween = (low: number, high: number, offsets: readonly number[]) => {
    const first = low - Math.min(...offsets);
    return draws.between(first, Math.max(first, high - Math.max(...offsets)));
  };
  const x = startBetween(
    area.lowX,
    area.highX,
    corners.map((corner) => corner.x),
  );
  const y = startBetween(
    area.lowY,
    area.highY,
    corners.map((corner) => corner.y),
  );
  scene.objects.push({ ...body, x, y, events });
}

/** A small shape passes behind a wall, from one side to the other. */
function makeWall({ scene, draws, fixed, last }: Making): void {
  const body = makeBody(draws, { ...fixed, size: 'small' });
  const isRight = draws.next() < 0.5;
  const travel = 0.72;
  const middle = draws.between(0.48, 0.52);
  const width = draws.between(0.38, 0.44);
  scene.wall = [middle - width / 2, middle + width / 2];
  const edge = reach * body.radius;
  scene.objects.push({
    ...body,
    motion: isRight ? 'moves right' : 'moves left',
    x: isRight ? 0.14 : 0.86,
    vx: (isRight ? travel : -travel) / last,
    y: draws.between(edge, 1 - edge),
  });
}

/** A bite is taken out of a disc and stays out. */
function makeBite({ scene, draws, fixed, span, last }: Making): void {
  const body = makeBody(draws, { ...fixed, shape: 'circle' }, ['medium', 'large']);
  const motion = draws.pick(['stays still', 'moves right', 'moves left'] as const);
  const moving = setInMotion(body, draws, motion, span, wholeFrame(body));
  const from = last * draws.between(0.3, 0.55);
  scene.objects.push({ ...moving, bite: { from, angle: 2 * Math.PI * draws.next() } });
}

/** A shape leaves a line of paint where it has been. */
function makePaint({ scene, draws, fixed, span }: Making): void {
  const body = makeBody(draws, fixed, ['small', 'medium']);
  const motion = `moves ${draws.pick(straightDirections)}` as const;
  const moving = setInMotion(body, draws, motion, span, wholeFrame(body));
  scene.objects.push({ ...moving, paint: otherColour(draws, body.colour) });
}

/** Two shapes of one size meet and go back, each as fast as it came. */
function makeCollide({ scene, draws, last }: Making): void {
  const first = makeBody(draws, {}, ['small', 'medium']);
  const second = makeBody(draws, { size: first.size });
  const { radius } = first;
  const edge = reach * radius;
  const y = draws.between(edge, 1 - edge);
  const touch = draws.between(0.42, 0.58) * last;
  const start = draws.between(0.02, 0.08);
  for (const [body, side] of [
    [first, 1],
    [second, -1],
  ] as const) {
    scene.objects.push({
      ...body,
      radius,
      motion: 'collides',
      x: side === 1 ? edge + start : 1 - edge - start,
      y,
      vx: (side * (0.5 - edge - edge - start)) / touch,
      phase: touch,
    });
  }
}

/** One or two shapes that stay, before a camera that moves. */
function makeCamera({ scene, draws, fixed }: Making): void {
  const moves: readonly Camera[] = cameras.slice(1, 5);
  scene.camera = draws.pick(moves);
  const floor = draws.pick(floorNames);
  if (draws.next() < 0.6 && fixed.background === undefined) scene.background = floor;
  const isTwo = draws.next() < 0.6;
  const first = makeBody(draws, {}, ['small']);
  const second = makeBody(draws, {}, ['small']);
  if (isTwo) {
    scene.relation = 'left';
    first.x = draws.between(0.26, 0.36);
    second.x = draws.between(0.64, 0.74);
    first.y = draws.between(0.32, 0.68);
    second.y = draws.between(0.32, 0.68);
    scene.objects.push(first, second);
  } else {
    first.x = draws.between(0.35, 0.65);
    first.y = draws.between(0.32, 0.68);
    scene.objects.push(first);
  }
}

function plainToneOf(background: Background): Tone {
  return toneNames.find((tone) => background.startsWith(tone))!;
}

/** A box on a plain ground; the camera orbits around it. */
function makeBox({ scene, draws, span }: Making): void {
  const isLeft = draws.next() < 0.5;
  scene.camera = isLeft ? 'orbits left' : 'orbits right';
  scene.background = plainToneOf(scene.background);
  scene.box = {
    colour: draws.pick(colourNames),
    side: draws.between(0.19, 0.23),
    height: draws.between(0.26, 0.36),
    angle: 2 * Math.PI * draws.next(),
    turn: (draws.between(1, 1.5) * (isLeft ? 1 : -1)) / span,
  };
}

const makers: Readonly<Record<SceneKind, (making: Making) => void>> = {
  single: makeSingle,
  pair: makePair,
  trio: makeTrio,
  events: makeEvents,
  wall: makeWall,
  bite: makeBite,
  paint: makePaint,
  collide: makeCollide,
  camera: makeCamera,
  box: makeBox,
};

/** A scene for an integer seed, 0 <= seed < 2^32. */
export function randomScene(seed: number, options: SceneOptions = {}): Scene {
  const { frameCount = defaultClipSize.frameCount, fixed = {}, isStyled } = options;
  if (!Number.isInteger(frameCount) || frameCount < 1) {
    throw new RangeError(`A scene has a whole number of frames, at least 1; this one has ${frameCount}.`);
  }
  const draws = new Draws(seed);
  const drawnKind = draws.weighted(sceneKinds, kindShares);
  const kind = options.kind ?? drawnKind;
  const drawnBackground: Background =
    draws.next() < 0.5 ? draws.pick(backgroundNames) : draws.pick(toneNames);
  const mark = draws.next();
  const drawnStyle = draws.pick(styles.slice(1));
  const isDrawnIn = isStyled ?? ((kind === 'single' || kind === 'pair') && mark < 0.15);
  const scene: Scene = {
    kind,
    style: isDrawnIn ? drawnStyle : 'flat',
    background: fixed.background ?? drawnBackground,
    camera: 'still',
    relation: null,
    frameCount,
    objects: [],
    wall: null,
    box: null,
  };
  const last = Math.max(1, frameCount - 1);
  const span = Math.max(defaultClipSize.frameCount, frameCount) - 1;
  makers[kind]({ scene, draws, fixed, span, last });
  return scene;
}
