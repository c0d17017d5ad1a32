import { describe, expect, test } from 'vitest';
import { applyFix } from './apply-fix.ts';
import { type Workflow, workflowSchema } from './document.ts';

/** Nodes by id with their params, edges as `a.out -> b.in`. */
function document(
  nodes: Record<string, { type?: string; params?: Record<string, number> }>,
  edges: readonly string[] = [],
  rest: Partial<Workflow> = {},
): Workflow {
  return workflowSchema.parse({
    reelgraph: 1,
    name: 'fixed',
    nodes: Object.fromEntries(
      Object.entries(nodes).map(([id, { type = id, params = {} }]) => [id, { type, version: 1, params }]),
    ),
    edges: edges.map((text) => {
      const [from = '', to = ''] = text.split(' -> ');
      return { from: from.split('.'), to: to.split('.') };
    }),
    ...rest,
  });
}
const wires = ({ edges }: Workflow) => edges.map(({ from, to }) => `${from.join('.')} -> ${to.join('.')}`);
const label = 'Mend it';

describe('applying a fix', () => {
  test('X1 sets, renames and removes params, and nothing else is made anew', () => {
    const before = document({ a: { params: { x: 1 } }, b: {} });
    const set = applyFix(before, { kind: 'set-params', label, nodeId: 'a', values: { x: 2, y: 3 } });
    expect(set.nodes.a?.params).toEqual({ x: 2, y: 3 });
    expect(set.nodes.b).toBe(before.nodes.b);
    expect(set.edges).toBe(before.edges);
    expect(before.nodes.a?.params).toEqual({ x: 1 });
    const renamed = applyFix(before, { kind: 'remove-param', label, nodeId: 'a', param: 'x', renameTo: 'z' });
    expect(renamed.nodes.a?.params).toEqual({ z: 1 });
    expect(applyFix(before, { kind: 'bypass', label, nodeId: 'b' }).nodes.b?.mode).toBe('bypassed');
    expect(applyFix(set, { kind: 'remove-param', label, nodeId: 'a', param: 'x' }).nodes.a?.params).toEqual({
      y: 3,
    });
  });

  //  clip ──┬─> encode        clip ──> resize ──┬─> encode
  //         └─> mask     =>                     └─> mask
  test('X2 a node on a wire feeds everything named, halfway between both ends and on no other node', () => {
    const before = document({ clip: {}, encode: {}, mask: {}, other: {} }, [
      'clip.frames -> encode.frames',
      'clip.frames -> mask.frames',
    ]);
    before.layout.nodes = { clip: [0, 0], encode: [1200, 0], mask: [800, 0], other: [400, 20] };
    const after = applyFix(before, {
      kind: 'insert-nodes',
      label,
      nodes: [
        {
          type: 'resize',
          version: 2,
          params: { width: 64 },
          inputs: { frames: ['clip', 'frames'] },
          gives: 'frames',
        },
      ],
      to: [
        ['encode', 'frames'],
        ['mask', 'frames'],
      ],
    });
    expect(after.nodes.resize).toEqual({ type: 'resize', version: 2, params: { width: 64 } });
    expect(wires(after).sort()).toEqual([
      'clip.frames -> resize.frames',
      'resize.frames -> encode.frames',
      'resize.frames -> mask.frames',
    ]);
    expect(after.layout.nodes.resize).toEqual([400, 200]);
    expect(workflowSchema.parse(after)).toEqual(after);
  });

  //  a ──> b      =>      a ──> decode ──> encode ──> b
  test('X2 a chain of nodes is wired one into the next, under free names', () => {
    const before = document({ a: {}, b: {}, decode: {} }, ['a.latent -> b.latent']);
    const node = { version: 1, params: {} };
    const after = applyFix(before, {
      kind: 'insert-nodes',
      label,
      nodes: [
        { ...node, type: 'decode', inputs: { latent: ['a', 'latent'] }, gives: 'frames' },
        { ...node, type: 'encode', inputs: {}, takes: 'frames', gives: 'latent' },
      ],
      to: [['b', 'latent']],
    });
    expect(wires(after).sort()).toEqual([
      'a.latent -> decode-2.latent',
      'decode-2.frames -> encode.frames',
      'encode.latent -> b.latent',
    ]);
  });

  test('X3 a wire goes where it should, and the one it stands for is gone', () => {
    const before = document({ a: {}, b: {}, c: {} }, ['a.out -> c.in', 'b.out -> c.inn']);
    const from: [string, string] = ['b', 'out'];
    const connected = applyFix(before, {
      kind: 'connect',
      label,
      from,
      to: ['c', 'in'],
      instead: { from, to: ['c', 'inn'] },
    });
    expect(wires(connected)).toEqual(['b.out -> c.in']);
    expect(wires(applyFix(before, { kind: 'remove-edge', label, from, to: ['c', 'inn'] }))).toEqual([
      'a.out -> c.in',
    ]);
  });

  test('X4 inside an instance its own param is set, or the subgraph where it offers none', () => {
    const before = document({ one: { type: 'subgraph:inner' } }, [], {
      subgraphs: {
        inner: {
          title: '',
          description: '',
          nodes: { x: { type: 'size', version: 1, params: { width: 60, height: 60 } } },
          edges: [],
          inputs: {},
          outputs: {},
          params: { wide: { node: 'x', param: 'width' } },
          layout: { nodes: {} },
        },
      },
    });
    const set = (param: string) =>
      applyFix(before, { kind: 'set-param', label, nodeId: 'one/x', param, value: 64 });
    expect(set('width').nodes.one?.params).toEqual({ wide: 64 });
    expect(set('width').subgraphs).toBe(before.subgraphs);
    expect(set('height').subgraphs.inner?.nodes.x?.params).toEqual({ width: 60, height: 64 });
  });

  test('X5 a fix whose place is gone changes nothing', () => {
    const before = document({ a: {} });
    const gone: [string, string] = ['gone', 'out'];
    expect(applyFix(before, { kind: 'set-param', label, nodeId: 'gone', param: 'x', value: 1 })).toBe(before);
    expect(applyFix(before, { kind: 'set-param', label, nodeId: 'constructor', param: 'x', value: 1 })).toBe(
      before,
    );
    expect(applyFix(before, { kind: 'connect', label, from: gone, to: ['a', 'in'] })).toBe(before);
    expect(applyFix(before, { kind: 'remove-edge', label, from: gone, to: ['a', 'in'] })).toBe(before);
    const nodes = [{ type: 'b', version: 1, params: {}, inputs: { in: gone }, gives: 'out' }];
    expect(applyFix(before, { kind: 'insert-nodes', label, nodes, to: [['a', 'in']] })).toBe(before);
  });
});
