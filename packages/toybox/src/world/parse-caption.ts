/** Reads canonical captions back into what they say. */
import { groundWord, placesOf, relationWords } from './captions.ts';
import {
  type Background,
  backgroundNames,
  type Camera,
  type Colour,
  cameras,
  colourNames,
  type Motion,
  motions,
  type Relation,
  relations,
  type SceneKind,
  type Shape,
  type Size,
  type StraightDirection,
  type Style,
  shapes,
  sizes,
  straightDirections,
  styles,
} from './words.ts';

/** Something a caption says happens to a shape. */
export type SaidEvent =
  | { readonly what: 'move'; readonly direction: StraightDirection }
  | { readonly what: 'turn'; readonly colour: Colour };

/** What a caption says of one shape; what it does not say is undefined. */
export interface SaidObject {
  readonly shape: Shape;
  readonly colour: Colour;
  /** Unsaid of a shape that grows or shrinks. */
  readonly size: Size | undefined;
  /** Unsaid of shapes that only stand somewhere, and of shapes with events. */
  readonly motion: Motion | 'collides' | undefined;
  /** In order; empty when there are none. */
  readonly events: readonly SaidEvent[];
  /** Whether a bite is taken out of it. */
  readonly isBitten: boolean;
  /** Colour of the line it paints. */
  readonly paint: Colour | undefined;
}

/** What a canonical caption says of a clip. */
export interface Said {
  readonly kind: SceneKind;
  /** In the order named: from left to right, or from top to bottom. Empty for a box. */
  readonly objects: readonly SaidObject[];
  /** How the first of two objects lies to the second. */
  readonly relation: Relation | undefined;
  /** Colour of the box of a box scene. */
  readonly box: Colour | undefined;
  readonly hasWall: boolean;
  /** Unsaid in pencil style, which is drawn on paper. */
  readonly background: Background | undefined;
  /** Flat when the caption says nothing. */
  readonly style: Style;
  /** Still when the caption says nothing. */
  readonly camera: Camera;
}

/** `value` as one of the names; undefined for anything else. */
function named<T extends string>(names: readonly T[], value: string | undefined): T | undefined {
  return names.find((name) => name === value);
}

/** The names as alternatives of a pattern, longest first so that none is taken for the start of another. */
function anyOf(names: readonly string[]): string {
  return `(${[...names].sort((a, b) => b.length - a.length).join('|')})`;
}

const noun = `an? (?:${anyOf(sizes)} )?${anyOf(colourNames)} ${anyOf(shapes)}`;
const motion = anyOf(motions);
const event = `(turns ${anyOf(colourNames)}|moves ${anyOf(straightDirections)})`;
const pattern = (text: string) => new RegExp(`^${text}$`);

const tail = pattern(
  `(.+?)(?: on a ${anyOf(backgroundNames)} (background|gradient|floor))?(?:, in ${anyOf(styles)} style)?(?:, the camera ${anyOf(cameras)})?`,
);
const forms = {
  box: pattern(`an? ${anyOf(colourNames)} box`),
  trio: pattern(`${noun}, ${noun} and ${noun} from left to right`),
  collide: pattern(`${noun} and ${noun} collide`),
  related: pattern(`${noun} ${anyOf(Object.values(relationWords))} ${noun}`),
  placed: pattern(
    `${noun} ${motion} ${anyOf(Object.values(placesOf).map(([first]) => first))} and ${noun} ${motion} ${anyOf(Object.values(placesOf).map(([, second]) => second))}`,
  ),
  events: pattern(`${noun} ${event}, then ${event}`),
  bite: pattern(`${noun} (?:${motion} and )?gets a bite taken out of it`),
  paint: pattern(`${noun} ${motion} and paints an? ${anyOf(colourNames)} line`),
  wall: pattern(`${noun} ${motion} behind a wall`),
  single: pattern(`${noun} ${motion}`),
  bare: pattern(noun),
} as const;

type Groups = readonly (string | undefined)[];

function objectFrom(
  [size, colour, shape]: Groups,
  more: Partial<Pick<SaidObject, 'motion' | 'events' | 'isBitten' | 'paint'>> = {},
): SaidObject {
  const [knownColour, knownShape] = [named(colourNames, colour), named(shapes, shape)];
  // The patterns admit nothing but the words of each list.
  if (knownColour === undefined || knownShape === undefined) throw new TypeError(`${colour} ${shape}`);
  return {
    shape: knownShape,
    colour: knownColour,
    size: named(sizes, size),
    motion: undefined,
    events: [],
    isBitten: false,
    paint: undefined,
    ...more,
  };
}

function eventFrom([, colour, direction]: Groups): SaidEvent[] {
  const turned = named(colourNames, colour);
  const moved = named(straightDirections, direction);
  if (turned !== undefined) return [{ what: 'turn', colour: turned }];
  return moved === undefined ? [] : [{ what: 'move', direction: moved }];
}

type Seen = Pick<Said, 'kind' | 'objects'> & Partial<Pick<Said, 'relation' | 'box' | 'hasWall'>>;

/** Reads the part of a caption before background, style and camera. */
function parseSeen(text: string): Seen | undefined {
  const match = (form: RegExp): Groups | undefined => form.exec(text)?.slice(1);
  let found = match(forms.box);
  if (found !== undefined) return { kind: 'box', objects: [], box: named(colourNames, found[0]) };
  found = match(forms.trio);
  if (found !== undefined) {
    const objects = [0, 3, 6].map((at) => objectFrom(found!.slice(at, at + 3)));
    return { kind: 'trio', objects };
  }
  found = match(forms.collide);
  if (found !== undefined) {
    const objects = [0, 3].map((at) => objectFrom(found!.slice(at, at + 3), { motion: 'collides' }));
    return { kind: 'collide', objects };
  }
  found = match(forms.related);
  if (found !== undefined) {
    const relation = relations.find((name) => relationWords[name] === found![3]);
    return { kind: 'pair', relation, objects: [objectFrom(found), objectFrom(found.slice(4))] };
  }
  found = match(forms.placed);
  if (found !== undefined) {
    const relation = relations.find((name) => placesOf[name][0] === found![4]);
    if (relation === undefined || placesOf[relation][1] !== found[9]) return undefined;
    const first = objectFrom(found, { motion: named(motions, found[3]) });
    const second = objectFrom(found.slice(5), { motion: named(motions, found[8]) });
    return { kind: 'pair', relation, objects: [first, second] };
  }
  found = match(forms.events);
  if (found !== undefined) {
    const events = [...eventFrom(found.slice(3, 6)), ...eventFrom(found.slice(6, 9))];
    return { kind: 'events', objects: [objectFrom(found, { events })] };
  }
  found = match(forms.bite);
  if (found !== undefined) {
    const moves = named(motions, found[3]) ?? 'stays still';
    return { kind: 'bite', objects: [objectFrom(found, { motion: moves, isBitten: true })] };
  }
  found = match(forms.paint);
  if (found !== undefined) {
    const paint = named(colourNames, found[4]);
    return { kind: 'paint', objects: [objectFrom(found, { motion: named(motions, found[3]), paint })] };
  }
  found = match(forms.wall) ?? match(forms.single);
  if (found !== undefined) {
    const hasWall = forms.wall.test(text);
    const objects = [objectFrom(found, { motion: named(motions, found[3]) })];
    return { kind: hasWall ? 'wall' : 'single', hasWall, objects };
  }
  found = match(forms.bare);
  return found === undefined ? undefined : { kind: 'camera', objects: [objectFrom(found)] };
}

/**
 * Reads a canonical caption (case, outer space and a final full stop do not matter); undefined for other
 * text, also for other wordings.
 */
export function parseCaption(caption: string): Said | undefined {
  const parts = tail.exec(caption.trim().toLowerCase().replace(/\.$/, ''));
  const seen = parts === null ? undefined : parseSeen(parts[1]!);
  if (parts === null || seen === undefined) return undefined;
  const background = named(backgroundNames, parts[2]);
  const style = named(styles, parts[4]) ?? 'flat';
  const camera = named(cameras, parts[5]) ?? 'still';
  if (background !== undefined && groundWord(background) !== parts[3]) return undefined;
  // A sentence about nothing but a shape is whole only when it says what the camera does.
  const isCameraMove = camera.startsWith('pans') || camera.startsWith('zooms');
  if (seen.kind === 'camera' && !isCameraMove) return undefined;
  if ((background === undefined) !== (style === 'pencil')) return undefined;
  return {
    relation: undefined,
    box: undefined,
    hasWall: false,
    ...seen,
    kind: isCameraMove && seen.kind === 'pair' ? 'camera' : seen.kind,
    background,
    style,
    camera,
  };
}
