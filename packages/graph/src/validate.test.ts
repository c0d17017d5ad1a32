import { describe, expect, test } from 'vitest';
import type { Workflow } from './document.ts';
import { exampleCatalogue, exampleWorkflow } from './example-catalogue.ts';
import { validateWorkflow } from './validate.ts';

function check(workflow: Workflow): string[] {
  return validateWorkflow(workflow, exampleCatalogue).map(
    ({ code, severity, message }) => `${severity} ${code}: ${message}`,
  );
}
function codes(workflow: Workflow): string[] {
  return validateWorkflow(workflow, exampleCatalogue).map(({ code }) => code);
}

describe('checking a workflow', () => {
  test('V1 a sound workflow has no issues', () => {
    expect(check(exampleWorkflow({ s: 'source', t: 'sink' }, ['s.latent -> t.latent']))).toEqual([]);
  });

  // s ──> a ⇄ b      gone ──> t      two wires into j
  test('V1 everything wrong comes at once, with places and fixes', () => {
    const workflow = exampleWorkflow(
      {
        s: { type: 'source', params: { size: 1000, colour: 'red' } },
        a: 'join',
        b: 'step',
        j: 'join',
        t: 'sink',
        m: 'missing-type',
      },
      [
        'b.latent -> a.first',
        's.latent -> a.second',
        'a.latent -> b.latent',
        'gone.latent -> t.latent',
        's.latent -> j.first',
        'a.latent -> j.first',
      ],
    );
    const issues = validateWorkflow(workflow, exampleCatalogue);
    expect(
      issues.map(({ code, nodeId, port, param, path, fix }) => ({ code, nodeId, port, param, path, fix })),
    ).toEqual([
      {
        code: 'graph/unknown-param',
        nodeId: 's',
        port: undefined,
        param: 'colour',
        path: ['nodes', 's', 'params', 'colour'],
        fix: undefined,
      },
      {
        code: 'graph/param-range',
        nodeId: 's',
        port: undefined,
        param: 'size',
        path: ['nodes', 's', 'params', 'size'],
        fix: { kind: 'set-param', label: 'Set Size to 256', nodeId: 's', param: 'size', value: 256 },
      },
      {
        code: 'graph/unknown-type',
        nodeId: 'm',
        port: undefined,
        param: undefined,
        path: ['nodes', 'm', 'type'],
        fix: undefined,
      },
      {
        code: 'graph/dangling-edge',
        nodeId: 't',
        port: 'latent',
        param: undefined,
        path: ['edges', 3],
        fix: {
          kind: 'remove-edge',
          label: 'Remove this wire',
          from: ['gone', 'latent'],
          to: ['t', 'latent'],
        },
      },
      {
        code: 'graph/input-taken',
        nodeId: 'j',
        port: 'first',
        param: undefined,
        path: ['edges', 5],
        fix: { kind: 'remove-edge', label: 'Remove this wire', from: ['a', 'latent'], to: ['j', 'first'] },
      },
      {
        code: 'graph/cycle',
        nodeId: 'a',
        port: undefined,
        param: undefined,
        path: ['nodes', 'a'],
        fix: { kind: 'remove-edge', label: 'Remove this wire', from: ['b', 'latent'], to: ['a', 'first'] },
      },
      {
        code: 'graph/missing-input',
        nodeId: 't',
        port: 'latent',
        param: undefined,
        path: ['nodes', 't'],
        fix: undefined,
      },
    ]);
  });

  test('V2 versions: newer is an error, older a warning', () => {
    expect(
      check(exampleWorkflow({ s: { type: 'source', version: 3 }, o: { type: 'source', version: 1 } })),
    ).toEqual([
      'error graph/newer-node: Node "s" was made with version 3 of source; this Reelgraph has version 2. Update Reelgraph to run it.',
      'warning graph/older-node: Node "o" was made with version 1 of source and runs as version 2; its result may differ.',
    ]);
  });

  test('V2 a missing type offers the nearest one and does not condemn its wires', () => {
    const workflow = exampleWorkflow({ s: 'sorce', t: 'sink' }, ['s.latent -> t.latent']);
    expect(check(workflow)).toEqual([
      'error graph/unknown-type: Node "s" has type "sorce", which is not installed. Did you mean "source"?',
    ]);
  });

  test('V3 a wrong type, an unknown port, a node wired to itself', () => {
    const workflow = exampleWorkflow(
      { w: { type: 'write', params: { text: 'hi' } }, s: 'source', t: 'sink', p: 'join' },
      ['w.text -> t.latent', 's.latents -> p.first', 'p.latent -> p.second'],
    );
    expect(codes(workflow)).toEqual([
      'graph/type-mismatch',
      'graph/unknown-port',
      'graph/same-node',
      'graph/missing-input',
      'graph/missing-input',
    ]);
  });

  // a ⇄ b     c ──> d ──> e ──> c
  test('V4 every loop is named once, with its nodes', () => {
    const workflow = exampleWorkflow({ a: 'step', b: 'step', c: 'step', d: 'step', e: 'step' }, [
      'a.latent -> b.latent',
      'b.latent -> a.latent',
      'c.latent -> d.latent',
      'd.latent -> e.latent',
      'e.latent -> c.latent',
    ]);
    expect(check(workflow)).toEqual([
      'error graph/cycle: These nodes need each other in a loop, so none can start: "a", "b". Remove one of the wires between them.',
      'error graph/cycle: These nodes need each other in a loop, so none can start: "c", "d", "e". Remove one of the wires between them.',
    ]);
  });

  test('V4 a chain and a loop of ten thousand nodes are checked without recursion', () => {
    const ids = Array.from({ length: 10_000 }, (_, index) => `n${index}`);
    const nodes = { s: 'source', ...Object.fromEntries(ids.map((id) => [id, 'step'])) };
    const chain = ids.map((id, index) => `${index === 0 ? 's' : `n${index - 1}`}.latent -> ${id}.latent`);
    expect(codes(exampleWorkflow(nodes, chain))).toEqual([]);
    const loop = [...chain.slice(1), 'n9999.latent -> n0.latent'];
    const [issue] = validateWorkflow(exampleWorkflow(nodes, loop), exampleCatalogue);
    expect(issue?.message).toContain('"n0", "n1", "n2", "n3", "n4", "n5", "n6", "n7", 9992 more');
  });

  // s ──> [bypassed b] ──> t      [bypassed w has no latent] ──> u
  test('V5 looks through bypassed nodes', () => {
    const through = exampleWorkflow({ s: 'source', b: { mode: 'bypassed' }, t: 'sink' }, [
      's.latent -> b.latent',
      'b.latent -> t.latent',
    ]);
    expect(check(through)).toEqual([]);
    const nothing = exampleWorkflow({ s: { type: 'source', mode: 'bypassed' }, t: 'sink' }, [
      's.latent -> t.latent',
    ]);
    expect(check(nothing)).toEqual([
      'error graph/missing-input: sink ("t"): input "latent" gets nothing, because "s" is bypassed and has no latent to pass on. Wire it from source, or step, or join.',
    ]);
  });

  test.each([
    ['source', { size: '64' }, 'graph/param-kind', '"Size" expects a whole number, found "64"', 64],
    ['source', { size: 64.5 }, 'graph/param-kind', '"Size" expects a whole number, found 64.5', 65],
    ['source', { size: 15 }, 'graph/param-range', '"Size" expects 16 to 256 px, found 15', 16],
    ['source', { scale: true }, 'graph/param-kind', '"Text" expects a number, found true', 1],
    [
      'source',
      { seed: 42 },
      'graph/param-seed',
      '"Text" expects a whole number from 0 to 18446744073709551615 in quotes, found 42',
      '42',
    ],
    ['source', { seed: '18446744073709551616' }, 'graph/param-seed', 'found "18446744073709551616"', '0'],
    ['source', { seed: '-1' }, 'graph/param-seed', 'found "-1"', '0'],
    ['step', { mode: 'slow' }, 'graph/param-choice', 'expects one of "fast", "good", found "slow"', 'fast'],
    ['step', { on: 'yes' }, 'graph/param-kind', 'expects true or false, found "yes"', true],
    ['write', { text: '  ' }, 'graph/param-empty', 'is empty and must say something', undefined],
    ['write', {}, 'graph/param-empty', 'is empty and must say something', undefined],
    [
      'write',
      { text: 'x'.repeat(21) },
      'graph/param-too-long',
      'holds at most 20 characters, found 21',
      'x'.repeat(20),
    ],
    ['write', { text: 'ok', model: ' ' }, 'graph/param-empty', 'expects the name of a model', 'toybox'],
    ['write', { text: 'ok', file: 3 }, 'graph/param-kind', 'expects a text, found 3', ''],
  ])('V6 %s %j is %s', (type, params, code, message, fix) => {
    const [issue] = validateWorkflow(exampleWorkflow({ n: { type, params } }), exampleCatalogue).filter(
      (found) => found.code !== 'graph/missing-input',
    );
    expect(issue).toMatchObject({
      code,
      severity: 'error',
      nodeId: 'n',
      message: expect.stringContaining(message),
    });
    expect(issue?.fix?.kind === 'set-param' ? issue.fix.value : undefined).toBe(fix);
  });

  test('V6 seeds of 64 bits fit', () => {
    expect(
      check(exampleWorkflow({ s: { type: 'source', params: { seed: '18446744073709551615' } } })),
    ).toEqual([]);
  });

  // [muted s] ──> a ──> t
  test('V7 nodes behind a muted one and exposed names that point nowhere are warnings', () => {
    const workflow = exampleWorkflow(
      { s: { type: 'source', mode: 'muted' }, a: 'step', t: 'sink' },
      ['s.latent -> a.latent', 'a.latent -> t.latent'],
      {
        inputs: {
          size: { node: 's', param: 'size', label: '' },
          lost: { node: 'gone', param: 'x', label: '' },
          odd: { node: 's', param: 'x', label: '' },
        },
        outputs: {
          out: { node: 'a', port: 'latent', label: '' },
          lost: { node: 'a', port: 'video', label: '' },
        },
      },
    );
    expect(check(workflow)).toEqual([
      'warning graph/muted-upstream: step ("a") will not run because it needs source ("s"), which is muted.',
      'warning graph/muted-upstream: sink ("t") will not run because it needs source ("s"), which is muted.',
      'warning graph/exposed-input: The exposed input "lost" sets nothing: there is no node "gone".',
      'warning graph/exposed-input: The exposed input "odd" sets nothing: node "s" has no param "x".',
      'warning graph/exposed-output: The exposed output "lost" gives nothing: node "a" has no output "video".',
    ]);
  });

  test('V8 the inside of a subgraph is checked, and what its ports stand for', () => {
    const workflow = exampleWorkflow(
      { s: 'source', i: { type: 'subgraph:inner', version: 1 }, t: 'sink' },
      ['s.latent -> i.in', 'i.out -> t.latent'],
      {
        subgraphs: {
          inner: {
            title: 'Inner',
            description: '',
            nodes: {
              a: { type: 'join', version: 2, params: {} },
              b: { type: 'step', version: 2, params: { on: 3 } },
            },
            edges: [],
            inputs: {
              in: { type: 'latent', label: 'In', to: [['a', 'first']] },
              bad: { type: 'text', label: 'Bad', to: [['b', 'latent']] },
            },
            outputs: { out: { type: 'latent', label: 'Out', from: ['a', 'latent'] } },
            params: { lost: { node: 'b', param: 'nothing' } },
            layout: { nodes: {} },
          },
        },
      },
    );
    const issues = validateWorkflow(workflow, exampleCatalogue);
    expect(issues.map(({ code, path, nodeId }) => ({ code, path: path?.join('.'), nodeId }))).toEqual([
      { code: 'graph/param-kind', path: 'subgraphs.inner.nodes.b.params.on', nodeId: undefined },
      { code: 'graph/subgraph-interface', path: 'subgraphs.inner.inputs.bad', nodeId: undefined },
      { code: 'graph/subgraph-interface', path: 'subgraphs.inner.params.lost', nodeId: undefined },
      { code: 'graph/missing-input', path: 'nodes.i', nodeId: 'i' },
    ]);
  });
});
