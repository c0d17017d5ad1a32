/** What every sampler does around its own step: model calls, constraint, progress, cancel, stop and go on. */
import { formatShape, type Tensor } from '@reelgraph/tensor';
import { weightedSum } from './arithmetic.ts';
import { DiffusionError } from './errors.ts';
import { estimateClean } from './flow.ts';
import { cleanWeights, type Parametrisation } from './parametrisation.ts';
import {
  expectFinite,
  type SamplerMemory,
  type SamplerOptions,
  type SamplerSettings,
  type SamplerState,
} from './sampler.ts';
import { checkSigmas, sigmaToTimestep } from './sigmas.ts';

/** Where a step begins and ends. */
export interface StepInterval {
  /** Latent at `sigma`, constrained. */
  readonly sample: Tensor<'float32'>;
  /** Model output at `sample`: for a flow the velocity. */
  readonly output: Tensor<'float32'>;
  readonly parametrisation: Parametrisation;
  readonly settings: SamplerSettings;
  /** From 0. */
  readonly step: number;
  readonly totalSteps: number;
  /** The whole schedule, for methods that look back. */
  readonly sigmas: readonly number[];
  readonly sigma: number;
  readonly sigmaNext: number;
  readonly timestep: number;
  /** What the step before gave to remember; empty before the first. */
  readonly memory: SamplerMemory;
  /** Model output at a latent at `sigmaNext`, which is constrained first; for methods that look ahead. */
  evaluateNext(sample: Tensor<'float32'>): Promise<Tensor<'float32'>>;
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
  const { sigmas, timesteps, targets, denoise, onStep, signal, settings = {} } = options;
  const { parametrisation = 'flow' } = options;
  const constrain = options.constrain ?? ((sample) => sample);
  checkSigmas(sigmas, options.partial);
  checkLengths(options);
  const totalSteps = sigmas.length - 1;
  const timestepAt = (step: number): number => timesteps?.[step] ?? sigmaToTimestep(sigmas[step]!);
  const evaluate = async (at: Tensor<'float32'>, step: number): Promise<Tensor<'float32'>> => {
    signal?.throwIfAborted();
    const sigma = sigmas[step]!;
    const output = await denoise(at, sigma, { timestep: timestepAt(step), step, totalSteps });
    expectFinite(output, sigma);
    return output;
  };
  const lastStep = Math.min(totalSteps, options.stopAfter ?? totalSteps);
  // A state was constrained when it was taken; once more could move it by a rounding.
  let state = isState(options.from)
    ? expectStateOf(options.from, totalSteps)
    : { step: 0, sample: constrain(options.from, sigmas[0]!), memory: {} };
  while (state.step < lastStep) {
    const { step: at, sample, memory } = state;
    const sigma = sigmas[at]!;
    const sigmaNext = targets?.[at] ?? sigmas[at + 1]!;
    const answer = evaluate(sample, at);
    whileWaiting?.(at);
    const output = await answer;
    const end = await step({
      sample,
      output,
      parametrisation,
      settings,
      step: at,
      totalSteps,
      sigmas,
      sigma,
      sigmaNext,
      timestep: timestepAt(at),
      memory,
      evaluateNext: (next) => evaluate(constrain(next, sigmaNext), at + 1),
    });
    state = {
      step: at + 1,
      sample: constrain(end.sample, sigmaNext),
      memory: end.memory ?? {},
    };
    onStep?.({
      ...state,
      totalSteps,
      sigma: sigmaNext,
      estimateClean: () => constrain(end.clean ?? cleanOf(parametrisation, sample, output, sigma), 0),
    });
  }
  return state;
}

/**
 * {@link walkSigmas} for methods that draw noise: `step` is given that of the step, drawn while the model is at work.
 * A step that ends clean has none, for nothing is put on the result, unless the method asks `forCleanEnd` too.
 *
 * @throws as {@link walkSigmas}; DiffusionError 'diffusion/no-noise' without `freshNoise`
 */
export function walkWithNoise(
  options: SamplerOptions,
  step: (interval: StepInterval, fresh: Tensor<'float32'> | undefined) => StepResult | Promise<StepResult>,
  { forCleanEnd = false } = {},
): Promise<SamplerState> {
  const { freshNoise, sigmas, targets } = options;
  if (freshNoise === undefined)
    throw new DiffusionError(
      'diffusion/no-noise',
      'This sampler needs noise for every step, and was given none.',
    );
  let fresh: Tensor<'float32'> | undefined;
  return walkSigmas(
    options,
    (interval) => step(interval, fresh),
    (at) => {
      const isClean = (targets?.[at] ?? sigmas[at + 1]) === 0;
      fresh = isClean && !forCleanEnd ? undefined : freshNoise(at);
    },
  );
}

/** The clean latent that the model sees: for a flow x - sigma v. */
export function cleanOf(
  parametrisation: Parametrisation,
  sample: Tensor<'float32'>,
  output: Tensor<'float32'>,
  sigma: number,
): Tensor<'float32'> {
  if (parametrisation === 'flow') return estimateClean(sample, output, sigma);
  if (parametrisation === 'x0') return output;
  const [ofSample, ofOutput] = cleanWeights(parametrisation, sigma);
  return weightedSum(ofSample, sample, ofOutput, output);
}

/** @throws DiffusionError 'diffusion/bad-sigmas' unless there is a timestep and a target for every step, or none */
function checkLengths({ sigmas, timesteps, targets }: SamplerOptions): void {
  const steps = sigmas.length - 1;
  for (const [name, values] of Object.entries({ timesteps, targets })) {
    if (values === undefined || (values.length === steps && values.every(Number.isFinite))) continue;
    throw new DiffusionError(
      'diffusion/bad-sigmas',
      `A schedule of ${steps} steps has ${steps} ${name}, each a number; got ${values.length}.`,
    );
  }
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
