import type { NodeRunState, RunState } from '@reelgraph/graph';
import { describe, expect, it } from 'vitest';
import { chain } from '../testing/small-graph.ts';
import { sparedNodes } from './spared-nodes.ts';

function run(...statuses: NodeRunState['status'][]): RunState {
  const ids = ['noise', 'denoise', 'decode', 'write'];
  const nodes = Object.fromEntries(ids.map((id, index) => [id, { status: statuses[index] ?? 'waiting' }]));
  return { runId: 'r', workflowName: 'Chain', status: 'succeeded', lastSeq: 1, nodes };
}
const spared = (state: RunState): string[] => [...sparedNodes(state, chain().edges)].sort();

// noise ─→ denoise ─→ decode ─→ write
describe('nodes not run', () => {
  it('are spared when what they lead to is cached', () => {
    expect(spared(run('skipped', 'cached', 'cached', 'finished'))).toEqual(['noise']);
    expect(spared(run('skipped', 'skipped', 'cached', 'finished'))).toEqual(['denoise', 'noise']);
  });

  it('are not spared when something before them failed, or the run was cancelled', () => {
    expect(spared(run('finished', 'failed', 'skipped', 'skipped'))).toEqual([]);
    expect(spared(run('finished', 'skipped', 'skipped', 'skipped'))).toEqual([]);
  });
});
