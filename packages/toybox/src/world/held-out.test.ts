import { describe, expect, it } from 'vitest';
import { heldOutCounts, heldOutPrompts, novelSingles } from './held-out.ts';
import { parseCaption } from './parse-caption.ts';
import { firstEvaluationSeed, isHeldOut, motions, sceneKinds } from './words.ts';

describe('heldOutPrompts', () => {
  const prompts = heldOutPrompts();

  it('are 500 different captions with a seed each that training never draws', () => {
    expect(prompts).toHaveLength(500);
    expect(new Set(prompts.map((prompt) => prompt.caption)).size).toBe(500);
    expect(new Set(prompts.map((prompt) => prompt.seed)).size).toBe(500);
    for (const { seed } of prompts) expect(seed).toBeGreaterThanOrEqual(firstEvaluationSeed);
  });

  it.each(sceneKinds)('have the promised number of the kind %s, all of which can be read back', (kind) => {
    const ofKind = prompts.filter((prompt) => prompt.kind === kind);
    expect(ofKind).toHaveLength(heldOutCounts[kind]);
    for (const { caption } of ofKind) expect(parseCaption(caption)?.kind, caption).toBe(kind);
  });

  it('ask a third of the single shapes for triples never trained, and for every motion as often', () => {
    const singles = heldOutPrompts('single');
    expect(singles.filter((prompt) => prompt.isNovel)).toHaveLength(novelSingles);
    for (const { isNovel, scene } of singles) {
      const { colour, shape, motion } = scene.objects[0]!;
      expect(motion !== 'collides' && isHeldOut({ colour, shape, motion })).toBe(isNovel);
    }
    for (const motion of motions) {
      const count = singles.filter((prompt) => prompt.scene.objects[0]!.motion === motion).length;
      expect([13, 14], motion).toContain(count);
    }
  });

  it('ask for as many pairs beside each other as above each other', () => {
    const relations = heldOutPrompts('pair').map((prompt) => prompt.scene.relation);
    expect(relations.filter((relation) => relation === 'left')).toHaveLength(50);
    expect(relations.filter((relation) => relation === 'above')).toHaveLength(50);
  });

  it('stay the same list, so that scores can be compared', () => {
    expect(prompts.slice(0, 2).map((prompt) => prompt.caption)).toEqual([
      'a large orange square rolls right on a sand background',
      'a small yellow star leaves to the right and comes back on a black background',
    ]);
    expect(prompts[499]?.seed).toBe(firstEvaluationSeed + 4905);
  });
});
