/** What runs on this machine may take: one rule for the command line, the server's runner and workers. */
import { totalmem } from 'node:os';

export interface RunLimits {
  /** Results on disk; the oldest of little worth leave beyond it. */
  readonly diskBytes: number;
  /** Results kept in memory. */
  readonly memoryBytes: number;
  /** A node without a sign of life for this long is given up; infinite: never. */
  readonly stallMs: number;
  /** A runner process that says nothing for this long is ended; infinite: never. */
  readonly silenceMs: number;
  /** Models kept open between runs; the ones not used for longest are closed beyond it. */
  readonly modelBytes: number;
  /** Size of an input video; other input files are read whole and have a limit of their own. */
  readonly videoBytes: number;
}

const gibibyte = 1024 ** 3;
const units: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 1024,
  m: 1024 ** 2,
  g: gibibyte,
  t: 1024 ** 4,
};

/** A size as people write it: `0`, `1048576`, `500M`, `20 GiB`. Undefined for anything else. */
export function parseBytes(text: string): number | undefined {
  const [, number = '', unit = ''] = /^\s*(\d+(?:\.\d+)?)\s*([bkmgt]?)(?:i?b)?\s*$/i.exec(text) ?? [];
  const factor = units[unit.toLowerCase()];
  return number === '' || factor === undefined ? undefined : Math.round(Number(number) * factor);
}

/**
 * Limits from the environment: `REELGRAPH_CACHE_DISK` (20 GiB), `REELGRAPH_CACHE_MEMORY` (512 MiB),
 * `REELGRAPH_MODEL_MEMORY` (half of the machine's), `REELGRAPH_STALL_MINUTES` (30; 0 for never),
 * `REELGRAPH_SILENT_SECONDS` (60; 0 for never) and `REELGRAPH_INPUT_VIDEO` (4 GiB). What cannot be read is told to `onProblem` and counts as not given.
 */
export function runLimitsOf(
  env: Readonly<Record<string, string | undefined>>,
  onProblem: (problem: string) => void = (problem) => process.emitWarning(problem),
): RunLimits {
  const read = (name: string, otherwise: number, parse: (text: string) => number | undefined): number => {
    const text = env[name];
    if (text === undefined || text === '') return otherwise;
    const value = parse(text);
    if (value === undefined) onProblem(`${name} is "${text}", which cannot be read; the default is used.`);
    return value ?? otherwise;
  };
  const readTime = (name: string, otherwise: number, unitMs: number): number => {
    const time = read(name, otherwise, (text) => (/^\d+(\.\d+)?$/.test(text) ? Number(text) : undefined));
    return time === 0 ? Number.POSITIVE_INFINITY : time * unitMs;
  };
  return {
    diskBytes: read('REELGRAPH_CACHE_DISK', 20 * gibibyte, parseBytes),
    memoryBytes: read('REELGRAPH_CACHE_MEMORY', gibibyte / 2, parseBytes),
    stallMs: readTime('REELGRAPH_STALL_MINUTES', 30, 60_000),
    silenceMs: readTime('REELGRAPH_SILENT_SECONDS', 60, 1000),
    modelBytes: read('REELGRAPH_MODEL_MEMORY', Math.round(totalmem() / 2), parseBytes),
    videoBytes: read('REELGRAPH_INPUT_VIDEO', 4 * gibibyte, parseBytes),
  };
}
