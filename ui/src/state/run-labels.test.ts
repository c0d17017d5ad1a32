import { expect, it } from 'vitest';
import { smallCatalogue as catalogue, chain } from '../testing/small-graph.ts';
import { RunLabels, runLabel } from './run-labels.ts';

it('a run without texts or seeds among its inputs has no label of its own', () => {
  expect(runLabel(chain(), catalogue)).toEqual({ text: undefined, seed: undefined });
});

it('each run is asked for once, and one that is gone does not stop the others', async () => {
  const asked: string[] = [];
  const labels = new RunLabels(async (runId) => {
    asked.push(runId);
    if (runId === 'gone') throw new Error('no such run');
    return { text: `prompt of ${runId}`, seed: '1' };
  });
  for (const runId of ['a', 'gone', 'a', 'b']) labels.want(runId);
  await new Promise<void>((resolve) => {
    labels.subscribe(() => labels.get().size === 3 && resolve());
  });
  expect(asked).toEqual(['a', 'gone', 'b']);
  expect(labels.get().get('b')?.text).toBe('prompt of b');
  expect(labels.get().get('gone')).toEqual({ text: undefined, seed: undefined });
});
