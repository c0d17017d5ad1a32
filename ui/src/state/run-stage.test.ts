import { expect, it } from 'vitest';
import { runStage } from './run-stage.ts';

it.each([
  [{}, 'starting …'],
  [{ a: { status: 'finished' }, b: { status: 'running', step: 3, totalSteps: 8 } }, '1/2 nodes · 3/8'],
  [{ a: { status: 'cached' }, b: { status: 'skipped' } }, '2/2 nodes'],
  [
    { a: { status: 'cached' }, b: { status: 'waiting', message: 'waiting for another run' } },
    '1/2 nodes · waiting for another run',
  ],
] as const)('%j is at "%s"', (nodes, text) => {
  expect(runStage({ nodes })).toBe(text);
});
