/** What a run may take, and the refusal of one that is expected to take more. */
import { z } from 'zod';
import { bytesText, durationText } from './amount-text.ts';
import { type Expected, expectedText, type RunForecast } from './forecast.ts';

/** Absent: no limit. */
export const runBudgetSchema = z.strictObject({
  timeMs: z.number().positive().optional(),
  /** Peak resident memory of the process that runs. */
  memoryBytes: z.number().positive().optional(),
  /** Results that the run adds to the data folder. */
  diskBytes: z.number().positive().optional(),
});
export type RunBudget = z.infer<typeof runBudgetSchema>;

/** A limit that is expected to be broken. */
export interface Excess {
  readonly what: 'time' | 'memory' | 'disk';
  readonly expected: Expected;
  readonly limit: number;
}

/** Settings under which a run would fit, each on its own. */
export interface FittingSettings {
  /** `33 frames instead of 81`. */
  readonly label: string;
}

/** A run that is not started, in words. */
export interface BudgetRefusal {
  readonly code: 'run/over-budget';
  readonly message: string;
  readonly hint: string;
}

export function isLimited({ timeMs, memoryBytes, diskBytes }: RunBudget): boolean {
  return timeMs !== undefined || memoryBytes !== undefined || diskBytes !== undefined;
}

/**
 * The limits that a run would likely break. Of nodes without data nothing is held against it; what the others
 * take already may be too much.
 */
export function excessesOf(forecast: RunForecast, budget: RunBudget): Excess[] {
  const over = (what: Excess['what'], expected: Expected | undefined, limit: number | undefined): Excess[] =>
    expected === undefined || limit === undefined || expected.likely <= limit
      ? []
      : [{ what, expected, limit }];
  return [
    ...over('time', forecast.timeMs, budget.timeMs),
    ...over('memory', forecast.peakBytes, budget.memoryBytes),
    ...over('disk', forecast.diskBytes, budget.diskBytes),
  ];
}

/** The refusal as the command line prints it and the server answers it; `excesses` has at least one. */
export function refusalOf(excesses: readonly Excess[], fitting: readonly FittingSettings[]): BudgetRefusal {
  const message = `The run is over its budget and was not started: ${excesses.map(excessText).join('; ')}.`;
  const fits =
    fitting.length === 0
      ? 'No smaller size, length or number of steps was found that fits.'
      : `What would fit: ${fitting.map(({ label }) => label).join('; or ')}.`;
  return { code: 'run/over-budget', message, hint: `${fits} Or allow more.` };
}

function excessText({ what, expected, limit }: Excess): string {
  const textOf = what === 'time' ? durationText : bytesText;
  const verb = { time: 'it would take', memory: 'it would need', disk: 'it would keep' }[what];
  const noun = { time: '', memory: ' of memory', disk: ' of results' }[what];
  return `${verb} ${expectedText(expected, textOf)}${noun}, the budget is ${textOf(limit)}`;
}
