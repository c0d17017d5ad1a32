/**
 * A picture as CLIP's image processor hands it to the encoder: the short side resized to what the encoder sees, the
 * middle cut out, each colour by its mean and deviation.
 *
 * @see transformers CLIPImageProcessor; Pillow `Image.resize` with BICUBIC (bytes in, bytes between, bytes out)
 */
import { type Tensor, zeros } from '@reelgraph/tensor';
import { z } from 'zod';

const positiveInt = z.number().int().positive().max(4096);
const colours = z.tuple([z.number(), z.number(), z.number()]);

/** `image_processor/preprocessor_config.json`; what is absent is CLIP's own. */
export const clipProcessorSchema = z.object({
  size: z.object({ shortest_edge: positiveInt }).default({ shortest_edge: 224 }),
  crop_size: z.object({ height: positiveInt, width: positiveInt }).default({ height: 224, width: 224 }),
  image_mean: colours.default([0.48145466, 0.4578275, 0.40821073]),
  image_std: colours.default([0.26862954, 0.26130258, 0.27577711]),
});
export type ClipProcessor = z.infer<typeof clipProcessorSchema>;

/**
 * @param pixels [1, 3, 1, H, W] in [-1, 1]
 * @returns [1, 3, crop height, crop width], normalised; black outside of the picture
 */
export function clipPixels(pixels: Tensor<'float32'>, processor: ClipProcessor): Tensor<'float32'> {
  const { size, crop_size: crop, image_mean: mean, image_std: std } = processor;
  const [, , , height = 0, width = 0] = pixels.shape;
  const short = Math.min(height, width);
  const scaled = (side: number) => Math.trunc((size.shortest_edge * side) / short);
  const [rows, columns] = [scaled(height), scaled(width)];
  const top = Math.floor((rows - crop.height) / 2);
  const left = Math.floor((columns - crop.width) / 2);
  const made = zeros('float32', [1, 3, crop.height, crop.width]);
  for (let colour = 0; colour < 3; colour++) {
    const from = colour * height * width;
    const bytes = Uint8Array.from(pixels.data.subarray(from, from + height * width), (value) =>
      Math.min(255, Math.max(0, Math.round((value + 1) * 127.5))),
    );
    const plane = resizeBicubic(bytes, { height, width }, { height: rows, width: columns });
    for (let y = 0; y < crop.height; y++) {
      for (let x = 0; x < crop.width; x++) {
        const isInside = top + y >= 0 && top + y < rows && left + x >= 0 && left + x < columns;
        const byte = isInside ? plane[(top + y) * columns + left + x]! : 0;
        made.data[(colour * crop.height + y) * crop.width + x] = (byte / 255 - mean[colour]!) / std[colour]!;
      }
    }
  }
  return made;
}

interface Size {
  readonly height: number;
  readonly width: number;
}

/** One colour, row by row, in bytes: across first, then down. */
export function resizeBicubic(bytes: Uint8Array, from: Size, to: Size): Uint8Array {
  const across = to.width === from.width ? bytes : resizeRows(bytes, from, to.width);
  if (to.height === from.height) return across;
  const turned = transposed(across, { height: from.height, width: to.width });
  const down = resizeRows(turned, { height: to.width, width: from.height }, to.height);
  return transposed(down, { height: to.width, width: to.height });
}

function transposed(bytes: Uint8Array, { height, width }: Size): Uint8Array {
  return bytes.map((_, i) => bytes[(i % height) * width + Math.floor(i / height)]!);
}

/** Weights are whole numbers of this share, as Pillow sums them. */
const weightUnit = 2 ** 22;

function resizeRows(bytes: Uint8Array, { height, width }: Size, wanted: number): Uint8Array {
  const made = new Uint8Array(height * wanted);
  const scale = width / wanted;
  // A smaller picture is made of wider neighbourhoods, so that no pixel is passed over.
  const reach = Math.max(1, scale);
  for (let x = 0; x < wanted; x++) {
    const centre = (x + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - 2 * reach + 0.5));
    const end = Math.min(width, Math.trunc(centre + 2 * reach + 0.5));
    const weights = Array.from({ length: end - first }, (_, i) => cubic((first + i - centre + 0.5) / reach));
    const sum = weights.reduce((total, weight) => total + weight, 0);
    const units = weights.map((weight) => roundAway((weight / sum) * weightUnit));
    for (let y = 0; y < height; y++) {
      let total = weightUnit / 2;
      for (const [i, unit] of units.entries()) total += bytes[y * width + first + i]! * unit;
      made[y * wanted + x] = Math.min(255, Math.max(0, Math.floor(total / weightUnit)));
    }
  }
  return made;
}

/** Keys' cubic with a = -0.5. */
function cubic(distance: number): number {
  const x = Math.abs(distance);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  if (x < 2) return ((-0.5 * x + 2.5) * x - 4) * x + 2;
  return 0;
}

function roundAway(value: number): number {
  return Math.sign(value) * Math.floor(Math.abs(value) + 0.5);
}
