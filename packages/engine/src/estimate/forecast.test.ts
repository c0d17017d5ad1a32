/** Forecasts of the engine's own runs: what it noted in a store, asked for the next run. Time is told by the nodes. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunForecast, Workflow } from '@reelgraph/graph';
import { defineNode } from '@reelgraph/node-api';
import { openStore, type Store } from '@reelgraph/store';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { absentServices } from '../absent-services.ts';
import { document, registryOf, sumNode, testEngine } from '../example-nodes.ts';
import { addCosts, maxSamples, parseCosts, readCostsText } from './cost-samples.ts';
import { createCostBook, type ForecastOptions, forecastRun } from './forecast.ts';

let folder: string;
let store: Store;
let elapsedMs: number;
let failing: string | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelgraph-forecast-'));
  store = await openStore(folder);
  elapsedMs = 0;
  failing = undefined;
});
afterEach(async () => {
  store.close();
  await rm(folder, { recursive: true, force: true });
});

const clock = { now: () => elapsedMs, elapsed: () => elapsedMs };
/** Each node takes as many milliseconds as its type says. */
const takes = (ms: number) => (ctx: { nodeId: string }) => {
  elapsedMs += ms;
  if (ctx.nodeId === failing) throw new Error('broken on purpose');
};
const registry = registryOf(
  sumNode('slow', [], takes(400), { cache: 'disk', lane: 'inference' }),
  sumNode('quick', [], takes(100), { cache: 'disk' }),
  sumNode('fleeting', [], takes(50), { cache: 'none' }),
);
const engine = () => testEngine(registry, { store, clock, residentBytes: () => 1000 });
const forecast = async (
  workflow: Workflow,
  targets: readonly string[],
  options: Partial<ForecastOptions> = {},
): Promise<RunForecast> => {
  const found = await forecastRun(workflow, {
    registry,
    context: { models: new Map() },
    book: createCostBook(parseCosts(readCostsText(store))),
    isKept: (key) => store.hasRecord(key),
    cpuLanes: 2,
    pid: process.pid,
    digestOfModel: async () => '',
    digestOfFile: async () => '',
    targets,
    ...options,
  });
  if (!found.ok) throw new Error(JSON.stringify(found.issues));
  return found.forecast;
};

//  a(slow) ──> b(quick)
const chain = (term: number): Workflow => document({ a: ['slow', term], b: ['quick', 1] }, ['a.sum -> b.a']);

test('F1 before the first run there is no data yet, and no time is made up', async () => {
  const { timeMs, unknown, nodes } = await forecast(chain(1), ['b']);
  expect(timeMs).toBeUndefined();
  expect(unknown).toEqual(['a', 'b']);
  expect(nodes.a).toEqual({ state: 'runs', samples: 0 });
});

test('F1 after a run the next is expected to take as long, and each node its part', async () => {
  await engine().run(chain(1), { targets: ['b'] });
  const { timeMs, unknown, nodes } = await forecast(chain(2), ['b']);
  expect(unknown).toEqual([]);
  expect(nodes.a?.timeMs?.likely).toBeCloseTo(400, -1);
  expect(nodes.b?.timeMs?.likely).toBeCloseTo(100, -1);
  expect(timeMs?.likely).toBeCloseTo(500, -1.5);
  expect(timeMs?.low).toBeLessThan(500);
  expect(timeMs?.high).toBeGreaterThan(500);
});

test('F2 what is kept takes no time, and what only it needs is not needed', async () => {
  await engine().run(chain(1), { targets: ['b'] });
  const { timeMs, nodes, peakBytes } = await forecast(chain(1), ['b']);
  // Whatever the process holds: a run that computes nothing is over no budget of memory.
  expect(peakBytes).toBeUndefined();
  expect(nodes).toEqual({ a: { state: 'cached', samples: 0 }, b: { state: 'cached', samples: 0 } });
  expect(timeMs?.likely).toBeLessThan(1);
});

test('F2 the process that would run has what it holds, and the models that it has loaded', async () => {
  const sampler = defineNode({
    type: 'sampler',
    version: 1,
    title: 'Sampler',
    description: 'Asks a model.',
    category: 'Test',
    inputs: {},
    outputs: { sum: { type: 'number', label: 'Sum', description: 'A number.' } },
    params: { model: { kind: 'model', label: 'Model', description: 'A model.', default: 'toy' } },
    cache: 'none',
    lane: 'inference',
    infer: () => ({ outputs: { sum: {} }, issues: [] }),
    run: () => ({ sum: 1 }),
  });
  const models = {
    ...absentServices.models,
    resolve: async (name: string) => ({ name, family: 'toy', digest: '' }),
  };
  const sampling = registryOf(sampler);
  const asking = testEngine(sampling, { store, clock, models, residentBytes: () => 1000 });
  const workflow = document({ a: ['sampler'] });
  await asking.run(workflow, { targets: ['a'] });
  const same = await forecast(workflow, ['a'], { registry: sampling });
  const fresh = await forecast(workflow, ['a'], { registry: sampling, pid: undefined });
  expect([same.nodes.a?.loadsModel, fresh.nodes.a?.loadsModel]).toEqual([undefined, true]);
  expect([same.peakBytes?.likely, fresh.peakBytes?.likely]).toEqual([1000, undefined]);
});

//  a(slow, inference) ─┐
//  b(quick, cpu) ──────┴> c(quick)
test('F3 branches in different lanes count once', async () => {
  const fork = document({ a: ['slow', 5], b: ['quick', 5], c: ['quick', 3] }, [
    'a.sum -> c.a',
    'b.sum -> c.b',
  ]);
  await engine().run(chain(1), { targets: ['b'] });
  const { timeMs } = await forecast(fork, ['c']);
  expect(timeMs?.likely).toBeCloseTo(500, -1.5);
});

test('F1 a file that stands in several places of a result takes its place on disk once', async () => {
  const file = {
    kind: 'file',
    digest: 'a'.repeat(64),
    byteLength: 1e6,
    mediaType: 'text/plain',
    name: 'cut',
  } as const;
  const cutter = defineNode({
    type: 'cutter',
    version: 1,
    title: 'Cutter',
    description: 'The same take again and again.',
    category: 'Test',
    inputs: {},
    outputs: { shots: { type: 'shots', label: 'Shots', description: 'Takes.' } },
    params: {},
    cache: 'disk',
    lane: 'cpu',
    infer: () => ({ outputs: { shots: {} }, issues: [] }),
    run: () => ({ shots: { first: file, others: [file, [file]] } }),
  });
  const cutting = testEngine(registryOf(cutter), { store, clock, residentBytes: () => 1000 });
  await cutting.run(document({ a: ['cutter'] }), { targets: ['a'] });
  const kinds = [...parseCosts(readCostsText(store)).kinds];
  const [, samples] = kinds.find(([kind]) => kind.startsWith('cutter')) ?? [];
  expect(samples).toHaveLength(1);
  expect(samples?.[0]?.resultBytes).toBeGreaterThan(1e6);
  expect(samples?.[0]?.resultBytes).toBeLessThan(2e6);
});

test('F4 failures, cache hits and continued work teach nothing', async () => {
  failing = 'a';
  await engine().run(chain(1), { targets: ['b'] });
  expect((await forecast(chain(1), ['b'])).unknown).toEqual(['a', 'b']);
  failing = undefined;
  await engine().run(chain(1), { targets: ['b'] });
  await engine().run(chain(1), { targets: ['b'] });
  expect((await forecast(chain(2), ['b'])).nodes.a?.samples).toBe(1);
});

test('F4 work that went on from a checkpoint teaches nothing', async () => {
  let stop: (() => void) | undefined;
  const steps = registryOf(
    sumNode(
      'slow',
      [],
      async (ctx) => {
        const saved = await ctx.checkpoints.load((state) => (typeof state === 'number' ? state : undefined));
        if (saved === undefined) {
          ctx.checkpoints.save(1, () => 1);
          stop?.();
          ctx.signal.throwIfAborted();
        }
        elapsedMs += 10;
      },
      { cache: 'disk' },
    ),
  );
  const interrupted = document({ a: ['slow', 9] });
  const abort = new AbortController();
  stop = () => abort.abort();
  const stepping = testEngine(steps, { store, clock });
  await stepping.run(interrupted, { targets: ['a'], signal: abort.signal });
  const { events } = await stepping.run(interrupted, { targets: ['a'] });
  expect(events).toContainEqual(expect.objectContaining({ type: 'node.finished', continuedFrom: 1 }));
  expect(readCostsText(store)).toBeUndefined();
});

test('F5 only the newest samples are kept, and those of another machine are not looked at', async () => {
  const sample = (durationMs: number) => ({ durationMs, variant: '', isCold: false, resultBytes: 0 });
  const process = { pid: 1, heldBytes: 1, warm: [] };
  for (let round = 0; round < 3; round += 1) {
    const samples = Array.from({ length: 40 }, (_, index) => sample(100 * round + index));
    addCosts(store, new Map([['kind', samples]]), process, 'here');
  }
  const kept = parseCosts(readCostsText(store), 'here').kinds.get('kind') ?? [];
  expect(kept).toHaveLength(maxSamples);
  expect(kept.at(-1)?.durationMs).toBe(239);
  // Of the second round its last eight, and all of the third.
  expect(kept[0]?.durationMs).toBe(132);
  expect(parseCosts(readCostsText(store), 'elsewhere').kinds.size).toBe(0);
  expect(parseCosts('{ damaged').kinds.size).toBe(0);
});

test('F6 what a document cannot run says why', async () => {
  const loop = document({ a: ['slow', 1], b: ['quick', 1] }, ['a.sum -> b.a', 'b.sum -> a.a']);
  await expect(forecast(loop, ['b'])).rejects.toThrow('graph/cycle');
});
