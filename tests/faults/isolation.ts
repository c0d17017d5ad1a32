/** `npm run faults -- isolation`: what nodes and native code do to their process, and what that costs the next run. */
import { type BadRun, badRuns, canLimitMemory, isolate } from './misbehaving/isolation.ts';
import type { FaultPiece } from './piece.ts';

/** The piece over other runs than those that `npm run faults` tries. */
export const isolationOf =
  (runs: readonly BadRun[], tryOne: typeof isolate): FaultPiece =>
  async (report, { count = 3, progress }) => {
    for (const bad of runs) {
      if (bad.memoryLimit !== undefined && !canLimitMemory()) {
        report({
          fault: `run: ${bad.name}`,
          cases: 0,
          outcome: 'not tried: no groups with a limit of memory here',
          wanted: '',
          met: true,
        });
        continue;
      }
      let withstood = 0;
      const gapsMs: number[] = [];
      for (let round = 0; round < count; round += 1) {
        progress?.(`${bad.name}, ${round + 1} of ${count}`);
        const seen = await tryOne(bad);
        gapsMs.push(...seen.gapsMs);
        const isTold = seen.error?.code === bad.code && bad.message.test(seen.error.message);
        if (
          seen.status === 'failed' &&
          isTold &&
          seen.attempts === bad.attempts &&
          seen.nextSucceeded &&
          seen.serverLived &&
          seen.leftovers.length === 0
        )
          withstood += 1;
      }
      const longest = Math.max(...gapsMs);
      report({
        fault: `run: ${bad.name}`,
        cases: count,
        outcome: `${withstood} ${bad.code}, next began in ${Math.round(longest)} ms`,
        wanted: 'all, nothing left, 2 s',
        met: withstood === count && longest <= 2000,
      });
    }
  };
export default isolationOf(badRuns, isolate);
