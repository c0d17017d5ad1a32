/**
 * What the engine itself costs: chains of nodes that do nothing. Printed as time per node, and as the ratio of
 * ten thousand nodes to one thousand, which a quadratic executor cannot hold. Beside the time on the clock stands
 * that of the processor: on a machine with other work the first says more about that work.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { emptyWorkflow, type Workflow } from '@reelgraph/graph';
import { type AnyNodeDefinition, type CachePolicy, defineNode } from '@reelgraph/node-api';
import { openStore, type Store } from '@reelgraph/store';
import { absentServices } from '../src/absent-services.ts';
import { createEngine } from '../src/index.ts';

/** A run by the clock and by the processor (all threads of the process), milliseconds. */
export interface RunTime {
  readonly wallMs: number;
  readonly cpuMs: number;
}

export interface ChainFigures {
  readonly nodes: number;
  readonly cache: CachePolicy;
  /** The first run of all. */
  readonly cold: RunTime;
  /** The whole run again, nothing changed. */
  readonly rerun: RunTime;
  /** The whole run again by a new engine on the same folder; only with cache `disk`. */
  readonly restarted?: RunTime;
}

/** The least of several: other work on the machine only ever adds. */
function least(times: readonly RunTime[]): RunTime {
  return {
    wallMs: Math.min(...times.map(({ wallMs }) => wallMs)),
    cpuMs: Math.min(...times.map(({ cpuMs }) => cpuMs)),
  };
}

/** Runs a chain of `count` trivial nodes cold, again, and (with `disk`) again after a restart. */
export async function benchChain(count: number, cache: 'memory' | 'disk' = 'memory'): Promise<ChainFigures> {
  const workflow = chain(count);
  const registry = new Map<string, AnyNodeDefinition>([
    ['start', trivialNode('start', cache)],
    ['next', trivialNode('next', cache)],
  ]);
  const scratch = await mkdtemp(join(tmpdir(), 'reelgraph-bench-'));
  const stores: Store[] = [];
  try {
    const open = async (folder: string) => {
      if (cache === 'memory') return createEngine({ registry, ...absentServices });
      const store = await openStore(folder);
      stores.push(store);
      return createEngine({ registry, ...absentServices, store });
    };
    const targets = [`n${count - 1}`];
    const timed = async (engine: ReturnType<typeof createEngine>): Promise<RunTime> => {
      const startedAt = performance.now();
      const cpuBefore = process.cpuUsage();
      const result = await engine.run({ runId: 'bench', workflow, targets, onEvent: () => undefined });
      const { user, system } = process.cpuUsage(cpuBefore);
      if (result.status !== 'succeeded')
        throw new Error(`The chain ended ${result.status}: ${result.error?.message ?? ''}`);
      return { wallMs: performance.now() - startedAt, cpuMs: (user + system) / 1000 };
    };
    const cold: RunTime[] = [];
    let folder = join(scratch, '0');
    let engine = await open(folder);
    for (let round = 0; round < (cache === 'disk' ? 2 : 5); round += 1) {
      folder = join(scratch, String(round));
      engine = await open(folder);
      cold.push(await timed(engine));
    }
    const rerun: RunTime[] = [];
    for (let round = 0; round < 15; round += 1) rerun.push(await timed(engine));
    const restarted = cache === 'disk' ? { restarted: await timed(await open(folder)) } : {};
    return { nodes: count, cache, cold: least(cold), rerun: least(rerun), ...restarted };
  } finally {
    for (const store of stores) store.close();
    await rm(scratch, { recursive: true, force: true });
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
  const shown = ({ wallMs, cpuMs }: RunTime, parts = 1) =>
    `${(wallMs / parts).toFixed(3)} ms (processor ${(cpuMs / parts).toFixed(3)} ms)`;
  for (const cache of ['memory', 'disk'] as const) {
    for (const count of [1000, 10_000]) {
      const { cold, rerun, restarted } = await benchChain(count, cache);
      console.log(
        `${count} nodes, cache ${cache}: cold ${shown(cold, count)} per node, rerun ${shown(rerun)}`,
      );
      if (restarted !== undefined) console.log(`  rerun after restart ${shown(restarted)}`);
    }
  }
}
