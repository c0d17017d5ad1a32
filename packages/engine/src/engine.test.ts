import { defineNode, NodeError } from '@reelgraph/node-api';
import type { Tensor } from '@reelgraph/tensor';
import { describe, expect, test } from 'vitest';
import type { Clock, EnginePreview } from './engine-types.ts';
import { document, registryOf, shown, sumNode, testEngine } from './example-nodes.ts';

/** Lets a test see that something happened, and hold it back until told. */
function gate(): { readonly opened: Promise<void>; open(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}

describe('running', () => {
  //  a(1) ──> b(2) ──> o
  test('E1 events are numbered, in order, and carry what people see', async () => {
    const engine = testEngine(
      registryOf(sumNode('sum', []), sumNode('out', [], undefined, { isOutput: true })),
    );
    const workflow = document(
      { a: ['sum', 1], b: ['sum', 2], o: ['out'] },
      ['a.sum -> b.a', 'b.sum -> o.a'],
      {
        outputs: { total: { node: 'b', port: 'sum', label: 'Total' } },
      },
    );
    const result = await engine.run(workflow, { firstSeq: 2 });
    expect(result.events.map(({ seq }) => seq)).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
    expect(result.events[0]).toMatchObject({ type: 'run.started', nodeIds: ['a', 'b', 'o'] });
    expect(result.story).toEqual([
      'started a',
      'finished a',
      'started b',
      'finished b',
      'started o',
      'finished o',
    ]);
    expect(result.events[4]).toMatchObject({
      type: 'node.finished',
      outputs: { sum: { type: 'number', facts: {}, text: '3' } },
    });
    expect(result.events.at(-1)).toMatchObject({ type: 'run.finished', status: 'succeeded' });
    expect(shown(result, 'o')).toBe('3');
    expect(result.exposed.get('total')).toEqual({ type: 'number', facts: {}, text: '3' });
  });

  //  a ──┐
  //  b ──┴> o        both must be at work before either may end
  test('E2 independent branches run side by side', async () => {
    const [aRuns, bRuns] = [gate(), gate()];
    const registry = registryOf(
      sumNode('left', [], async () => {
        aRuns.open();
        await bRuns.opened;
      }),
      sumNode('right', [], async () => {
        bRuns.open();
        await aRuns.opened;
      }),
      sumNode('out', [], undefined, { isOutput: true }),
    );
    const result = await testEngine(registry, { cpuLanes: 2 }).run(
      document({ a: ['left', 1], b: ['right', 2], o: ['out'] }, ['a.sum -> o.a', 'b.sum -> o.b']),
    );
    expect(shown(result, 'o')).toBe('3');
  });

  test('E2 inference runs one at a time and does not hold up other nodes', async () => {
    let atOnce = 0;
    let most = 0;
    const cpuDone = gate();
    const registry = registryOf(
      sumNode(
        'infer',
        [],
        async () => {
          atOnce += 1;
          most = Math.max(most, atOnce);
          // Ends only after the cpu node has: were cpu behind inference, this would hang.
          await cpuDone.opened;
          atOnce -= 1;
        },
        { lane: 'inference' },
      ),
      sumNode('quick', [], () => cpuDone.open()),
    );
    const workflow = document({ a: ['infer', 1], b: ['infer', 2], c: ['infer', 3], q: ['quick'] });
    const result = await testEngine(registry, { cpuLanes: 1 }).run(workflow, {
      targets: ['a', 'b', 'c', 'q'],
    });
    expect(result.status).toBe('succeeded');
    expect(most).toBe(1);
  });

  //  bad ──> b ──> c        good ──> d
  const failing = document({ bad: ['bad'], b: ['sum', 1], c: ['sum', 1], good: ['sum', 5], d: ['sum', 1] }, [
    'bad.sum -> b.a',
    'b.sum -> c.a',
    'good.sum -> d.a',
  ]);
  const failWith = (error: unknown) =>
    testEngine(
      registryOf(
        sumNode('bad', [], () => {
          throw error;
        }),
        sumNode('sum', []),
      ),
    );

  test('E4 an area of two words is a code of a node as well', async () => {
    const engine = failWith(new NodeError('join-clips/other-size', 'The clips have different sizes.'));
    const result = await engine.run(failing, { targets: ['c'] });
    expect(result.error).toEqual({
      code: 'join-clips/other-size',
      message: 'The clips have different sizes.',
    });
  });

  test('E3 E4 a failure stops only what depends on it', async () => {
    const engine = failWith(
      new NodeError('model/not-found', 'There is no model "x".', { hint: 'Install it.' }),
    );
    const result = await engine.run(failing, { targets: ['c', 'd'] });
    expect(result.status).toBe('partial');
    expect(result.error).toEqual({
      code: 'model/not-found',
      message: 'There is no model "x".',
      hint: 'Install it.',
    });
    expect([...result.story].sort()).toEqual(
      [
        'started bad',
        'failed bad',
        'skipped b',
        'skipped c',
        'started good',
        'finished good',
        'started d',
        'finished d',
      ].sort(),
    );
    expect(result.events.find((event) => event.type === 'node.skipped')).toMatchObject({
      because: 'it needs "bad", which failed',
    });
    expect(shown(result, 'd')).toBe('6');
    expect((await engine.run(failing, { targets: ['c'] })).status).toBe('failed');
  });

  test.each([
    [
      new Error("ENOENT: no such file or directory, open '/home/someone/secret/model.onnx'"),
      "ENOENT: no such file or directory, open '(a file)'",
    ],
    [new Error('cannot read C:\\Users\\someone\\model.onnx'), 'cannot read (a file)'],
    [new TypeError('x is undefined'), 'x is undefined'],
    ['just a text', 'just a text'],
  ])('E4 unknown errors lose stack and path: %s', async (error, message) => {
    const result = await failWith(error).run(failing, { targets: ['bad'] });
    expect(result.error).toMatchObject({
      code: 'engine/node-crashed',
      message: `The node stopped with an error it did not expect: ${message}`,
    });
    expect(JSON.stringify(result.events)).not.toMatch(/someone|\.ts:|at /);
  });

  test('E5 an output that does not fit its port fails the node that made it', async () => {
    const port = { label: 'Out', description: '' };
    const liar = defineNode({
      type: 'liar',
      version: 1,
      title: 'Liar',
      description: '',
      category: 'Test',
      inputs: {},
      outputs: { latent: { ...port, type: 'latent' } },
      params: {},
      cache: 'memory',
      lane: 'cpu',
      run: () => ({
        latent: {
          samples: { dtype: 'float32', shape: [1, 2, 3, 4, 5], data: new Float32Array(7) },
          model: 'toybox',
          frameCount: 9,
          widthPx: 64,
          heightPx: 64,
        },
      }),
    });
    const result = await testEngine(registryOf(liar)).run(document({ l: ['liar'] }), { targets: ['l'] });
    expect(result.error?.code).toBe('engine/bad-output');
    expect(result.error?.message).toContain(
      'Node "l" (Liar) gave no fitting latent at "Out": samples: expected a float32 tensor of 5 dimensions',
    );
  });

  test('E6 cancelling ends the run without failures and keeps nothing unfinished', async () => {
    const ran: string[] = [];
    const atWork = gate();
    let mayRun = false;
    const registry = registryOf(
      sumNode('sum', ran),
      sumNode('slow', ran, async (ctx) => {
        if (mayRun) return;
        atWork.open();
        await new Promise((_, reject) =>
          ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason), { once: true }),
        );
      }),
    );
    const engine = testEngine(registry);
    const workflow = document({ a: ['sum', 1], s: ['slow', 2], z: ['sum', 3] }, [
      'a.sum -> s.a',
      's.sum -> z.a',
    ]);
    const controller = new AbortController();
    const running = engine.run(workflow, { targets: ['z'], signal: controller.signal });
    await atWork.opened;
    controller.abort(new Error('stopped by the user'));
    const result = await running;
    expect(result.status).toBe('cancelled');
    expect(result.story).toEqual(['started a', 'finished a', 'started s']);
    expect(result.events.at(-1)).toEqual(
      expect.objectContaining({ type: 'run.finished', status: 'cancelled' }),
    );
    expect(result.error).toBeUndefined();
    mayRun = true;
    const again = await engine.run(workflow, { targets: ['z'] });
    expect(again.story).toEqual(['cached a', 'started s', 'finished s', 'started z', 'finished z']);
  });

  //  d ──> z     cancelled while d ends
  test('E6 a node that finishes in the moment of a cancel is kept, and nothing begins after it', async () => {
    const controller = new AbortController();
    const registry = registryOf(
      sumNode('deaf', [], () => controller.abort()),
      sumNode('sum', []),
    );
    const engine = testEngine(registry);
    const workflow = document({ d: ['deaf', 1], z: ['sum', 2] }, ['d.sum -> z.a']);
    const cancelled = await engine.run(workflow, { targets: ['z'], signal: controller.signal });
    expect([cancelled.status, cancelled.story]).toEqual(['cancelled', ['started d', 'finished d']]);
    const again = await engine.run(workflow, { targets: ['z'] });
    expect([again.story, shown(again, 'z')]).toEqual([['cached d', 'started z', 'finished z'], '3']);
  });

  test('E6 a run that was cancelled when it had everything has succeeded', async () => {
    const controller = new AbortController();
    const engine = testEngine(registryOf(sumNode('deaf', [], () => controller.abort())));
    const result = await engine.run(document({ d: ['deaf', 1] }), {
      targets: ['d'],
      signal: controller.signal,
    });
    expect([result.status, shown(result, 'd')]).toEqual(['succeeded', '1']);
  });

  test('E6 cancelled before it began, a run starts no node', async () => {
    const ran: string[] = [];
    const result = await testEngine(registryOf(sumNode('sum', ran))).run(document({ a: ['sum'] }), {
      targets: ['a'],
      signal: AbortSignal.abort(),
    });
    expect([result.status, ran]).toEqual(['cancelled', []]);
  });

  test('E1 a listener that throws ends the run with its own error, not as a failed node', async () => {
    const engine = testEngine(registryOf(sumNode('sum', [])));
    const seen: string[] = [];
    const running = engine.run(document({ a: ['sum'] }), {
      targets: ['a'],
      onEvent: ({ type }) => {
        seen.push(type);
        if (type === 'node.finished') throw new Error('the journal is full');
      },
    });
    await expect(running).rejects.toThrow('the journal is full');
    expect(seen).toEqual(['run.started', 'node.started', 'node.finished']);
  });

  test('P3 what cannot run ends as failed, with the issue at its node', async () => {
    const result = await testEngine(registryOf(sumNode('sum', []))).run(
      document({ a: ['sum', 5000], b: ['ghost'] }),
      { targets: ['a', 'b'] },
    );
    expect(result.events.map(({ type }) => type)).toEqual([
      'run.started',
      'node.failed',
      'node.failed',
      'run.finished',
    ]);
    expect(result.error).toMatchObject({
      code: 'graph/param-range',
      message: expect.stringContaining('(and 1 more)'),
    });
  });

  test('P4 a muted branch is skipped and the run succeeds', async () => {
    const workflow = document({ a: ['sum', 1], b: ['sum', 2], c: ['sum', 3] }, ['b.sum -> c.a']);
    workflow.nodes.b = { type: 'sum', version: 1, params: {}, mode: 'muted' };
    const result = await testEngine(registryOf(sumNode('sum', []))).run(workflow, { targets: ['a', 'c'] });
    expect(result.status).toBe('succeeded');
    expect(result.story).toEqual(['skipped c', 'started a', 'finished a']);
  });
});

describe('progress', () => {
  function steppedClock(): Clock & { advance(ms: number): void } {
    let time = 1000;
    return {
      now: () => time,
      elapsed: () => time,
      advance(ms) {
        time += ms;
      },
    };
  }

  test('E7 a thousand steps become about ten reports a second, with rate and time left', async () => {
    const clock = steppedClock();
    const registry = registryOf(
      sumNode('steps', [], (ctx) => {
        for (let step = 0; step <= 1000; step += 1) {
          ctx.progress({ step, totalSteps: 1000 });
          if (step < 1000) clock.advance(2);
        }
      }),
    );
    const { events } = await testEngine(registry, { clock }).run(document({ n: ['steps'] }), {
      targets: ['n'],
    });
    const progress = events.filter((event) => event.type === 'node.progress');
    // Two seconds at one report per 100 ms, the first and the last.
    expect(progress.length).toBe(21);
    expect(progress[10]).toMatchObject({ step: 500, totalSteps: 1000, secondsPerStep: 0.002, etaSeconds: 1 });
    expect(progress.at(-1)).toMatchObject({ step: 1000, etaSeconds: 0 });
  });

  test('E7 previews: one at a time, a fiftieth of the time at most, none after the end', async () => {
    const clock = steppedClock();
    const pixels: Tensor<'float32'> = { dtype: 'float32', shape: [1, 3, 1, 1, 1], data: new Float32Array(3) };
    let produced = 0;
    const encoded: (() => void)[] = [];
    const previews: EnginePreview[] = [];
    const registry = registryOf(
      sumNode('steps', [], async (ctx) => {
        for (let step = 0; step < 300; step += 1) {
          ctx.progress({ step, totalSteps: 300 });
          ctx.preview(() => {
            produced += 1;
            return { pixels, fps: 8 };
          });
          clock.advance(20);
          // The first two get encoded at once, the third not before the node has ended.
          if (produced <= 2) {
            encoded.shift()?.();
            await new Promise(setImmediate);
          }
        }
      }),
    );
    const encodePreview = () =>
      new Promise<Omit<EnginePreview, 'runId' | 'nodeId' | 'step' | 'fps'>>((resolve) => {
        encoded.push(() =>
          resolve({ mediaType: 'image/webp', frameCount: 1, widthPx: 1, heightPx: 1, data: '' }),
        );
      });
    await testEngine(registry, { clock, encodePreview }).run(document({ n: ['steps'] }), {
      targets: ['n'],
      onPreview: (preview) => previews.push(preview),
    });
    for (const release of encoded) release();
    await new Promise(setImmediate);
    expect(produced).toBe(3);
    // The first took two steps of 20 ms, so the next waits 50 times as long.
    expect(previews.map(({ step, nodeId, fps }) => [step, nodeId, fps])).toEqual([
      [0, 'n', 8],
      [102, 'n', 8],
    ]);
  });

  test('E7 the last step is always shown, and may be shown when the node has just ended', async () => {
    const clock = steppedClock();
    const pixels: Tensor<'float32'> = { dtype: 'float32', shape: [1, 3, 1, 1, 1], data: new Float32Array(3) };
    const registry = registryOf(
      sumNode('steps', [], async (ctx) => {
        for (let step = 1; step <= 4; step += 1) {
          ctx.progress({ step, totalSteps: 4 });
          ctx.preview(() => ({ pixels, fps: 8 }));
          clock.advance(1);
          if (step < 4) await new Promise(setImmediate);
        }
      }),
    );
    const previews: EnginePreview[] = [];
    const encodePreview = async () => ({
      mediaType: 'image/webp',
      frameCount: 1,
      widthPx: 1,
      heightPx: 1,
      data: '',
    });
    await testEngine(registry, { clock, encodePreview }).run(document({ n: ['steps'] }), {
      targets: ['n'],
      onPreview: (preview) => previews.push(preview),
    });
    await new Promise(setImmediate);
    expect(previews.map(({ step }) => step)).toEqual([1, 4]);
  });
});
