import { fromFunction } from '@reelgraph/tensor';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { decodeImage, encodePng, encodePreview, inspectImage, resizeImage } from './image-files.ts';
import { sniffImage } from './image-format.ts';

const signal = new AbortController().signal;
/** Left half red, right half blue. */
const halves = (width: number, height: number) =>
  fromFunction([1, 3, 1, height, width], (i) => {
    const channel = Math.floor(i / (width * height));
    const left = i % width < width / 2;
    return (channel === 0 && left) || (channel === 2 && !left) ? 1 : -1;
  });
/** RGB at a place of [1, 3, 1, H, W]. */
const at = ({ data, shape }: { data: Float32Array; shape: readonly number[] }, x: number, y: number) => {
  const [, , , height = 0, width = 0] = shape;
  return [0, 1, 2].map((channel) => data[(channel * height + y) * width + x]!);
};

describe('decoding pictures', () => {
  it('a PNG comes back as it went', async () => {
    const pixels = halves(6, 4);
    const image = await decodeImage(await encodePng(pixels, 0), signal);
    expect(image.pixels).toEqual(pixels);
  });

  it.each(['jpeg', 'webp'] as const)('reads %s', async (format) => {
    const bytes = await sharp(await encodePng(halves(32, 16), 0))
      .toFormat(format)
      .toBuffer();
    expect(sniffImage(bytes)).toBe(`image/${format}`);
    const { pixels } = await decodeImage(bytes, signal);
    expect(pixels.shape).toEqual([1, 3, 1, 16, 32]);
    // 0.1: these formats lose a little.
    expect(Math.abs(at(pixels, 4, 4)[0]! - 1)).toBeLessThan(0.1);
  });

  it('transparent parts become black, grey becomes RGB, and a turned photo stands upright', async () => {
    const clear = await sharp({
      create: { width: 2, height: 2, channels: 4, background: { r: 255, g: 255, b: 255, alpha: 0 } },
    })
      .png()
      .toBuffer();
    expect(at((await decodeImage(clear, signal)).pixels, 0, 0)).toEqual([-1, -1, -1]);
    const grey = await sharp(clear).flatten({ background: '#fff' }).toColourspace('b-w').png().toBuffer();
    expect(at((await decodeImage(grey, signal)).pixels, 1, 1)).toEqual([1, 1, 1]);
    const turned = await sharp(await encodePng(halves(8, 4), 0))
      .withMetadata({ orientation: 6 })
      .jpeg()
      .toBuffer();
    expect((await decodeImage(turned, signal)).pixels.shape).toEqual([1, 3, 1, 8, 4]);
    expect(await inspectImage(turned)).toEqual({
      mediaType: 'image/jpeg',
      widthPx: 4,
      heightPx: 8,
      hasAlpha: false,
    });
  });

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['text', Buffer.from('not a picture')],
    [
      'SVG, which is a program',
      Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'),
    ],
    ['a PNG that ends after its head', Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')],
  ])('refuses %s', async (_, bytes) => {
    await expect(decodeImage(bytes, signal)).rejects.toMatchObject({ code: 'media/not-an-image' });
  });

  it('refuses a picture cut short', async () => {
    const noisy = fromFunction([1, 3, 1, 64, 64], (i) => Math.sin(i * i));
    const bytes = await encodePng(noisy, 0);
    await expect(decodeImage(bytes.subarray(0, bytes.length / 2), signal)).rejects.toMatchObject({
      code: 'media/not-an-image',
      message: expect.stringContaining('damaged'),
    });
  });

  it('refuses a small file that claims too many pixels, by its head alone', async () => {
    const bomb = await sharp({ create: { width: 9000, height: 9000, channels: 3, background: '#000' } })
      .png()
      .toBuffer();
    await expect(decodeImage(bomb, signal)).rejects.toMatchObject({
      code: 'media/too-large',
      message: expect.stringContaining('9000×9000'),
    });
  });
});

describe('fitting pictures into a frame', () => {
  const image = { pixels: halves(64, 32) };

  it('cover crops, contain adds black, stretch distorts', async () => {
    const cover = await resizeImage(image, { widthPx: 16, heightPx: 16, fit: 'cover' });
    const contain = await resizeImage(image, { widthPx: 16, heightPx: 16, fit: 'contain' });
    const stretch = await resizeImage(image, { widthPx: 16, heightPx: 16, fit: 'stretch' });
    for (const result of [cover, contain, stretch]) expect(result.pixels.shape).toEqual([1, 3, 1, 16, 16]);
    expect(at(cover.pixels, 2, 0)).toEqual([1, -1, -1]);
    expect(at(contain.pixels, 2, 0)).toEqual([-1, -1, -1]);
    expect(at(contain.pixels, 2, 8)).toEqual([1, -1, -1]);
    expect(at(stretch.pixels, 2, 0)).toEqual([1, -1, -1]);
  });

  it('leaves a picture of the right size alone', async () => {
    expect(await resizeImage(image, { widthPx: 64, heightPx: 32, fit: 'cover' })).toBe(image);
  });
});

describe('previews', () => {
  it('show a latent large enough to see, frames side by side', async () => {
    const latent = fromFunction([1, 3, 5, 8, 8], (i) => (Math.floor(i / 64) % 5) / 2 - 1);
    const preview = await encodePreview(latent, 2.5);
    expect(preview).toMatchObject({
      mediaType: 'image/webp',
      frameCount: 5,
      widthPx: 32,
      heightPx: 32,
      fps: 2.5,
    });
    const { data, info } = await sharp(preview.bytes).raw().toBuffer({ resolveWithObject: true });
    expect([info.width, info.height]).toEqual([160, 32]);
    const middles = [0, 1, 2, 3, 4].map((tile) => data[(16 * 160 + tile * 32 + 16) * 3]!);
    // 6 of 255: WebP loses a little.
    for (const [tile, value] of middles.entries()) expect(Math.abs(value - tile * 63.75)).toBeLessThan(6);
  });

  it('shrink large clips and thin out long ones, keeping their duration', async () => {
    const long = fromFunction([1, 3, 96, 4, 256], () => 0);
    expect(await encodePreview(long, 24)).toMatchObject({
      frameCount: 24,
      widthPx: 128,
      heightPx: 2,
      fps: 6,
    });
  });
});
