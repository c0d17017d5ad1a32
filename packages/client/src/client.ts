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
  type QueueSummary,
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

/** Values by the names of a workflow's inputs, or `node.param`. */
export type InputValues = Readonly<Record<string, string | number | boolean>>;

export interface StartRunOptions {
  /** Node ids to compute; all outputs when absent. */
  readonly targets?: readonly string[];
  /** Higher goes first; 0 when absent. */
  readonly priority?: number;
}

export interface ReelgraphClient {
  /** Any call of the map by its name; the methods below are its short forms. @throws ApiError */
  call<C extends HttpCall>(name: C, request: CallRequest<C>): Promise<CallAnswer<C>>;
  getHealth(options?: CallOptions): Promise<CallAnswer<'getHealth'>>;
  listNodeTypes(options?: CallOptions): Promise<CallAnswer<'listNodeTypes'>>;
  listModels(options?: CallOptions): Promise<CallAnswer<'listModels'>>;
  getDevices(options?: CallOptions): Promise<CallAnswer<'getDevices'>>;
  /** Begins to read a model whole; `listModels` tells how far it is. */
  verifyModel(name: string, options?: CallOptions): Promise<CallAnswer<'verifyModel'>>;
  listWorkflows(options?: CallOptions): Promise<CallAnswer<'listWorkflows'>>;
  getWorkflow(id: string, options?: CallOptions): Promise<Workflow>;
  saveWorkflow(
    id: string,
    workflow: CallBodyInput<'saveWorkflow'>,
    options?: CallOptions,
  ): Promise<CallAnswer<'saveWorkflow'>>;
  check(workflow: unknown, options?: CallOptions): Promise<CallAnswer<'check'>>;
  /** What a run would take, learnt from this machine's earlier runs. */
  estimate(
    workflow: unknown,
    options?: CallOptions & { readonly targets?: readonly string[]; readonly inputs?: InputValues },
  ): Promise<CallAnswer<'estimate'>>;
  startRun(
    workflow: unknown,
    options?: CallOptions & StartRunOptions & { readonly runId?: string },
  ): Promise<CallAnswer<'startRun'>>;
  /** One run per entry, with these values of the workflow's inputs; at most 10,000, all accepted or none. */
  startRuns(
    workflow: unknown,
    runs: readonly InputValues[],
    options?: CallOptions & StartRunOptions,
  ): Promise<CallAnswer<'startRuns'>>;
  listRuns(
    options?: CallOptions & { readonly status?: string; readonly before?: string },
  ): Promise<CallAnswer<'listRuns'>>;
  getRun(runId: string, options?: CallOptions): Promise<CallAnswer<'getRun'>>;
  /** The run as a timeline, in the Chrome trace event format. */
  getRunTrace(runId: string, options?: CallOptions): Promise<CallAnswer<'getRunTrace'>>;
  cancelRun(runId: string, options?: CallOptions): Promise<CallAnswer<'cancelRun'>>;
  /** Once more what did not succeed. */
  retryRun(runId: string, options?: CallOptions): Promise<CallAnswer<'retryRun'>>;
  /** Once more, with other values of the workflow's inputs. */
  runAgain(
    runId: string,
    inputs: InputValues,
    options?: CallOptions & { readonly priority?: number },
  ): Promise<CallAnswer<'runAgain'>>;
  /** Gives a waiting run another place in the queue. */
  moveRun(runId: string, to: CallBodyInput<'moveRun'>, options?: CallOptions): Promise<QueueSummary>;
  getQueue(options?: CallOptions): Promise<QueueSummary>;
  pauseQueue(options?: CallOptions): Promise<QueueSummary>;
  resumeQueue(options?: CallOptions): Promise<QueueSummary>;
  cancelAllRuns(options?: CallOptions): Promise<CallAnswer<'cancelAllRuns'>>;
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
          message:
            baseUrl === '' ? 'The server does not answer.' : `No server answers at ${shownUrl(baseUrl)}.`,
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
    getDevices: (o = {}) => call('getDevices', { ...o, params: {} }),
    verifyModel: (name, o = {}) => call('verifyModel', { ...o, params: { name }, body: {} }),
    listWorkflows: (o = {}) => call('listWorkflows', { ...o, params: {} }),
    getWorkflow: (id, o = {}) => call('getWorkflow', { ...o, params: { id } }),
    saveWorkflow: (id, workflow, o = {}) => call('saveWorkflow', { ...o, params: { id }, body: workflow }),
    check: (workflow, o = {}) => call('check', { ...o, params: {}, body: workflow }),
    estimate: (workflow, { targets, inputs, ...o } = {}) =>
      call('estimate', {
        ...o,
        params: {},
        body: {
          workflow,
          ...startOptions(targets, undefined),
          ...(inputs === undefined ? {} : { inputs: { ...inputs } }),
        },
      }),
    startRun: (workflow, { targets, priority, runId, ...o } = {}) =>
      call('startRun', {
        ...o,
        params: {},
        body: { workflow, ...startOptions(targets, priority), ...(runId === undefined ? {} : { runId }) },
      }),
    startRuns: (workflow, runs, { targets, priority, ...o } = {}) =>
      call('startRuns', {
        ...o,
        params: {},
        body: {
          workflow,
          ...startOptions(targets, priority),
          runs: runs.map((inputs) => (Object.keys(inputs).length === 0 ? {} : { inputs: { ...inputs } })),
        },
      }),
    listRuns: ({ status, before, ...o } = {}) =>
      call('listRuns', {
        ...o,
        params: {},
        query: {
          ...(status === undefined ? {} : { status }),
          ...(before === undefined ? {} : { before }),
        },
      }),
    getRun: (runId, o = {}) => call('getRun', { ...o, params: { runId } }),
    getRunTrace: (runId, o = {}) => call('getRunTrace', { ...o, params: { runId } }),
    cancelRun: (runId, o = {}) => call('cancelRun', { ...o, params: { runId }, body: {} }),
    retryRun: (runId, o = {}) => call('retryRun', { ...o, params: { runId }, body: {} }),
    runAgain: (runId, inputs, { priority, ...o } = {}) =>
      call('runAgain', {
        ...o,
        params: { runId },
        body: { inputs: { ...inputs }, ...(priority === undefined ? {} : { priority }) },
      }),
    moveRun: (runId, to, o = {}) => call('moveRun', { ...o, params: { runId }, body: to }),
    getQueue: (o = {}) => call('getQueue', { ...o, params: {} }),
    pauseQueue: (o = {}) => call('pauseQueue', { ...o, params: {}, body: {} }),
    resumeQueue: (o = {}) => call('resumeQueue', { ...o, params: {}, body: {} }),
    cancelAllRuns: (o = {}) => call('cancelAllRuns', { ...o, params: {}, body: {} }),
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

function startOptions(targets: readonly string[] | undefined, priority: number | undefined) {
  return {
    ...(targets === undefined ? {} : { targets: [...targets] }),
    ...(priority === undefined ? {} : { priority }),
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

/** An address without the name and password that it may hold. */
function shownUrl(url: string): string {
  const at = URL.parse(url);
  if (at === null) return url.replace(/\/\/.*@/, '//');
  return `${at.protocol}//${at.host}${at.pathname === '/' ? '' : at.pathname}`;
}
