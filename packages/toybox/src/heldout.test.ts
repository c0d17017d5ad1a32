import { describe, expect, it } from 'vitest';
import { heldOutPrompts } from './heldout.ts';
import { firstEvaluationSeed } from './world.ts';

describe('heldOutPrompts', () => {
  const prompts = heldOutPrompts();

  it('are 200 different captions, 80 of them of triples never trained', () => {
    expect(new Set(prompts.map((prompt) => prompt.caption)).size).toBe(200);
    expect(prompts.filter((prompt) => prompt.isNovel)).toHaveLength(80);
  });

  it('use seeds that training never draws', () => {
    for (const { seed } of prompts) expect(seed).toBeGreaterThanOrEqual(firstEvaluationSeed);
  });

  it('stay the same list, so that scores can be compared', () => {
    expect(prompts.slice(0, 3).map((prompt) => prompt.caption)).toEqual([
      'a large green triangle moves down on a sand background',
      'a small cyan triangle stays still on a gray background',
      'a large white circle moves right on a navy background',
    ]);
    expect(prompts[199]?.seed).toBe(firstEvaluationSeed + 1384);
  });
});
