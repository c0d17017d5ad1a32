/**
 * Entry of the worker thread. `session.run` blocks its thread, so it never runs on the one that cancels,
 * reports progress or serves sockets.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import { SessionHandler } from './session-handler.ts';
import { type SessionAnswer, type SessionRequest, transferFromBytes } from './session-messages.ts';

const port = parentPort;
if (port === null) throw new Error('session-worker.ts is started as a worker thread, not run by itself.');

const handler = new SessionHandler(
  z
    .object({ threads: z.number().int().positive(), openBytes: z.number().nonnegative().exactOptional() })
    .parse(workerData),
);

port.on('message', (request: SessionRequest) => {
  void handler.handle(request).then((answer) => port.postMessage(answer, buffersOf(answer)));
});

/** Large outputs move to the other thread without a copy; the runtime made them fresh for us. */
function buffersOf(answer: SessionAnswer): ArrayBuffer[] {
  if (answer.kind === 'failed') return [];
  const buffers = new Set<ArrayBuffer>();
  for (const { data } of Object.values(answer.outputs)) {
    if (data.byteLength >= transferFromBytes && data.buffer instanceof ArrayBuffer) buffers.add(data.buffer);
  }
  return [...buffers];
}
