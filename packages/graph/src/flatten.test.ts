import { describe, expect, test } from 'vitest';
import type { Subgraph, Workflow } from './document.ts';
import { exampleCatalogue, exampleEdge, exampleWorkflow } from './example-catalogue.ts';
import { type FlatGraph, flattenSubgraphs, resolveModes } from './flatten.ts';

function subgraph(nodes: Record<string, string>, edges: string[], rest: Partial<Subgraph> = {}): Subgraph {
  return {
    title: '',
    description: '',
    nodes: Object.fromEntries(
      Object.entries(nodes).map(([id, type]) => [id, { type, version: 2, params: {} }]),
    ),
    edges: edges.map(exampleEdge),
    inputs: {},
    outputs: {},
    params: {},
    layout: { nodes: {} },
    ...rest,
  };
}

function flat(workflow: Workflow): FlatGraph {
  const result = flattenSubgraphs(workflow);
  if (!result.ok) throw new Error(JSON.stringify(result.issues));
  return result.graph;
}
function drawn({ nodes, edges }: FlatGraph): { nodes: string[]; edges: string[] } {
  return {
    nodes: [...nodes.keys()],
    edges: edges.map(({ from, to }) => `${from.join('.')} -> ${to.join('.')}`),
  };
}

//  pair:  in ──> a ──> b ──> out        (on = a.on)
const pair = subgraph({ a: 'step', b: 'step' }, ['a.latent -> b.latent'], {
  inputs: { in: { type: 'latent', label: '', to: [['a', 'latent']] } },
  outputs: { out: { type: 'latent', label: '', from: ['b', 'latent'] } },
  params: { on: { node: 'a', param: 'on' } },
});
//  twice:  in ──> x(pair) ──> y(pair) ──> out
const twice = subgraph({ x: 'subgraph:pair', y: 'subgraph:pair' }, ['x.out -> y.in'], {
  inputs: { in: { type: 'latent', label: '', to: [['x', 'in']] } },
  outputs: { out: { type: 'latent', label: '', from: ['y', 'out'] } },
  params: { first: { node: 'x', param: 'on' } },
});

describe('flattening', () => {
  test('F1 F2 instances inside instances become paths, params reach the inner node', () => {
    const workflow = exampleWorkflow(
      { s: 'source', i: { type: 'subgraph:twice', params: { first: false } }, t: 'sink' },
      ['s.latent -> i.in', 'i.out -> t.latent'],
      { subgraphs: { twice, pair } },
    );
    const graph = flat(workflow);
    expect(drawn(graph)).toEqual({
      nodes: ['s', 'i/x/a', 'i/x/b', 'i/y/a', 'i/y/b', 't'],
      edges: [
        'i/x/a.latent -> i/x/b.latent',
        'i/y/a.latent -> i/y/b.latent',
        'i/x/b.latent -> i/y/a.latent',
        's.latent -> i/x/a.latent',
        'i/y/b.latent -> t.latent',
      ],
    });
    expect([...graph.nodes].filter(([, node]) => node.params.on !== undefined).map(([id]) => id)).toEqual([
      'i/x/a',
    ]);
    expect(workflow.subgraphs.pair?.nodes.a?.params).toEqual({});
  });

  test('F3 a subgraph that contains itself through another is refused by name', () => {
    const workflow = exampleWorkflow({ i: 'subgraph:a' }, [], {
      subgraphs: { a: subgraph({ n: 'subgraph:b' }, []), b: subgraph({ n: 'subgraph:a' }, []) },
    });
    const result = flattenSubgraphs(workflow);
    expect(result).toMatchObject({
      ok: false,
      issues: [{ code: 'graph/subgraph-recursion', message: expect.stringContaining('contains itself') }],
    });
  });

  test('F3 an explosion is refused before it happens', () => {
    // Ten levels of ten instances each would be 10^10 nodes: no memory holds them, so this could not come back.
    const levels = Array.from({ length: 10 }, (_, level): [string, Subgraph] => [
      `l${level}`,
      subgraph(
        Object.fromEntries(
          Array.from({ length: 10 }, (_unused, index) => [
            `n${index}`,
            level === 0 ? 'source' : `subgraph:l${level - 1}`,
          ]),
        ),
        [],
      ),
    ]);
    const result = flattenSubgraphs(
      exampleWorkflow({ i: 'subgraph:l9' }, [], { subgraphs: Object.fromEntries(levels) }),
    );
    expect(result).toMatchObject({ ok: false, issues: [{ code: 'graph/too-large' }] });
  });
});

describe('modes', () => {
  const active = (workflow: Workflow) => resolveModes(flat(workflow), workflow, exampleCatalogue);

  // s ──> [b1] ──> [b2] ──> t
  test('F4 wires go around bypassed nodes', () => {
    const workflow = exampleWorkflow(
      { s: 'source', b1: { mode: 'bypassed' }, b2: { mode: 'bypassed' }, t: 'sink' },
      ['s.latent -> b1.latent', 'b1.latent -> b2.latent', 'b2.latent -> t.latent'],
    );
    expect(drawn(active(workflow))).toEqual({ nodes: ['s', 't'], edges: ['s.latent -> t.latent'] });
  });

  // p ──> [j].first    q ──> [j].second    [j] ──> t
  test('F4 the first connected input in declared order is passed on', () => {
    const both = exampleWorkflow(
      { p: 'source', q: 'source', j: { type: 'join', mode: 'bypassed' }, t: 'sink' },
      ['q.latent -> j.second', 'p.latent -> j.first', 'j.latent -> t.latent'],
    );
    expect(drawn(active(both)).edges).toEqual(['p.latent -> t.latent']);
    const second = { ...both, edges: both.edges.filter(({ to }) => to[1] !== 'first') };
    expect(drawn(active(second)).edges).toEqual(['q.latent -> t.latent']);
  });

  test('F4 a ring of bypassed nodes passes on nothing', () => {
    const workflow = exampleWorkflow({ a: { mode: 'bypassed' }, b: { mode: 'bypassed' }, t: 'sink' }, [
      'a.latent -> b.latent',
      'b.latent -> a.latent',
      'a.latent -> t.latent',
    ]);
    expect(drawn(active(workflow))).toEqual({ nodes: ['t'], edges: [] });
  });

  test('F4 an instance is bypassed as a whole', () => {
    const workflow = exampleWorkflow(
      { s: 'source', i: { type: 'subgraph:pair', mode: 'bypassed' }, t: 'sink' },
      ['s.latent -> i.in', 'i.out -> t.latent'],
      {
        subgraphs: { pair },
      },
    );
    expect(drawn(active(workflow))).toEqual({ nodes: ['s', 't'], edges: ['s.latent -> t.latent'] });
  });

  // s ──> [m] ──> a ──> t     s ──> u
  test('F5 muted nodes take everything downstream with them', () => {
    const workflow = exampleWorkflow({ s: 'source', m: { mode: 'muted' }, a: 'step', t: 'sink', u: 'sink' }, [
      's.latent -> m.latent',
      'm.latent -> a.latent',
      'a.latent -> t.latent',
      's.latent -> u.latent',
    ]);
    const graph = active(workflow);
    expect(drawn(graph)).toEqual({ nodes: ['s', 'u'], edges: ['s.latent -> u.latent'] });
    expect(Object.fromEntries(graph.muted)).toEqual({ m: 'm', a: 'm', t: 'm' });
  });
});
