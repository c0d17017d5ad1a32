import type { Workflow } from '@reelgraph/graph';
import { defineNode, type InferContext } from '@reelgraph/node-api';
import { describe, expect, test } from 'vitest';
import { blockingIssues, checkWorkflow } from './check.ts';
import { document, registryOf, sumNode } from './example-nodes.ts';
import { fixWorkflow } from './fix-workflow.ts';

const ran: string[] = [];
const clip = { type: 'frames', label: 'Frames', description: '' } as const;
/** Gives `count` frames and insists on 4n + 1 of them. */
const shoot = defineNode({
  type: 'shoot',
  version: 1,
  title: 'Shoot',
  description: '',
  category: 'Test',
  inputs: {},
  outputs: { frames: clip },
  params: { count: { kind: 'integer', label: 'Count', description: '', default: 17, min: 1, max: 500 } },
  cache: 'memory',
  lane: 'cpu',
  infer: ({ params }) => ({
    outputs: { frames: { frameCount: params.count } },
    issues:
      params.count % 4 === 1
        ? []
        : [
            {
              code: 'shoot/frame-rule',
              severity: 'error',
              message: `expected 4n + 1 frames, found ${params.count}`,
              param: 'count',
              fix: { label: 'Use 17', param: 'count', value: 17 },
            },
          ],
  }),
  run: () => {
    throw new Error('checking runs nothing');
  },
});
const broken = defineNode({ ...shoot, type: 'broken', title: 'Broken', infer: () => JSON.parse('no JSON') });
const registry = registryOf(
  sumNode('sum', ran),
  sumNode('out', ran, undefined, { isOutput: true }),
  shoot,
  broken,
);
const context: InferContext = { models: new Map() };

describe('checking', () => {
  //  a ──> b ──> c
  test('Q1 facts travel along the wires', () => {
    const { issues, facts } = checkWorkflow(
      document({ a: ['sum'], b: ['sum'], c: ['sum'] }, ['a.sum -> b.a', 'b.sum -> c.a']),
      registry,
      context,
    );
    expect(issues).toEqual([]);
    expect(facts).toEqual({
      a: { sum: { frameCount: 1 } },
      b: { sum: { frameCount: 2 } },
      c: { sum: { frameCount: 3 } },
    });
    expect(ran).toEqual([]);
  });

  test('Q1 what a node infers to be wrong has its place and its fix', () => {
    const workflow = document({ s: ['shoot'] });
    workflow.nodes.s = { type: 'shoot', version: 1, params: { count: 80 } };
    const { issues, facts } = checkWorkflow(workflow, registry, context);
    expect(issues).toEqual([
      {
        code: 'shoot/frame-rule',
        severity: 'error',
        message: 'expected 4n + 1 frames, found 80',
        nodeId: 's',
        param: 'count',
        fix: { kind: 'set-param', label: 'Use 17', nodeId: 's', param: 'count', value: 17 },
      },
    ]);
    expect(facts).toEqual({ s: { frames: { frameCount: 80 } } });
  });

  //  a ──> b ⇄ c      d ──> e      unfit params at e, a broken check at x
  test('Q1 around loops, unfit params and faulty node types the rest is still known', () => {
    const workflow = document(
      { a: ['sum'], b: ['sum'], c: ['sum'], d: ['sum'], e: ['sum', 5000], x: ['broken'], g: ['ghost'] },
      ['a.sum -> b.a', 'b.sum -> c.a', 'c.sum -> b.b', 'd.sum -> e.a'],
    );
    const { issues, facts } = checkWorkflow(workflow, registry, context);
    expect(issues.map(({ code, nodeId }) => [code, nodeId])).toEqual([
      ['graph/param-range', 'e'],
      ['graph/unknown-type', 'g'],
      ['graph/cycle', 'b'],
      ['engine/infer-failed', 'x'],
    ]);
    expect(facts).toEqual({ a: { sum: { frameCount: 1 } }, d: { sum: { frameCount: 1 } } });
  });

  test('Q1 looks into instances and through bypassed nodes', () => {
    const workflow: Workflow = document(
      { a: ['sum'], skip: ['sum'], i: ['subgraph:inner'] },
      ['a.sum -> skip.a', 'skip.sum -> i.in'],
      {
        subgraphs: {
          inner: {
            title: '',
            description: '',
            nodes: { x: { type: 'sum', version: 1, params: {} } },
            edges: [],
            inputs: { in: { type: 'number', label: '', to: [['x', 'a']] } },
            outputs: {},
            params: {},
            layout: { nodes: {} },
          },
        },
      },
    );
    workflow.nodes.skip = { type: 'sum', version: 1, params: {}, mode: 'bypassed' };
    expect(checkWorkflow(workflow, registry, context).facts).toEqual({
      a: { sum: { frameCount: 1 } },
      'i/x': { sum: { frameCount: 2 } },
    });
  });

  test('Q2 only errors at needed nodes and of the whole document block a run', () => {
    const workflow = document({ a: ['sum', 5000], o: ['out'], aside: ['ghost'], b: ['sum'] }, [
      'a.sum -> o.a',
      'aside.sum -> b.a',
    ]);
    const { issues } = checkWorkflow(workflow, registry, context);
    expect(issues.map(({ nodeId }) => nodeId)).toEqual(['a', 'aside']);
    expect(blockingIssues(workflow, registry, issues).map(({ nodeId }) => nodeId)).toEqual(['a']);
    expect(blockingIssues(workflow, registry, issues, ['b']).map(({ nodeId }) => nodeId)).toEqual(['aside']);
    const idle = document({ b: ['sum'] });
    expect(
      blockingIssues(idle, registry, checkWorkflow(idle, registry, context).issues).map(({ code }) => code),
    ).toEqual(['engine/nothing-to-run']);
    const loop = document({ a: ['sum'], o: ['out'] }, ['a.sum -> o.a', 'o.sum -> a.a']);
    expect(
      blockingIssues(loop, registry, checkWorkflow(loop, registry, context).issues).map(({ code }) => code),
    ).toEqual(['graph/cycle']);
  });

  /** Insists on 4n + 1 frames like `shoot`, and proposes these counts. */
  const proposing = (type: string, first: number, ...others: number[]) => {
    const fixes = [first, ...others].map((value) => ({ label: `Use ${value}`, param: 'count', value }));
    return defineNode({
      ...shoot,
      type,
      infer: ({ params }) => ({
        outputs: {},
        issues: [{ code: 'shoot/frame-rule', severity: 'error', message: '', param: 'count' } as const]
          .filter(() => params.count % 4 !== 1)
          .map((issue) => ({ ...issue, fix: fixes[0]!, otherFixes: fixes.slice(1) })),
      }),
    });
  };

  test('Q3 of several proposals the first that helps is offered, and none that does not', () => {
    const types = registryOf(proposing('second', 18, 17), proposing('neither', 18, 20), sumNode('out', ran));
    const workflow = document({ a: ['second'], b: ['neither'] });
    for (const id of ['a', 'b']) workflow.nodes[id] = { ...workflow.nodes[id]!, params: { count: 80 } };
    const { issues } = checkWorkflow(workflow, types, context);
    expect(issues.map(({ nodeId, fix }) => [nodeId, fix?.label])).toEqual([
      ['a', 'Use 17'],
      ['b', undefined],
    ]);
  });

  test('Q4 mending goes on until nothing is left, and leaves the document given as it was', async () => {
    const workflow = document({ a: ['shoot'], b: ['shoot'], c: ['sum', 5000] });
    for (const id of ['a', 'b']) workflow.nodes[id] = { type: 'shoot', version: 1, params: { count: 80 } };
    const before = structuredClone(workflow);
    const fixed = await fixWorkflow(workflow, (changed) => checkWorkflow(changed, registry, context));
    expect(fixed.applied.map(({ code, nodeId }) => [code, nodeId])).toEqual([
      ['graph/param-range', 'c'],
      ['shoot/frame-rule', 'a'],
      ['shoot/frame-rule', 'b'],
    ]);
    expect(fixed.check.issues).toEqual([]);
    expect(fixed.workflow.nodes.c?.params).toEqual({ term: 1000 });
    expect(workflow).toEqual(before);
  });

  test('Q4 a document that needs no mending is given back', async () => {
    const workflow = document({ a: ['sum'] });
    const fixed = await fixWorkflow(workflow, (changed) => checkWorkflow(changed, registry, context));
    expect(fixed.workflow).toBe(workflow);
    expect(fixed.applied).toEqual([]);
  });
});
