import type { NodeRunState, RunState, Workflow } from '@reelgraph/graph';
import { expect, it } from 'vitest';
import { smallCatalogue as catalogue, chain } from '../testing/small-graph.ts';
import { deliveryOf, deliveryText } from './run-delivery.ts';

/** noise ─→ denoise ─→ decode ─→ write, and decode ─→ more ─→ write-more */
function twoEnds(): Workflow {
  const { nodes, edges, ...rest } = chain();
  const node = (type: string) => ({ type, version: 1, params: {} });
  return {
    ...rest,
    nodes: { ...nodes, more: node('grow'), 'write-more': node('write') },
    edges: [
      ...edges,
      { from: ['decode', 'frames'], to: ['more', 'frames'] },
      { from: ['more', 'frames'], to: ['write-more', 'frames'] },
    ],
  };
}

function runOf(nodes: Readonly<Record<string, NodeRunState['status']>>): RunState {
  const error = { code: 'x/broke', message: 'It broke.' };
  return {
    runId: 'r',
    workflowName: 'Film',
    status: 'partial',
    lastSeq: 1,
    nodes: Object.fromEntries(
      Object.entries(nodes).map(([id, status]) => [id, status === 'failed' ? { status, error } : { status }]),
    ),
  };
}
const whole = { noise: 'finished', denoise: 'finished', decode: 'finished' } as const;

it('ends that were made are delivered, ends behind a failure are not', () => {
  const run = runOf({ ...whole, write: 'cached', more: 'failed', 'write-more': 'skipped' });
  const delivery = deliveryOf(run, twoEnds(), catalogue);
  expect(delivery).toEqual({ delivered: ['write (write)'], missing: ['write (write-more)'] });
  expect(deliveryText(delivery)).toBe('Delivered: write (write). Not delivered: write (write-more).');
});

it('a title of its own names an end', () => {
  const workflow = twoEnds();
  workflow.nodes.write = { ...workflow.nodes.write, type: 'write', version: 1, params: {}, title: 'Film' };
  const run = runOf({ ...whole, write: 'failed', more: 'finished', 'write-more': 'finished' });
  expect(deliveryText(deliveryOf(run, workflow, catalogue))).toBe('Delivered: write. Not delivered: Film.');
});

it('an end that was muted or not asked for is no loss', () => {
  const muted = runOf({ ...whole, write: 'finished', more: 'finished', 'write-more': 'skipped' });
  expect(deliveryOf(muted, twoEnds(), catalogue).missing).toEqual([]);
  const partOfIt = runOf({ ...whole, write: 'finished' });
  expect(deliveryOf(partOfIt, twoEnds(), catalogue).missing).toEqual([]);
});
