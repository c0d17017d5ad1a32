import { Worker } from 'node:worker_threads';
import { encodePng } from '@reelgraph/media';
import { afterEach, expect, it } from 'vitest';
import { createMediaClient, type MediaClient } from './media-client.ts';

let client: MediaClient | undefined;
afterEach(() => client?.close());

const picture = () =>
  encodePng({ dtype: 'float32', shape: [1, 3, 1, 4, 4], data: new Float32Array(3 * 4 * 4) }, 0);

it('the end of a worker that failed does not fail the requests of the next one', async () => {
  const workers: Worker[] = [];
  client = createMediaClient({
    startWorker: () => {
      const worker = new Worker(new URL('media-worker.ts', import.meta.url));
      workers.push(worker);
      return worker;
    },
  });
  const png = await picture();
  await client.inspect(png);
  // A crash tells `error` first; a request comes; then comes the `exit`.
  workers[0]?.emit('error', new Error('crashed'));
  const next = client.inspect(png);
  workers[0]?.emit('exit', 1);
  expect(await next).toMatchObject({ widthPx: 4, heightPx: 4 });
  await workers[0]?.terminate();
});

it('a worker that never answers is ended, and the next request has a fresh one', async () => {
  let starts = 0;
  client = createMediaClient({
    deadlineMs: 50,
    startWorker: () => {
      starts += 1;
      return new Worker('for (;;);', { eval: true });
    },
  });
  for (const count of [1, 2]) {
    await expect(client.inspect(new Uint8Array(1))).rejects.toMatchObject({ code: 'media/timeout' });
    expect(starts).toBe(count);
  }
});
