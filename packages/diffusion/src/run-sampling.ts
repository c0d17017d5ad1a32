/**
 * A whole sampling from plain data: schedule, guidance, known frames. It can be carried to where the model runs, so
 * that no step waits for another thread.
 */
import type { Tensor } from '@reelgraph/tensor';
import { CallSkipping, withoutSkipping } from './call-skipping.ts';
import { DiffusionError } from './errors.ts';
import type { FreshNoise } from './fresh-noise.ts';
import { applyGuidance, branchesNeeded, checkGuidance, type GuidanceRules } from './guidance.ts';
import { type KnownFrames, keepKnown } from './known-frames.ts';
import type { Parametrisation } from './parametrisation.ts';
import type { ModelCall, SamplerOptions, SamplerSettings, SamplerState, SamplerStep } from './sampler.ts';
import { findSampler, walksFor } from './samplers.ts';

/** All that a sampling follows from besides the model and its conditioning. Plain data. */
export interface SamplingJob {
  /** Name of the sampler. */
  readonly sampler: string;
  readonly settings?: SamplerSettings | undefined;
  /** What the model says; `flow` when absent. */
  readonly parametrisation?: Parametrisation | undefined;
  /** Descending, `steps + 1` values, the last is 0. A `Schedule` has these and the next three. */
  readonly sigmas: readonly number[];
  /** What the model is fed in each step; sigma * 1000 when absent. */
  readonly timesteps?: readonly number[] | undefined;
  /** See `SamplerOptions`. */
  readonly targets?: readonly number[] | undefined;
  readonly partial?: boolean | undefined;
  /** g in `uncond + g * (cond - uncond)`; 1 means off. */
  readonly guidanceScale: number;
  readonly guidance?: GuidanceRules | undefined;
  /** Two networks share the way: below this timestep the second takes over, with a scale of its own. */
  readonly experts?: { readonly below: number; readonly guidanceScale: number } | undefined;
  /**
   * Calls of the model are left out while its answer is expected to change by less than this share of its mean
   * absolute value since the last call; 0 or absent asks it every time.
   */
  readonly skipping?: number | undefined;
  /** What the clip began from, [1, C, T, H, W] standard normal; known frames are held with it. */
  readonly noise: Tensor<'float32'>;
  readonly known?: KnownFrames | undefined;
  /** Latent at `sigmas[0]`, same shape, or the state after a step. */
  readonly from: Tensor<'float32'> | SamplerState;
  /** Stops after this many steps, counted from the first; goes to the end when absent. */
  readonly stopAfter?: number | undefined;
}

/** A call of the model with all branches that it needs. */
export interface BranchCall extends ModelCall {
  /** Conditional, unconditional, negative: the first so many. */
  readonly branches: 1 | 2 | 3;
  /** Which of the networks is asked, where there are two. */
  readonly expert: 'first' | 'second';
}

/** What a sampling needs while it runs. */
export interface SamplingHost {
  /**
   * The model at a noise level: with the prompt, and with the negative one where guidance is on; shape of the sample.
   * The first `call.branches` are used.
   */
  velocities(
    sample: Tensor<'float32'>,
    sigma: number,
    call: BranchCall,
  ): Promise<readonly Tensor<'float32'>[]>;
  readonly freshNoise: FreshNoise;
  onStep(step: SamplerStep): void;
  /** Looked at before every step; its reason is thrown. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Walks from `from` to clean, or as far as the job says.
 *
 * @throws DiffusionError 'diffusion/unknown-sampler' | 'diffusion/bad-guidance' | 'diffusion/bad-skipping' |
 *   'diffusion/no-answer'; what the sampler, the model and the signal throw
 */
export async function runSampling(job: SamplingJob, host: SamplingHost): Promise<SamplerState> {
  const {
    sampler: name,
    parametrisation = 'flow',
    guidanceScale,
    guidance = {},
    experts,
    noise,
    known,
    skipping: threshold = 0,
    from,
  } = job;
  const sampler = findSampler(name);
  if (sampler === undefined)
    throw new DiffusionError('diffusion/unknown-sampler', `There is no sampler "${name}".`);
  if (!walksFor(sampler, parametrisation))
    throw new DiffusionError(
      'diffusion/unknown-sampler',
      `The sampler "${name}" is not for models that predict "${parametrisation}".`,
    );
  checkGuidance(guidance);
  const isStarted = 'memory' in from;
  const skipping = threshold === 0 ? undefined : new CallSkipping(threshold, isStarted ? from : undefined);
  const remembering = <State extends SamplerState>(state: State): State =>
    skipping === undefined ? state : { ...state, memory: { ...state.memory, ...skipping.memory() } };
  const end = await sampler.sample({
    sigmas: job.sigmas,
    timesteps: job.timesteps,
    targets: job.targets,
    partial: job.partial,
    parametrisation,
    settings: job.settings,
    from: skipping !== undefined && isStarted ? { ...from, memory: withoutSkipping(from.memory) } : from,
    stopAfter: job.stopAfter,
    async denoise(sample, sigma, call) {
      const isLow = experts !== undefined && call.timestep < experts.below;
      const scale = isLow ? experts.guidanceScale : guidanceScale;
      const branches = branchesNeeded(scale, guidance, call);
      const expert = isLow ? 'second' : 'first';
      const asked = { ...call, branches, expert } as const;
      const ask = () => host.velocities(sample, sigma, asked);
      const answers = await (skipping === undefined ? ask() : skipping.answers(sample, asked, ask));
      return applyGuidance(scale, guidance, answers, call);
    },
    ...holding(known, noise, parametrisation),
    freshNoise: host.freshNoise,
    onStep: (step) => host.onStep(remembering(step)),
    signal: host.signal,
  });
  return remembering(end);
}

/** How a sampler is told what is known. */
function holding(
  known: KnownFrames | undefined,
  noise: Tensor<'float32'>,
  parametrisation: Parametrisation,
): Pick<SamplerOptions, 'constrain' | 'held'> {
  if (known === undefined) return {};
  const { hold = { kind: 'noised' } } = known;
  if (hold.kind === 'by-strength') return { held: known };
  const isClean = hold.kind === 'clean';
  return { constrain: (at, sigma) => keepKnown(at, known, noise, isClean ? 0 : sigma, parametrisation) };
}
