import { fromFunction, randomNormal } from '@reelgraph/tensor';
import { describe, expect, it } from 'vitest';
import { addFlowNoise, estimateClean } from './flow.ts';
import {
  fitsFrameRule,
  latentFrameCount,
  latentFrameOfPixel,
  latentShape,
  nearestFrameCount,
  nearestSize,
  pixelFramesOfLatent,
} from './frame-rule.ts';
import { guide } from './guidance.ts';
import { addKnownFrames, keepKnown, nothingKnown } from './known-frames.ts';
import { createLatentPreview, denormaliseLatent, normaliseLatent } from './latent-scaling.ts';
import { patchify, unpatchify } from './patchify.ts';

const shape = [1, 2, 3, 2, 4];
const latent = randomNormal('1', shape);

describe('frame rule 4n+1', () => {
  const rule = { multiple: 4, plus: 1 };

  it('knows which counts exist', () => {
    const counts = [-3, 0, 1, 2, 4, 5, 9, 16, 17, 5.5].filter((count) => fitsFrameRule(count, rule));
    expect(counts).toEqual([1, 5, 9, 17]);
  });

  it('offers the nearest count', () => {
    expect([0, 1, 2, 3, 16, 18, 19, 80].map((count) => nearestFrameCount(count, rule))).toEqual([
      1, 1, 1, 5, 17, 17, 21, 81,
    ]);
  });

  it('maps pixel frames to latent frames and back', () => {
    expect(latentFrameCount(17, rule)).toBe(5);
    for (let frame = 0; frame < 17; frame++) {
      const [first, last] = pixelFramesOfLatent(latentFrameOfPixel(frame, rule), rule);
      expect(frame).toBeGreaterThanOrEqual(first);
      expect(frame).toBeLessThanOrEqual(last);
    }
    expect(pixelFramesOfLatent(4, rule)).toEqual([13, 16]);
  });

  it('gives the latent shape of a clip', () => {
    const model = { latentChannels: 16, vaeScale: { spatial: 8, temporal: 4 }, frameRule: rule };
    expect(latentShape({ frameCount: 17, widthPx: 96, heightPx: 64 }, model)).toEqual([1, 16, 5, 8, 12]);
  });

  it('rounds sizes to their multiple', () => {
    expect([1, 20, 24, 64, 71].map((size) => nearestSize(size, 16))).toEqual([16, 16, 32, 64, 64]);
  });
});

describe('latent scaling', () => {
  const statistics = { mean: [0.5, -1], std: [2, 0.25] };

  it('gives the latent back after there and back', () => {
    const back = denormaliseLatent(normaliseLatent(latent, statistics), statistics);
    // 1e-6: two roundings of float32 values around 1.
    for (const [i, value] of back.data.entries())
      expect(Math.abs(value - latent.data[i]!)).toBeLessThan(1e-6);
  });

  it('works per channel', () => {
    const ones = fromFunction(shape, () => 1);
    const data = normaliseLatent(ones, statistics).data;
    expect([data[0], data[23], data[24], data[47]]).toEqual([0.25, 0.25, 8, 8]);
  });

  it('refuses another number of channels', () => {
    expect(() =>
      normaliseLatent(
        fromFunction([1, 3, 1, 1, 1], () => 0),
        statistics,
      ),
    ).toThrowError('Expected a latent [B, 2, T, H, W], got [1, 3, 1, 1, 1]');
  });

  it('looks at a latent as clamped colours', () => {
    const preview = createLatentPreview({
      patch: [1, 1, 1],
      factors: [
        [0.5, 0, 0],
        [0, 1, 0],
      ],
      bias: [0, 0, 0.25],
    });
    const rgb = preview(fromFunction([1, 2, 1, 1, 2], (i) => [1, -1, 4, 0][i]!));
    expect(rgb.shape).toEqual([1, 3, 1, 1, 2]);
    expect(Array.from(rgb.data)).toEqual([0.5, -0.5, 1, 0, 0.25, 0.25]);
  });

  it('looks at whole patches where the fit has them, the first latent frame as one picture', () => {
    // one channel, patches of 2 frames x 1 row x 2 columns; only red is drawn:
    //   z -> frame 0: [z, 2z]   frame 1: [3z, 4z]
    const factors = [[1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0]];
    const preview = createLatentPreview({ patch: [2, 1, 2], factors, bias: Array<number>(12).fill(0) });
    const rgb = preview(fromFunction([1, 1, 2, 1, 2], (i) => [0.1, 0.2, -0.1, -0.2][i]!));
    expect(rgb.shape).toEqual([1, 3, 3, 1, 4]);
    const red = [0.3, 0.4, 0.6, 0.8, -0.1, -0.2, -0.2, -0.4, -0.3, -0.4, -0.6, -0.8];
    for (const [i, value] of red.entries()) expect(rgb.data[i]).toBeCloseTo(value, 6);
    expect(rgb.data.subarray(12).every((value) => value === 0)).toBe(true);
  });
});

describe('known frames', () => {
  const frame = randomNormal('2', [1, 2, 1, 2, 4]);

  it('leave the sample alone where nothing is known', () => {
    expect(keepKnown(latent, nothingKnown(shape), randomNormal('9', shape), 0.5)).toEqual(latent);
  });

  it('put first and last frame in by adding twice', () => {
    const known = addKnownFrames(addKnownFrames(nothingKnown(shape), frame, 0), frame, 2);
    const kept = keepKnown(latent, known, randomNormal('9', shape), 0);
    for (let channel = 0; channel < 2; channel++) {
      const at = (t: number) =>
        Array.from(kept.data.subarray((channel * 3 + t) * 8, (channel * 3 + t + 1) * 8));
      const own = Array.from(frame.data.subarray(channel * 8, channel * 8 + 8));
      expect(at(0)).toEqual(own);
      expect(at(1)).toEqual(Array.from(latent.data.subarray((channel * 3 + 1) * 8, (channel * 3 + 2) * 8)));
      expect(at(2)).toEqual(own);
    }
    expect(Array.from(known.mask.data)).toEqual([
      ...Array(8).fill(1),
      ...Array(8).fill(0),
      ...Array(8).fill(1),
    ]);
  });

  it('carry the noise of the level, so that the model sees what it was trained on', () => {
    const known = addKnownFrames(nothingKnown(shape), frame, 0);
    const noise = randomNormal('9', shape);
    const at = (sigma: number) => keepKnown(latent, known, noise, sigma).data[0]!;
    expect(at(1)).toBe(noise.data[0]);
    expect(at(0.25)).toBeCloseTo(0.75 * frame.data[0]! + 0.25 * noise.data[0]!, 6);
    expect(at(0)).toBe(frame.data[0]);
  });

  it('refuse frames of another size or outside the clip', () => {
    expect(() => addKnownFrames(nothingKnown(shape), frame, 3)).toThrowError('outside the 3 of the clip');
    expect(() => keepKnown(frame, nothingKnown(shape), frame, 0)).toThrowError('made for another size');
  });
});

describe('flow and guidance', () => {
  const noise = randomNormal('3', shape);

  it('finds the clean latent again from its own velocity', () => {
    const velocity = fromFunction(shape, (i) => noise.data[i]! - latent.data[i]!);
    const clean = estimateClean(addFlowNoise(latent, noise, 0.7), velocity, 0.7);
    // 1e-6: float32 sums of values around 1.
    for (const [i, value] of clean.data.entries())
      expect(Math.abs(value - latent.data[i]!)).toBeLessThan(1e-6);
    expect(addFlowNoise(latent, noise, 1).data).toEqual(noise.data);
  });

  it('guidance 1 is the conditional branch, 0 the unconditional', () => {
    expect(guide(latent, noise, 1)).toBe(latent);
    expect(guide(latent, noise, 0).data).toEqual(noise.data);
    const guided = guide(
      fromFunction([1], () => 3),
      fromFunction([1], () => 1),
      4,
    );
    expect(guided.data[0]).toBe(9);
  });
});

describe('patches', () => {
  it('unpatchify(patchify(x)) is x', () => {
    const x = randomNormal('4', [2, 3, 4, 4, 6]);
    const tokens = patchify(x, [1, 2, 2]);
    expect(tokens.shape).toEqual([2, 24, 12]);
    expect(unpatchify(tokens, x.shape, [1, 2, 2])).toEqual(x);
  });

  it('refuses sizes that are no multiple', () => {
    expect(() =>
      patchify(
        fromFunction([1, 1, 1, 3, 4], () => 0),
        [1, 2, 2],
      ),
    ).toThrowError('cannot be cut');
  });
});
