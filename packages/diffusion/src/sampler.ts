/** What every sampler takes and gives; the samplers themselves are one file each. */
import type { Tensor } from '@reelgraph/tensor';
import { isFiniteTensor } from './arithmetic.ts';
import { DiffusionError } from './errors.ts';
import type { FreshNoise } from './fresh-noise.ts';
import type { KnownFrames } from './known-frames.ts';
import type { Parametrisation } from './parametrisation.ts';

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

/** Which call of the model it is. */
export interface ModelCall {
  readonly timestep: number;
  /** From 0; a method that looks ahead calls for the next one. */
  readonly step: number;
  readonly totalSteps: number;
}

/**
 * What a method can be told, each by those it means something to; what is left out is the method's default, and that
 * of diffusers. Plain data.
 */
export interface SamplerSettings {
  /** Most steps looked back at, the one at work included: 1 to 3. */
  readonly order?: number;
  /** `midpoint` or `heun` for DPM-Solver++, `bh1` or `bh2` for UniPC. */
  readonly solver?: 'midpoint' | 'heun' | 'bh1' | 'bh2';
  /** Whether the integrator follows the clean latent (the ++ of DPM-Solver++) or the noise. */
  readonly follows?: 'clean' | 'noise';
  /** Lower orders at the end, which a schedule of few steps needs; true when absent. */
  readonly lowerOrderFinal?: boolean;
  /** First order for the last step, however many there are. */
  readonly eulerAtFinal?: boolean;
  /** Steps, from 0, whose end is not corrected when the model has seen it. */
  readonly skipCorrector?: readonly number[];
  /** Share of new noise: 0 follows the ODE, 1 the full process. */
  readonly eta?: number;
  /** Standard deviation of new noise. */
  readonly noiseScale?: number;
  /** The clean latent is held within plus and minus this. */
  readonly clip?: number;
  /** Noise added over the whole walk, in shares of a level. */
  readonly churn?: number;
  /** Factor of the timestep in the boundary condition of a consistency model. */
  readonly timestepScaling?: number;
}

export interface SamplerOptions {
  /** Descending, `steps + 1` values, the last is 0 unless the walk is `partial`. */
  readonly sigmas: readonly number[];
  /** What the model is fed at each of `sigmas` but the last; sigma * 1000 when absent. */
  readonly timesteps?: readonly number[] | undefined;
  /**
   * The level each step leads to, where it is not the one that the next step begins at: schedulers of whole
   * timesteps round both apart.
   */
  readonly targets?: readonly number[] | undefined;
  /** The walk ends above 0, or goes up: from a clip to the noise that it comes of. */
  readonly partial?: boolean | undefined;
  /** What the model says; `flow` when absent. */
  readonly parametrisation?: Parametrisation | undefined;
  readonly settings?: SamplerSettings | undefined;
  /**
   * Latent at `sigmas[0]`, [1, C, T, H, W] float32, left untouched; or where an earlier walk with the same
   * method, schedule and constraint stopped.
   */
  readonly from: Tensor<'float32'> | SamplerState;
  /** Stops after this many steps of the schedule, counted from its beginning; all of them when absent. */
  readonly stopAfter?: number | undefined;
  /** Output of the model at a noise level (for a flow the velocity), same shape as the sample. */
  denoise(sample: Tensor<'float32'>, sigma: number, at: ModelCall): Promise<Tensor<'float32'>>;
  /** Applied before every model call and to the result (`sigma` 0), for example to hold known frames. */
  constrain?(sample: Tensor<'float32'>, sigma: number): Tensor<'float32'>;
  /** Places with a strength each, for the method that steps every place from a level of its own. */
  readonly held?: KnownFrames | undefined;
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
