/** Gives every request an id, which its answer and every line logged on its behalf carry, and logs how it went. */
import { randomUUID } from 'node:crypto';
import type { RequestHandler } from 'express';
import type { Logger } from 'pino';
import { requestScope } from './log.ts';

/**
 * What changes something is told at `info`, as is what was refused; reading at `debug`, a fault of the server at
 * `error`. The path is logged without its query, which may hold the token.
 */
export function requestLog(log: Logger): RequestHandler {
  return (request, response, next) => {
    const requestId = randomUUID();
    const startedAt = performance.now();
    const { method, path } = request;
    response.set('x-request-id', requestId);
    response.once('close', () => {
      const { statusCode: status, writableFinished } = response;
      const durationMs = Math.round(performance.now() - startedAt);
      const level =
        status >= 500 ? 'error' : status >= 400 || (method !== 'GET' && method !== 'HEAD') ? 'info' : 'debug';
      log[level](
        { requestId, method, path, status, durationMs, ...(writableFinished ? {} : { isAborted: true }) },
        'request',
      );
    });
    requestScope.run({ requestId }, next);
  };
}
