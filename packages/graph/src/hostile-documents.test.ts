/** Documents bent at random: whatever comes in, every rule answers and none throws. */
import { describe, expect, test } from 'vitest';
import { exampleCatalogue, exampleEdge, exampleWorkflow } from './example-catalogue.ts';
import { flattenSubgraphs, resolveModes } from './flatten.ts';
import { applyInputs } from './inputs.ts';
import { parseWorkflow, parseWorkflowValue } from './parse.ts';
import { stringifyWorkflow } from './stringify.ts';
import { topologicalOrder } from './topology.ts';
import { validateWorkflow } from './validate.ts';

const base = exampleWorkflow(
  {
    s: 'source',
    a: 'step',
    j: 'join',
    i: { type: 'subgraph:inner', version: 1 },
    t: 'sink',
    w: { type: 'write', params: { text: 'words' } },
  },
  ['s.latent -> a.latent', 'a.latent -> j.first', 'j.latent -> i.in', 'i.out -> t.latent'],
  {
    inputs: { size: { node: 's', param: 'size', label: 'Size' } },
    outputs: { out: { node: 'j', port: 'latent', label: 'Out' } },
    subgraphs: {
      inner: {
        title: '',
        description: '',
        nodes: { x: { type: 'step', version: 2, params: {} }, y: { type: 'step', version: 2, params: {} } },
        edges: [exampleEdge('x.latent -> y.latent')],
        inputs: { in: { type: 'latent', label: '', to: [['x', 'latent']] } },
        outputs: { out: { type: 'latent', label: '', from: ['y', 'latent'] } },
        params: { on: { node: 'x', param: 'on' } },
        layout: { nodes: {} },
      },
    },
  },
);

/** Values that tend to break programs, and names that exist elsewhere in the document. */
const bends: unknown[] = [
  null,
  true,
  -1,
  0,
  1.5,
  1e21,
  '',
  's',
  'a',
  'x',
  'latent',
  'toString',
  'valueOf',
  'hasOwnProperty',
  'step',
  'subgraph:inner',
  'subgraph:nowhere',
  'muted',
  'bypassed',
  '💥'.repeat(40),
  [],
  {},
  [['s', 'latent']],
  ['s', 'latent'],
  { from: ['t', 'latent'], to: ['s', 'latent'] },
  { from: ['j', 'latent'], to: ['a', 'latent'] },
  { type: 'subgraph:inner', version: 1, params: {} },
  { type: 'step', version: 2, params: {}, mode: 'bypassed' },
  { type: 'step', version: 2, params: {}, mode: 'muted' },
];

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** Puts a bend, a copy of another part, or nothing at a random place. */
function bend(root: unknown, next: (limit: number) => number): void {
  const places: [Record<string, unknown>, string][] = [];
  const visit = (value: unknown): void => {
    if (!isRecord(value)) return;
    for (const [key, part] of Object.entries(value)) {
      places.push([value, key]);
      visit(part);
    }
  };
  visit(root);
  const [holder, key] = places[next(places.length)] ?? [{}, ''];
  const [otherHolder, otherKey] = places[next(places.length)] ?? [{}, ''];
  switch (next(5)) {
    case 0:
      delete holder[key];
      return;
    case 1:
      holder[key] = structuredClone(otherHolder[otherKey]);
      return;
    case 2:
      if (!Array.isArray(holder)) holder[String(bends[7 + next(13)])] = structuredClone(holder[key]);
      else holder.push(structuredClone(bends[next(bends.length)]));
      return;
    default:
      holder[key] = structuredClone(bends[next(bends.length)]);
  }
}

describe('hostile documents', () => {
  test('D5 V1 F3 three thousand bent documents are refused with a place, or checked, flattened and written', () => {
    let state = 2024;
    const next = (limit: number): number => {
      state = (state * 48271) % 2147483647;
      return state % limit;
    };
    const seen = { refused: 0, faulty: 0, sound: 0 };
    const codes = new Set<string>();
    for (let round = 0; round < 3000; round += 1) {
      const document: unknown = structuredClone(base);
      for (let count = 1 + next(3); count > 0; count -= 1) bend(document, next);
      const text = JSON.stringify(document) ?? '';
      const result = parseWorkflow(text);
      expect(parseWorkflowValue(JSON.parse(text)).ok).toBe(result.ok);
      if (!result.ok) {
        seen.refused += 1;
        for (const issue of result.issues)
          expect([issue.code, issue.message.length > 10]).toEqual([issue.code, true]);
        continue;
      }
      const { workflow } = result;
      const written = stringifyWorkflow(workflow);
      const again = parseWorkflow(written);
      expect(again.ok ? stringifyWorkflow(again.workflow) : again).toBe(written);
      const issues = validateWorkflow(workflow, exampleCatalogue);
      for (const issue of issues) codes.add(issue.code);
      const errors = issues.filter(({ severity }) => severity === 'error');
      if (errors.length === 0) seen.sound += 1;
      else seen.faulty += 1;
      applyInputs(workflow, { size: '32', 'a.on': 'no', nothing: '' }, exampleCatalogue);
      const flat = flattenSubgraphs(workflow);
      if (!flat.ok) {
        expect(errors.length).toBeGreaterThan(0);
        continue;
      }
      // What the checks let through has an order.
      const { nodes, edges } = resolveModes(flat.graph, workflow, exampleCatalogue);
      if (errors.length === 0) expect(topologicalOrder(nodes.keys(), edges).ok).toBe(true);
    }
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
    // The bends reach all three outcomes and most rules, or the test would prove little.
    expect(Math.min(seen.refused, seen.faulty, seen.sound)).toBeGreaterThan(30);
    expect(codes.size).toBeGreaterThan(12);
  });
});
