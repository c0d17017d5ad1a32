import { describe, expect, it } from 'vitest';
import { poseAt } from './pose.ts';
import { randomScene } from './random-scene.ts';
import { renderScene } from './render.ts';
import { sceneSchema } from './scene.ts';
import { exists, motions, sceneKinds } from './words.ts';

describe('randomScene', () => {
  it('repeats itself for a seed, and differs for another', () => {
    expect(randomScene(42)).toEqual(randomScene(42));
    expect(randomScene(42)).not.toEqual(randomScene(43));
  });

  it('keeps what is given and chooses the rest', () => {
    const fixed = { colour: 'cyan', size: 'small', motion: 'bounces', background: 'navy' } as const;
    const scene = randomScene(5, { kind: 'single', fixed, isStyled: false });
    expect(scene).toMatchObject({ kind: 'single', style: 'flat', background: 'navy' });
    expect(scene.objects[0]).toMatchObject({ colour: 'cyan', size: 'small', motion: 'bounces' });
    expect(randomScene(5, { kind: 'single', isStyled: true }).style).not.toBe('flat');
  });

  it.each(sceneKinds)('makes scenes of the kind %s that its schema allows, of any length', (kind) => {
    for (const frameCount of [1, 5, 17, 33, 65]) {
      for (let seed = 0; seed < 20; seed++) {
        const scene = randomScene(seed, { kind, frameCount });
        expect(scene).toMatchObject({ kind, frameCount });
        expect(sceneSchema.parse(JSON.parse(JSON.stringify(scene)))).toEqual(scene);
      }
    }
  });

  it('keeps shapes inside the frame for the whole clip, unless they leave on purpose', () => {
    const isInside = (centre: number, radius: number) => centre - radius > 0 && centre + radius < 1;
    const outside: string[] = [];
    for (const frameCount of [5, 17, 33, 65]) {
      for (let seed = 0; seed < 300; seed++) {
        const scene = randomScene(seed, { frameCount });
        // A camera that moves may lose what it shows.
        if (scene.kind === 'camera') continue;
        for (const body of scene.objects) {
          if (body.motion.startsWith('leaves')) continue;
          for (let f = 0; f < frameCount; f++) {
            const { x, y, radius } = poseAt(scene, body, f, { width: 1, height: 1 });
            if (!isInside(x, radius) || !isInside(y, radius))
              outside.push(`${seed}, frame ${f}: ${body.motion}`);
          }
        }
      }
    }
    expect(outside).toEqual([]);
  });

  it('never turns what is round, since nobody could see it', () => {
    for (let seed = 0; seed < 300; seed++) {
      for (const fixed of [{}, { motion: motions[seed % motions.length] }]) {
        const [body] = randomScene(seed, { kind: 'single', fixed }).objects;
        expect(exists(body!.shape, body!.motion)).toBe(true);
      }
    }
  });

  it('says which seeds and frame counts there are', () => {
    expect(() => randomScene(-1)).toThrow('A seed is an integer from 0 to 4294967295; this one is -1.');
    expect(() => randomScene(2 ** 32)).toThrow(RangeError);
    expect(() => randomScene(1, { frameCount: 0 })).toThrow('at least 1; this one has 0');
  });
});

describe('sceneSchema', () => {
  it('says where a document is no scene', () => {
    const scene = randomScene(1, { kind: 'single' });
    const wrong = { ...scene, objects: [{ ...scene.objects[0], colour: 'mauve' }] };
    const result = sceneSchema.safeParse(wrong);
    expect(result.error?.issues[0]?.path).toEqual(['objects', 0, 'colour']);
    expect(sceneSchema.safeParse({ ...scene, music: 'loud' }).success).toBe(false);
  });
});

describe('renderScene', () => {
  it.each([
    { frameCount: 5, width: 48, height: 48 },
    { frameCount: 9, width: 128, height: 48 },
    { frameCount: 65, width: 48, height: 128 },
  ])('draws $frameCount frames of $width x $height', ({ frameCount, width, height }) => {
    const clip = renderScene(randomScene(3, { frameCount }), { width, height });
    expect(clip).toMatchObject({ frameCount, width, height });
    expect(clip.frames).toHaveLength(frameCount * width * height * 3);
  });
});
