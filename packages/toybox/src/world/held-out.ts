/**
 * The 500 prompts the model is judged by. Their seeds are new to it, no caption comes twice, and a third of
 * the single shapes are triples of colour, shape and motion that training never showed.
 */
import { captionOf } from './captions.ts';
import { defaultClipSize } from './clip.ts';
import { randomScene } from './random-scene.ts';
import type { Scene } from './scene.ts';
import {
  colourNames,
  firstEvaluationSeed,
  isHeldOut,
  type Motion,
  motions,
  type SceneKind,
  sceneKinds,
  shapes,
} from './words.ts';

/** One prompt to generate a clip for, and the truth to hold the clip to. */
export interface HeldOutPrompt {
  readonly kind: SceneKind;
  /** The canonical caption of the scene. */
  readonly caption: string;
  /** Seed of the scene, and a good seed for the noise to start from; no two prompts share it. */
  readonly seed: number;
  /** Whether its triple of colour, shape and motion was kept out of training; only single shapes are. */
  readonly isNovel: boolean;
  /** One true clip of the caption, of the frame count to generate; to be drawn with `renderScene`. */
  readonly scene: Scene;
}

/**
 * How many prompts there are of each kind. Half of the pairs stand left and right, half above and below; of
 * the single shapes {@link novelSingles} are novel, and all motions come as often (13 or 14 times).
 */
export const heldOutCounts = {
  single: 260,
  pair: 100,
  trio: 20,
  events: 50,
  wall: 25,
  bite: 8,
  paint: 7,
  collide: 10,
  camera: 14,
  box: 6,
} as const satisfies Record<SceneKind, number>;

/** Single shapes whose triple was never trained. */
export const novelSingles = 87;

/** Frames of the clips that show a shape pass behind a wall: slow enough to stay hidden for some. */
const wallFrameCount = 33;

/** A total dealt out over names, as evenly as whole numbers go. */
function evenShares(total: number, names: readonly Motion[]): [name: Motion, count: number][] {
  const upTo = (i: number) => Math.floor((total * i) / names.length);
  return names.map((name, i) => [name, upTo(i + 1) - upTo(i)]);
}

function hasNovelTriples(motion: Motion): boolean {
  return shapes.some((shape) => colourNames.some((colour) => isHeldOut({ colour, shape, motion })));
}

/** At most so many prompts of one group, so that every group has its share; groups without a limit are absent. */
function limitsOf(kind: SceneKind): Map<string, number> | undefined {
  if (kind === 'pair') {
    return new Map([
      ['left', 50],
      ['above', 50],
    ]);
  }
  if (kind !== 'single') return undefined;
  const limits = new Map<string, number>();
  for (const [motion, count] of evenShares(heldOutCounts.single, motions))
    limits.set(`known ${motion}`, count);
  for (const [motion, count] of evenShares(novelSingles, motions.filter(hasNovelTriples))) {
    limits.set(`novel ${motion}`, count);
    limits.set(`known ${motion}`, limits.get(`known ${motion}`)! - count);
  }
  return limits;
}

function groupOf({ kind, isNovel, scene }: HeldOutPrompt): string {
  return kind === 'pair' ? `${scene.relation}` : `${isNovel ? 'novel' : 'known'} ${scene.objects[0]?.motion}`;
}

function isNovelScene({ kind, objects: [body] }: Scene): boolean {
  if (kind !== 'single' || body === undefined || body.motion === 'collides') return false;
  return isHeldOut({ colour: body.colour, shape: body.shape, motion: body.motion });
}

/** The evaluation prompts in their fixed order, kind by kind; only those of one kind when it is given. */
export function heldOutPrompts(onlyKind?: SceneKind): HeldOutPrompt[] {
  const prompts: HeldOutPrompt[] = [];
  const taken = new Set<string>();
  let seed = firstEvaluationSeed;
  for (const kind of sceneKinds) {
    const limits = limitsOf(kind);
    const frameCount = kind === 'wall' ? wallFrameCount : defaultClipSize.frameCount;
    for (let left: number = heldOutCounts[kind]; left > 0; seed++) {
      const scene = randomScene(seed, { kind, frameCount });
      const prompt = { kind, caption: captionOf(scene), seed, isNovel: isNovelScene(scene), scene };
      if (taken.has(prompt.caption)) continue;
      if (limits !== undefined) {
        const open = limits.get(groupOf(prompt)) ?? 0;
        if (open === 0) continue;
        limits.set(groupOf(prompt), open - 1);
      }
      taken.add(prompt.caption);
      prompts.push(prompt);
      left--;
    }
  }
  return onlyKind === undefined ? prompts : prompts.filter((prompt) => prompt.kind === onlyKind);
}
