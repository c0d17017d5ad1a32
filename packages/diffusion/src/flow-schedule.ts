/**
 * Schedules of flow models as the three families of schedulers in diffusers lay them: with one shift they are three
 * different grids.
 *
 * Levels are rounded to float32 as there, because what follows from 1 - sigma near sigma 1 is not the same without.
 */
import { DiffusionError } from './errors.ts';
import type { Schedule, ScheduleRequest } from './schedule.ts';
import { expectShift, expectSteps, shiftSigma, trainTimesteps } from './sigmas.ts';
import { betaSigmas, exponentialSigmas, karrasSigmas, linearly } from './spacings.ts';

export interface FlowRecipe {
  readonly kind: 'flow';
  /**
   * Unshifted levels.
   * - `to-lowest`: from 1 to the lowest trained level, both already shifted once (FlowMatchEulerDiscreteScheduler)
   * - `before-lowest`: from 1, the lowest trained level being left out at the end (UniPCMultistepScheduler)
   * - `before-zero`: from the highest level below 1, with 0 left out at the end (DPMSolverMultistepScheduler)
   */
  readonly grid: 'to-lowest' | 'before-lowest' | 'before-zero';
  /** See `shiftSigma`. Without effect where the shift is dynamic. */
  readonly shift: number;
  /** The shift follows from `mu` of the request: as e^mu, or as mu itself. */
  readonly dynamicShift?: 'exponential' | 'linear';
  /** The levels are stretched so that the last before 0 is this. */
  readonly terminal?: number;
  /** How the levels lie between the first and the last; as the grid has them when absent. */
  readonly spacing?: 'karras' | 'exponential' | 'beta';
  /** From clean to noise. */
  readonly inverted?: true;
  /** The first level is moved down to 1 - 1e-6, where its logarithm is finite. */
  readonly belowOne?: true;
  /** Timesteps are cut to whole numbers. */
  readonly wholeTimesteps?: true;
  /** It ends with this level instead of 0, or with that of the last step. */
  readonly end?: number | 'last';
}

/**
 * How much a flow is shifted for a clip of so many tokens: a straight line through two points.
 *
 * @param tokens places of the latent that the model attends to
 * @returns mu of the request
 * @see Esser et al. 2024, arXiv:2403.03206, section 5.3.2; as `calculate_shift` in diffusers
 */
export function dynamicShiftOf(
  tokens: number,
  line: { baseTokens: number; maxTokens: number; baseShift: number; maxShift: number },
): number {
  const slope = (line.maxShift - line.baseShift) / (line.maxTokens - line.baseTokens);
  return slope * tokens + (line.baseShift - slope * line.baseTokens);
}

/** @throws DiffusionError 'diffusion/bad-steps' | 'diffusion/bad-shift' | 'diffusion/bad-sigmas' */
export function flowSchedule(recipe: FlowRecipe, request: ScheduleRequest): Schedule {
  const shift = shiftOf(recipe, request);
  let levels = unshiftedLevels(recipe, request).map((level) => shiftSigma(level, shift));
  if (recipe.terminal !== undefined) levels = stretchTo(recipe.terminal, levels);
  levels = spaced(levels, recipe.spacing);
  if (recipe.belowOne === true && Math.abs(levels[0]! - 1) < 1e-6) levels[0] = levels[0]! - 1e-6;
  const falling = levels.map(Math.fround);
  const sigmas = recipe.inverted === true ? falling.map((level) => Math.fround(1 - level)) : falling;
  const timesteps = (recipe.wholeTimesteps === true ? levels : sigmas).map((level) =>
    recipe.wholeTimesteps === true ? Math.trunc(level * trainTimesteps) : Math.fround(level * trainTimesteps),
  );
  const end = endOf(recipe, sigmas);
  return {
    sigmas: [...sigmas, end],
    timesteps,
    ...(end === 0 ? {} : { partial: true as const }),
    startScale: 1,
  };
}

function shiftOf({ dynamicShift, shift }: FlowRecipe, { mu }: ScheduleRequest): number {
  if (dynamicShift === undefined) return expectShift(shift);
  if (mu === undefined || !Number.isFinite(mu))
    throw new DiffusionError(
      'diffusion/bad-shift',
      `The shift of this model depends on the size of the clip; it needs mu, got ${mu}.`,
    );
  return expectShift(dynamicShift === 'exponential' ? Math.exp(mu) : mu);
}

function unshiftedLevels({ grid, shift, dynamicShift }: FlowRecipe, request: ScheduleRequest): number[] {
  const { sigmas, timesteps } = request;
  const given = sigmas ?? timesteps?.map((timestep) => timestep / trainTimesteps);
  if (given !== undefined) {
    if (given.length === 0 || !given.every((level) => level > 0 && level <= 1))
      throw new DiffusionError(
        'diffusion/bad-sigmas',
        `Levels of a flow are above 0 and up to 1; got [${given.slice(0, 8).join(', ')}].`,
      );
    return given.map(Math.fround);
  }
  const steps = expectSteps(request.steps);
  const lowest = 1 / trainTimesteps;
  switch (grid) {
    case 'to-lowest': {
      const last = dynamicShift === undefined ? Math.fround(shiftSigma(lowest, shift)) : lowest;
      return linearly(1, last, steps);
    }
    case 'before-lowest':
      return linearly(1, lowest, steps + 1).slice(0, -1);
    case 'before-zero':
      return linearly(1, lowest, steps + 1)
        .map((alpha) => 1 - alpha)
        .reverse()
        .slice(0, -1);
  }
}

/** Leaves the first level where it is, and what is missing to 1 in proportion. */
function stretchTo(terminal: number, levels: readonly number[]): number[] {
  const factor = (1 - levels.at(-1)!) / (1 - terminal);
  // A single level is 1 and has nothing to stretch.
  return factor === 0 ? [...levels] : levels.map((level) => 1 - (1 - level) / factor);
}

function spaced(levels: number[], spacing: FlowRecipe['spacing']): number[] {
  if (spacing === undefined) return levels;
  const bounds = { highest: levels[0]!, lowest: levels.at(-1)! };
  const lay = { karras: karrasSigmas, exponential: exponentialSigmas, beta: betaSigmas }[spacing];
  return lay(bounds, levels.length);
}

function endOf({ inverted, end = 0 }: FlowRecipe, sigmas: readonly number[]): number {
  if (inverted === true) return 1;
  return end === 'last' ? sigmas.at(-1)! : end;
}
