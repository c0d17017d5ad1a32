/** The configuration files of a model package, in the layout of diffusers, as schemas. Unknown keys are left alone. */
import { z } from 'zod';

const positiveInt = z.number().int().positive();

/** Settings that a model or a variant was measured with. */
export const recommendedSchema = z
  .object({
    steps: positiveInt,
    shift: z.number().positive(),
    guidanceScale: z.number().min(0),
    /** Name of a sampler. */
    sampler: z.string().max(64),
    fps: z.number().positive(),
    frames: positiveInt,
    width: positiveInt,
    height: positiveInt,
  })
  .partial();

/** Names become parts of paths, so they are plain. */
const folderName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/);
const variantName = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/);
const graphFileName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.onnx$/);

/** `model_index.json` at the root of a package. */
export const modelIndexSchema = z.object({
  _class_name: z.string().min(1),
  _name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/)
    .optional(),
  version: z.string().max(64).optional(),
  /** Share of the way at which the second of two transformers takes over. */
  boundary_ratio: z.number().min(0).max(1).nullish(),
  /** Every token has a timestep of its own. */
  expand_timesteps: z.boolean().nullish(),
  reelgraph: z
    .object({
      family: z.string().min(1).max(64).optional(),
      title: z.string().max(200).optional(),
      licence: z.string().max(200).optional(),
      /** Of parts that have another one than the package: part -> licence. */
      licences: z.record(z.string().max(64), z.string().max(200)).optional(),
      /** Where the package, or what it was made from, can be had. */
      source: z.string().max(500).optional(),
      vocabulary: z
        .object({
          topics: z.record(z.string().max(40), z.array(z.string().max(40)).max(200)),
          words: z.array(z.string().max(40)).max(5000),
        })
        .optional(),
      recommended: recommendedSchema.optional(),
      /** Denoisers besides the base one, each in a folder of its own. */
      variants: z
        .record(variantName, z.object({ transformer: folderName, recommended: recommendedSchema.optional() }))
        .optional(),
    })
    .optional(),
});
export type ModelIndex = z.infer<typeof modelIndexSchema>;

/** Path below the package, without a way out of it. */
const graphPath = z.string().regex(/^(?:[A-Za-z0-9][\w.-]{0,63}\/){0,3}[A-Za-z0-9][\w.-]{0,99}\.onnx$/);
const graphPort = z.object({
  name: z.string(),
  shape: z.array(z.union([z.number(), z.string()])).default([]),
});

/**
 * `manifest.json` at the root of a package: every graph with its file, inputs and outputs, and what of the configs of
 * its parts the arithmetic around the graphs needs.
 */
export const packageManifestSchema = z.object({
  name: z.string().max(200).optional(),
  family: z.string().max(64).optional(),
  /** Class name of the pipeline that it was exported from. */
  pipeline: z.string().max(100).optional(),
  licence: z.string().max(200).optional(),
  components: z.record(
    folderName,
    z.object({
      file: graphPath,
      inputs: z.array(graphPort).default([]),
      outputs: z.array(graphPort).default([]),
    }),
  ),
  /** By part: `transformer`, `vae`, `text`, `scheduler`. */
  config: z.record(z.string(), z.unknown()).default({}),
  recommended: recommendedSchema.optional(),
});
export type PackageManifest = z.infer<typeof packageManifestSchema>;

/** `config.json` of any component: its graph files by precision, the default first. */
export const componentFilesSchema = z.object({
  files: z
    .partialRecord(z.enum(['fp32', 'fp16', 'int8']), graphFileName)
    .refine((files) => Object.keys(files).length > 0, 'names no file')
    .default({ fp32: 'model.onnx' }),
});

/** `transformer/config.json` */
export const transformerConfigSchema = z.object({
  in_channels: positiveInt,
  patch_size: z.tuple([positiveInt, positiveInt, positiveInt]),
  max_text_length: positiveInt.max(4096),
});

/** `vae_encoder/config.json` and `vae_decoder/config.json` */
export const vaeConfigSchema = z
  .object({
    z_dim: positiveInt,
    scale_factor_temporal: positiveInt,
    scale_factor_spatial: positiveInt,
    latents_mean: z.array(z.number()),
    latents_std: z.array(z.number().positive()),
    /** Blocks of the decoder, each of which looks one latent frame back and one place to every side. */
    decoder_blocks: z.number().int().min(0).max(64).default(4),
    /** Pixels per latent place in the preview, [frames, rows, columns]; one pixel when absent. */
    latent_rgb_patch: z.tuple([positiveInt, positiveInt, positiveInt]).default([1, 1, 1]),
    latent_rgb_factors: z.array(z.array(z.number())).optional(),
    latent_rgb_factors_bias: z.array(z.number()).optional(),
  })
  .refine(
    (config) => config.latents_mean.length === config.z_dim && config.latents_std.length === config.z_dim,
    {
      message: 'latents_mean and latents_std need one number per latent channel',
    },
  )
  .refine(
    ({ latent_rgb_factors: factors, latent_rgb_factors_bias: bias, latent_rgb_patch: [t, h, w], z_dim }) => {
      const size = 3 * t * h * w;
      return (
        (factors === undefined ||
          (factors.length === z_dim && factors.every((row) => row.length === size))) &&
        (bias === undefined || bias.length === size)
      );
    },
    {
      message:
        'latent_rgb_factors needs one row per latent channel, and rows and bias 3 numbers per pixel of latent_rgb_patch',
    },
  );

export type VaeConfig = z.infer<typeof vaeConfigSchema>;

/** `world_model/config.json` */
export const worldConfigSchema = z.object({
  patch_size: positiveInt.max(64),
  fps: z.number().positive(),
  actions: z.array(z.string().min(1).max(40)).min(1).max(64),
});

/** `scheduler/scheduler_config.json` */
export const schedulerConfigSchema = z.object({ shift: z.number().positive().default(1) });

/** `tokenizer/tokenizer_config.json` is optional, and its keys pass to the tokenizer as they are. */
export const looseObjectSchema = z.record(z.string(), z.unknown());
