/** Image files to pixels and back, by sharp. */
import {
  chunkOfRgb,
  clipSize,
  type Fit,
  type FrameChunk,
  type ImageValue,
  NodeError,
  rgbToPixels,
} from '@reelgraph/node-api';
import type { Tensor } from '@reelgraph/tensor';
import { sniffImage } from './image-format.ts';
import { frameToRgb } from './pixels.ts';

/** Far above any frame a model makes; a few kilobytes of PNG can claim gigabytes of pixels. */
export const imageLimits = { bytes: 64 * 1024 * 1024, pixels: 64_000_000 } as const;

/** The library costs a fifth of a second to load, so only who needs it pays. */
async function loadSharp() {
  const { default: sharp } = await import('sharp');
  // Values are cached by the engine; a second cache would only hold memory.
  sharp.cache(false);
  return sharp;
}

/** What a picture is, without decoding it. */
export interface ImageInfo {
  readonly mediaType: string;
  readonly widthPx: number;
  readonly heightPx: number;
  readonly hasAlpha: boolean;
}

/**
 * Reads the header of an image file.
 *
 * @throws NodeError 'media/not-an-image' | 'media/too-large'
 */
export async function inspectImage(bytes: Uint8Array): Promise<ImageInfo> {
  const mediaType = sniffImage(bytes);
  if (mediaType === undefined) {
    throw new NodeError('media/not-an-image', 'The file is not a PNG, JPEG or WebP image.', {
      hint: 'Save the picture as PNG or JPEG and choose it again.',
    });
  }
  if (bytes.byteLength > imageLimits.bytes) throw tooLarge(`${Math.ceil(bytes.byteLength / 1e6)} MB`);
  const sharp = await loadSharp();
  const header = await sharp(bytes, { limitInputPixels: false })
    .metadata()
    .catch((cause: unknown) => {
      throw damagedImage(cause);
    });
  const { width: widthPx, height: heightPx } = header.autoOrient;
  if (widthPx * heightPx > imageLimits.pixels) throw tooLarge(`${widthPx}×${heightPx} pixels`);
  return { mediaType, widthPx, heightPx, hasAlpha: header.hasAlpha };
}

/**
 * Decodes a picture as it is meant to be seen: turned upright, in sRGB, transparent parts on black.
 *
 * @returns pixels [1, 3, 1, H, W] in [-1, 1]
 * @throws NodeError 'media/not-an-image' | 'media/too-large'; the signal's reason on abort
 */
export async function decodeImage(bytes: Uint8Array, signal: AbortSignal): Promise<ImageValue> {
  signal.throwIfAborted();
  await inspectImage(bytes);
  const sharp = await loadSharp();
  try {
    const { data, info } = await sharp(bytes, { limitInputPixels: imageLimits.pixels, failOn: 'error' })
      .autoOrient()
      .toColourspace('srgb')
      .flatten({ background: '#000000' })
      .removeAlpha()
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    signal.throwIfAborted();
    const size = { frameCount: 1, widthPx: info.width, heightPx: info.height };
    return { pixels: rgbToPixels(info.channels === 1 ? greyToRgb(data) : data, size) };
  } catch (error) {
    signal.throwIfAborted();
    throw damagedImage(error);
  }
}

function greyToRgb(grey: Uint8Array): Uint8Array {
  const rgb = new Uint8Array(grey.length * 3);
  for (let i = 0; i < rgb.length; i++) rgb[i] = grey[Math.floor(i / 3)]!;
  return rgb;
}

function tooLarge(found: string): NodeError {
  return new NodeError(
    'media/too-large',
    `The picture has ${found}; at most ${imageLimits.pixels / 1e6} megapixels and ${imageLimits.bytes >> 20} MB are read.`,
    {
      hint: 'Scale it down and choose it again.',
    },
  );
}

function damagedImage(cause: unknown): NodeError {
  return new NodeError(
    'media/not-an-image',
    'The picture is damaged: it begins like one but cannot be decoded.',
    {
      hint: 'Open it in an image viewer, save it anew and choose it again.',
      cause,
    },
  );
}

/** Resizes to exactly this size; see MediaService. */
export async function resizeImage(image: ImageValue, size: PictureSize): Promise<ImageValue> {
  const from = clipSize(image.pixels);
  if (from.widthPx === size.widthPx && from.heightPx === size.heightPx) return image;
  const data = await resizeRgb(frameToRgb(image.pixels, 0), from, size);
  return { pixels: rgbToPixels(data, { ...size, frameCount: 1 }) };
}

/** Every frame of a chunk in exactly this size, as `resizeImage` gives them. */
export async function resizeChunk(chunk: FrameChunk, size: PictureSize): Promise<FrameChunk> {
  if (chunk.widthPx === size.widthPx && chunk.heightPx === size.heightPx) return chunk;
  const { rgb } = chunk;
  // As it comes, where it can be: large frames come one by one, and every copy of one is soon garbage.
  if (chunk.frameCount === 1)
    return chunkOfRgb(await resizeRgb(rgb, chunk, size), { ...size, frameCount: 1 });
  const frameBytes = chunk.widthPx * chunk.heightPx * 3;
  const resized = new Uint8Array(chunk.frameCount * size.widthPx * size.heightPx * 3);
  for (let i = 0; i < chunk.frameCount; i++) {
    const frame = rgb.subarray(i * frameBytes, (i + 1) * frameBytes);
    resized.set(await resizeRgb(frame, chunk, size), i * size.widthPx * size.heightPx * 3);
  }
  return chunkOfRgb(resized, { ...size, frameCount: chunk.frameCount });
}

interface PictureSize {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly fit: Fit;
}

async function resizeRgb(
  rgb: Uint8Array,
  from: { readonly widthPx: number; readonly heightPx: number },
  { widthPx, heightPx, fit }: PictureSize,
): Promise<Uint8Array> {
  const sharp = await loadSharp();
  return sharp(rgb, { raw: { width: from.widthPx, height: from.heightPx, channels: 3 } })
    .resize(widthPx, heightPx, {
      fit: fit === 'stretch' ? 'fill' : fit,
      background: '#000000',
      kernel: 'lanczos3',
    })
    .removeAlpha()
    .raw()
    .toBuffer();
}

/** One frame of a clip as a PNG file. */
export async function encodePng(pixels: Tensor<'float32'>, frame: number): Promise<Uint8Array> {
  const { widthPx, heightPx } = clipSize(pixels);
  const sharp = await loadSharp();
  return sharp(frameToRgb(pixels, frame), { raw: { width: widthPx, height: heightPx, channels: 3 } })
    .png()
    .toBuffer();
}

/** A moving picture as one image: tiles side by side, first frame left. */
export interface PreviewStrip {
  readonly mediaType: string;
  readonly frameCount: number;
  /** Size of one tile. */
  readonly widthPx: number;
  readonly heightPx: number;
  readonly fps: number;
  readonly bytes: Uint8Array;
}

/** Tiles are enlarged by whole factors up to this, so that an 8 × 8 latent can be seen, and never above it. */
const previewEnlargedPx = 32;
/** Larger tiles are shrunk: a preview is sent often and must cost little. */
const previewMaxPx = 128;
/** Longer clips are shown with fewer frames per second: a preview is sent often and must stay small. */
const previewMaxTiles = 24;

/**
 * Encodes a small look at a clip as WebP.
 *
 * @param pixels [1, 3, T, H, W] in [-1, 1]
 */
export async function encodePreview(pixels: Tensor<'float32'>, fps: number): Promise<PreviewStrip> {
  const size = clipSize(pixels);
  const tiles = Math.min(size.frameCount, previewMaxTiles);
  const longer = Math.max(size.widthPx, size.heightPx);
  const factor =
    longer > previewMaxPx ? previewMaxPx / longer : Math.max(1, Math.floor(previewEnlargedPx / longer));
  const widthPx = Math.max(1, Math.round(size.widthPx * factor));
  const heightPx = Math.max(1, Math.round(size.heightPx * factor));

  const strip = new Uint8Array(tiles * size.widthPx * size.heightPx * 3);
  const rowBytes = size.widthPx * 3;
  for (let tile = 0; tile < tiles; tile++) {
    const rgb = frameToRgb(pixels, Math.floor((tile * size.frameCount) / tiles));
    for (let y = 0; y < size.heightPx; y++) {
      strip.set(rgb.subarray(y * rowBytes, (y + 1) * rowBytes), (y * tiles + tile) * rowBytes);
    }
  }
  const sharp = await loadSharp();
  const bytes = await sharp(strip, {
    raw: { width: tiles * size.widthPx, height: size.heightPx, channels: 3 },
  })
    .resize(tiles * widthPx, heightPx, { fit: 'fill', kernel: factor >= 1 ? 'nearest' : 'cubic' })
    .webp({ quality: 80, effort: 1 })
    .toBuffer();
  return {
    mediaType: 'image/webp',
    frameCount: tiles,
    widthPx,
    heightPx,
    fps: Math.max(0.1, (fps * tiles) / size.frameCount),
    bytes,
  };
}
