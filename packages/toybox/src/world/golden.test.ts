import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { captionOf } from './captions.ts';
import { randomScene } from './random-scene.ts';
import { renderScene } from './render.ts';
import { sceneSchema } from './scene.ts';
import {
  backgroundNames,
  colourNames,
  exists,
  isHeldOut,
  motions,
  sceneKinds,
  shapes,
  sizes,
} from './words.ts';

// Made by training/golden.py from the world that the model was trained on.
const goldenFolder = new URL('../../golden/', import.meta.url);
const goldenSchema = z.object({
  heldOut: z.array(z.tuple([z.enum(colourNames), z.enum(shapes), z.enum(motions)])),
  cases: z.array(
    z.object({
      seed: z.number(),
      kind: z.enum(sceneKinds).optional(),
      frameCount: z.number().optional(),
      styled: z.boolean().optional(),
      fixed: z
        .object({
          shape: z.enum(shapes).optional(),
          size: z.enum(sizes).optional(),
          motion: z.enum(motions).optional(),
          background: z.enum(backgroundNames).optional(),
        })
        .optional(),
      width: z.number().optional(),
      height: z.number().optional(),
      frames: z.array(z.number()).optional(),
      scene: sceneSchema,
      caption: z.string(),
    }),
  ),
});
const golden = goldenSchema.parse(JSON.parse(readFileSync(new URL('scenes.json', goldenFolder), 'utf8')));
const goldenFrames = gunzipSync(readFileSync(new URL('frames.u8.gz', goldenFolder)));

/** Every leaf of a JSON document by its path. */
function leavesOf(value: unknown, path = ''): [path: string, leaf: unknown][] {
  if (typeof value !== 'object' || value === null) return [[path, value]];
  return Object.entries(value).flatMap(([name, inner]) => leavesOf(inner, `${path}/${name}`));
}

describe('one world in two languages', () => {
  it('makes the same scene of a seed as the trainer', () => {
    for (const { seed, kind, frameCount, styled, fixed, scene } of golden.cases) {
      const own = new Map(leavesOf(randomScene(seed, { kind, frameCount, isStyled: styled, fixed })));
      const expected = leavesOf(scene);
      expect([...own.keys()].sort(), `${seed}`).toEqual(expected.map(([path]) => path).sort());
      for (const [path, leaf] of expected) {
        const actual = own.get(path);
        // Both are float64; the sine of the two languages may differ in its last bit.
        if (typeof leaf === 'number') expect(actual, `${seed} ${path}`).toBeCloseTo(leaf, 9);
        else expect(actual, `${seed} ${path}`).toBe(leaf);
      }
    }
  });

  it('says scenes in the words of the trainer', () => {
    for (const { scene, caption } of golden.cases) expect(captionOf(scene)).toBe(caption);
  });

  it('draws scenes within one step of brightness', () => {
    let at = 0;
    let different = 0;
    for (const { seed, scene, width, height, frames, caption } of golden.cases) {
      if (width === undefined || height === undefined || frames === undefined) continue;
      const clip = renderScene(scene, { width, height });
      const stride = width * height * 3;
      for (const frame of frames) {
        let worst = 0;
        for (let i = 0; i < stride; i++) {
          const difference = Math.abs(clip.frames[frame * stride + i]! - goldenFrames[at + i]!);
          worst = Math.max(worst, difference);
          if (difference > 0) different++;
        }
        at += stride;
        // 1 of 255: the trainer draws in float32, so a value next to .5 may round the other way.
        expect(worst, `seed ${seed}, frame ${frame}: ${caption}`).toBeLessThanOrEqual(1);
      }
    }
    expect(at, 'all golden frames are compared').toBe(goldenFrames.length);
    // Measured 0.0003; soft glows of neon scenes, rounded the other way, are nearly all of it.
    expect(different / at).toBeLessThan(0.001);
  });

  it('keeps the same triples out of training', () => {
    const own = colourNames.flatMap((colour) =>
      shapes.flatMap((shape) =>
        motions
          .filter((motion) => isHeldOut({ colour, shape, motion }))
          .map((motion) => [colour, shape, motion]),
      ),
    );
    expect(own).toEqual(golden.heldOut);
    const existing = shapes.flatMap((shape) => motions.filter((motion) => exists(shape, motion)));
    // About a tenth of the triples there are.
    expect(own.length / (colourNames.length * existing.length)).toBeCloseTo(0.1, 1);
  });
});
