/**
 * A whole sampling from plain data: schedule, guidance, known frames. It can be carried to where the model runs, so
 * that no step waits for another thread.
 */
import type { Tensor } from '@reelgraph/tensor';
import { DiffusionError } from './errors.ts';
import type { FreshNoise } from './fresh-noise.ts';
import { guide } from './guidance.ts';
import { type KnownFrames, keepKnown } from './known-frames.ts';
import type { SamplerState, SamplerStep } from './sampler.ts';
import { findSampler } from './samplers.ts';

/** All that a sampling follows from besides the model and its conditioning. Plain data. */
export interface SamplingJob {
  /** Name of the sampler. */
  readonly sampler: string;
  /** Descending, `steps + 1` values, the last is 0. */
  readonly sigmas: readonly number[];
  /** g in `uncond + g * (cond - uncond)`; 1 means off. */
  readonly guidanceScale: number;
  /** What the clip began from, [1, C, T, H, W] standard normal; known frames are held with it. */
  readonly noise: Tensor<'float32'>;
  readonly known?: KnownFrames | undefined;
  /** Latent at `sigmas[0]`, same shape, or the state after a step. */
  readonly from: Tensor<'float32'> | SamplerState;
  /** Stops after this many steps, counted from the first; goes to the end when absent. */
  readonly stopAfter?: number | undefined;
}

/** What a sampling needs while it runs. */
export interface SamplingHost {
  /** The model at a noise level: with the prompt, and with the negative one where guidance is on; shape of the sample. */
  velocities(sample: Tensor<'float32'>, sigma: number): Promise<readonly Tensor<'float32'>[]>;
  readonly freshNoise: FreshNoise;
  onStep(step: SamplerStep): void;
  /** Looked at before every step; its reason is thrown. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Walks from `from` to clean, or as far as the job says.
 *
 * @throws DiffusionError 'diffusion/unknown-sampler' | 'diffusion/no-answer'; what the sampler, the model and the
 *   signal throw
 */
export function runSampling(job: SamplingJob, host: SamplingHost): Promise<SamplerState> {
  const { sampler: name, sigmas, guidanceScale, noise, known, from, stopAfter } = job;
  const sampler = findSampler(name);
  if (sampler === undefined)
    throw new DiffusionError('diffusion/unknown-sampler', `There is no sampler "${name}".`);
  return sampler.sample({
    sigmas,
    from,
    stopAfter,
    async denoise(sample, sigma) {
      const [conditional, unconditional] = await host.velocities(sample, sigma);
      if (conditional === undefined)
        throw new DiffusionError('diffusion/no-answer', 'The model gave no answer.');
      return unconditional === undefined ? conditional : guide(conditional, unconditional, guidanceScale);
    },
    ...(known === undefined ? {} : { constrain: (at, sigma) => keepKnown(at, known, noise, sigma) }),
    freshNoise: host.freshNoise,
    onStep: host.onStep,
    signal: host.signal,
  });
}
