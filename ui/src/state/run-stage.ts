/** How far a run at work has come. */
import type { RunState } from '@reelgraph/graph';
import { formatProgress } from './durations.ts';

/** `3/7 nodes`. */
export function nodesDone({ nodes: byId }: Pick<RunState, 'nodes'>): string {
  const nodes = Object.values(byId);
  // Given to a runner, which has not planned it yet: it may have a model to look at first.
  if (nodes.length === 0) return 'starting …';
  const done = nodes.filter(({ status }) => status !== 'waiting' && status !== 'running').length;
  return `${done}/${nodes.length} nodes`;
}

/** The same, with what the node at work is at: `3/7 nodes · 12/20 · 2.4 s left`. */
export function runStage(run: Pick<RunState, 'nodes'>): string {
  const nodes = Object.values(run.nodes);
  const working = nodes.find(({ status }) => status === 'running');
  const detail =
    working === undefined
      ? nodes.find(({ status, message }) => status === 'waiting' && message)?.message
      : formatProgress(working);
  return [nodesDone(run), detail].filter(Boolean).join(' · ');
}
