import { randomNormal, zeros } from '@reelgraph/tensor';
import { describe, expect, it } from 'vitest';
import { knownPlaces, placesToKeep } from './latent-mask.ts';

const rule = { multiple: 4, plus: 1 };

/** 5 frames of 16 x 24: latent [2, 2, 3], with one pixel changing. */
function onePixel(frame: number, y: number, x: number) {
  const change = zeros('float32', [1, 1, 5, 16, 24]);
  change.data[(frame * 16 + y) * 24 + x] = 0.01;
  return change;
}

describe('masks in latent places', () => {
  it.each([
    [0, 0, 0, 0],
    [0, 15, 23, 5],
    [1, 7, 8, 7],
    [4, 8, 7, 9],
  ])(
    'one changing pixel (frame %i, row %i, column %i) frees the one place it lies in',
    (frame, y, x, place) => {
      const keep = placesToKeep(onePixel(frame, y, x), 8, rule);
      expect(keep.shape).toEqual([1, 1, 2, 2, 3]);
      expect([...keep.data.keys()].filter((i) => keep.data[i] === 0)).toEqual([place]);
    },
  );

  it('gives the clip where it stays and nothing where it does not', () => {
    const latent = randomNormal('3', [1, 2, 2, 2, 3]);
    const keep = placesToKeep(onePixel(1, 0, 0), 8, rule);
    const known = knownPlaces(latent, keep);
    expect(known.mask).toBe(keep);
    for (const channel of [0, 12]) {
      expect(known.latent.data[channel + 6]).toBe(0);
      expect(known.latent.data[channel + 5]).toBe(latent.data[channel + 5]);
    }
  });

  it('refuses masks of other sizes', () => {
    expect(() => placesToKeep(zeros('float32', [1, 1, 4, 16, 24]), 8, rule)).toThrowError(/4n \+ 1/);
    expect(() => placesToKeep(zeros('float32', [1, 1, 5, 15, 24]), 8, rule)).toThrowError(/multiples of 8/);
    const keep = placesToKeep(onePixel(0, 0, 0), 8, rule);
    expect(() => knownPlaces(randomNormal('3', [1, 2, 2, 2, 4]), keep)).toThrowError(/another size/);
  });
});
