import { fromFunction } from '@reelgraph/tensor';
import { describe, expect, it } from 'vitest';
import { clipPixels, clipProcessorSchema, resizeBicubic } from './clip-pixels.ts';

const picture = (width: number, height: number): Uint8Array =>
  Uint8Array.from({ length: width * height }, (_, i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    const tile = (Math.floor(x / 3) + Math.floor(y / 2)) % 2 === 0 ? 0 : 97;
    return x * x * 7 + y * 31 + x * y * 3 + tile;
  });

describe('resizing', () => {
  // Image.frombytes('L', …).resize(…, Image.BICUBIC) of Pillow 13.0.0.
  it.each([
    [
      'smaller',
      [13, 9],
      [5, 4],
      [52, 154, 116, 160, 155, 184, 170, 131, 146, 115, 124, 137, 185, 137, 150, 87, 122, 162, 131, 78],
    ],
    [
      'larger',
      [6, 5],
      [11, 8],
      [
        0, 0, 3, 6, 22, 89, 161, 207, 189, 65, 0, 5, 7, 12, 16, 33, 105, 183, 230, 212, 88, 20, 35, 39, 45,
        50, 68, 133, 203, 251, 234, 112, 45, 122, 126, 132, 146, 160, 157, 158, 203, 195, 73, 11, 178, 182,
        190, 208, 221, 185, 154, 198, 193, 67, 3, 190, 194, 204, 222, 237, 209, 186, 231, 226, 103, 36, 150,
        155, 166, 188, 202, 155, 113, 147, 173, 155, 143, 117, 123, 134, 159, 173, 112, 54, 80, 130, 187, 218,
      ],
    ],
    [
      'down only',
      [8, 12],
      [8, 5],
      [
        46, 55, 79, 177, 229, 27, 151, 99, 166, 182, 213, 138, 196, 96, 210, 56, 89, 115, 152, 73, 141, 230,
        187, 131, 121, 47, 99, 120, 86, 173, 153, 137, 139, 174, 130, 182, 53, 147, 111, 183,
      ],
    ],
  ] as const)('%s is what Pillow makes of it, to the byte', (_, [width, height], [columns, rows], wanted) => {
    const made = resizeBicubic(picture(width, height), { width, height }, { width: columns, height: rows });
    expect([...made]).toEqual([...wanted]);
  });
});

describe('what the encoder sees', () => {
  const processor = clipProcessorSchema.parse({
    size: { shortest_edge: 4 },
    crop_size: { height: 4, width: 4 },
    image_mean: [0.5, 0.5, 0.5],
    image_std: [0.5, 0.5, 0.25],
  });

  it('is the middle of a wide picture, each colour by its own mean and deviation', () => {
    const pixels = fromFunction([1, 3, 1, 4, 8], (i) => (i < 32 ? (i % 8) / 8 : 1));
    const { shape, data } = clipPixels(pixels, processor);
    expect(shape).toEqual([1, 3, 4, 4]);
    for (const [i, x] of [2, 3, 4, 5].entries()) expect(Math.abs(data[i]! - x / 8)).toBeLessThan(1 / 254);
    expect([...new Set(data.slice(16, 32))]).toEqual([1]);
    expect([...new Set(data.slice(32))]).toEqual([2]);
  });

  it('keeps its shape where the picture is larger', () => {
    const pixels = fromFunction([1, 3, 1, 30, 20], () => 0);
    expect(clipPixels(pixels, processor).shape).toEqual([1, 3, 4, 4]);
  });
});
