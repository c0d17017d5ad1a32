/** What every sampler takes and gives; the samplers themselves are one file each. */
import type { Tensor } from '@reelgraph/tensor';
import { isFiniteTensor } from './arithmetic.ts';
import { DiffusionError } from './errors.ts';

/** What is seen after each step. */
export interface SamplerStep {
  /** 1 … totalSteps: how many steps are done. */
  readonly step: number;
  readonly totalSteps: number;
  /** Noise level of `sample`. */
  readonly sigma: number;
  readonly sample: Tensor<'float32'>;
  /** The clean latent the model sees at this point; computed on demand. */
  estimateClean(): Tensor<'float32'>;
}

export interface SamplerOptions {
  /** Descending, `steps + 1` values, the last is 0. */
  readonly sigmas: readonly number[];
  /** Latent at `sigmas[0]`, [1, C, T, H, W] float32; left untouched. */
  readonly sample: Tensor<'float32'>;
  /** Velocity at a noise level, same shape as the sample. */
  denoise(sample: Tensor<'float32'>, sigma: number): Promise<Tensor<'float32'>>;
  /** Applied before every model call and to the result (`sigma` 0), for example to hold known frames. */
  constrain?(sample: Tensor<'float32'>, sigma: number): Tensor<'float32'>;
  onStep?(step: SamplerStep): void;
  /** Looked at before every step; its reason is thrown. */
  readonly signal?: AbortSignal | undefined;
}

/** Walks a latent from noise to clean. */
export type Sampler = (options: SamplerOptions) => Promise<Tensor<'float32'>>;

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
