/**
 * The 200 prompts the model is judged by. 80 of them name a colour-shape-motion triple it never saw in
 * training, 120 one it did; every seed is new to it. `training/world.py` walks the same list.
 */
import { captionOf, firstEvaluationSeed, isHeldOut, randomScene, type Scene } from './world.ts';

export interface HeldOutPrompt {
  readonly caption: string;
  /** Seed of the world's scene, and a good seed for the noise to start from. */
  readonly seed: number;
  /** Whether the colour-shape-motion triple itself was kept out of training. */
  readonly isNovel: boolean;
  /** One true clip of the caption, to be rendered with `renderScene`. */
  readonly scene: Scene;
}

const novelCount = 80;
const familiarCount = 120;

/** The evaluation prompts in their fixed order: seeds upwards from the first evaluation seed, no caption twice. */
export function heldOutPrompts(): HeldOutPrompt[] {
  const prompts: HeldOutPrompt[] = [];
  const taken = new Set<string>();
  const left = { novel: novelCount, familiar: familiarCount };
  for (let seed = firstEvaluationSeed; left.novel + left.familiar > 0; seed++) {
    const scene = randomScene(seed);
    const caption = captionOf(scene);
    const isNovel = isHeldOut(scene);
    const kind = isNovel ? 'novel' : 'familiar';
    if (left[kind] === 0 || taken.has(caption)) continue;
    left[kind]--;
    taken.add(caption);
    prompts.push({ caption, seed, isNovel, scene });
  }
  return prompts;
}
