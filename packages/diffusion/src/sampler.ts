/** What every sampler takes and gives; the samplers themselves are one file each. */
import type { Tensor } from '@reelgraph/tensor';
import { isFiniteTensor } from './arithmetic.ts';
import { DiffusionError } from './errors.ts';
import type { FreshNoise } from './fresh-noise.ts';

/**
 * What a method carries from step to step besides the sample, by name: velocities of earlier steps, the state
 * of its random numbers. Empty for methods that look at one step only.
 */
export type SamplerMemory = Readonly<Record<string, Tensor | number | string>>;

/**
 * Sampling between two steps: with the same schedule, model and conditioning the rest follows from it to the
 * bit. Immutable.
 */
export interface SamplerState {
  /** How many steps are done: 0 … totalSteps. */
  readonly step: number;
  /** Latent at `sigmas[step]`, [1, C, T, H, W] float32, constrained. */
  readonly sample: Tensor<'float32'>;
  readonly memory: SamplerMemory;
}

/** What is seen after each step; `step` begins at 1. */
export interface SamplerStep extends SamplerState {
  readonly totalSteps: number;
  /** Noise level of `sample`. */
  readonly sigma: number;
  /** The clean latent the model sees at this point; computed on demand. */
  estimateClean(): Tensor<'float32'>;
}

export interface SamplerOptions {
  /** Descending, `steps + 1` values, the last is 0. */
  readonly sigmas: readonly number[];
  /**
   * Latent at `sigmas[0]`, [1, C, T, H, W] float32, left untouched; or where an earlier walk with the same
   * method, schedule and constraint stopped.
   */
  readonly from: Tensor<'float32'> | SamplerState;
  /** Stops after this many steps of the schedule, counted from its beginning; all of them when absent. */
  readonly stopAfter?: number | undefined;
  /** Velocity at a noise level, same shape as the sample. */
  denoise(sample: Tensor<'float32'>, sigma: number): Promise<Tensor<'float32'>>;
  /** Applied before every model call and to the result (`sigma` 0), for example to hold known frames. */
  constrain?(sample: Tensor<'float32'>, sigma: number): Tensor<'float32'>;
  /** New noise for a step, for methods that draw some; they refuse to go without. */
  readonly freshNoise?: FreshNoise | undefined;
  onStep?(step: SamplerStep): void;
  /** Looked at before every step; its reason is thrown. */
  readonly signal?: AbortSignal | undefined;
}

/** Walks a latent from noise to clean, or as far as it is asked to, and says where it got to. */
export type Sampler = (options: SamplerOptions) => Promise<SamplerState>;

/**
 * @internal
 * @throws DiffusionError 'diffusion/not-finite' when a model answered NaN or infinity: better to stop here than
 *   to sample on and decode a black clip
 */
export function expectFinite(velocity: Tensor<'float32'>, sigma: number): void {
  if (!isFiniteTensor(velocity)) {
    throw new DiffusionError(
      'diffusion/not-finite',
      `The model answered with numbers that are not finite at sigma ${sigma.toFixed(4)}. Try a lower guidance scale; if that does not help, the model files may be damaged.`,
    );
  }
}
