import { describe, expect, test } from 'vitest';
import { diffWorkflows, semanticEqual } from './diff.ts';
import { exampleEdge, exampleWorkflow } from './example-catalogue.ts';

const before = exampleWorkflow({ s: { type: 'source', params: { size: 64 } }, a: 'step', t: 'sink' }, [
  's.latent -> a.latent',
  'a.latent -> t.latent',
]);

describe('difference in meaning', () => {
  test('S1 moving, naming, grouping and commenting mean nothing', () => {
    const dressed = {
      ...before,
      nodes: { ...before.nodes, a: { type: 'step', version: 2, params: {}, title: 'My step' } },
      edges: [...before.edges].reverse(),
      groups: { g: { title: 'G', bounds: [0, 0, 1, 1] as [number, number, number, number] } },
      comments: { c: { text: 'hi', at: [0, 0] as [number, number] } },
      layout: { nodes: { a: [5, 5] as [number, number] } },
    };
    expect(semanticEqual(before, dressed)).toBe(true);
    expect(diffWorkflows(before, dressed)).toEqual([]);
  });

  test('S1 everything else is said in a line each', () => {
    const after = {
      ...before,
      name: 'Other',
      inputs: { size: { node: 's', param: 'size', label: 'Size' } },
      nodes: {
        s: { type: 'source', version: 2, params: { size: 96, seed: '7' } },
        t: { ...before.nodes.t, type: 'sink', version: 2, params: {}, mode: 'muted' as const },
        n: { type: 'step', version: 2, params: {} },
      },
      edges: [exampleEdge('s.latent -> n.latent'), exampleEdge('n.latent -> t.latent')],
    };
    expect(semanticEqual(before, after)).toBe(false);
    expect(diffWorkflows(before, after).map(({ message }) => message)).toEqual([
      'name: "Example" -> "Other"',
      'inputs.size: nothing -> {"node":"s","param":"size","label":"Size"}',
      's.size: 64 -> 96',
      's.seed: nothing -> "7"',
      '- a (step)',
      't: mode nothing -> "muted"',
      '+ n (step)',
      '- s.latent -> a.latent',
      '- a.latent -> t.latent',
      '+ s.latent -> n.latent',
      '+ n.latent -> t.latent',
    ]);
  });
});
