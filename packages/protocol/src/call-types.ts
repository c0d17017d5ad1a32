/** Types and URLs derived from the `httpApi` map, for the server that registers calls and the client that makes them. */
import type { z } from 'zod';
import { ProtocolError } from './errors.ts';
import { type HttpApi, type HttpCall, httpApi } from './http.ts';

/** Names after `:` in a path, for example `'runId'` of `/runs/:runId/cancel`. */
export type PathParamNames<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Name | PathParamNames<Rest>
  : Path extends `${string}:${infer Name}`
    ? Name
    : never;

/** What the path of a call needs. */
export type CallParams<C extends HttpCall> = { readonly [K in PathParamNames<HttpApi[C]['path']>]: string };
/** A request body as a client writes it (defaults may be absent). */
export type CallBodyInput<C extends HttpCall> = z.input<HttpApi[C]['body']>;
/** A request body as the server reads it. */
export type CallBody<C extends HttpCall> = z.output<HttpApi[C]['body']>;
/** An answer as the server writes it. */
export type CallAnswerInput<C extends HttpCall> = z.input<HttpApi[C]['answer']>;
/** An answer as the client reads it. */
export type CallAnswer<C extends HttpCall> = z.output<HttpApi[C]['answer']>;

/** One call of the map with its schemas tied to its name. */
export interface CallSpec<C extends HttpCall> {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly path: string;
  readonly body: z.ZodType<CallBody<C>, CallBodyInput<C>>;
  readonly answer: z.ZodType<CallAnswer<C>, CallAnswerInput<C>>;
}

/** The map seen so that `callSpecs[name]` keeps the tie between a call's name and its types. */
export const callSpecs: { readonly [C in HttpCall]: CallSpec<C> } = httpApi;

/** Fills `:name` parts of a call's path, percent-encoded. @throws ProtocolError 'protocol/missing-path-param' */
export function callPath<C extends HttpCall>(call: C, params: CallParams<C>): string {
  const values = new Map<string, string>(Object.entries(params));
  return callSpecs[call].path.replace(/:([A-Za-z]+)/g, (_match, name: string) => {
    const value = values.get(name);
    if (value === undefined || value === '') {
      throw new ProtocolError(
        'protocol/missing-path-param',
        `Call "${call}" needs the path param "${name}".`,
      );
    }
    return encodeURIComponent(value);
  });
}
