import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  type Attributes,
  captionOf,
  exists,
  isHeldOut,
  motions,
  parseCaption,
  poseAt,
  randomScene,
  renderScene,
  type Scene,
  shapes,
} from './world.ts';

// Made by training/golden.py, the renderer that made the training clips.
const golden = JSON.parse(readFileSync(new URL('../golden/scenes.json', import.meta.url), 'utf8')) as {
  frameCount: number;
  width: number;
  height: number;
  scenes: { seed: number; scene: Scene }[];
};
const goldenFrames = gunzipSync(readFileSync(new URL('../golden/frames.u8.gz', import.meta.url)));

describe('one world in two languages', () => {
  it('draws the same scene from a seed as the Python renderer', () => {
    for (const { seed, scene } of golden.scenes) {
      const own = randomScene(seed);
      for (const [name, expected] of Object.entries(scene)) {
        const actual = own[name as keyof Scene];
        // Both are float64 and the same operations, but for the order in which a compiler may add.
        if (typeof expected === 'number') expect(actual, `${seed} ${name}`).toBeCloseTo(expected, 12);
        else expect(actual, `${seed} ${name}`).toBe(expected);
      }
    }
  });

  it('renders the golden scenes within one step of brightness', () => {
    const { frameCount, width, height } = golden;
    const stride = frameCount * width * height * 3;
    golden.scenes.forEach(({ seed, scene }, i) => {
      const { frames } = renderScene(scene, { frameCount, width, height });
      let worst = 0;
      for (let k = 0; k < stride; k++) {
        worst = Math.max(worst, Math.abs(frames[k]! - goldenFrames[i * stride + k]!));
      }
      // 1/255: Python renders in float32, so a value next to .5 may round the other way.
      expect(worst, `seed ${seed}: ${captionOf(scene)}`).toBeLessThanOrEqual(1);
    });
  });
});

describe('randomScene', () => {
  it('repeats itself for a seed, and differs for another', () => {
    expect(randomScene(42)).toEqual(randomScene(42));
    expect(randomScene(42)).not.toEqual(randomScene(43));
  });

  it('keeps attributes that are given and chooses the rest', () => {
    const scene = randomScene(5, { colour: 'cyan', motion: 'bounces' });
    expect(scene).toMatchObject({ colour: 'cyan', motion: 'bounces' });
  });

  it('keeps the shape inside the frame for the whole clip, however long', () => {
    for (const frameCount of [9, 17, 33]) {
      for (let seed = 0; seed < 300; seed++) {
        const scene = randomScene(seed, {}, frameCount);
        for (let f = 0; f < frameCount; f++) {
          const { x, y } = poseAt(scene, f, 1, 1);
          for (const centre of [x, y]) {
            expect(centre - scene.radius).toBeGreaterThan(0);
            expect(centre + scene.radius).toBeLessThan(1);
          }
        }
      }
    }
  });

  it('never spins a circle, since nobody could see it', () => {
    for (let seed = 0; seed < 500; seed++) {
      const { shape, motion } = randomScene(seed);
      expect(exists(shape, motion)).toBe(true);
    }
  });
});

describe('captions', () => {
  it('reads like a sentence', () => {
    const attributes: Attributes = {
      size: 'small',
      colour: 'red',
      shape: 'circle',
      motion: 'moves right',
      background: 'navy',
    };
    expect(captionOf(attributes)).toBe('a small red circle moves right on a navy background');
  });

  it('parse back to what they say', () => {
    for (let seed = 0; seed < 200; seed++) {
      const { colour, shape, size, motion, background } = randomScene(seed);
      const attributes = { colour, shape, size, motion, background };
      expect(parseCaption(captionOf(attributes))).toEqual(attributes);
    }
  });

  it('parse to nothing when they are about something else', () => {
    expect(parseCaption('a cat plays the piano')).toBeUndefined();
    expect(parseCaption('a small red circle moves right')).toBeUndefined();
  });
});

describe('isHeldOut', () => {
  it('keeps about a tenth of the triples from training, of every shape and every motion', () => {
    const seen = new Map<string, boolean>();
    for (let seed = 0; seed < 5000; seed++) {
      const scene = randomScene(seed);
      seen.set(`${scene.colour} ${scene.shape} ${scene.motion}`, isHeldOut(scene));
    }
    const heldOut = [...seen].filter(([, held]) => held).map(([triple]) => triple);
    expect(seen.size).toBe(8 * (3 * 7 - 1));
    expect(heldOut).toHaveLength(15);
    for (const shape of shapes) expect(heldOut.some((triple) => triple.includes(shape))).toBe(true);
    for (const motion of motions) expect(heldOut.some((triple) => triple.endsWith(motion))).toBe(true);
  });
});
