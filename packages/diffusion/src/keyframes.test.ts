import { fromFunction, full, NoiseGenerator, type Tensor, zeros } from '@reelgraph/tensor';
import { describe, expect, it } from 'vitest';
import { sampleEuler } from './euler.ts';
import { disturbKeyframes, keyframeNoise, placeTimestep, sampleByPlace, withoutGuides } from './keyframes.ts';
import type { KnownFrames } from './known-frames.ts';
import { patchify } from './patchify.ts';

// One frame for a picture in front of a clip of two: [1, 2, 3, 1, 2].
const shape = [1, 2, 3, 1, 2];
const heldAt = (strengths: readonly number[], noiseScale = 0): KnownFrames => {
  const mask = zeros('float32', [1, 1, 3, 1, 2]);
  strengths.forEach((strength, frame) => {
    mask.data.fill(strength, 2 * frame, 2 * frame + 2);
  });
  const latent = fromFunction(shape, (i) => i / 10);
  return { latent, mask, hold: { kind: 'by-strength', noiseScale, guideFrames: [8], patchSize: [1, 1, 1] } };
};
const sigmas = [1, 0.75, 0.5, 0.25, 0];
const velocity = fromFunction(shape, (i) => 1 + i);
const walk = (held: KnownFrames, noise: Tensor<'float32'> = zeros('float32', shape)) =>
  sampleByPlace({ sigmas, from: held.latent, held, denoise: async () => velocity, freshNoise: () => noise });
const frame = (sample: Tensor<'float32'>, at: number) =>
  [0, 1, 6, 7].map((i) => sample.data[i + 2 * at] ?? 0);

describe('sampleByPlace', () => {
  it('moves what is not held as Euler does, and leaves what is held altogether', async () => {
    const held = heldAt([1, 0, 0]);
    const { sample } = await walk(held);
    const free = await sampleEuler({ sigmas, from: held.latent, denoise: async () => velocity });
    expect(frame(sample, 0)).toEqual(frame(held.latent, 0));
    expect(frame(sample, 1)).toEqual(frame(free.sample, 1));
    expect(frame(sample, 2)).toEqual(frame(free.sample, 2));
  });

  it('moves a place of strength 0.6 only when the rest is as low as its own level, 0.4', async () => {
    const held = heldAt([0, 0.6, 0]);
    const { sample } = await walk(held);
    // Steps at 1, 0.75 and 0.5 are above it; the one at 0.25 takes it from there to 0.
    for (const [i, value] of frame(sample, 1).entries()) {
      const place = [2, 3, 8, 9][i] ?? 0;
      expect(value).toBeCloseTo(place / 10 - 0.25 * (1 + place), 5);
    }
  });

  it('puts noise of the next step on places that are held altogether, and none after the last', async () => {
    const noise = full(shape, 1);
    const seen: number[] = [];
    const held = heldAt([1, 0, 0], 0.2);
    await sampleByPlace({
      sigmas,
      from: held.latent,
      held,
      freshNoise: () => noise,
      async denoise(sample) {
        seen.push(sample.data[0] ?? 0);
        return velocity;
      },
    });
    // given 0, plus 0.2 of (t / 1000)^2
    expect(seen.map((value) => Math.round(value * 1e6) / 1e6)).toEqual([0, 0.1125, 0.05, 0.0125]);
  });

  it('is Euler where nothing is held', async () => {
    const options = { sigmas, from: heldAt([]).latent, denoise: async () => velocity };
    expect(await sampleByPlace(options)).toEqual(await sampleEuler(options));
  });
});

it('a place is at the level of the step, or at what its strength leaves', () => {
  expect(placeTimestep(900, 0)).toBe(900);
  expect(placeTimestep(900, 1)).toBe(0);
  expect(placeTimestep(900, 0.75)).toBe(250);
  expect(placeTimestep(100, 0.75)).toBe(100);
});

it('frames in front of the clip are dropped, channel by channel', () => {
  const sample = fromFunction(shape, (i) => i);
  const kept = withoutGuides(sample, heldAt([]));
  expect(kept.shape).toEqual([1, 2, 2, 1, 2]);
  expect(Array.from(kept.data)).toEqual([2, 3, 4, 5, 8, 9, 10, 11]);
  expect(withoutGuides(sample, undefined)).toBe(sample);
});

it('noise of steps goes on in the stream of the seed, in the order of tokens', () => {
  const draw = keyframeNoise({ seed: '5', drawn: [[1, 4, 4]] }, shape, [1, 1, 1]);
  const stream = new NoiseGenerator('5');
  stream.normal([1, 4, 4]);
  const first = stream.normal([1, 6, 2]);
  const second = stream.normal([1, 6, 2]);
  expect(patchify(draw(1), [1, 1, 1]).data).toEqual(second.data);
  expect(patchify(draw(0), [1, 1, 1]).data).toEqual(first.data);
});

it('only places held altogether are disturbed', () => {
  const held = heldAt([1, 0.9, 0], 0.5);
  const disturbed = disturbKeyframes(zeros('float32', shape), held, full(shape, 2), 500);
  expect(frame(disturbed, 0)).toEqual([0, 1, 6, 7].map((i) => Math.fround(Math.fround(i / 10) + 0.25)));
  expect(frame(disturbed, 1)).toEqual([0, 0, 0, 0]);
});
