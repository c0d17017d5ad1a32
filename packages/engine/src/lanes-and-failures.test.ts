/** Which nodes run side by side, and what becomes of a run when some of them do not end well. */
import { NodeError } from '@reelgraph/node-api';
import { afterEach, expect, test, vi } from 'vitest';
import { document, registryOf, shown, sumNode, testEngine } from './example-nodes.ts';

afterEach(() => {
  vi.useRealTimers();
});

function gate(): { readonly opened: Promise<void>; open(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}
const modelPort = { type: 'model', label: 'Model', description: '' } as const;

/** `load` names a model by its term (0 -> m0); `infer` runs with the model it is given. */
function deviceNodes(during: (term: number) => void | Promise<void>) {
  const load = {
    ...sumNode('load', []),
    outputs: { model: modelPort },
    run: async ({ params }: { params: Readonly<Record<string, unknown>> }) => ({
      model: { name: `m${String(params.term)}`, family: 'test', digest: 'd' },
    }),
  };
  const plain = sumNode('infer', [], (_, term) => during(term), { lane: 'inference' });
  return registryOf(load, { ...plain, inputs: { ...plain.inputs, model: modelPort } });
}
//  m0 ──> a       m1 ──> b       m0 ──> c
const onDevices = document(
  { m0: ['load', 0], m1: ['load', 1], a: ['infer', 10], b: ['infer', 11], c: ['infer', 12] },
  ['m0.model -> a.model', 'm1.model -> b.model', 'm0.model -> c.model'],
);

test('E2 each device is a lane: two of them work at once, and two nodes on one take turns', async () => {
  const working = new Set<number>();
  const seen: string[] = [];
  const bothAtWork = gate();
  const registry = deviceNodes(async (term) => {
    working.add(term);
    seen.push([...working].sort().join(' '));
    if (working.size === 2) bothAtWork.open();
    // Were there one lane, nobody would ever open it.
    await bothAtWork.opened;
    working.delete(term);
  });
  const engine = testEngine(registry, { deviceOf: (model) => (model === 'm0' ? 'gpu-0' : 'gpu-1') });
  const result = await engine.run(onDevices, { targets: ['a', 'b', 'c'] });
  expect(result.status).toBe('succeeded');
  expect(seen).not.toContain('10 12');
  expect(seen).not.toContain('10 11 12');
});

test('E2 a node tells its type, its lane and how long it waited there', async () => {
  let elapsedMs = 0;
  const work = sumNode(
    'infer',
    [],
    () => {
      elapsedMs += 70;
    },
    { lane: 'inference' },
  );
  const clock = { now: () => 0, elapsed: () => elapsedMs };
  const { events } = await testEngine(registryOf(work), { clock }).run(
    document({ a: ['infer', 1], b: ['infer', 2] }),
    { targets: ['a', 'b'] },
  );
  expect(events.filter(({ type }) => type === 'node.started')).toMatchObject([
    { nodeId: 'a', nodeType: 'infer', lane: 'inference' },
    { nodeId: 'b', nodeType: 'infer', lane: 'inference', waitedMs: 70 },
  ]);
});

test('E2 a node tells the most memory that was seen while it ran; one that is over at once tells none', async () => {
  vi.useFakeTimers();
  let bytes = 100;
  const slow = sumNode('slow', [], async () => {
    for (const next of [300, 500, 200]) {
      bytes = next;
      await vi.advanceTimersByTimeAsync(50);
    }
  });
  const engine = testEngine(registryOf(slow, sumNode('quick', [])), { residentBytes: () => bytes });
  const { events } = await engine.run(document({ a: ['slow', 1], b: ['quick', 2] }), { targets: ['a', 'b'] });
  const peaks = events.flatMap((event) =>
    event.type === 'node.finished' ? [[event.nodeId, event.peakResidentBytes]] : [],
  );
  expect(Object.fromEntries(peaks)).toEqual({ a: 500, b: undefined });
});

test('E2 runs that overlap share the lanes of their engine', async () => {
  let atOnce = 0;
  let most = 0;
  const registry = registryOf(
    sumNode(
      'infer',
      [],
      async () => {
        atOnce += 1;
        most = Math.max(most, atOnce);
        await new Promise(setImmediate);
        atOnce -= 1;
      },
      { lane: 'inference' },
    ),
  );
  const engine = testEngine(registry);
  const runs = [1, 2, 3].map((term) => engine.run(document({ a: ['infer', term] }), { targets: ['a'] }));
  expect((await Promise.all(runs)).map((run) => shown(run, 'a'))).toEqual(['1', '2', '3']);
  expect(most).toBe(1);
});

//  bad ──> b        worse ──> w        good ──> g
test('E3 a run in part delivers what it can and lists every failure with code, cause and hint', async () => {
  const registry = registryOf(
    sumNode('bad', [], () => {
      const cause = new Error('out of memory', { cause: new Error("cannot map '/dev/shm/x/y'") });
      throw new NodeError('model/run-failed', 'The model stopped.', { hint: 'Use a smaller size.', cause });
    }),
    sumNode('worse', [], () => {
      throw new Error('boom');
    }),
    sumNode('sum', []),
  );
  const workflow = document(
    { bad: ['bad'], b: ['sum', 1], worse: ['worse'], w: ['sum', 2], good: ['sum', 3], g: ['sum', 4] },
    ['bad.sum -> b.a', 'worse.sum -> w.a', 'good.sum -> g.a'],
  );
  const result = await testEngine(registry).run(workflow, { targets: ['b', 'w', 'g'] });
  expect([result.status, shown(result, 'g')]).toEqual(['partial', '7']);
  expect(result.events.at(-1)).toMatchObject({
    type: 'run.finished',
    status: 'partial',
    failures: [
      {
        nodeId: 'bad',
        code: 'model/run-failed',
        message: 'The model stopped.',
        cause: "out of memory; cannot map '(a file)'",
        hint: 'Use a smaller size.',
      },
      { nodeId: 'worse', code: 'engine/node-crashed' },
    ],
  });
});

//  stuck ──> s        good ──> g
test('E9 a node without a sign of life is given up; only what depends on it ends with it', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  let time = 0;
  const clock = { now: () => time, elapsed: () => time };
  const goodIsDone = gate();
  let told: AbortSignal | undefined;
  let endStuck: () => void = () => undefined;
  const registry = registryOf(
    sumNode(
      'stuck',
      [],
      (ctx) => {
        told = ctx.signal;
        return new Promise((resolve) => {
          endStuck = resolve;
        });
      },
      { lane: 'inference' },
    ),
    sumNode('good', [], async (ctx) => {
      // Slow, but alive: it reports every 40 s and takes longer than the limit.
      for (let step = 0; step < 5; step += 1) {
        time += 40_000;
        ctx.progress({ step, totalSteps: 5 });
        vi.advanceTimersByTime(40_000);
        await Promise.resolve();
      }
      goodIsDone.open();
    }),
    sumNode('sum', [], undefined, { lane: 'inference' }),
  );
  const workflow = document({ stuck: ['stuck'], s: ['sum', 1], good: ['good', 2], g: ['sum', 3] }, [
    'stuck.sum -> s.a',
    'good.sum -> g.a',
  ]);
  const engine = testEngine(registry, { clock, stallMs: 60_000, cpuLanes: 2 });
  expect(engine.hasStuckNodes()).toBe(false);
  const result = await engine.run(workflow, { targets: ['s', 'g'] });
  expect(engine.hasStuckNodes()).toBe(true);
  expect([result.status, shown(result, 'g')]).toEqual(['partial', '5']);
  expect(told?.aborted).toBe(true);
  expect(result.error).toMatchObject({
    code: 'engine/stalled',
    message: expect.stringContaining('Node "stuck"'),
    hint: expect.stringContaining('Run again'),
  });
  expect(result.story).toContain('skipped s');
  // What it gives in the end comes too late, and disturbs nobody.
  const before = result.events.length;
  endStuck();
  await new Promise(setImmediate);
  expect(result.events.length).toBe(before);
  expect(engine.hasStuckNodes()).toBe(false);
});

test('E2 nothing of a run whose listener threw begins when its lane is free again', async () => {
  const ran: string[] = [];
  const [atWork, mayEnd] = [gate(), gate()];
  const work = sumNode(
    'infer',
    ran,
    async () => {
      atWork.open();
      await mayEnd.opened;
    },
    { lane: 'inference' },
  );
  const engine = testEngine(registryOf(work, sumNode('plain', ran)));
  const first = engine.run(document({ a: ['infer', 1] }), { targets: ['a'] });
  await atWork.opened;
  const broken = engine.run(document({ b: ['infer', 2], c: ['plain', 3] }), {
    targets: ['b', 'c'],
    onEvent(event) {
      if (event.type === 'node.started') throw new Error('the listener is gone');
    },
  });
  await expect(broken).rejects.toThrowError('the listener is gone');
  mayEnd.open();
  await first;
  await new Promise(setImmediate);
  expect(ran).toEqual(['a']);
});
