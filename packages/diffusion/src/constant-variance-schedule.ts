/**
 * Schedules of models that keep the variance (v, epsilon, x0): levels of trained timesteps, or laid between them, as
 * the schedulers of diffusers have them.
 */
import { DiffusionError } from './errors.ts';
import { sigmaOfRatio } from './parametrisation.ts';
import type { Schedule, ScheduleRequest } from './schedule.ts';
import { expectSteps } from './sigmas.ts';
import { betaSigmas, exponentialSigmas, karrasSigmas, linearly, type SigmaBounds } from './spacings.ts';
import { type TrainNoise, trainedSignal } from './train-noise.ts';

export interface ConstantVarianceRecipe {
  readonly kind: 'constant-variance';
  readonly trained: TrainNoise;
  /** How the timesteps lie on the trained ones. */
  readonly timestepSpacing: 'linspace' | 'leading' | 'trailing';
  /** Added to the timesteps of `leading`. */
  readonly offset?: number;
  /**
   * What the steps are counted as.
   * - `multistep`: one timestep more than steps, of which the lowest is left out (UniPC, DPM-Solver)
   * - `fractional`: timesteps may lie between the trained ones (Euler, Heun)
   * - `stride`: every step goes down by the same number of trained timesteps, wherever the next begins (DDIM, CogVideoX)
   * - `distilled`: some of the 50 that a consistency model was distilled on (LCM)
   */
  readonly counting: 'multistep' | 'fractional' | 'stride' | 'distilled';
  /** How many timesteps a `distilled` model knows. */
  readonly distilledSteps?: number;
  /** How levels lie between the highest and the lowest, by their ratio of noise to signal. */
  readonly spacing?: 'karras' | 'exponential' | 'beta';
  /** Bounds of `spacing`, as ratios of noise to signal; those of the trained levels when absent. */
  readonly ratios?: Partial<SigmaBounds>;
  /** Timesteps of `spacing` are rounded, cut, or left between the trained ones; `left` when absent. */
  readonly spacedTimesteps?: 'rounded' | 'cut' | 'left';
  /** Ratios are taken as levels of a flow, r / (1 + r), and timesteps as 1000 times those. */
  readonly asFlow?: true;
  /** The model is fed a quarter of the logarithm of the ratio instead of a timestep. */
  readonly continuousTimesteps?: true;
  /** The last level: 0 (when absent), the lowest trained, or that of the last step once more. */
  readonly end?: 'lowest' | 'last';
  /** The highest level of a zero signal is taken as one of 2^-12, so that ratios are finite. */
  readonly finite?: true;
  /** Whether a clip begins with the noise at the first level instead of the noise itself. */
  readonly startsAtLevel?: true;
}

/** @throws DiffusionError 'diffusion/bad-steps' | 'diffusion/bad-sigmas' | 'diffusion/bad-setting' */
export function constantVarianceSchedule(recipe: ConstantVarianceRecipe, request: ScheduleRequest): Schedule {
  if (request.sigmas !== undefined || request.timesteps !== undefined)
    throw new DiffusionError(
      'diffusion/bad-sigmas',
      'Only flow models take levels of your own; this model has those it was trained on.',
    );
  const steps = expectSteps(request.steps);
  const signal = [...trainedSignal(recipe.trained)];
  if (recipe.finite === true && signal.at(-1)! < 2 ** -24) signal[signal.length - 1] = 2 ** -24;
  return recipe.counting === 'stride' || recipe.counting === 'distilled'
    ? trainedSchedule(recipe, signal, steps)
    : ratioSchedule(recipe, signal, steps);
}

/** Whole timesteps, whose levels are read off the table. */
function trainedSchedule(recipe: ConstantVarianceRecipe, signal: readonly number[], steps: number): Schedule {
  const sigmaOf = (bar: number): number => Math.sqrt(1 - bar);
  const last = recipe.end === 'lowest' ? sigmaOf(signal[0]!) : 0;
  const timesteps =
    recipe.counting === 'distilled'
      ? distilledTimesteps(recipe, signal.length, steps)
      : strideTimesteps(recipe, signal.length, steps);
  const levels = timesteps.map((timestep) => {
    const bar = signal[timestep];
    if (bar === undefined)
      throw new DiffusionError(
        'diffusion/bad-steps',
        `Timestep ${timestep} is outside the ${signal.length} that the model was trained on.`,
      );
    return sigmaOf(bar);
  });
  if (recipe.counting === 'distilled') return { sigmas: [...levels, 0], timesteps, startScale: 1 };
  const stride = Math.floor(signal.length / steps);
  const targets = timesteps.map((timestep) =>
    timestep - stride >= 0 ? sigmaOf(signal[timestep - stride]!) : last,
  );
  const sigmas = [...levels, targets.at(-1)!];
  const isApart = targets.some((target, i) => target !== sigmas[i + 1]);
  return {
    sigmas,
    timesteps,
    ...(isApart ? { targets } : {}),
    ...(sigmas.at(-1) === 0 ? {} : { partial: true as const }),
    startScale: 1,
  };
}

/** Levels as ratios of noise to signal, in float32 as in diffusers, turned into levels of constant variance. */
function ratioSchedule(recipe: ConstantVarianceRecipe, signal: readonly number[], steps: number): Schedule {
  const f = Math.fround;
  const table = signal.map((bar) => f(Math.sqrt(f(f(1 - bar) / bar))));
  const count = signal.length;
  const isMultistep = recipe.counting === 'multistep';
  const grid = isMultistep
    ? multistepTimesteps(recipe, count, steps)
    : fractionalTimesteps(recipe, count, steps);
  const { spacing, asFlow } = recipe;

  let ratios: number[];
  let timesteps: number[];
  if (spacing === undefined) {
    ratios = grid.map((timestep) => interpolate(table, timestep));
    timesteps = grid;
  } else {
    const own = isMultistep
      ? [table.at(-1)!, table[0]!]
      : [interpolate(table, grid[0]!), interpolate(table, grid.at(-1)!)];
    const bounds = { highest: own[0]!, lowest: own[1]!, ...recipe.ratios };
    const lay = { karras: karrasSigmas, exponential: exponentialSigmas, beta: betaSigmas }[spacing];
    ratios = lay(bounds, steps);
    const logs = table.map((ratio) => f(Math.log(ratio)));
    timesteps = ratios.map((ratio) => timestepOfRatio(Math.log(Math.max(ratio, 1e-10)), logs));
    if (recipe.spacedTimesteps === 'rounded') timesteps = timesteps.map(roundHalfEven);
    if (recipe.spacedTimesteps === 'cut') timesteps = timesteps.map(Math.trunc);
  }
  if (asFlow === true) {
    ratios = ratios.map((ratio) => ratio / (ratio + 1));
    timesteps = ratios.map((sigma) => Math.trunc(sigma * count));
  }
  const end = recipe.end === 'lowest' ? table[0]! : recipe.end === 'last' ? ratios.at(-1)! : 0;
  const rounded = [...ratios, end].map(f);
  if (recipe.continuousTimesteps === true)
    timesteps = rounded.slice(0, -1).map((ratio) => f(0.25 * Math.log(ratio)));
  const sigmas = asFlow === true ? rounded : rounded.map(sigmaOfRatio);
  return {
    sigmas,
    timesteps: timesteps.map(f),
    ...(sigmas.at(-1) === 0 ? {} : { partial: true as const }),
    startScale: recipe.startsAtLevel === true ? sigmas[0]! : 1,
  };
}

function multistepTimesteps(recipe: ConstantVarianceRecipe, count: number, steps: number): number[] {
  switch (recipe.timestepSpacing) {
    case 'linspace':
      return linearly(0, count - 1, steps + 1)
        .map(roundHalfEven)
        .reverse()
        .slice(0, -1);
    case 'leading':
      return leading(Math.floor(count / (steps + 1)), steps + 1, recipe.offset).slice(0, -1);
    case 'trailing':
      return trailing(count, steps);
  }
}

function fractionalTimesteps(recipe: ConstantVarianceRecipe, count: number, steps: number): number[] {
  if (recipe.timestepSpacing === 'linspace')
    return linearly(0, count - 1, steps)
      .map(Math.fround)
      .reverse();
  return strideTimesteps(recipe, count, steps);
}

function strideTimesteps(recipe: ConstantVarianceRecipe, count: number, steps: number): number[] {
  if (steps > count)
    throw new DiffusionError(
      'diffusion/bad-steps',
      `The model was trained on ${count} timesteps, so it cannot take ${steps} steps.`,
    );
  switch (recipe.timestepSpacing) {
    case 'linspace':
      return linearly(0, count - 1, steps)
        .map(roundHalfEven)
        .reverse();
    case 'leading':
      return leading(Math.floor(count / steps), steps, recipe.offset);
    case 'trailing':
      return trailing(count, steps);
  }
}

function leading(stride: number, steps: number, offset = 0): number[] {
  return Array.from({ length: steps }, (_, i) => (steps - 1 - i) * stride + offset);
}

function trailing(count: number, steps: number): number[] {
  return Array.from({ length: steps }, (_, i) => roundHalfEven(count - i * (count / steps)) - 1);
}

/** Every so many of the timesteps that the model was distilled on, from the last. */
function distilledTimesteps(
  { distilledSteps = 50 }: ConstantVarianceRecipe,
  count: number,
  steps: number,
): number[] {
  if (steps > distilledSteps)
    throw new DiffusionError(
      'diffusion/bad-steps',
      `The model was distilled to ${distilledSteps} steps, so it cannot take ${steps}.`,
    );
  const stride = Math.floor(count / distilledSteps);
  return Array.from(
    { length: steps },
    (_, i) => (distilledSteps - Math.floor(i * (distilledSteps / steps))) * stride - 1,
  );
}

/** The table between its places, straight. */
function interpolate(table: readonly number[], at: number): number {
  const low = Math.min(Math.max(Math.floor(at), 0), table.length - 1);
  const high = Math.min(low + 1, table.length - 1);
  return table[low]! + (table[high]! - table[low]!) * (at - low);
}

/** The trained timestep of a ratio, between two by their logarithms. */
function timestepOfRatio(log: number, logs: readonly number[]): number {
  const above = logs.findIndex((other) => other > log);
  const low = Math.min(Math.max((above === -1 ? logs.length : above) - 1, 0), logs.length - 2);
  const share = (logs[low]! - log) / (logs[low]! - logs[low + 1]!);
  const held = Math.min(1, Math.max(0, share));
  return (1 - held) * low + held * (low + 1);
}

/** To the nearest whole number, of two equally near the even one, as numpy rounds. */
function roundHalfEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}
