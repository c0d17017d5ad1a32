import { createTestContext, inMemory } from '@reelgraph/node-api/testing';
import { parseCaption, sceneSchema } from '@reelgraph/toybox';
import { describe, expect, it } from 'vitest';
import { groundTruthScene } from './node.ts';

const defaults = {
  kind: 'single',
  seed: '1',
  shape: 'any',
  colour: 'any',
  size: 'any',
  motion: 'any',
  background: 'any',
  style: 'any',
  frames: 17,
  width: 64,
  height: 64,
};
const make = (params: Partial<typeof defaults>) =>
  groundTruthScene.run({ inputs: {}, params: { ...defaults, ...params }, ctx: createTestContext() });
const issuesOf = (params: Partial<typeof defaults>) =>
  groundTruthScene.infer!({ inputs: {}, params: { ...defaults, ...params }, context: { models: new Map() } })
    .issues;

describe('ground-truth-scene', () => {
  it('gives what was chosen, in words, in pixels and as truth', async () => {
    const choice = {
      shape: 'star',
      colour: 'cyan',
      size: 'large',
      motion: 'spins',
      background: 'navy',
      style: 'neon',
    };
    const { prompt, frames, scene } = await make({ ...choice, frames: 9, width: 96, height: 48 });
    expect(prompt).toBe('a large cyan star spins on a navy background, in neon style');
    expect(inMemory(frames).pixels.shape).toEqual([1, 3, 9, 48, 96]);
    expect(inMemory(frames).pixels.data.every((value) => Math.abs(value) <= 1)).toBe(true);
    expect(sceneSchema.parse(JSON.parse(JSON.stringify(scene)))).toEqual(scene);
  });

  it('leaves the rest to the seed', async () => {
    const [first, again, other] = [
      await make({ seed: '7' }),
      await make({ seed: '7' }),
      await make({ seed: '8' }),
    ];
    expect(again).toEqual(first);
    expect(other.prompt).not.toBe(first.prompt);
  });

  it.each(['any', 'pair', 'trio', 'events', 'wall', 'bite', 'paint', 'collide', 'camera', 'box'])(
    'makes scenes of the kind %s whose prompt can be read back',
    async (kind) => {
      const { prompt } = await make({ kind, seed: '18446744073709551615' });
      const said = parseCaption(prompt);
      expect(said).toBeDefined();
      if (kind !== 'any') expect(said?.kind).toBe(kind);
    },
  );

  it('says which choices go with no scene or are passed over', async () => {
    expect(issuesOf({ shape: 'ring', motion: 'spins' })).toMatchObject([{ code: 'scene/unseen-turn' }]);
    await expect(async () => make({ shape: 'ring', motion: 'spins' })).rejects.toMatchObject({
      code: 'scene/unseen-turn',
    });
    expect(issuesOf({ frames: 16 })).toMatchObject([{ code: 'scene/frame-count', fix: { value: 17 } }]);
    expect(issuesOf({ kind: 'pair', colour: 'red' })).toMatchObject([
      { code: 'scene/not-used', severity: 'warning', param: 'colour' },
    ]);
    expect(issuesOf({})).toEqual([]);
  });

  it('never turns a round shape that the seed chose', async () => {
    for (let seed = 0; seed < 12; seed++) {
      const { prompt } = await make({ seed: String(seed), motion: 'rolls left', frames: 5 });
      expect(prompt).not.toMatch(/circle|ring/);
    }
  });
});
