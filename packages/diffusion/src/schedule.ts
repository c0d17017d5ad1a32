/** Schedules as data: what a sampler walks along, and recipes that make one for any number of steps. */
import { type ConstantVarianceRecipe, constantVarianceSchedule } from './constant-variance-schedule.ts';
import { type FlowRecipe, flowSchedule } from './flow-schedule.ts';

/** Noise levels with what the model is fed at each. Plain data, safe in JSON. */
export interface Schedule {
  /** `steps + 1` levels from 0 to 1, falling to 0 unless it is `partial`. */
  readonly sigmas: readonly number[];
  /** One per step. */
  readonly timesteps: readonly number[];
  /** The level each step leads to, where it is not the one that the next begins at. */
  readonly targets?: readonly number[];
  /** It ends above 0, or rises. */
  readonly partial?: true;
  /** A clip made from nothing begins with the noise times this. */
  readonly startScale: number;
}

/** How to make a schedule of any number of steps. Plain data, safe in JSON. */
export type ScheduleRecipe = FlowRecipe | ConstantVarianceRecipe;

/** For how many steps, or for which levels. */
export interface ScheduleRequest {
  readonly steps: number;
  /** Unshifted levels to take instead of the recipe's own, without the 0 at the end; only for flows. */
  readonly sigmas?: readonly number[] | undefined;
  /** The same as timesteps, level × 1000; only for flows. */
  readonly timesteps?: readonly number[] | undefined;
  /** For recipes whose shift depends on the size of the clip; see `dynamicShiftOf`. */
  readonly mu?: number | undefined;
}

/**
 * Makes the schedule.
 *
 * @throws DiffusionError 'diffusion/bad-steps' | 'diffusion/bad-shift' | 'diffusion/bad-sigmas'
 */
export function makeSchedule(recipe: ScheduleRecipe, request: ScheduleRequest): Schedule {
  return recipe.kind === 'flow' ? flowSchedule(recipe, request) : constantVarianceSchedule(recipe, request);
}
