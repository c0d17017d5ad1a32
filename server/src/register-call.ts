/**
 * Ties a call of the protocol's map to its handler: method, path, body schema and answer type come from the
 * map, so a route cannot answer with a type its clients do not expect.
 */
import { documentLimits, scanJson } from '@reelgraph/graph';
import {
  type CallAnswerInput,
  type CallBody,
  type CallParams,
  callSpecs,
  type HttpCall,
} from '@reelgraph/protocol';
import express, { type Request, type RequestHandler, type Router } from 'express';
import { HttpError } from './http-error.ts';

export interface CallRequest<C extends HttpCall> {
  readonly body: CallBody<C>;
  /** Aborted when the client goes away before it has its answer. */
  readonly signal: AbortSignal;
  /** A part of the path, decoded. */
  param(name: keyof CallParams<C> & string): string;
  /** A query param; undefined when absent or given twice. */
  query(name: string): string | undefined;
}

export type CallHandler<C extends HttpCall> = (
  request: CallRequest<C>,
) => CallAnswerInput<C> | Promise<CallAnswerInput<C>>;

/** Room around a workflow for the rest of a request's body. */
const maxBodyBytes = documentLimits.textBytes + 64 * 1024;
const maxBodyDepth = documentLimits.depth + 2;

// Only JSON: a form or plain text can be sent by any page of the web without the browser asking first.
const requireJson: RequestHandler = (request, _response, next) => {
  const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json') {
    throw new HttpError(415, 'http/not-json', 'This address takes a body of type application/json.', {
      hint: 'Send "Content-Type: application/json"; where there is nothing to say, the body is {}.',
    });
  }
  next();
};

const readBody = express.raw({ type: () => true, limit: maxBodyBytes, inflate: false });

/** Text to JSON with the bounds a stranger's document gets. @throws HttpError 400 */
export function parseBody(bytes: unknown): unknown {
  let text: string;
  try {
    text = Buffer.isBuffer(bytes) ? new TextDecoder('utf-8', { fatal: true }).decode(bytes) : '';
  } catch (cause) {
    throw new HttpError(400, 'http/not-utf8', 'The body is not UTF-8 text.', { cause });
  }
  const problem = scanJson(text, maxBodyDepth);
  if (problem !== undefined) {
    throw new HttpError(400, problem.code, problem.message, { path: problem.path });
  }
  return JSON.parse(text);
}

function parseAs<C extends HttpCall>(call: C, value: unknown): CallBody<C> {
  const parsed = callSpecs[call].body.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const path = (issue?.path ?? []).map((key) => (typeof key === 'symbol' ? String(key) : key));
  const where = path.length > 0 ? ` at "${path.join('.')}"` : '';
  throw new HttpError(
    400,
    'http/invalid-body',
    `The body does not fit${where}: ${issue?.message ?? 'unknown shape'}.`,
    { path },
  );
}

function paramOf(request: Request, name: string): string {
  const value = request.params[name];
  return typeof value === 'string' ? value : '';
}

/** Registers calls on a router and remembers which methods each path has. */
export function createCallRegistry(router: Router) {
  const methodsByPath = new Map<string, Set<string>>();

  function note(path: string, method: string): void {
    const methods = methodsByPath.get(path) ?? new Set<string>();
    methodsByPath.set(path, methods.add(method));
  }

  return {
    /** A JSON call of the map. `status` is what a success answers with. */
    call<C extends HttpCall>(
      name: C,
      handler: CallHandler<C>,
      { status = 200 }: { status?: number } = {},
    ): void {
      const spec = callSpecs[name];
      note(spec.path, spec.method);
      const run: RequestHandler = async (request, response) => {
        const body = parseAs(name, spec.method === 'GET' ? undefined : parseBody(request.body));
        const gone = new AbortController();
        response.once('close', () => gone.abort());
        const answer = await handler({
          body,
          signal: gone.signal,
          param: (key) => paramOf(request, key),
          query: (key) => {
            const value = request.query[key];
            return typeof value === 'string' ? value : undefined;
          },
        });
        response.status(status).set('cache-control', 'no-store').json(answer);
      };
      if (spec.method === 'GET') router.get(spec.path, run);
      else if (spec.method === 'PUT') router.put(spec.path, requireJson, readBody, run);
      else router.post(spec.path, requireJson, readBody, run);
    },
    /** A route whose body or answer is bytes. */
    bytes(method: 'GET' | 'POST', path: string, ...handlers: RequestHandler[]): void {
      note(path, method);
      if (method === 'GET') router.get(path, ...handlers);
      else router.post(path, ...handlers);
    },
    /** After all routes: known paths answer other methods with 405 and the methods they have. */
    finish(): void {
      for (const [path, methods] of methodsByPath) {
        const allow = [...methods, ...(methods.has('GET') ? ['HEAD'] : [])].join(', ');
        router.all(path, (request) => {
          throw new HttpError(
            405,
            'http/method-not-allowed',
            `This address has no ${request.method}; it has ${allow}.`,
            {
              headers: { allow },
            },
          );
        });
      }
    },
  };
}
export type CallRegistry = ReturnType<typeof createCallRegistry>;
