import type { Workflow } from '@reelgraph/graph';
import { expect, it } from 'vitest';
import { smallCatalogue as catalogue, chain } from '../testing/small-graph.ts';
import { RunLabels, runLabel } from './run-labels.ts';

it('a run without texts or seeds among its inputs has no label of its own', () => {
  const label = runLabel(chain(), catalogue);
  expect(label.text).toBeUndefined();
  expect(label.seeds()).toBeUndefined();
});

/** noise-1 ─→ denoise-1, noise-2 ─→ denoise-2, …, each with a seed among the inputs */
function takes(seeds: readonly string[]): Workflow {
  const ids = seeds.map((_, index) => `noise-${index + 1}`);
  return {
    ...chain(),
    inputs: Object.fromEntries(ids.map((id) => [`seed of ${id}`, { node: id, param: 'seed', label: id }])),
    nodes: Object.fromEntries(
      ids.flatMap((id, index) => [
        [id, { type: 'noise', version: 1, params: { seed: seeds[index] ?? '' } }],
        [`denoise-${index + 1}`, { type: 'denoise', version: 1, params: {} }],
      ]),
    ),
    edges: ids.map((id, index) => ({ from: [id, 'latent'], to: [`denoise-${index + 1}`, 'latent'] })),
  };
}

it('a result is labelled with the seed behind it, and a run of several takes with all of theirs', () => {
  const label = runLabel(takes(['42', '43']), catalogue);
  expect(label.seeds('denoise-1')).toBe('seed 42');
  expect(label.seeds('denoise-2')).toBe('seed 43');
  expect(label.seeds()).toBe('seeds 42, 43');
});

it('params of its nodes are called as people read them', () => {
  const { labelsOf } = runLabel(takes(['42']), catalogue);
  const label = catalogue.get('noise')?.params.seed?.label;
  expect(label).toBeDefined();
  expect(labelsOf('noise-1')?.param?.('seed')).toBe(label);
  expect(labelsOf('gone')).toBeUndefined();
});

it('equal seeds are one, and many are counted', () => {
  expect(runLabel(takes(['7', '7']), catalogue).seeds()).toBe('seed 7');
  const many = runLabel(takes(['1', '2', '3', '4', '5', '6']), catalogue);
  expect(many.seeds()).toBe('seeds 1, 2, 3, 4 and 2 more');
});

it('each run is asked for once, and one that is gone does not stop the others', async () => {
  const asked: string[] = [];
  const labels = new RunLabels(async (runId) => {
    asked.push(runId);
    if (runId === 'gone') throw new Error('no such run');
    return { text: `prompt of ${runId}`, seeds: () => 'seed 1', labelsOf: () => undefined };
  });
  for (const runId of ['a', 'gone', 'a', 'b']) labels.want(runId);
  await new Promise<void>((resolve) => {
    labels.subscribe(() => labels.get().size === 3 && resolve());
  });
  expect(asked).toEqual(['a', 'gone', 'b']);
  expect(labels.get().get('b')?.text).toBe('prompt of b');
  expect(labels.get().get('gone')?.text).toBeUndefined();
  expect(labels.get().get('gone')?.seeds()).toBeUndefined();
});
