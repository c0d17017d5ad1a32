/** What would fit, for a clip whose size, length and steps two node types set. */
import type { PortFacts, RunForecast, Workflow } from '@reelgraph/graph';
import { type AnyNodeDefinition, defineNode } from '@reelgraph/node-api';
import { expect, it } from 'vitest';
import { document, registryOf } from '../example-nodes.ts';
import { findFitting } from './fit-budget.ts';

const whole = (initial: number, min = 1) =>
  ({ kind: 'integer', label: '', description: '', default: initial, min, max: 1000 }) as const;
const latentPort = { type: 'latent', label: '', description: '' } as const;
const sigmasPort = { type: 'sigmas', label: '', description: '' } as const;
const about = {
  title: '',
  description: '',
  category: 'Test',
  cache: 'disk',
  lane: 'cpu',
  version: 1,
} as const;

/** Lengths are 4n + 1, which its facts say; sizes multiples of 16. */
const size: AnyNodeDefinition = defineNode({
  ...about,
  type: 'size',
  inputs: {},
  outputs: { latent: latentPort },
  params: { length: whole(81), w: whole(64), h: whole(128), quality: whole(80) },
  infer: ({ params }) => {
    const { length, w, h } = params;
    const facts: PortFacts = { frameCount: length, widthPx: w, heightPx: h, sizeMultiple: 16 };
    const rule = { multiple: 4, plus: 1 };
    const issues =
      (length - rule.plus) % rule.multiple === 0
        ? []
        : [{ code: 'size/length', severity: 'error' as const, message: 'Wrong length.' }];
    return { outputs: { latent: { ...facts, frameRule: rule } }, issues };
  },
  run: () => Promise.reject(new Error('never run')),
});

/** 0 steps are 24, as with a model's own number. */
const steps: AnyNodeDefinition = defineNode({
  ...about,
  type: 'steps',
  inputs: {},
  outputs: { sigmas: sigmasPort },
  params: { count: whole(0, 0) },
  infer: ({ params }) => ({ outputs: { sigmas: { steps: params.count || 24 } }, issues: [] }),
  run: () => Promise.reject(new Error('never run')),
});

const registry = registryOf(size, steps);
const workflow = document({ a: ['size'], b: ['steps'] });
const numberOf = (document: Workflow, id: string, param: string, otherwise: number): number =>
  Number(document.nodes[id]?.params[param] ?? otherwise);
/** One millisecond for each pixel of a frame and step, in units that make the whole 81 × 64 × 128 × 24. */
const timeOf = (changed: Workflow): number =>
  numberOf(changed, 'a', 'length', 81) *
  numberOf(changed, 'a', 'w', 64) *
  numberOf(changed, 'a', 'h', 128) *
  (numberOf(changed, 'b', 'count', 0) || 24);
const forecast = async (changed: Workflow): Promise<RunForecast> => {
  const likely = timeOf(changed);
  return { nodes: {}, unknown: [], timeMs: { low: likely, likely, high: likely } };
};
const fitting = async (share: number) => {
  const budget = { timeMs: share * timeOf(workflow) };
  const found = await findFitting(workflow, { registry, context: { models: new Map() }, budget, forecast });
  return found.map(({ label }) => label);
};

it('offers the most that fits of each, by the rules of the model, and no other param', async () => {
  expect(await fitting(0.5)).toEqual([
    '37 frames instead of 81',
    '32×64 instead of 64×128',
    '12 steps instead of 24',
  ]);
});

it('offers only what is enough by itself', async () => {
  // One frame is an 81st, one step a 24th, the smallest size a sixteenth.
  expect(await fitting(1 / 30)).toEqual(['1 frame instead of 81']);
});

it('offers nothing where nothing helps', async () => {
  expect(await fitting(1e-6)).toEqual([]);
});

it('offers no value that a node refuses, also where no fact tells its rule', async () => {
  const untold: AnyNodeDefinition = defineNode({
    ...about,
    type: 'size',
    inputs: {},
    outputs: { latent: latentPort },
    params: { length: whole(81) },
    infer: ({ params: { length } }) => ({
      outputs: { latent: { frameCount: length } },
      issues: length % 4 === 1 ? [] : [{ code: 'size/length', severity: 'error', message: 'Wrong length.' }],
    }),
    run: () => Promise.reject(new Error('never run')),
  });
  const found = await findFitting(document({ a: ['size'] }), {
    registry: registryOf(untold),
    context: { models: new Map() },
    budget: { timeMs: 40 },
    forecast: async (changed) => {
      const likely = numberOf(changed, 'a', 'length', 81);
      return { nodes: {}, unknown: [], timeMs: { low: likely, likely, high: likely } };
    },
  });
  expect(found).toEqual([{ label: '37 frames instead of 81' }]);
});

it('makes nothing larger: what is below the value already stays', async () => {
  const short = document({ a: ['size'], b: ['size'] });
  const [a, b] = [short.nodes.a, short.nodes.b];
  if (a === undefined || b === undefined) throw new Error('the document has two nodes');
  const seen = new Set<number>();
  const found = await findFitting(
    { ...short, nodes: { a, b: { ...b, params: { length: 9 } } } },
    {
      registry: registryOf(size),
      context: { models: new Map() },
      budget: { timeMs: 50 },
      forecast: async (changed) => {
        seen.add(numberOf(changed, 'b', 'length', 9));
        const likely = numberOf(changed, 'a', 'length', 81);
        return { nodes: {}, unknown: [], timeMs: { low: likely, likely, high: likely } };
      },
    },
  );
  expect(found).toContainEqual({ label: '49 frames instead of 81' });
  expect(Math.max(...seen)).toBe(9);
});
