/** Graphs drawn at random, held against a few lines that compute the same the plain way. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Workflow } from '@reelgraph/graph';
import { openStore } from '@reelgraph/store';
import { describe, expect, test } from 'vitest';
import { document, registryOf, shown, sumNode, testEngine } from './example-nodes.ts';

/** Numbers from a seed (Lehmer), so that a failing round can be repeated. */
function randomFrom(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state * 48271) % 2147483647;
    return state % limit;
  };
}

/** Up to twelve nodes, each fed by earlier ones; some fail, some run every time. */
function randomWorkflow(next: (limit: number) => number): Workflow {
  const types = ['sum', 'sum', 'light', 'always', 'infer', 'fails'];
  const nodes: Record<string, readonly [string, number]> = {};
  const edges: string[] = [];
  const count = 1 + next(12);
  for (let index = 0; index < count; index += 1) {
    nodes[`n${index}`] = [types[next(types.length)] ?? 'sum', next(4)];
    for (const port of ['a', 'b'])
      if (index > 0 && next(3) > 0) edges.push(`n${next(index)}.sum -> n${index}.${port}`);
  }
  return document(nodes, edges);
}

/** What each node gives, or undefined where it or something it needs fails. */
function expected(workflow: Workflow): Map<string, number | undefined> {
  const values = new Map<string, number | undefined>();
  for (const [id, { type, params }] of Object.entries(workflow.nodes)) {
    const sources = workflow.edges.filter(({ to }) => to[0] === id).map(({ from }) => values.get(from[0]));
    const sum = sources.reduce<number | undefined>(
      (total, value) => (total === undefined || value === undefined ? undefined : total + value),
      Number(params.term),
    );
    values.set(id, type === 'fails' ? undefined : sum);
  }
  return values;
}

describe('random graphs', () => {
  test('E3 C1 C5 cold, again, changed and after a restart, every target is right and failures stop only what depends on them', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'reelgraph-random-'));
    try {
      const ran: string[] = [];
      const registry = registryOf(
        sumNode('sum', ran, undefined, { cache: 'disk' }),
        sumNode('light', ran, undefined, { cache: 'memory' }),
        sumNode('always', ran, undefined, { cache: 'none' }),
        sumNode('infer', ran, () => new Promise(setImmediate), { cache: 'disk', lane: 'inference' }),
        sumNode('fails', ran, () => {
          throw new Error('always');
        }),
      );
      const open = async () => testEngine(registry, { store: await openStore(folder), cpuLanes: 2 });
      let engine = await open();
      for (let seed = 1; seed <= 150; seed += 1) {
        const next = randomFrom(seed);
        const workflow = randomWorkflow(next);
        const ids = Object.keys(workflow.nodes);
        const targets = ids.filter((_, index) => index === ids.length - 1 || next(3) === 0);
        for (const turn of ['cold', 'again', 'changed', 'restarted'] as const) {
          if (turn === 'changed') workflow.nodes[ids[next(ids.length)] ?? '']!.params.term = next(9);
          if (turn === 'restarted') engine = await open();
          ran.length = 0;
          const result = await engine.run(workflow, { targets });
          const values = expected(workflow);
          const right = targets.map((id) => values.get(id));
          expect({ seed, turn, shown: targets.map((id) => shown(result, id)) }).toEqual({
            seed,
            turn,
            shown: right.map((value) => (value === undefined ? undefined : String(value))),
          });
          const delivered = right.filter((value) => value !== undefined).length;
          expect(result.status).toBe(
            delivered === targets.length ? 'succeeded' : delivered > 0 ? 'partial' : 'failed',
          );
          // Each node has one end, in one place, and runs at most once.
          const ends = result.story
            .filter((line) => !line.startsWith('started') && !line.startsWith('progress'))
            .map((line) => line.split(' ')[1]);
          const started = result.events.find((event) => event.type === 'run.started');
          expect([...ends].sort()).toEqual(
            [...(started?.type === 'run.started' ? started.nodeIds : [])].sort(),
          );
          expect(new Set(ran).size).toBe(ran.length);
          expect(result.events.map(({ seq }) => seq)).toEqual(result.events.map((_, index) => index + 1));
          if (turn === 'again') {
            const mayRun = ran.filter((id) =>
              ['sum', 'light', 'infer'].includes(workflow.nodes[id]?.type ?? ''),
            );
            // Only what hangs on a node that runs every time may run again.
            for (const id of mayRun)
              expect({ seed, id, behind: hangsOnAlways(workflow, id) }).toEqual({ seed, id, behind: true });
          }
        }
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }, 60_000);
});

/** Whether a node is or needs one that runs every time. */
function hangsOnAlways(workflow: Workflow, id: string): boolean {
  return (
    workflow.nodes[id]?.type === 'always' ||
    workflow.edges.some(({ from, to }) => to[0] === id && hangsOnAlways(workflow, from[0]))
  );
}
