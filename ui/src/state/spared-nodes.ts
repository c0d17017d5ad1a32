/** Nodes that a run did not compute because it had no need to, told apart from those it could not compute. */
import type { RunState, WorkflowEdge } from '@reelgraph/graph';

/**
 * Skipped nodes all of whose consumers have their results (from the cache) or were spared themselves:
 *
 *     noise (skipped, spared) ─→ denoise (cached) ─→ save (finished)
 */
export function sparedNodes(run: RunState, edges: readonly WorkflowEdge[]): Set<string> {
  const skipped = Object.keys(run.nodes).filter((id) => run.nodes[id]?.status === 'skipped');
  if (skipped.length === 0) return new Set();
  const consumers = new Map<string, string[]>();
  for (const { from, to } of edges) {
    if (!run.nodes[to[0]]) continue;
    const list = consumers.get(from[0]);
    if (list) list.push(to[0]);
    else consumers.set(from[0], [to[0]]);
  }
  const spared = new Set<string>();
  // Each round finds at least one more, or is the last; chains of spared nodes are short.
  for (let before = -1; before !== spared.size; ) {
    before = spared.size;
    for (const id of skipped) {
      const users = consumers.get(id) ?? [];
      const served = users.every((user) => {
        const status = run.nodes[user]?.status;
        return status === 'cached' || status === 'finished' || spared.has(user);
      });
      if (users.length > 0 && served) spared.add(id);
    }
  }
  return spared;
}
