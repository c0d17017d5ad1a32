/** What is left of a run, from what it was expected to take and how far its nodes are. */
import type { RunForecast, RunState } from '@reelgraph/graph';

/**
 * Milliseconds until the run is over; undefined where too little is known. No clock is asked: that of the server may
 * differ from the browser's.
 */
export function timeLeftMs(run: RunState, { nodes, timeMs, unknown }: RunForecast): number | undefined {
  if (timeMs === undefined || unknown.length > 0) return undefined;
  let all = 0;
  let left = 0;
  for (const [id, { timeMs: expected, state }] of Object.entries(nodes)) {
    if (state !== 'runs' || expected === undefined) continue;
    all += expected.likely;
    const node = run.nodes[id];
    if (node?.status === 'waiting') left += expected.likely;
    else if (node?.status === 'running')
      left += node.etaSeconds === undefined ? expected.likely : 1000 * node.etaSeconds;
  }
  // What runs side by side counts once.
  return all === 0 ? undefined : left * Math.min(1, timeMs.likely / all);
}
