/** What a client reads when a request fails, and the one place that writes it. */
import type { GraphIssue } from '@reelgraph/graph';
import { NodeError } from '@reelgraph/node-api';
import type { ErrorBody } from '@reelgraph/protocol';
import { StoreError } from '@reelgraph/store';
import type { ErrorRequestHandler, Response } from 'express';
import type { Logger } from 'pino';
import { QueueRefusal } from './run-queue.ts';

interface HttpErrorOptions {
  readonly hint?: string;
  readonly path?: readonly (string | number)[];
  readonly issues?: readonly GraphIssue[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** An answer other than success. Its message is shown to the client; its cause never is. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly status: number;
  readonly code: string;
  readonly options: HttpErrorOptions;

  constructor(status: number, code: string, message: string, options: HttpErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.status = status;
    this.code = code;
    this.options = options;
  }

  get body(): ErrorBody {
    const { hint, path, issues } = this.options;
    return {
      error: {
        code: this.code,
        message: this.message,
        ...(hint === undefined ? {} : { hint }),
        ...(path === undefined ? {} : { path: [...path] }),
        ...(issues === undefined ? {} : { issues: [...issues] }),
      },
    };
  }
}

/** 404 for a path that nothing serves. */
export function notFound(what: string, hint?: string): HttpError {
  return new HttpError(404, 'http/not-found', what, hint === undefined ? {} : { hint });
}

export function sendError(response: Response, error: HttpError): void {
  response
    .status(error.status)
    .set(error.options.headers ?? {})
    .json(error.body);
}

/** Status of the errors that express and its body readers throw; undefined for anything else. */
function frameworkProblem(error: unknown): { status: number; type: string } | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const status = 'status' in error && typeof error.status === 'number' ? error.status : undefined;
  if (status === undefined) return undefined;
  return { status, type: 'type' in error && typeof error.type === 'string' ? error.type : '' };
}

function toHttpError(error: unknown): HttpError | undefined {
  if (error instanceof HttpError) return error;
  // Already a sentence for users: a file that is no image, a model that is damaged.
  if (error instanceof NodeError) {
    const options = error.hint === undefined ? { cause: error } : { hint: error.hint, cause: error };
    return new HttpError(422, error.code, error.message, options);
  }
  if (error instanceof StoreError) {
    const options = error.hint === undefined ? { cause: error } : { hint: error.hint, cause: error };
    return new HttpError(error.code === 'store/disk-full' ? 507 : 500, error.code, error.message, options);
  }
  if (error instanceof QueueRefusal) {
    const status = error.code === 'queue/unknown-run' ? 404 : 409;
    return new HttpError(status, error.code, error.message, { cause: error });
  }
  const errno = error instanceof Error && 'code' in error ? error.code : undefined;
  if (errno === 'ENOSPC' || errno === 'EDQUOT') {
    return new HttpError(507, 'store/disk-full', 'The disk is full; nothing was stored.', {
      hint: 'Free some space on the disk that holds the data folder and try again.',
      cause: error,
    });
  }
  const problem = frameworkProblem(error);
  if (problem === undefined || problem.status >= 500) return undefined;
  switch (problem.status) {
    case 404:
      return notFound('There is nothing at this address.');
    case 413:
      return new HttpError(413, 'http/too-large', 'The body is larger than this address accepts.', {
        cause: error,
      });
    case 415:
      return new HttpError(
        415,
        'http/unsupported-encoding',
        'The body must be sent uncompressed and in UTF-8.',
        { cause: error },
      );
    case 416:
      return new HttpError(416, 'http/bad-range', 'The requested byte range is not in the file.', {
        cause: error,
      });
    default:
      return new HttpError(problem.status, 'http/bad-request', 'The request could not be read.', {
        cause: error,
      });
  }
}

/** Last handler of the app: known problems as they are, anything else as 500 without a word of its inside. */
export function errorHandler(log: Logger): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    // Whoever asked is gone, and what was begun for them was given up: nobody reads an answer.
    if (response.destroyed && error instanceof Error && error.name === 'AbortError') return;
    const known = toHttpError(error);
    if (known === undefined)
      log.error({ err: error, method: request.method, path: request.path }, 'request failed');
    if (response.headersSent) {
      next(error);
      return;
    }
    // Headers set for a file that then could not be sent would misname the error body.
    for (const name of [
      'content-type',
      'content-disposition',
      'content-length',
      'content-range',
      'cache-control',
      'etag',
    ]) {
      response.removeHeader(name);
    }
    sendError(
      response,
      known ??
        new HttpError(500, 'http/internal', 'The server met a problem of its own. Its log says more.', {
          hint: 'Try again; if it stays, report it with the log.',
        }),
    );
  };
}
