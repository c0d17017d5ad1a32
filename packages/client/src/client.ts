/** Typed calls to a Reelgraph server, derived from the protocol's map; the same code in browser and Node. */
import {
  byteRoutes,
  type CallAnswer,
  type CallBodyInput,
  type CallParams,
  callPath,
  callSpecs,
  errorBodySchema,
  type HttpCall,
  type UploadAnswer,
  uploadAnswerSchema,
} from '@reelgraph/protocol';
import { ApiError } from './errors.ts';
import { type ConnectEventsOptions, connectEvents, type EventConnection } from './events.ts';

export interface ClientOptions {
  /** Origin of the server, for example `http://127.0.0.1:7860`; '' means the page's own. */
  readonly baseUrl: string;
  /** Needed where the server asks for one (any address but loopback). */
  readonly token?: string;
  readonly fetch?: typeof globalThis.fetch;
  readonly WebSocket?: typeof globalThis.WebSocket;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
}

export interface CallRequest<C extends HttpCall> extends CallOptions {
  readonly params: CallParams<C>;
  readonly body?: CallBodyInput<C>;
  readonly query?: Readonly<Record<string, string>>;
}

/** Bytes as every platform can send them. */
export type Bytes = Blob | ArrayBuffer | Uint8Array<ArrayBuffer>;

type Workflow = CallAnswer<'getWorkflow'>;

export interface ReelgraphClient {
  /** Any call of the map by its name; the methods below are its short forms. @throws ApiError */
  call<C extends HttpCall>(name: C, request: CallRequest<C>): Promise<CallAnswer<C>>;
  getHealth(options?: CallOptions): Promise<CallAnswer<'getHealth'>>;
  listNodeTypes(options?: CallOptions): Promise<CallAnswer<'listNodeTypes'>>;
  listModels(options?: CallOptions): Promise<CallAnswer<'listModels'>>;
  listWorkflows(options?: CallOptions): Promise<CallAnswer<'listWorkflows'>>;
  getWorkflow(id: string, options?: CallOptions): Promise<Workflow>;
  saveWorkflow(
    id: string,
    workflow: CallBodyInput<'saveWorkflow'>,
    options?: CallOptions,
  ): Promise<CallAnswer<'saveWorkflow'>>;
  check(workflow: unknown, options?: CallOptions): Promise<CallAnswer<'check'>>;
  startRun(
    workflow: unknown,
    options?: CallOptions & { readonly targets?: readonly string[] },
  ): Promise<CallAnswer<'startRun'>>;
  listRuns(options?: CallOptions & { readonly status?: string }): Promise<CallAnswer<'listRuns'>>;
  getRun(runId: string, options?: CallOptions): Promise<CallAnswer<'getRun'>>;
  cancelRun(runId: string, options?: CallOptions): Promise<CallAnswer<'cancelRun'>>;
  /** Stores an image (PNG, JPEG, WebP) or a video (MP4, WebM); the answer's `file` is what a `file` param holds. */
  uploadFile(bytes: Bytes, mediaType: string, options?: CallOptions): Promise<UploadAnswer>;
  /** The workflow that a video made by Reelgraph carries. */
  extractWorkflow(mp4: Bytes, options?: CallOptions): Promise<Workflow>;
  /** Address of a result's bytes; `download` is the file name a browser saves it under. */
  resultUrl(digest: string, options?: { readonly download?: string }): string;
  /** Address of an input file's bytes. */
  fileUrl(name: string): string;
  /** Follows all runs; see `connectEvents`. */
  connectEvents(options: ConnectEventsOptions): EventConnection;
}

/** A client of one server. */
export function createClient(options: ClientOptions): ReelgraphClient {
  const fetchImpl = options.fetch ?? globalThis.fetch.bind(globalThis);
  const baseUrl = options.baseUrl.replace(/\/+$/, '');

  async function send(path: string, init: RequestInit): Promise<unknown> {
    const headers = new Headers(init.headers);
    if (options.token !== undefined) headers.set('authorization', `Bearer ${options.token}`);
    let response: Response;
    try {
      response = await fetchImpl(`${baseUrl}${path}`, { ...init, headers });
    } catch (cause) {
      if (init.signal?.aborted) throw cause;
      throw new ApiError(
        0,
        {
          code: 'client/unreachable',
          message: 'The server does not answer.',
          hint: 'Is it still running? Start it with "npm start".',
        },
        { cause },
      );
    }
    const text = await response.text();
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (cause) {
      throw unexpectedAnswer(response.status, `expected JSON from ${path}, got something else`, cause);
    }
    if (response.ok) return value;
    const problem = errorBodySchema.safeParse(value);
    if (problem.success) throw new ApiError(response.status, problem.data.error);
    throw unexpectedAnswer(
      response.status,
      `expected an error body from ${path}, got another shape`,
      problem.error,
    );
  }

  async function call<C extends HttpCall>(name: C, request: CallRequest<C>): Promise<CallAnswer<C>> {
    const spec = callSpecs[name];
    const query =
      request.query && Object.keys(request.query).length > 0 ? `?${new URLSearchParams(request.query)}` : '';
    const init: RequestInit = { method: spec.method };
    if (request.signal) init.signal = request.signal;
    if (spec.method !== 'GET') {
      init.headers = { 'content-type': 'application/json' };
      init.body = JSON.stringify(request.body ?? {});
    }
    const value = await send(`${callPath(name, request.params)}${query}`, init);
    const answer = spec.answer.safeParse(value);
    if (answer.success) return answer.data;
    throw unexpectedAnswer(
      200,
      `the answer of "${name}" has another shape than this client knows`,
      answer.error,
    );
  }

  async function sendBytes(
    path: string,
    bytes: Bytes,
    mediaType: string,
    callOptions: CallOptions,
  ): Promise<unknown> {
    const init: RequestInit = { method: 'POST', headers: { 'content-type': mediaType }, body: bytes };
    if (callOptions.signal) init.signal = callOptions.signal;
    return send(path, init);
  }

  return {
    call,
    getHealth: (o = {}) => call('getHealth', { ...o, params: {} }),
    listNodeTypes: (o = {}) => call('listNodeTypes', { ...o, params: {} }),
    listModels: (o = {}) => call('listModels', { ...o, params: {} }),
    listWorkflows: (o = {}) => call('listWorkflows', { ...o, params: {} }),
    getWorkflow: (id, o = {}) => call('getWorkflow', { ...o, params: { id } }),
    saveWorkflow: (id, workflow, o = {}) => call('saveWorkflow', { ...o, params: { id }, body: workflow }),
    check: (workflow, o = {}) => call('check', { ...o, params: {}, body: workflow }),
    startRun: (workflow, { targets, ...o } = {}) =>
      call('startRun', {
        ...o,
        params: {},
        body: targets ? { workflow, targets: [...targets] } : { workflow },
      }),
    listRuns: ({ status, ...o } = {}) =>
      call('listRuns', { ...o, params: {}, query: status ? { status } : {} }),
    getRun: (runId, o = {}) => call('getRun', { ...o, params: { runId } }),
    cancelRun: (runId, o = {}) => call('cancelRun', { ...o, params: { runId }, body: {} }),
    uploadFile: async (bytes, mediaType, o = {}) =>
      uploadAnswerSchema.parse(await sendBytes(byteRoutes.upload, bytes, mediaType, o)),
    extractWorkflow: async (mp4, o = {}) =>
      callSpecs.getWorkflow.answer.parse(await sendBytes(byteRoutes.extractWorkflow, mp4, 'video/mp4', o)),
    resultUrl: (digest, { download } = {}) =>
      `${baseUrl}${byteRoutes.result(digest)}${download === undefined ? '' : `?${new URLSearchParams({ download })}`}`,
    fileUrl: (name) => `${baseUrl}${byteRoutes.file(name.split('/').map(encodeURIComponent).join('/'))}`,
    connectEvents: (eventOptions) =>
      connectEvents(
        {
          baseUrl,
          WebSocket: options.WebSocket ?? globalThis.WebSocket,
          findRefusal: () =>
            call('getHealth', { params: {} }).then(
              () => undefined,
              (error: unknown) =>
                error instanceof ApiError && error.status === 401 ? error.message : undefined,
            ),
          ...(options.token === undefined ? {} : { token: options.token }),
        },
        eventOptions,
      ),
  };
}

function unexpectedAnswer(status: number, what: string, cause: unknown): ApiError {
  return new ApiError(
    status,
    {
      code: 'client/unexpected-answer',
      message: `What answers there is not a Reelgraph server of this version: ${what}.`,
      hint: 'Reload the page, or check the address.',
    },
    { cause },
  );
}
