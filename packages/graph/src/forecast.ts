/**
 * What a run is expected to take before it starts, as data and in words. The words are the same in editor, command
 * line and server.
 */
import { z } from 'zod';
import { bytesText, durationText } from './amount-text.ts';

/** A guess with its doubt: at least four of five actual values lie from `low` to `high`. */
export const expectedSchema = z.strictObject({
  low: z.number().min(0),
  likely: z.number().min(0),
  high: z.number().min(0),
});
export type Expected = z.infer<typeof expectedSchema>;

export const nodeForecastSchema = z.strictObject({
  /** `cached`: its result is kept. `not-needed`: only cached nodes need it. */
  state: z.enum(['runs', 'cached', 'not-needed']),
  /** Milliseconds; absent while this machine has no data. */
  timeMs: expectedSchema.optional(),
  /**
   * Most resident memory of the process while the node runs, bytes. Absent without data, and for a node that is
   * always over before memory is looked at.
   */
  peakBytes: expectedSchema.optional(),
  /** What is kept of its result, bytes. */
  resultBytes: expectedSchema.optional(),
  /** Earlier runs of such a node that this was learnt from; 0 is no data yet. */
  samples: z.number().int().min(0),
  /** The time has the loading of its model in it. */
  loadsModel: z.boolean().optional(),
  /** There is many times more, or less, to do than in any of the runs that this was learnt from. */
  isFarOutside: z.boolean().optional(),
});
export type NodeForecast = z.infer<typeof nodeForecastSchema>;

export const runForecastSchema = z.strictObject({
  /** By flat node id, in the order of the plan. */
  nodes: z.record(z.string(), nodeForecastSchema),
  /** From start to end, milliseconds: what runs side by side counts once. Without the nodes in `unknown`. */
  timeMs: expectedSchema.optional(),
  /** Most resident memory of the process that runs it, bytes. */
  peakBytes: expectedSchema.optional(),
  /** Growth of the data folder by results, bytes. */
  diskBytes: expectedSchema.optional(),
  /** Nodes that would run and that this machine has no data of yet. */
  unknown: z.array(z.string()),
});
export type RunForecast = z.infer<typeof runForecastSchema>;

/** `3.1 s (2.8 s to 3.6 s)`; the doubt is left out where it is none. */
export function expectedText({ low, likely, high }: Expected, textOf: (amount: number) => string): string {
  const [from, to] = [textOf(low), textOf(high)];
  return from === to ? textOf(likely) : `${textOf(likely)} (${from} to ${to})`;
}

/** Whether every node that there is comes from the cache. */
export function isAllCached({ nodes }: RunForecast): boolean {
  return Object.values(nodes).every(({ state }) => state !== 'runs');
}

/** More are counted. */
const namedNodes = 4;
/** Below this share of a run's time a node changes nothing. */
const leastShare = 0.05;

/** The forecast of a run in a sentence. */
export function forecastText(forecast: RunForecast): string {
  if (isAllCached(forecast)) return 'Everything comes from the cache.';
  const { timeMs, peakBytes, diskBytes, unknown } = forecast;
  const running = Object.values(forecast.nodes).filter(({ state }) => state === 'runs').length;
  if (timeMs === undefined || unknown.length === running)
    return 'No data yet: nothing of this has run on this machine.';
  const parts = [
    expectedText(timeMs, durationText),
    ...(peakBytes === undefined ? [] : [`peak memory ${expectedText(peakBytes, bytesText)}`]),
    ...(diskBytes === undefined ? [] : [`${bytesText(diskBytes.likely)} of results`]),
  ];
  const doubts = [
    ...listText('no data yet for', unknown),
    ...listText('far outside of what was measured:', farNodes(forecast)),
  ];
  return `${unknown.length > 0 ? 'At least ' : ''}${parts.join(', ')}${doubts.join('')}.`;
}

/** Nodes whose own forecast is a guess, and that take enough of the run for it to be one too. */
function farNodes({ nodes, timeMs }: RunForecast): string[] {
  const least = leastShare * (timeMs?.likely ?? 0);
  return Object.entries(nodes).flatMap(([id, node]) =>
    node.isFarOutside === true && (node.timeMs?.likely ?? 0) >= least ? [id] : [],
  );
}

/** `; no data yet for a, b`, or nothing for nobody. */
function listText(words: string, ids: readonly string[]): string[] {
  if (ids.length === 0) return [];
  const more = ids.length > namedNodes ? ` and ${ids.length - namedNodes} more` : '';
  return [`; ${words} ${ids.slice(0, namedNodes).join(', ')}${more}`];
}
