/** Holds a reading against what a caption says. */
import { parseCaption, type Said, type SaidObject } from '../world/parse-caption.ts';
import type { Reading, ReadObject } from './reading.ts';

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
  return read.shape === said.shape;
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
  return read.path.motion === (said.motion ?? 'stays still');
}

/** Orders of the numbers below `count`. */
function orders(count: number): number[][] {
  if (count === 0) return [[]];
  return orders(count - 1).flatMap((order) =>
    Array.from({ length: count }, (_, i) => [...order.slice(0, i), count - 1, ...order.slice(i)]),
  );
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
    if (right > best.right) best = { right, objects };
  }
  return best.objects;
}

/** Holds a reading against what was said. */
export function compareWithSaid(reading: Reading, said: Said): Agreement {
  const agreement: Agreement = {};
  const objects = assign(reading.objects, said.objects);
  const each = (agrees: (read: ReadObject, said: SaidObject) => boolean) =>
    objects.every((object, i) => object !== undefined && agrees(object, said.objects[i]!));
  agreement.count = reading.objects.length === said.objects.length;
  if (said.objects.length > 0) {
    agreement.colour = each(colourAgrees);
    agreement.shape = each(shapeAgrees);
    if (said.objects.some((object) => object.size !== undefined)) agreement.size = each(sizeAgrees);
    if (said.objects.some((object) => object.events.length > 0)) {
      agreement.order = each((read, object) => orderAgrees(read, object, reading.frameCount));
    } else agreement.motion = each(motionAgrees);
  }
  if (said.background !== undefined) agreement.background = reading.background === said.background;
  agreement.style = reading.style === said.style;
  if (said.relation !== undefined || said.kind === 'trio') {
    agreement.relation = objects.every((object, i) => {
      const next = objects[i + 1];
      if (object === undefined) return false;
      if (i === objects.length - 1) return true;
      if (next === undefined) return false;
      const [here, there] = [placeOf(object), placeOf(next)];
      return said.relation === 'above' ? here.y < there.y - 0.05 : here.x < there.x - 0.05;
    });
  }
  agreement.wall = (reading.wall !== undefined) === said.hasWall;
  agreement.all = Object.values(agreement).every(Boolean);
  return agreement;
}

/** Holds a reading against a canonical caption. */
export function compareWithCaption(reading: Reading, caption: string): Agreement {
  const said = parseCaption(caption);
  if (said === undefined) throw new TypeError(`Not a canonical caption of the Toybox world: "${caption}"`);
  return compareWithSaid(reading, said);
}
