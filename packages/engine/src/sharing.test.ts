/** What two runs need at the same time is computed once: in one engine, in two, and in two processes. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { openStore, type Store } from '@reelgraph/store';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type During, document, registryOf, shown, sumNode, testEngine } from './example-nodes.ts';
import { planRun } from './plan.ts';

let folder: string;
let opened: Store[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelgraph-sharing-'));
});
afterEach(async () => {
  for (const store of opened) store.close();
  opened = [];
  await rm(folder, { recursive: true, force: true });
});
async function open(): Promise<Store> {
  const store = await openStore(folder);
  opened.push(store);
  return store;
}
function gate(): { readonly opened: Promise<void>; open(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}

//  slow(1) ──> quick(2)
const workflow = document({ s: ['slow', 1], q: ['quick', 2] }, ['s.sum -> q.a']);
const target = { targets: ['q'] };
const registry = (ran: string[], slow: During, cache: 'disk' | 'memory' = 'disk') =>
  registryOf(
    sumNode('slow', ran, slow, { cache, lane: 'inference' }),
    sumNode('quick', ran, undefined, { cache }),
  );

test('C8 in one engine the second run takes what the first computes, and its place in the lane is free meanwhile', async () => {
  const ran: string[] = [];
  const [atWork, mayEnd] = [gate(), gate()];
  const engine = testEngine(
    registry(
      ran,
      async () => {
        atWork.open();
        await mayEnd.opened;
      },
      'memory',
    ),
  );
  const first = engine.run(workflow, target);
  await atWork.opened;
  const second = engine.run(workflow, target);
  mayEnd.open();
  expect([shown(await first, 'q'), shown(await second, 'q')]).toEqual(['3', '3']);
  expect(ran).toEqual(['s', 'q']);
  expect((await second).story).toEqual(['cached s', 'cached q']);
});

test.each(['fails', 'is cancelled'])(
  'C8 when the first run %s, the second computes it itself',
  async (how) => {
    const ran: string[] = [];
    const [atWork, mayFail] = [gate(), gate()];
    const engine = testEngine(
      registry(ran, async (ctx) => {
        if (ran.length > 1) return;
        atWork.open();
        await Promise.race([
          mayFail.opened,
          new Promise((resolve) => ctx.signal.addEventListener('abort', resolve, { once: true })),
        ]);
        throw new Error('came to nothing');
      }),
      { store: await open() },
    );
    const cancel = new AbortController();
    const first = engine.run(workflow, { ...target, signal: cancel.signal });
    await atWork.opened;
    const second = engine.run(workflow, target);
    if (how === 'fails') mayFail.open();
    else cancel.abort();
    expect((await first).status).toBe(how === 'fails' ? 'failed' : 'cancelled');
    expect([(await second).status, shown(await second, 'q'), ran]).toEqual([
      'succeeded',
      '3',
      ['s', 's', 'q'],
    ]);
  },
);

test('C8 who waits for another run can be cancelled', async () => {
  const [atWork, mayEnd] = [gate(), gate()];
  const engine = testEngine(
    registry([], async () => {
      atWork.open();
      await mayEnd.opened;
    }),
  );
  const first = engine.run(workflow, target);
  await atWork.opened;
  const cancel = new AbortController();
  const second = engine.run(workflow, { ...target, signal: cancel.signal });
  await new Promise(setImmediate);
  cancel.abort();
  expect([(await second).status, (await second).story]).toEqual(['cancelled', ['waiting s']]);
  mayEnd.open();
  expect((await first).status).toBe('succeeded');
});

test('C8 two engines on one data folder compute it once, and both give the same', async () => {
  const ran: string[] = [];
  const [atWork, mayEnd] = [gate(), gate()];
  const slow: During = async () => {
    atWork.open();
    await mayEnd.opened;
  };
  const one = testEngine(registry(ran, slow), { store: await open() });
  const two = testEngine(registry(ran, slow), { store: await open() });
  const first = one.run(workflow, target);
  await atWork.opened;
  const second = two.run(workflow, target);
  mayEnd.open();
  expect([shown(await first, 'q'), shown(await second, 'q')]).toEqual(['3', '3']);
  expect(ran.filter((id) => id === 's')).toEqual(['s']);
  expect((await second).events.find(({ type }) => type === 'node.cached')).toMatchObject({
    nodeId: 's',
    source: 'disk',
  });
});

test.each(['the same engine', 'another engine on its folder'])(
  'C8 a node that waits for what a run of %s computes says so, and then where its result came from',
  async (where) => {
    const ran: string[] = [];
    const [atWork, mayEnd, waits] = [gate(), gate(), gate()];
    const slow = async () => {
      atWork.open();
      await mayEnd.opened;
    };
    const one = testEngine(registry(ran, slow), { store: await open() });
    const two = where === 'the same engine' ? one : testEngine(registry(ran, slow), { store: await open() });
    const first = one.run(workflow, target);
    await atWork.opened;
    const second = two.run(workflow, {
      ...target,
      onEvent: ({ type }) => {
        if (type === 'node.waiting') waits.open();
      },
    });
    await waits.opened;
    mayEnd.open();
    expect((await first).story).not.toContain('waiting s');
    expect((await second).story.slice(0, 2)).toEqual(['waiting s', 'cached s']);
    expect(ran.filter((id) => id === 's')).toEqual(['s']);
  },
);

test('C8 a result that is kept in the moment in which its claim is given back is found', async () => {
  const plain = document({ s: ['slow', 1] });
  const ran: string[] = [];
  const nodes = registry(ran, () => undefined);
  const absent = () => Promise.reject(new Error('no model, no file'));
  const planned = await planRun(plain, nodes, {
    targets: ['s'],
    digestOfModel: absent,
    digestOfFile: absent,
  });
  const key = planned.ok ? (planned.plan.nodes[0]?.key ?? '') : '';
  const [mine, other] = [await open(), await open()];
  expect(other.claim(key)).toBe(true);
  let asked = 0;
  const claim = (wanted: string): boolean => {
    asked += 1;
    if (asked === 2) {
      // Between the look for the result and the claim, all in one turn.
      const about = { nodeType: 'slow', computedAtMs: 0, durationMs: 50, summaries: {} };
      const parts = { version: 1, params: {}, inputs: {} };
      void other.saveResult({ ...about, key, parts, outputs: { sum: 1 } }, { durable: false });
      other.release(key);
      other.flush();
    }
    return mine.claim(wanted);
  };
  const result = await testEngine(nodes, { store: { ...mine, claim } }).run(plain, { targets: ['s'] });
  expect([asked, result.story, shown(result, 's'), ran]).toEqual([2, ['cached s'], '1', []]);
});

test('C8 a run that is cancelled with a claim, while it waits for room in its lane, gives the claim back', async () => {
  const [mine, other] = [await open(), await open()];
  let claimed = '';
  const claim = (key: string): boolean => {
    if (claimed === '') expect(other.claim(key)).toBe(true);
    claimed = key;
    const isMine = mine.claim(key);
    (isMine ? hasClaim : isRefused).open();
    return isMine;
  };
  const [isRefused, hasClaim] = [gate(), gate()];
  const [atWork, mayEnd] = [gate(), gate()];
  const blocker = sumNode(
    'blocker',
    [],
    async () => {
      atWork.open();
      await mayEnd.opened;
    },
    { lane: 'inference' },
  );
  const ran: string[] = [];
  const nodes = new Map([...registry(ran, () => undefined), ['blocker', blocker]]);
  const engine = testEngine(nodes, { store: { ...mine, claim } });
  const cancel = new AbortController();
  const waiting = engine.run(workflow, { ...target, signal: cancel.signal });
  await isRefused.opened;
  // Its key is claimed elsewhere, so its place in the lane is free.
  const blocking = engine.run(document({ b: ['blocker', 1] }), { targets: ['b'] });
  await atWork.opened;
  other.release(claimed);
  other.flush();
  await hasClaim.opened;
  await new Promise(setImmediate);
  cancel.abort();
  expect((await waiting).status).toBe('cancelled');
  mayEnd.open();
  await blocking;
  mine.flush();
  expect([ran, other.claim(claimed)]).toEqual([[], true]);
});

test('C8 when the process that computes it is killed, who waits takes over', async () => {
  const url = (name: string) => JSON.stringify(new URL(name, import.meta.url).href);
  const program = `
    import { openStore } from ${url('../../store/src/index.ts')};
    import { document, registryOf, sumNode, testEngine } from ${url('./example-nodes.ts')};
    const stuck = () => { console.log('at work'); return new Promise(() => setInterval(() => {}, 1000)); };
    const registry = registryOf(
      sumNode('slow', [], stuck, { cache: 'disk', lane: 'inference' }),
      sumNode('quick', [], undefined, { cache: 'disk' }),
    );
    const workflow = document({ s: ['slow', 1], q: ['quick', 2] }, ['s.sum -> q.a']);
    const store = await openStore(process.argv[1]);
    await testEngine(registry, { store }).run(workflow, { targets: ['q'] });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(createInterface({ input: child.stdout }), 'line');
  const ran: string[] = [];
  const running = testEngine(
    registry(ran, () => undefined),
    { store: await open() },
  ).run(workflow, target);
  await new Promise(setImmediate);
  expect(ran, 'it waits while the other lives').toEqual([]);
  child.kill('SIGKILL');
  const result = await running;
  expect([result.status, shown(result, 'q'), ran]).toEqual(['succeeded', '3', ['s', 'q']]);
});
