/**
 * Entry of the worker thread. `session.run` blocks its thread, so it never runs on the one that cancels,
 * reports progress or serves sockets.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import { deviceNames } from './devices.ts';
import { SessionHandler } from './session-handler.ts';
import { buffersToMove, type SessionReport, type SessionRequest } from './session-messages.ts';

const port = parentPort;
if (port === null) throw new Error('session-worker.ts is started as a worker thread, not run by itself.');

const handler = new SessionHandler(
  z
    .object({
      threads: z.number().int().positive(),
      device: z.enum(deviceNames).exactOptional(),
      openBytes: z.number().nonnegative().exactOptional(),
    })
    .parse(workerData),
);

port.on('message', (request: SessionRequest) => {
  const report = (step: SessionReport): void =>
    // The sampler goes on from its state; the clean latent nobody here looks at again.
    port.postMessage(step, buffersToMove([step.clean]));
  void handler.handle(request, report).then((answer) => {
    // The runtime made the outputs fresh for us.
    port.postMessage(answer, answer.kind === 'done' ? buffersToMove(Object.values(answer.outputs)) : []);
  });
});
