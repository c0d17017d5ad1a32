import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createClient } from '@reelgraph/client';
import { emptyWorkflow } from '@reelgraph/graph';
import express, { type ErrorRequestHandler, Router } from 'express';
import { afterEach, expect, it } from 'vitest';
import { errorHandler } from './http-error.ts';
import { createLog } from './log.ts';
import { createCallRegistry } from './register-call.ts';

let close: () => Promise<void> = async () => {};
afterEach(() => close());

it('a call hears that its client has gone, and that is no fault of the server', async () => {
  const asked = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  const router = Router();
  createCallRegistry(router).call('estimate', async ({ signal }) => {
    asked.resolve();
    if (!signal.aborted) await once(signal, 'abort');
    signal.throwIfAborted();
    return { issues: [] };
  });
  const lines: string[] = [];
  const log = createLog('error', { write: (line: string) => void lines.push(line) });
  const handle = errorHandler(log);
  const app = express().use(router);
  app.use(((error, request, response, next) => {
    handle(error, request, response, next);
    ended.resolve();
  }) satisfies ErrorRequestHandler);
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  close = async () => {
    server.closeAllConnections();
    server.close();
  };
  const { port }: Pick<AddressInfo, 'port'> = Object(server.address());
  const client = createClient({ baseUrl: `http://127.0.0.1:${port}` });

  const gone = new AbortController();
  const answer = client.estimate(emptyWorkflow(), { signal: gone.signal });
  answer.catch(() => {});
  await asked.promise;
  gone.abort();
  await ended.promise;
  await expect(answer).rejects.toThrow();
  expect(lines).toEqual([]);
});
