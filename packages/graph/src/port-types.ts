/**
 * The closed set of types a port can have, and the facts that travel with a value of each type.
 *
 * Facts are what is known about a value before it exists: they let the editor label a wire
 * (`17f · 64×64 · 16ch`) and let a check refuse a graph that could only fail after minutes of sampling.
 */
import { z } from 'zod';

export const portTypes = [
  'text',
  'number',
  'integer',
  'boolean',
  'seed',
  'choice',
  'model',
  'conditioning',
  'noise',
  'sigmas',
  'latent',
  'frames',
  'image',
  'mask',
  'audio',
  'video',
  'shots',
  'actions',
  'score',
  'scene',
] as const;

export const portTypeSchema = z.enum(portTypes);

/** What may flow through an edge. `frames` are pixels in memory or store; `video` is a muxed file. */
export type PortType = (typeof portTypes)[number];

export const portFactsSchema = z.strictObject({
  /** Model family, for example `toybox` or `wan`. */
  family: z.string().optional(),
  /** Name of the model package a value was made by or for. */
  model: z.string().optional(),
  /** The denoiser chosen in that package, where it is not the base one. */
  variant: z.string().optional(),
  /** The number format asked for, where it is not what the package has by default. */
  precision: z.string().optional(),
  /** Channels of a latent. */
  channels: z.number().int().positive().optional(),
  /** Pixel frame counts a model accepts are `multiple * n + plus`. */
  frameRule: z
    .strictObject({ multiple: z.number().int().positive(), plus: z.number().int().min(0) })
    .optional(),
  /** Width and height in pixels must be multiples of this. */
  sizeMultiple: z.number().int().positive().optional(),
  /** Pixel size; for a latent, the size it decodes to. */
  widthPx: z.number().int().positive().optional(),
  heightPx: z.number().int().positive().optional(),
  /** Pixel frames; for a latent, the count it decodes to. */
  frameCount: z.number().int().positive().optional(),
  fps: z.number().positive().optional(),
  durationSeconds: z.number().min(0).optional(),
  hasAlpha: z.boolean().optional(),
  sampleRateHz: z.number().int().positive().optional(),
  /** Steps of a sigma schedule; for a latent, of the one that it was sampled by. */
  steps: z.number().int().positive().optional(),
  /** After how many of the steps sampling stops, or stopped: a draft where it is less than `steps`. */
  stepsDone: z.number().int().positive().optional(),
  /** A number that is known before it is computed. */
  value: z.number().optional(),
  /**
   * Whether conditioning holds clean frames; its size and frame count are then those of the clip they stand in.
   */
  hasKnownFrames: z.boolean().optional(),
  /** Frames that pictures were placed at, for a model that reads them on channels of their own. */
  pictureFrames: z.array(z.enum(['first', 'last'])).optional(),
});

/** Statically known facts about a value; an absent field means "not known". */
export type PortFacts = z.infer<typeof portFactsSchema>;
