/** Holds a reading against what a caption says. */
import { parseCaption, type Said, type SaidObject } from '../world/parse-caption.ts';
import { timingOf, viewAt } from '../world/pose.ts';
import { reach } from '../world/words.ts';
import { ScorerError } from './errors.ts';
import { type Reading, type ReadObject, sizeOf } from './reading.ts';

/** What is compared. `all` is everything that the caption says. */
export const attributeNames = [
  'count',
  'colour',
  'shape',
  'size',
  'motion',
  'background',
  'style',
  'camera',
  'relation',
  'order',
  'wall',
  'change',
  'all',
] as const;
export type AttributeName = (typeof attributeNames)[number];

/** Which attributes a reading shows as said; those that the caption says nothing of are absent. */
export type Agreement = Partial<Record<AttributeName, boolean>>;

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function placeOf(object: ReadObject): { x: number; y: number } {
  const points = object.track.filter((point) => point !== undefined);
  return { x: meanOf(points.map((point) => point.x)), y: meanOf(points.map((point) => point.y)) };
}

function colourAgrees(read: ReadObject, said: SaidObject): boolean {
  const expected = [
    said.colour,
    ...said.events.flatMap((event) => (event.what === 'turn' ? [event.colour] : [])),
  ];
  return (
    read.colours.length === expected.length && read.colours.every(({ colour }, i) => colour === expected[i])
  );
}

function shapeAgrees(read: ReadObject, said: SaidObject): boolean {
  return read.shape === said.shape && read.spells.every(({ shape }) => shape === said.shape);
}

function sizeAgrees(read: ReadObject, said: SaidObject): boolean {
  return said.size === undefined || read.size === said.size;
}

/** Whether the events are seen, in their order. */
function orderAgrees(read: ReadObject, said: SaidObject, frameCount: number): boolean {
  const { halves } = read;
  if (halves === undefined) return false;
  const middle = (frameCount - 1) / 2;
  return said.events.every((event, i) => {
    if (event.what === 'move') return halves[i] === event.direction;
    if (halves[i] !== 'rests') return false;
    const turn = read.colours.find(({ colour, from }) => from > 0 && colour === event.colour);
    return turn !== undefined && (i === 0 ? turn.from <= middle + 1 : turn.from >= middle - 1);
  });
}

function motionAgrees(read: ReadObject, said: SaidObject): boolean {
  return said.motion === 'collides' ? false : read.path.motion === (said.motion ?? 'stays still');
}

/** Where shapes of the world touch: this many radii apart, by how far any shape reaches. */
const touchDistance = 2 * reach;

/** Whether two shapes come towards each other, touch, and both go back. */
function isCollision([left, right]: readonly [ReadObject, ReadObject], aspect: number): boolean {
  const [a, b] = [left.back, right.back];
  if (a === undefined || b === undefined) return false;
  const cameTogether = a.before > 0 && b.before < 0 && a.after < 0 && b.after > 0;
  const travelled = [a.before, b.before, a.after, b.after].every((speed) => Math.abs(speed) > 0.0015);
  const gap = ((b.x - a.x) * aspect) / (radiusOf(left) + radiusOf(right));
  return cameTogether && travelled && Math.abs(a.at - b.at) <= 2 && Math.abs(gap - touchDistance / 2) < 0.35;
}

function radiusOf(read: ReadObject): number {
  const radii = read.track
    .flatMap((point) => (point === undefined ? [] : [point.radius]))
    .sort((a, b) => a - b);
  return radii[radii.length >> 1] ?? Number.NaN;
}

/** Whether what changes for good does so as said, stays, and nothing else changes. */
function changeAgrees(read: ReadObject, said: SaidObject, frameCount: number): boolean {
  const { bite, paint } = read;
  if ((bite !== undefined) !== said.isBitten || paint?.colour !== said.paint) return false;
  const last = frameCount - 1;
  // Bites are taken between 0.3 and 0.55 of the way.
  if (bite !== undefined && (bite.kept < 0.9 || bite.from < 0.15 * last || bite.from > 0.75 * last))
    return false;
  return paint === undefined || paint.kept >= 0.9;
}

/** Orders of the numbers below `count`. */
function orders(count: number): number[][] {
  if (count === 0) return [[]];
  return orders(count - 1).flatMap((order) =>
    Array.from({ length: count }, (_, i) => [...order.slice(0, i), count - 1, ...order.slice(i)]),
  );
}

/** Whether each stands to the right of the last, or each below it. */
function inOrder(objects: readonly (ReadObject | undefined)[]): boolean {
  const places = objects.flatMap((object) => (object === undefined ? [] : [placeOf(object)]));
  const rises = (axis: 'x' | 'y') =>
    places.every((place, i) => i === 0 || place[axis] > places[i - 1]![axis] + 0.05);
  return rises('x') || rises('y');
}

/** The read objects that go with the said ones: the assignment in which most is right. */
function assign(read: readonly ReadObject[], said: readonly SaidObject[]): (ReadObject | undefined)[] {
  const seats = Math.max(read.length, said.length);
  if (seats > 4) return said.map(() => undefined);
  let best: { right: number; objects: (ReadObject | undefined)[] } = {
    right: -1,
    objects: said.map(() => undefined),
  };
  for (const order of orders(seats)) {
    const objects = said.map((_, i) => read[order[i]!]);
    let right = 0;
    objects.forEach((object, i) => {
      if (object === undefined) return;
      right += 4 * Number(colourAgrees(object, said[i]!)) + 4 * Number(shapeAgrees(object, said[i]!));
      right += 2 * Number(sizeAgrees(object, said[i]!)) + Number(motionAgrees(object, said[i]!));
    });
    // Of two that look the same, the one named first is the one that stands first.
    if (inOrder(objects)) right += 0.5;
    if (right > best.right) best = { right, objects };
  }
  return best.objects;
}

/** Holds a reading against what was said. */
export function compareWithSaid(reading: Reading, said: Said): Agreement {
  const agreement: Agreement = {};
  const seen =
    said.camera === 'still' || reading.views !== undefined ? reading.objects : withoutCamera(reading);
  const objects = assign(seen, said.objects);
  const each = (agrees: (read: ReadObject, said: SaidObject) => boolean) =>
    objects.every((object, i) => object !== undefined && agrees(object, said.objects[i]!));
  agreement.count =
    seen.length === said.objects.length && (reading.box !== undefined) === (said.kind === 'box');
  if (said.box !== undefined) {
    agreement.shape = reading.box !== undefined;
    agreement.colour = reading.box?.colour === said.box;
  } else {
    agreement.colour = each(colourAgrees);
    agreement.shape = each(shapeAgrees);
    if (said.objects.some((object) => object.size !== undefined)) agreement.size = each(sizeAgrees);
    if (said.kind === 'collide') {
      const [first, second] = objects;
      agreement.motion =
        first !== undefined && second !== undefined && isCollision([first, second], reading.aspect);
    } else if (said.objects.some((object) => object.events.length > 0)) {
      agreement.order = each((read, object) => orderAgrees(read, object, reading.frameCount));
    } else agreement.motion = each(motionAgrees);
    agreement.change = each((read, object) => changeAgrees(read, object, reading.frameCount));
  }
  if (said.background !== undefined) agreement.background = reading.background === said.background;
  agreement.style = reading.styles.includes(said.style);
  agreement.camera = cameraAgrees(reading, said);
  if (said.relation !== undefined || said.kind === 'trio') agreement.relation = relationAgrees(objects, said);
  agreement.wall = (reading.wall !== undefined) === said.hasWall;
  agreement.all = Object.values(agreement).every(Boolean);
  return agreement;
}

function cameraAgrees({ views, camera, box }: Reading, said: Said): boolean {
  if (said.kind === 'box') return box?.camera === said.camera;
  if (said.camera !== 'still') return camera?.move === said.camera;
  // Without a floor, a still camera is one that the motions said already account for.
  return views === undefined || camera?.move === 'still';
}

/** The shapes as they stand before the camera that was read; as seen when none was. */
function withoutCamera({ objects, camera, frameCount }: Reading): readonly ReadObject[] {
  if (camera === undefined) return objects;
  const timing = timingOf(frameCount);
  return objects.map((object) => {
    const points = object.track.flatMap((point) => (point === undefined ? [] : [point]));
    const radii = points
      .map(({ radius, frame }) => radius / viewAt(camera.move, frame, timing).zoom)
      .sort((a, b) => a - b);
    // The camera was found by their standing still under it.
    return {
      ...object,
      size: sizeOf(radii[radii.length >> 1]!),
      path: { motion: 'stays still', residual: camera.pathError },
    };
  });
}

function relationAgrees(objects: readonly (ReadObject | undefined)[], { relation }: Said): boolean {
  return objects.every((object, i) => {
    if (object === undefined) return false;
    if (i === objects.length - 1) return true;
    const next = objects[i + 1];
    if (next === undefined) return false;
    const [here, there] = [placeOf(object), placeOf(next)];
    return relation === 'above' ? here.y < there.y - 0.05 : here.x < there.x - 0.05;
  });
}

/** Holds a reading against a canonical caption. */
export function compareWithCaption(reading: Reading, caption: string): Agreement {
  const said = parseCaption(caption);
  if (said === undefined) {
    throw new ScorerError(
      'scorer/not-a-caption',
      `Not a canonical caption of the Toybox world: "${caption}".`,
    );
  }
  return compareWithSaid(reading, said);
}
