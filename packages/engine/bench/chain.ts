/**
 * What the engine itself costs: chains of nodes that do nothing. Printed as time per node, and as the ratio of
 * ten thousand nodes to one thousand, which a quadratic executor cannot hold.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { emptyWorkflow, type Workflow } from '@reelgraph/graph';
import { type AnyNodeDefinition, type CachePolicy, defineNode } from '@reelgraph/node-api';
import { openStore } from '@reelgraph/store';
import { absentServices } from '../src/absent-services.ts';
import { createEngine } from '../src/index.ts';

export interface ChainFigures {
  readonly nodes: number;
  readonly cache: CachePolicy;
  readonly coldMsPerNode: number;
  /** The whole run again, nothing changed. */
  readonly rerunMs: number;
  /** The whole run again by a new engine on the same folder; only with cache `disk`. */
  readonly restartedRerunMs?: number;
}

/** Runs a chain of `count` trivial nodes cold, again, and (with `disk`) again after a restart. */
export async function benchChain(count: number, cache: 'memory' | 'disk' = 'memory'): Promise<ChainFigures> {
  const workflow = chain(count);
  const registry = new Map<string, AnyNodeDefinition>([
    ['start', trivialNode('start', cache)],
    ['next', trivialNode('next', cache)],
  ]);
  const folder = await mkdtemp(join(tmpdir(), 'reelgraph-bench-'));
  try {
    const open = async () =>
      createEngine({
        registry,
        ...absentServices,
        ...(cache === 'disk' ? { store: await openStore(folder) } : {}),
      });
    const targets = [`n${count - 1}`];
    const timed = async (engine: ReturnType<typeof createEngine>): Promise<number> => {
      const startedAt = performance.now();
      const result = await engine.run({ runId: 'bench', workflow, targets, onEvent: () => undefined });
      if (result.status !== 'succeeded')
        throw new Error(`The chain ended ${result.status}: ${result.error?.message ?? ''}`);
      return performance.now() - startedAt;
    };
    // The best of a few, cold and warm: other work on the machine only ever adds.
    const coldTimes: number[] = [];
    let engine = await open();
    for (let round = 0; round < (cache === 'disk' ? 1 : 3); round += 1) {
      engine = await open();
      coldTimes.push(await timed(engine));
    }
    const coldMs = Math.min(...coldTimes);
    // The best of five: other work on the machine only ever adds.
    let rerunMs = Number.POSITIVE_INFINITY;
    for (let round = 0; round < 5; round += 1) rerunMs = Math.min(rerunMs, await timed(engine));
    const restarted = cache === 'disk' ? { restartedRerunMs: await timed(await open()) } : {};
    return { nodes: count, cache, coldMsPerNode: coldMs / count, rerunMs, ...restarted };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** n0 -> n1 -> … : each node passes on a number. */
function chain(count: number): Workflow {
  const nodes: Workflow['nodes'] = {};
  const edges: Workflow['edges'] = [];
  for (let index = 0; index < count; index += 1) {
    nodes[`n${index}`] = { type: index === 0 ? 'start' : 'next', version: 1, params: { add: index } };
    if (index > 0) edges.push({ from: [`n${index - 1}`, 'value'], to: [`n${index}`, 'value'] });
  }
  return { ...emptyWorkflow(`Chain of ${count}`), nodes, edges };
}

const value = { type: 'number', label: 'Value', description: 'A number.' } as const;

function trivialNode(type: 'start' | 'next', cache: CachePolicy): AnyNodeDefinition {
  return defineNode({
    type,
    version: 1,
    title: type,
    description: 'Adds a number.',
    category: 'Bench',
    inputs: { value: { ...value, optional: true } },
    outputs: { value },
    params: {
      add: { kind: 'number', label: 'Add', description: 'Added.', default: 0, min: 0, max: 1e9 },
    },
    cache,
    lane: 'cpu',
    run: ({ inputs, params }) => ({ value: (inputs.value ?? 0) + params.add }),
  });
}

if (import.meta.main) {
  for (const cache of ['memory', 'disk'] as const) {
    const small = await benchChain(1000, cache);
    const large = await benchChain(10_000, cache);
    for (const { nodes, coldMsPerNode, rerunMs, restartedRerunMs } of [small, large]) {
      const restarted =
        restartedRerunMs === undefined ? '' : `, rerun after restart ${restartedRerunMs.toFixed(1)} ms`;
      console.log(
        `${nodes} nodes, cache ${cache}: cold ${coldMsPerNode.toFixed(3)} ms/node, rerun ${rerunMs.toFixed(1)} ms${restarted}`,
      );
    }
    const cold = (large.coldMsPerNode * large.nodes) / (small.coldMsPerNode * small.nodes);
    console.log(
      `10,000 over 1,000 nodes, cache ${cache}: cold ${cold.toFixed(1)}x, rerun ${(large.rerunMs / small.rerunMs).toFixed(1)}x`,
    );
  }
}
