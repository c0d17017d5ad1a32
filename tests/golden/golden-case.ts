/**
 * Clips that diffusers made, read from disk: a folder with a package, and `cases/<name>/case.json` with arrays beside it.
 * More folders of the same form can be named in REELGRAPH_GOLDEN, apart as in PATH.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, delimiter, join } from 'node:path';
import { normaliseLatent } from '@reelgraph/diffusion';
import type { Tensor } from '@reelgraph/tensor';
import { z } from 'zod';

const caseSchema = z.object({
  pipeline: z.string(),
  prompt: z.string(),
  negative_prompt: z.string().default(''),
  prompt_ids: z.array(z.number()).optional(),
  seed: z.number(),
  height: z.number(),
  width: z.number(),
  num_frames: z.number().optional(),
  /** Pictures of the clip that it begins from, in order. */
  video: z.array(z.string()).optional(),
  strength: z.number().optional(),
  /** The picture that the clip ends with. */
  last_image: z.string().optional(),
  num_inference_steps: z.number(),
  guidance_scale: z.number(),
  guidance_scale_2: z.number().nullish(),
  true_cfg_scale: z.number().nullish(),
  use_dynamic_cfg: z.boolean().nullish(),
  guidance_rescale: z.number().nullish(),
  boundary_ratio: z.number().nullish(),
  frame_rate: z.number().nullish(),
  decode_timestep: z.number().nullish(),
  decode_noise_scale: z.number().nullish(),
  image_cond_noise_scale: z.number().nullish(),
  conditions: z
    .array(z.object({ image: z.string(), frame_index: z.number(), strength: z.number() }))
    .optional(),
  scheduler: z.object({ class_name: z.string(), config: z.record(z.string(), z.unknown()) }),
  timesteps: z.array(z.number()),
  sigmas: z.array(z.number()).default([]),
  files: z.record(z.string(), z.object({ file: z.string(), shape: z.array(z.number()) })),
});

/** One clip: what was asked, and every array that was recorded on the way. */
export interface GoldenCase extends z.infer<typeof caseSchema> {
  readonly name: string;
  readonly num_frames: number;
  /** Folder of the package; its name is that of the model. */
  readonly packageFolder: string;
  readonly model: string;
  readonly folder: string;
  /** Pictures with their places, in the order in which they were given. */
  readonly pictures: readonly { image: string; frame_index: number; strength: number }[];
  has(array: string): boolean;
  /** @throws Error when the case has no such array */
  read(array: string): Tensor<'float32'>;
  /** The latent that was decoded, normalised: [1, C, T, H, W]. */
  finalLatent(): Tensor<'float32'>;
}

const vaeSchema = z.object({
  config: z.object({
    vae: z.object({ latents_mean: z.array(z.number()), latents_std: z.array(z.number()) }),
  }),
});

/** Folders with a package and its cases. */
export const goldenFolders: readonly string[] = [
  ...readdirSync(import.meta.dirname, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(import.meta.dirname, entry.name)),
  ...(process.env.REELGRAPH_GOLDEN ?? '').split(delimiter).filter((folder) => folder !== ''),
].filter((folder) => existsSync(join(folder, 'cases')) && isOfFamilyHere(folder));

/** Packages of families that only the exporter knows have cases, too. */
function isOfFamilyHere(folder: string): boolean {
  const { family } = z
    .object({ family: z.string().optional() })
    .parse(JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')));
  return family === undefined || ['wan', 'ltx', 'cogvideox', 'hunyuanvideo'].includes(family);
}

export const goldenCases: readonly GoldenCase[] = goldenFolders.flatMap((packageFolder) =>
  readdirSync(join(packageFolder, 'cases'))
    .sort()
    .map((name) => readCase(packageFolder, name)),
);

function readCase(packageFolder: string, name: string): GoldenCase {
  const folder = join(packageFolder, 'cases', name);
  // Python writes infinities that JSON has no word for.
  const text = readFileSync(join(folder, 'case.json'), 'utf8').replace(/: (-?Infinity)/g, ': "$1"');
  const about = caseSchema.parse(JSON.parse(text));
  const isOfPicture = about.video === undefined && existsSync(join(folder, 'image_0.png'));
  const first = { image: 'image_0.png', frame_index: 0, strength: 1 };
  const last = { image: about.last_image ?? '', frame_index: (about.num_frames ?? 1) - 1, strength: 1 };
  const ends = about.last_image === undefined ? [first] : [first, last];
  const pictures = about.conditions ?? (isOfPicture ? ends : []);
  const read = (array: string) => {
    const file = about.files[array]?.file;
    if (file === undefined) throw new Error(`The case ${name} has no array "${array}".`);
    return readNpy(join(folder, file));
  };
  return {
    ...about,
    num_frames: about.num_frames ?? about.video?.length ?? 0,
    name,
    packageFolder,
    model: basename(packageFolder),
    folder,
    pictures,
    has: (array) => Object.hasOwn(about.files, array),
    read,
    finalLatent() {
      // Wan's image pipeline puts the picture back after the last step that is recorded.
      if (about.pipeline.startsWith('CogVideoX')) return framesSecond(read('final_latents'));
      if (about.pipeline !== 'WanImageToVideoPipeline') return read('final_latents');
      const { vae } = vaeSchema.parse(
        JSON.parse(readFileSync(join(packageFolder, 'manifest.json'), 'utf8')),
      ).config;
      return normaliseLatent(read('vae_decoder_input'), { mean: vae.latents_mean, std: vae.latents_std });
    },
  };
}

/** [1, T, C, H, W] -> [1, C, T, H, W] */
function framesSecond({ shape, data }: Tensor<'float32'>): Tensor<'float32'> {
  const [, frames = 0, channels = 0, height = 0, width = 0] = shape;
  const plane = height * width;
  const swapped = Float32Array.from(data, (_, i) => {
    const [place, at] = [Math.floor(i / plane), i % plane];
    return data[((place % frames) * channels + Math.floor(place / frames)) * plane + at] ?? 0;
  });
  return { dtype: 'float32', shape: [1, channels, frames, height, width], data: swapped };
}

/** A float32 array of NumPy, C order, format 1.0. */
function readNpy(path: string): Tensor<'float32'> {
  const bytes = readFileSync(path);
  const headLength = bytes.readUInt16LE(8);
  const head = bytes.toString('latin1', 10, 10 + headLength);
  const [, dims] = /'shape': \(([^)]*)\)/.exec(head) ?? [];
  if (dims === undefined || !head.includes("'<f4'") || !head.includes("'fortran_order': False"))
    throw new Error(`${basename(path)} is no float32 array in C order: ${head}`);
  const shape = dims.split(',').flatMap((part) => (part.trim() === '' ? [] : [Number(part)]));
  const start = bytes.byteOffset + 10 + headLength;
  const data = new Float32Array(bytes.buffer.slice(start, bytes.byteOffset + bytes.byteLength));
  return { dtype: 'float32', shape, data };
}

/** The largest difference of two arrays; infinite where their lengths differ. */
export function largestDifference(got: ArrayLike<number>, wanted: ArrayLike<number>): number {
  if (got.length !== wanted.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let i = 0; i < got.length; i++) {
    const difference = Math.abs(got[i]! - wanted[i]!);
    // NaN counts as the worst.
    if (!(difference <= largest)) largest = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
  }
  return largest;
}

/** [1, 3, F, H, W] in [-1, 1] -> [F, H, W, 3] in 0 … 1. */
export function asPictures({ shape, data }: Tensor<'float32'>): Float32Array {
  const [, , frames = 0, height = 0, width = 0] = shape;
  const plane = frames * height * width;
  return Float32Array.from({ length: 3 * plane }, (_, i) =>
    Math.min(1, Math.max(0, data[(i % 3) * plane + Math.floor(i / 3)]! / 2 + 0.5)),
  );
}
