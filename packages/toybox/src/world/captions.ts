/**
 * Says scenes in words. The canonical caption is the one that is evaluated, the same as in
 * `training/captions.py`; flat style and a still camera go without saying.
 */
import type { Body, BodyEvent, Scene } from './scene.ts';
import { type Background, floors, gradients, type Relation } from './words.ts';

/** Where the first and the second of two shapes are, when both are said to do something. */
export const placesOf = {
  left: ['on the left', 'on the right'],
  above: ['at the top', 'at the bottom'],
} as const satisfies Record<Relation, readonly [first: string, second: string]>;

/** How the first of two shapes lies to the second. */
export const relationWords = { left: 'to the left of', above: 'above' } as const satisfies Record<
  Relation,
  string
>;

/** What a caption calls a background: a floor, a gradient or else just a background. */
export function groundWord(background: Background): 'floor' | 'gradient' | 'background' {
  if (Object.hasOwn(floors, background)) return 'floor';
  return Object.hasOwn(gradients, background) ? 'gradient' : 'background';
}

function withArticle(words: string): string {
  return `${/^[aeiou]/.test(words) ? 'an' : 'a'} ${words}`;
}

function nounOf({ size, colour, shape }: Body): string {
  return withArticle(size === null ? `${colour} ${shape}` : `${size} ${colour} ${shape}`);
}

function eventWords(event: BodyEvent): string {
  return event.what === 'turn' ? `turns ${event.colour}` : `moves ${event.direction}`;
}

/** What is seen, and what the one shape of a scene does; the second part is empty for several shapes. */
function parts(scene: Scene): { seen: string; does: string } {
  const { objects, kind, relation, box } = scene;
  if (box !== null) return { seen: withArticle(`${box.colour} box`), does: '' };
  const nouns = objects.map(nounOf);
  const [first, second] = objects;
  if (first === undefined) return { seen: 'nothing', does: '' };
  if (second !== undefined) {
    if (kind === 'collide') return { seen: `${nouns[0]} and ${nouns[1]} collide`, does: '' };
    if (objects.length > 2)
      return { seen: `${nouns[0]}, ${nouns[1]} and ${nouns[2]} from left to right`, does: '' };
    const how = relation ?? 'left';
    if (objects.every((body) => body.motion === 'stays still')) {
      return { seen: `${nouns[0]} ${relationWords[how]} ${nouns[1]}`, does: '' };
    }
    const [here, there] = placesOf[how];
    return {
      seen: `${nouns[0]} ${first.motion} ${here} and ${nouns[1]} ${second.motion} ${there}`,
      does: '',
    };
  }
  const seen = nouns[0]!;
  if (first.events !== undefined) return { seen, does: first.events.map(eventWords).join(', then ') };
  if (first.bite !== undefined) {
    const moves = first.motion === 'stays still' ? '' : `${first.motion} and `;
    return { seen, does: `${moves}gets a bite taken out of it` };
  }
  if (first.paint !== undefined) {
    return { seen, does: `${first.motion} and paints ${withArticle(`${first.paint} line`)}` };
  }
  if (scene.wall !== null) return { seen, does: `${first.motion} behind a wall` };
  return { seen, does: kind === 'camera' ? '' : first.motion };
}

/**
 * The canonical caption, for example "a small red circle moves right on a navy background": everything the
 * scene is made of, in one order.
 */
export function captionOf(scene: Scene): string {
  const { seen, does } = parts(scene);
  let said = does === '' ? seen : `${seen} ${does}`;
  if (scene.style !== 'pencil') said += ` on a ${scene.background} ${groundWord(scene.background)}`;
  if (scene.style !== 'flat') said += `, in ${scene.style} style`;
  if (scene.camera !== 'still') said += `, the camera ${scene.camera}`;
  return said;
}

/** The same in several sentences, as a prompt that was expanded says it. */
export function longCaptionOf(scene: Scene): string {
  const { seen, does } = parts(scene);
  const ground = groundWord(scene.background);
  const behind =
    ground === 'background'
      ? `The background is ${scene.background}.`
      : `Behind it is a ${scene.background} ${ground}.`;
  return [
    `There is ${seen}.`,
    ...(does === '' ? [] : [`It ${does}.`]),
    ...(scene.style === 'pencil' ? [] : [behind]),
    ...(scene.style === 'flat' ? [] : [`In ${scene.style} style.`]),
    ...(scene.camera === 'still' ? [] : [`The camera ${scene.camera}.`]),
  ].join(' ');
}
