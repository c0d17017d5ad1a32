import { describe, expect, it } from 'vitest';
import { compareWithCaption, readClip, scoreClips } from './scorer.ts';
import {
  type AttributeName,
  type Clip,
  type ClipSize,
  captionOf,
  colourNames,
  exists,
  type Motion,
  motions,
  randomScene,
  renderScene,
  type Scene,
  shapes,
} from './world.ts';

/** Normally distributed noise that repeats (Box and Muller on a linear congruential generator). */
function noiseSource(seed: number): () => number {
  let state = seed >>> 0;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

/** What a small autoencoder does to a clip: blurs it over 3x3 pixels and over neighbouring frames, and adds noise. */
function degrade(clip: Clip, seed: number): Clip {
  const { frames, frameCount, width, height } = clip;
  const normal = noiseSource(seed);
  const at = (f: number, y: number, x: number, c: number) => {
    const inside = (value: number, size: number) => Math.min(size - 1, Math.max(0, value));
    return frames[((inside(f, frameCount) * height + inside(y, height)) * width + inside(x, width)) * 3 + c]!;
  };
  const blurred = frames.map((_, i) => {
    const c = i % 3;
    const x = Math.floor(i / 3) % width;
    const y = Math.floor(i / (3 * width)) % height;
    const f = Math.floor(i / (3 * width * height));
    let sum = 0;
    for (const dy of [-1, 0, 1]) for (const dx of [-1, 0, 1]) sum += at(f, y + dy, x + dx, c);
    const value = 0.7 * (sum / 9) + 0.15 * at(f - 1, y, x, c) + 0.15 * at(f + 1, y, x, c) + 9 * normal();
    return Math.round(Math.min(255, Math.max(0, value)));
  });
  return { ...clip, frames: blurred };
}

function psnr(a: Clip, b: Clip): number {
  const sum = a.frames.reduce((total, value, i) => total + (value - b.frames[i]!) ** 2, 0);
  return 10 * Math.log10(255 ** 2 / (sum / a.frames.length));
}

function captioned(scene: Scene, size?: ClipSize) {
  return { caption: captionOf(scene), ...renderScene(scene, size) };
}

function agreement(scene: Scene, caption: string): Record<AttributeName, boolean> {
  return compareWithCaption(readClip(renderScene(scene)), caption);
}

const allRight = { colour: true, shape: true, size: true, motion: true, background: true };

describe('true renders', () => {
  it('read back right in every attribute, at least 99 times in 100', () => {
    const rows = scoreClips(Array.from({ length: 500 }, (_, seed) => captioned(randomScene(seed))));
    for (const row of rows) expect(row.rate, row.attribute).toBeGreaterThanOrEqual(0.99);
  }, 60_000);

  it('read back right when blurred and noisy like the output of a decoder', () => {
    const clips = Array.from({ length: 200 }, (_, seed) => captioned(randomScene(seed)));
    const degraded = clips.map((clip, seed) => ({ ...clip, ...degrade(clip, seed) }));
    // Worse than Toybox's own autoencoder (30.5 dB), so there is room for a denoiser's errors.
    const mean = degraded.reduce((sum, clip, i) => sum + psnr(clip, clips[i]!), 0) / clips.length;
    expect(mean).toBeLessThan(28.5);
    for (const row of scoreClips(degraded)) expect(row.rate, row.attribute).toBeGreaterThanOrEqual(0.99);
  }, 60_000);

  it.each([
    { frameCount: 33, width: 64, height: 64 },
    { frameCount: 17, width: 96, height: 64 },
    { frameCount: 17, width: 64, height: 96 },
    { frameCount: 17, width: 128, height: 128 },
  ])(
    'read back right at $frameCount frames of $width x $height',
    (size) => {
      const scenes = Array.from({ length: 40 }, (_, seed) => randomScene(seed, {}, size.frameCount));
      const rows = scoreClips(scenes.map((scene) => captioned(scene, size)));
      for (const row of rows) expect(row.rate, row.attribute).toBeGreaterThanOrEqual(0.97);
    },
    60_000,
  );
});

describe('mutants are rejected', () => {
  const scenes = Array.from({ length: 24 }, (_, seed) => randomScene(seed));

  it.each(scenes.map((scene) => ({ scene, caption: captionOf(scene) })))(
    '$caption, in another colour',
    ({ scene, caption }) => {
      const colour = colourNames[(colourNames.indexOf(scene.colour) + 3) % colourNames.length]!;
      expect(agreement({ ...scene, colour }, caption)).toEqual({ ...allRight, colour: false });
    },
  );

  it('another shape', () => {
    for (const scene of scenes) {
      for (const shape of shapes) {
        if (shape === scene.shape || !exists(shape, scene.motion)) continue;
        expect(agreement({ ...scene, shape }, captionOf(scene)).shape, captionOf(scene)).toBe(false);
      }
    }
  });

  it('the other size', () => {
    for (const scene of scenes) {
      const other = randomScene(3, { ...scene, size: scene.size === 'small' ? 'large' : 'small' });
      expect(agreement(other, captionOf(scene)).size, captionOf(scene)).toBe(false);
    }
  });

  it('every motion taken for any other', () => {
    for (const motion of motions) {
      for (const other of motions) {
        const scene = randomScene(11, { shape: 'square', motion });
        const caption = captionOf({ ...scene, motion: other });
        expect(agreement(scene, caption).motion, `${motion} read as ${other}`).toBe(motion === other);
      }
    }
  });
});

describe('edited clips', () => {
  const moving = renderScene(randomScene(21, { motion: 'moves right' }));
  const frameBytes = moving.width * moving.height * 3;
  const reorder = (order: number[]): Clip => ({
    ...moving,
    frameCount: order.length,
    frames: Uint8Array.from(
      order.flatMap((f) => [...moving.frames.subarray(f * frameBytes, (f + 1) * frameBytes)]),
    ),
  });
  const forwards = Array.from({ length: moving.frameCount }, (_, f) => f);

  const cases: { name: string; clip: Clip; motion: Motion | undefined }[] = [
    { name: 'as it was', clip: moving, motion: 'moves right' },
    { name: 'played backwards', clip: reorder([...forwards].reverse()), motion: 'moves left' },
    { name: 'frozen on its first frame', clip: reorder(forwards.map(() => 0)), motion: 'stays still' },
    {
      name: 'with the object in every second frame only',
      clip: {
        ...moving,
        frames: moving.frames.map((value, i) =>
          Math.floor(i / frameBytes) % 2 === 0 ? value : moving.frames[i % 3]!,
        ),
      },
      motion: undefined,
    },
  ];
  it.each(cases)('a clip that moves right, $name: $motion', ({ clip, motion }) => {
    expect(readClip(clip).motion).toBe(motion);
  });

  it('an empty clip has a background and nothing else', () => {
    const frames = new Uint8Array(17 * 64 * 64 * 3).map((_, i) => [20, 25, 70][i % 3]!);
    const reading = readClip({ frames, frameCount: 17, width: 64, height: 64 });
    expect(reading).toMatchObject({ background: 'navy' });
    expect(Object.keys(reading)).toEqual(['background', 'track']);
  });

  it('noise has no attributes worth the name', () => {
    const normal = noiseSource(1);
    const frames = Uint8Array.from({ length: 17 * 64 * 64 * 3 }, () =>
      Math.min(255, Math.max(0, 128 + 60 * normal())),
    );
    const caption = captionOf(randomScene(1));
    const right = Object.values(
      compareWithCaption(readClip({ frames, frameCount: 17, width: 64, height: 64 }), caption),
    );
    expect(right.every(Boolean)).toBe(false);
  });
});

describe('scoreClips', () => {
  it('gives the rate beside what the same clips would get by chance', () => {
    const scenes = ['moves left', 'moves right'].map((motion) =>
      randomScene(7, {
        motion: motion as Motion,
        colour: 'red',
        shape: 'circle',
        size: 'large',
        background: 'black',
      }),
    );
    const rows = scoreClips(scenes.map((scene) => captioned(scene)));
    expect(rows.find((row) => row.attribute === 'colour')).toMatchObject({ rate: 1, chance: 1 });
    expect(rows.find((row) => row.attribute === 'motion')).toMatchObject({ rate: 1, chance: 0.5 });
    expect(rows.find((row) => row.attribute === 'all')).toMatchObject({ correct: 2, total: 2, chance: 0.5 });
  });

  it('refuses captions it cannot check', () => {
    expect(() => scoreClips([{ caption: 'a cat', ...renderScene(randomScene(1)) }])).toThrow(/Not a caption/);
  });
});
