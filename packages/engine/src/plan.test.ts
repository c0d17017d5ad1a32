import type { Workflow } from '@reelgraph/graph';
import { defineNode } from '@reelgraph/node-api';
import { describe, expect, test } from 'vitest';
import { document, registryOf, sumNode } from './example-nodes.ts';
import { planRun, type RunPlan } from './plan.ts';

const ran: string[] = [];
const picky = defineNode({
  type: 'picky',
  version: 1,
  title: 'Picky',
  description: '',
  category: 'Test',
  inputs: { a: { type: 'number', label: 'A', description: '' } },
  outputs: { text: { type: 'text', label: 'Text', description: '' } },
  params: {
    model: { kind: 'model', label: 'Model', description: '', default: 'toybox' },
    file: { kind: 'file', label: 'File', description: '', default: '', accept: 'image' },
    seed: { kind: 'seed', label: 'Seed', description: '', default: '0' },
  },
  cache: 'disk',
  lane: 'cpu',
  run: () => ({ text: '' }),
});
const registry = registryOf(
  sumNode('sum', ran),
  sumNode('out', ran, undefined, { isOutput: true }),
  sumNode('always', ran, undefined, { cache: 'none' }),
  sumNode('stamp', ran, undefined, { usesWorkflow: true }),
  picky,
);
const digests = {
  digestOfModel: async (name: string) => `${name}-digest`,
  digestOfFile: async (name: string) => {
    if (name === 'missing.png') throw new Error('no such file');
    return name.startsWith('copy-of-') ? name.slice('copy-of-'.length) : name;
  },
};

async function plan(workflow: Workflow, targets?: readonly string[]): Promise<RunPlan> {
  const result = await planRun(workflow, registry, {
    ...digests,
    ...(targets === undefined ? {} : { targets }),
  });
  if (!result.ok) throw new Error(JSON.stringify(result.issues));
  return result.plan;
}
async function refusal(workflow: Workflow, targets?: readonly string[]): Promise<string[]> {
  const result = await planRun(workflow, registry, {
    ...digests,
    ...(targets === undefined ? {} : { targets }),
  });
  return result.ok ? [] : result.issues.map(({ code, nodeId }) => `${code} ${nodeId ?? ''}`);
}
async function keyOf(workflow: Workflow, id: string): Promise<string | undefined> {
  return (await plan(workflow, [id])).nodes.find((node) => node.id === id)?.key;
}

//  a ──> b ──> o (output)      a ──> lone      exposed: b.sum
const workflow = document({ a: ['sum', 1], b: ['sum', 2], o: ['out'], lone: ['sum', 9] }, [
  'a.sum -> b.a',
  'b.sum -> o.a',
  'a.sum -> lone.a',
]);

describe('planning', () => {
  test('P1 plans the output nodes and what they need, in order', async () => {
    const { nodes, targets } = await plan(workflow);
    expect(nodes.map(({ id }) => id)).toEqual(['a', 'b', 'o']);
    expect(targets).toEqual([2]);
  });

  test('P1 plans the targets that were asked for, and what the document exposes', async () => {
    expect((await plan(workflow, ['lone'])).nodes.map(({ id }) => id)).toEqual(['a', 'lone']);
    const exposing = { ...workflow, outputs: { x: { node: 'lone', port: 'sum', label: '' } } };
    const exposed = await plan(exposing);
    expect(exposed.nodes.map(({ id }) => id)).toEqual(['a', 'b', 'o', 'lone']);
    expect([...exposed.exposed.keys()]).toEqual(['x']);
    expect(await refusal(workflow, ['nowhere'])).toEqual(['engine/unknown-target nowhere']);
  });

  test('P2 plans the largest chain there can be without recursion', async () => {
    const chain = (count: number): Workflow =>
      document(
        Object.fromEntries(
          Array.from({ length: count }, (_, index) => [`n${index}`, ['sum', index % 7] as const]),
        ),
        Array.from({ length: count - 1 }, (_, index) => `n${index}.sum -> n${index + 1}.a`),
      );
    expect((await plan(chain(20_000), ['n19999'])).nodes.length).toBe(20_000);
  });

  test('P3 says everything that is wrong with the part it would touch, and nothing of the rest', async () => {
    const broken: Workflow = {
      ...document({ a: ['sum', 5000], p: ['picky'], g: ['ghost'], o: ['out'], off: ['ghost'] }, [
        'g.sum -> o.a',
        'a.sum -> o.b',
      ]),
    };
    expect(await refusal(broken, ['o', 'p'])).toEqual([
      'graph/unknown-type g',
      'graph/param-range a',
      'graph/bad-edge o',
      'graph/missing-input p',
    ]);
    expect(await refusal(document({ a: ['sum', 1], off: ['ghost'], o: ['out'] }, ['a.sum -> o.a']))).toEqual(
      [],
    );
  });

  test('P3 refuses a loop and a node of a newer version', async () => {
    expect(await refusal(document({ a: ['sum'], b: ['out'] }, ['a.sum -> b.a', 'b.sum -> a.a']))).toEqual([
      'graph/cycle b',
    ]);
    const newer = document({ a: ['sum'] });
    expect(await refusal({ ...newer, nodes: { a: { type: 'sum', version: 2, params: {} } } }, ['a'])).toEqual(
      ['graph/newer-node a'],
    );
  });

  test('P4 muted parts are set aside; nothing left is an error', async () => {
    const muted = {
      ...workflow,
      nodes: { ...workflow.nodes, b: { type: 'sum', version: 1, params: {}, mode: 'muted' as const } },
    };
    expect(await refusal(muted)).toEqual(['engine/nothing-to-run ']);
    const { nodes, muted: reasons } = await plan({
      ...muted,
      outputs: { x: { node: 'lone', port: 'sum', label: '' } },
    });
    expect(nodes.map(({ id }) => id)).toEqual(['a', 'lone']);
    expect(Object.fromEntries(reasons)).toEqual({ o: 'b' });
    expect(await refusal(document({ a: ['sum'] }))).toEqual(['engine/nothing-to-run ']);
  });

  test('P1 an instance as target means what is inside it', async () => {
    const nested = document({ a: ['sum', 1], i: ['subgraph:inner'] }, ['a.sum -> i.in'], {
      subgraphs: {
        inner: {
          title: '',
          description: '',
          nodes: { x: { type: 'sum', version: 1, params: {} } },
          edges: [],
          inputs: { in: { type: 'number', label: '', to: [['x', 'a']] } },
          outputs: { out: { type: 'number', label: '', from: ['x', 'sum'] } },
          params: {},
          layout: { nodes: {} },
        },
      },
    });
    expect((await plan(nested, ['i'])).nodes.map(({ id }) => id)).toEqual(['a', 'i/x']);
  });
});

describe('keys', () => {
  test('K6 the way keys are made has not changed', async () => {
    // Also computed by hand from K1, outside this program: sha256 of
    // 15:reelgraph-key-13:sum1:15:param4:term8:number:25:input1:a68:<key of a> sum
    expect(await keyOf(workflow, 'b')).toBe(
      'f39e1d7bf6cd9ca4403f66e22601d7dfa43205e48495c8d54a9bfcf1a5a36fe7',
    );
  });

  test('K2 ids, titles, layout and written-out defaults change no key', async () => {
    const renamed: Workflow = {
      ...document({ one: ['sum', 1], two: ['sum', 2] }, ['one.sum -> two.a']),
      name: 'Other',
      layout: { nodes: { one: [9, 9] } },
    };
    expect(await keyOf(renamed, 'two')).toBe(await keyOf(workflow, 'b'));
    expect(await keyOf(document({ a: ['sum', 0] }), 'a')).toBe(await keyOf(document({ a: ['sum'] }), 'a'));
  });

  test('K1 param, port, source, type and version each change the key', async () => {
    const keys = await Promise.all([
      keyOf(document({ a: ['sum', 1], b: ['sum', 2] }, ['a.sum -> b.a']), 'b'),
      keyOf(document({ a: ['sum', 1], b: ['sum', 3] }, ['a.sum -> b.a']), 'b'),
      keyOf(document({ a: ['sum', 1], b: ['sum', 2] }, ['a.sum -> b.b']), 'b'),
      keyOf(document({ a: ['sum', 4], b: ['sum', 2] }, ['a.sum -> b.a']), 'b'),
      keyOf(document({ a: ['sum', 1], b: ['out', 2] }, ['a.sum -> b.a']), 'b'),
      keyOf(document({ b: ['sum', 2] }), 'b'),
    ]);
    const newer = await planRun(
      document({ b: ['sum', 2] }),
      registryOf(sumNode('sum', ran, undefined, { version: 2 })),
      { ...digests, targets: ['b'] },
    );
    const all = [...keys, newer.ok ? newer.plan.nodes[0]?.key : undefined];
    expect(new Set(all).size).toBe(all.length);
    expect(all).not.toContain(undefined);
  });

  test('K3 models count by digest, files by content, texts never run together', async () => {
    const key = (params: Record<string, string>) =>
      keyOf(
        {
          ...document({ a: ['sum', 1], p: ['picky'] }, ['a.sum -> p.a']),
          nodes: { a: { type: 'sum', version: 1, params: {} }, p: { type: 'picky', version: 1, params } },
        },
        'p',
      );
    const base = await key({ file: 'x.png' });
    expect(await key({ file: 'copy-of-x.png' })).toBe(base);
    expect(await key({ file: 'y.png' })).not.toBe(base);
    expect(await key({ file: 'x.png', model: 'other' })).not.toBe(base);
    expect(await key({ file: 'x.png', seed: '18446744073709551615' })).not.toBe(base);
    const moved = await planRun(
      { ...document({ a: ['sum', 1], p: ['picky'] }, ['a.sum -> p.a']) },
      registry,
      { ...digests, digestOfModel: async () => 'new-bytes', targets: ['p'] },
    );
    expect(moved.ok ? moved.plan.nodes.at(-1)?.key : '').not.toBe(await key({}));
  });

  test('K4 the document counts for nodes that embed it, its layout does not', async () => {
    const stamped = document({ s: ['stamp'], other: ['sum', 1] });
    const key = await keyOf(stamped, 's');
    expect(await keyOf({ ...stamped, layout: { nodes: { s: [1, 1] } } }, 's')).toBe(key);
    expect(await keyOf(document({ s: ['stamp'], other: ['sum', 2] }), 's')).not.toBe(key);
  });

  test('K5 nothing behind a node without a key has one', async () => {
    const chained = document({ a: ['always'], b: ['sum', 1] }, ['a.sum -> b.a']);
    expect((await plan(chained, ['b'])).nodes.map(({ key }) => key)).toEqual([undefined, undefined]);
    const missing = { ...document({ a: ['sum', 1], p: ['picky'] }, ['a.sum -> p.a']) };
    missing.nodes.p = { type: 'picky', version: 1, params: { file: 'missing.png' } };
    expect(await keyOf(missing, 'p')).toBeUndefined();
  });
});
