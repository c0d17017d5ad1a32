/** What a run may be expected to take before it is refused: the same rule for the command line and the server. */
import type { RunBudget } from '@reelgraph/graph';
import { parseBytes } from './run-limits.ts';

/** Budgets as people write them; absent or empty is no limit. */
export interface BudgetTexts {
  readonly maxTime?: string | undefined;
  readonly maxMemory?: string | undefined;
  readonly maxDisk?: string | undefined;
}

const secondsOf: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

/** Milliseconds of `90`, `90s`, `5m`, `1h30m`, `1.5 h`; a number alone is seconds. Undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  if (/^\s*\d+(\.\d+)?\s*$/.test(text)) return Number(text) * 1000;
  if (!/^\s*(\d+(\.\d+)?\s*(h|min|m|s)\s*)+$/i.test(text)) return undefined;
  let seconds = 0;
  for (const [, number = '', unit = ''] of text.matchAll(/(\d+(?:\.\d+)?)\s*(h|min|m|s)/gi))
    seconds += Number(number) * (secondsOf[unit.slice(0, 1).toLowerCase()] ?? 1);
  return seconds * 1000;
}

/**
 * The budget of options, or where they are silent of `REELGRAPH_MAX_TIME`, `REELGRAPH_MAX_MEMORY` and
 * `REELGRAPH_MAX_DISK`. One that cannot be read is no missing one: who set it believes in it.
 *
 * @throws RangeError with a sentence for the person who wrote it
 */
export function budgetOf(given: BudgetTexts, env: Readonly<Record<string, string | undefined>>): RunBudget {
  const read = (
    option: string,
    variable: string,
    text: string | undefined,
    parse: (text: string) => number | undefined,
    example: string,
  ): number | undefined => {
    const [name, written] = text === undefined ? [variable, env[variable]] : [option, text];
    if (written === undefined || written === '') return undefined;
    const value = parse(written);
    if (value === undefined || value <= 0)
      throw new RangeError(`${name} is "${written}", which cannot be read; write it like ${example}.`);
    return value;
  };
  const timeMs = read('--max-time', 'REELGRAPH_MAX_TIME', given.maxTime, parseDuration, '90s, 5m or 1h30m');
  const memoryBytes = read('--max-memory', 'REELGRAPH_MAX_MEMORY', given.maxMemory, parseBytes, '800M or 4G');
  const diskBytes = read('--max-disk', 'REELGRAPH_MAX_DISK', given.maxDisk, parseBytes, '500M or 2G');
  return {
    ...(timeMs === undefined ? {} : { timeMs }),
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...(diskBytes === undefined ? {} : { diskBytes }),
  };
}
