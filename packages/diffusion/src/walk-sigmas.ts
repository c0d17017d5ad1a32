/** What every sampler does around its own step: model calls, constraint, progress, cancel, stop and go on. */
import { formatShape, type Tensor } from '@reelgraph/tensor';
import { DiffusionError } from './errors.ts';
import { estimateClean } from './flow.ts';
import { expectFinite, type SamplerMemory, type SamplerOptions, type SamplerState } from './sampler.ts';
import { checkSigmas } from './sigmas.ts';

/** Where a step begins and ends. */
export interface StepInterval {
  /** Latent at `sigma`, constrained. */
  readonly sample: Tensor<'float32'>;
  /** Model output at `sample`. */
  readonly velocity: Tensor<'float32'>;
  readonly sigma: number;
  readonly sigmaNext: number;
  /** What the step before gave to remember; empty before the first. */
  readonly memory: SamplerMemory;
  /** Another model call, for methods that look at more than one place. */
  evaluate(sample: Tensor<'float32'>, sigma: number): Promise<Tensor<'float32'>>;
  constrain(sample: Tensor<'float32'>, sigma: number): Tensor<'float32'>;
}

/** The end of a step. */
export interface StepResult {
  /** Latent at `sigmaNext`, not yet constrained. */
  readonly sample: Tensor<'float32'>;
  /** The clean latent that `sample` was made from, x0 of the step, where the method has it at hand. */
  readonly clean?: Tensor<'float32'>;
  /** All that the next step needs of this one besides the sample: a method may remember nothing elsewhere. */
  readonly memory?: SamplerMemory;
}

/**
 * Walks from noise to clean by one method; `step` gives the latent at `sigmaNext`. `whileWaiting` is called when the
 * model is at work on a step (counted from 0), for what the step needs besides its answer.
 *
 * @throws the signal's reason on abort; DiffusionError 'diffusion/bad-sigmas' | 'diffusion/bad-state' |
 *   'diffusion/not-finite'
 */
export async function walkSigmas(
  options: SamplerOptions,
  step: (interval: StepInterval) => StepResult | Promise<StepResult>,
  whileWaiting?: (step: number) => void,
): Promise<SamplerState> {
  const { sigmas, denoise, onStep, signal } = options;
  const constrain = options.constrain ?? ((sample) => sample);
  const evaluate = async (at: Tensor<'float32'>, sigma: number): Promise<Tensor<'float32'>> => {
    signal?.throwIfAborted();
    const velocity = await denoise(at, sigma);
    expectFinite(velocity, sigma);
    return velocity;
  };
  checkSigmas(sigmas);
  const totalSteps = sigmas.length - 1;
  const lastStep = Math.min(totalSteps, options.stopAfter ?? totalSteps);
  // A state was constrained when it was taken; once more could move it by a rounding.
  let state = isState(options.from)
    ? expectStateOf(options.from, totalSteps)
    : { step: 0, sample: constrain(options.from, sigmas[0]!), memory: {} };
  while (state.step < lastStep) {
    const { sample, memory } = state;
    const sigma = sigmas[state.step]!;
    const sigmaNext = sigmas[state.step + 1]!;
    const answer = evaluate(sample, sigma);
    whileWaiting?.(state.step);
    const velocity = await answer;
    const end = await step({
      sample,
      velocity,
      sigma,
      sigmaNext,
      memory,
      evaluate,
      constrain,
    });
    state = {
      step: state.step + 1,
      sample: constrain(end.sample, sigmaNext),
      memory: end.memory ?? {},
    };
    onStep?.({
      ...state,
      totalSteps,
      sigma: sigmaNext,
      estimateClean: () => constrain(end.clean ?? estimateClean(sample, velocity, sigma), 0),
    });
  }
  return state;
}

function isState(from: Tensor<'float32'> | SamplerState): from is SamplerState {
  return 'memory' in from;
}

function expectStateOf(state: SamplerState, totalSteps: number): SamplerState {
  if (Number.isInteger(state.step) && state.step >= 0 && state.step <= totalSteps) return state;
  throw new DiffusionError(
    'diffusion/bad-state',
    `Sampling cannot go on after step ${state.step} of ${totalSteps} with a latent ${formatShape(state.sample.shape)}: it was begun with another schedule.`,
  );
}
