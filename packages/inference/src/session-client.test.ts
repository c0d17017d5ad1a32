import { fileURLToPath } from 'node:url';
import { tensor, zeros } from '@reelgraph/tensor';
import { afterEach, describe, expect, it } from 'vitest';
import { SessionClient, type SessionClientOptions } from './session-client.ts';

const graph = (component: string) => ({
  path: fileURLToPath(new URL(`./fixtures/tiny-toybox/${component}/model.onnx`, import.meta.url)),
  version: '1',
});
const text = {
  input_ids: tensor('int64', [1, 2], BigInt64Array.of(2n, 3n)),
  attention_mask: tensor('int64', [1, 2], BigInt64Array.of(1n, 1n)),
};

const clients: SessionClient[] = [];
const open = (options: Partial<SessionClientOptions> = {}) => {
  const client = new SessionClient({ threads: 1, ...options });
  clients.push(client);
  return client;
};
afterEach(async () => {
  for (const client of clients.splice(0)) await client.dispose();
});

describe('the inference worker', () => {
  it('leaves the feeds usable, so they can be fed again', async () => {
    const client = open();
    const first = await client.run(graph('text_encoder'), text);
    const second = await client.run(graph('text_encoder'), text);
    expect(second.outputs).toEqual(first.outputs);
    expect(first.outputs.last_hidden_state?.shape).toEqual([1, 2, 6]);
  });

  it('does not block the thread that asked', async () => {
    const client = open();
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await client.run(graph('text_encoder'), text);
    clearInterval(timer);
    expect(turns).toBeGreaterThan(0);
  });

  it('tells a file that is no graph from feeds that do not fit', async () => {
    const client = open();
    const noGraph = { path: fileURLToPath(import.meta.url), version: '1' };
    await expect(client.run(noGraph, {})).rejects.toMatchObject({ name: 'SessionError', stage: 'open' });
    await expect(client.run(graph('text_encoder'), { input_ids: text.input_ids })).rejects.toMatchObject({
      stage: 'run',
    });
    await expect(
      client.run(graph('vae_encoder'), { sample: zeros('float32', [1, 1, 1, 8, 8]) }),
    ).rejects.toMatchObject({
      stage: 'run',
    });
  });

  it('drops waiting requests of a cancelled run and answers the others', async () => {
    const client = open();
    const controller = new AbortController();
    const reason = new Error('cancelled');
    const kept = client.run(graph('text_encoder'), text);
    const dropped = client.run(graph('text_encoder'), text, controller.signal);
    controller.abort(reason);
    await expect(dropped).rejects.toBe(reason);
    await expect(kept).resolves.toBeDefined();
    await expect(client.run(graph('text_encoder'), text, controller.signal)).rejects.toBe(reason);
  });

  it('tells everyone who waits when its thread dies, and starts another', async () => {
    const client = open({ entry: new URL('./fixtures/failing-worker.ts', import.meta.url) });
    const both = await Promise.allSettled([client.run(graph('a'), text), client.run(graph('b'), text)]);
    for (const one of both) {
      expect(one).toMatchObject({
        status: 'rejected',
        reason: { stage: 'worker', cause: { message: 'out of memory' } },
      });
    }
    await expect(client.run(graph('a'), text)).rejects.toMatchObject({ stage: 'worker' });
  });

  it('closes after the run in flight and refuses what comes later', async () => {
    const client = open();
    const running = client.run(graph('text_encoder'), text);
    const waiting = client.run(graph('text_encoder'), text);
    waiting.catch(() => undefined);
    await client.dispose();
    await expect(running).resolves.toBeDefined();
    await expect(waiting).rejects.toMatchObject({ stage: 'worker' });
    await expect(client.run(graph('text_encoder'), text)).rejects.toMatchObject({ stage: 'worker' });
  });

  it('opens a graph again after its memory was released', async () => {
    const client = open();
    await client.run(graph('text_encoder'), text);
    await client.release();
    await expect(client.run(graph('text_encoder'), text)).resolves.toBeDefined();
  });
});
