import { expect, it } from 'vitest';
import { moveTarget } from './queueing.ts';

const run = (runId: string) => ({ runId, workflowName: 'w', priority: 0, queuedAtMs: 0, attempts: 0 });
const queue = { next: ['a', 'b', 'c'].map(run) };

it.each([
  ['b', 'earlier', { before: 'a' }],
  ['b', 'later', { after: 'c' }],
  ['c', 'front', { before: 'a' }],
  ['a', 'earlier', undefined],
  ['a', 'front', undefined],
  ['c', 'later', undefined],
  ['gone', 'front', undefined],
] as const)('%s goes %s: %j', (runId, to, target) => {
  expect(moveTarget(queue, runId, to)).toEqual(target);
});
