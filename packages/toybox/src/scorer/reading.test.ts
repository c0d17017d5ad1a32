import { describe, expect, it, vi } from 'vitest';
import { mutantsFor } from '../../bench/mutants.ts';
import { judge, scores } from '../../bench/scores.ts';
import {
  type Clip,
  captionOf,
  compareWithCaption,
  defaultClipSize,
  heldOutPrompts,
  randomScene,
  readClip,
  renderScene,
  type Scene,
  sceneKinds,
  shapes,
} from '../index.ts';

// A clip is read in a fifth of a second; on a busy machine that is seconds.
vi.setConfig({ testTimeout: 120_000 });

/** Normally distributed noise that repeats (Box and Muller on a linear congruential generator). */
function noiseSource(seed: number): () => number {
  let state = seed >>> 0;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

/** What a small autoencoder does to a clip: blurs it a little in space and time, and adds noise; about 28 dB. */
function degraded({ frames, frameCount, width, height }: Clip, seed: number): Clip {
  const normal = noiseSource(seed);
  const inside = (value: number, size: number) => Math.min(size - 1, Math.max(0, value));
  const at = (f: number, y: number, x: number, c: number) =>
    frames[((inside(f, frameCount) * height + inside(y, height)) * width + inside(x, width)) * 3 + c]!;
  const out = frames.map((value, i) => {
    const c = i % 3;
    const x = Math.floor(i / 3) % width;
    const y = Math.floor(i / (3 * width)) % height;
    const f = Math.floor(i / (3 * width * height));
    const near = at(f, y - 1, x, c) + at(f, y + 1, x, c) + at(f, y, x - 1, c) + at(f, y, x + 1, c);
    const around = at(f - 1, y, x, c) + at(f + 1, y, x, c);
    return Math.round(inside(0.5 * value + 0.1 * near + 0.05 * around + 6 * normal(), 256));
  });
  return { frames: out, frameCount, width, height };
}

const wrongIn = (scene: Scene, clip: Clip) =>
  Object.entries(compareWithCaption(readClip(clip), captionOf(scene))).flatMap(([name, isRight]) =>
    isRight ? [] : [name],
  );

describe('true renders', () => {
  it.each(sceneKinds)('of the kind %s read back right in everything', (kind) => {
    for (let seed = 0; seed < 3; seed++) {
      const scene = randomScene(seed, { kind });
      expect(wrongIn(scene, renderScene(scene)), captionOf(scene)).toEqual([]);
    }
  });

  it.each(sceneKinds)('of the kind %s read back right when they are blurred and noisy', (kind) => {
    const scene = randomScene(1, { kind });
    expect(wrongIn(scene, degraded(renderScene(scene), 1)), captionOf(scene)).toEqual([]);
  });

  it.each([
    { frameCount: 33, width: 64, height: 64 },
    { frameCount: 9, width: 64, height: 64 },
    { frameCount: 17, width: 96, height: 64 },
    { frameCount: 17, width: 128, height: 128 },
  ])('read back right at $frameCount frames of $width × $height', ({ frameCount, width, height }) => {
    for (const motion of ['moves right', 'stays still', 'grows'] as const) {
      const scene = randomScene(5, { kind: 'single', frameCount, fixed: { motion }, isStyled: false });
      expect(wrongIn(scene, renderScene(scene, { width, height })), captionOf(scene)).toEqual([]);
    }
  });
});

describe('spoilt renders are rejected', () => {
  const prompts = heldOutPrompts();
  it.each(scores.filter(({ mutants }) => mutants !== undefined))('in $name', (score) => {
    const about = prompts.filter((prompt) => score.isAbout(prompt)).slice(0, 2);
    const passed = about.flatMap((prompt) =>
      mutantsFor(score.mutants!, prompt)
        .filter((mutant) => score.isRight(judge(prompt, mutant.clip)))
        .map((mutant) => `${prompt.caption}, ${mutant.name}`),
    );
    expect(passed).toEqual([]);
  });
});

describe('shapes out of proportion', () => {
  // Narrower than they should be by a third, still, so that nothing else is wrong with them.
  it.each(shapes)('a narrow %s is no such shape', (shape) => {
    const score = scores.find(({ mutants }) => mutants === 'shape')!;
    for (const size of ['medium', 'large'] as const) {
      const scene = randomScene(7, {
        kind: 'single',
        fixed: { shape, size, colour: 'orange', motion: 'stays still', background: 'navy' },
        isStyled: false,
      });
      const prompt = { ...heldOutPrompts('single')[0]!, scene, caption: captionOf(scene) };
      const narrow = mutantsFor('shape', prompt).find(({ name }) => name === 'out of shape')!;
      expect(score.isRight(judge(prompt, renderScene(scene))), `${size}, as it should be`).toBe(true);
      expect(score.isRight(judge(prompt, narrow.clip)), `${size}, narrow`).toBe(false);
    }
  });
});

describe('clips that show nothing', () => {
  it('have a background and nothing else', () => {
    const frames = new Uint8Array(17 * 64 * 64 * 3).map((_, i) => [20, 25, 70][i % 3]!);
    expect(readClip({ ...defaultClipSize, frames })).toMatchObject({
      background: 'navy',
      objects: [],
      style: undefined,
    });
  });

  it('have, when they are noise, nothing that a prompt could ask for', () => {
    const normal = noiseSource(1);
    const frames = Uint8Array.from({ length: 17 * 64 * 64 * 3 }, () =>
      Math.min(255, Math.max(0, 128 + 60 * normal())),
    );
    const reading = readClip({ ...defaultClipSize, frames });
    expect(reading.background).toBeUndefined();
    expect(compareWithCaption(reading, 'a small red circle moves right on a navy background')).toMatchObject({
      shape: false,
      motion: false,
      background: false,
    });
  });
});

it('reads what it was not asked for', () => {
  const scene = randomScene(3, { kind: 'bite' });
  const [disc] = readClip(renderScene(scene)).objects;
  // A bite shows from the first whole frame on.
  expect(disc?.bite?.from).toBe(Math.ceil(scene.objects[0]!.bite!.from));
  expect(
    compareWithCaption(
      readClip(renderScene(scene)),
      `a ${scene.objects[0]!.size} ${scene.objects[0]!.colour} circle stays still on a ${scene.background} background`,
    ).change,
  ).not.toBe(true);
});

it('refuses captions that say nothing it could check', () => {
  const reading = readClip(renderScene(randomScene(1)));
  expect(() => compareWithCaption(reading, 'a cat')).toThrow(/Not a canonical caption/);
});
