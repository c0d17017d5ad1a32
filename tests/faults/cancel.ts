/** `npm run faults -- cancel`: from the request to cancel a run until it is over, in every phase of its work. */
import { type CancelledPhase, cancelAtRandom } from './cancels/cancels.ts';
import type { FaultPiece } from './piece.ts';

const wantedMs = 1000;

const cancel: FaultPiece = async (report, { seed, count = 40 }) => {
  const all = await cancelAtRandom({
    seed,
    count,
    onPhase: (phase) => {
      report({
        fault: `cancel: ${phase.phase}`,
        cases: phase.recordedMs.length,
        outcome: `recorded ${timesOf(phase.recordedMs)}, nothing left ${timesOf(phase.quietMs)}`,
        wanted: 'recorded p99 < 1 s',
        met: percentile(phase.recordedMs, 99) < wantedMs && phase.otherwise.length === 0,
      });
      for (const line of phase.otherwise) console.error(line);
      if (phase.mostStepsLost === undefined) return;
      report({
        fault: '  steps that a cancelled sampling does again',
        cases: phase.recordedMs.length,
        outcome: `at most ${phase.mostStepsLost}`,
        wanted: 'at most 1',
        met: phase.mostStepsLost <= 1,
      });
    },
  });
  const together = (pick: (phase: CancelledPhase) => readonly number[]) =>
    all.flatMap(pick).sort((a, b) => a - b);
  const [recorded, quiet] = [together((phase) => phase.recordedMs), together((phase) => phase.quietMs)];
  report({
    fault: 'cancel: all phases',
    cases: recorded.length,
    outcome: `recorded ${timesOf(recorded)}, nothing left ${timesOf(quiet)}`,
    wanted: 'recorded p99 < 1 s',
    met: percentile(recorded, 99) < wantedMs,
  });
};
export default cancel;

/** Times in ascending order, by the nearest rank. */
function percentile(sorted: readonly number[], percent: number): number {
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN;
}

function timesOf(sorted: readonly number[]): string {
  return `${[50, 99].map((percent) => Math.round(percentile(sorted, percent))).join('/')} ms`;
}
