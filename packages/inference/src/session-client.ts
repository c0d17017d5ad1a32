/**
 * The near side of the inference worker: a queue that has one request in flight, so that a cancelled run
 * takes its waiting requests with it.
 *
 * Cancel is soft: the promise rejects at once, while a run already inside the runtime goes to its end in the
 * worker. Nothing stops it there, and ending the worker meanwhile would abort the whole process; a hard stop
 * is to kill the process that hosts this.
 */
import { Worker } from 'node:worker_threads';
import { copyTensor, type Tensor } from '@reelgraph/tensor';
import type {
  SessionAnswer,
  SessionOutputs,
  SessionRef,
  SessionRequest,
  SessionWorkerOptions,
} from './session-messages.ts';
import { transferFromBytes } from './session-messages.ts';

// The runtime calls home unless told not to before it loads, and a worker's own environment is too late.
process.env.ORT_DISABLE_TELEMETRY = '1';

/** Why a request to a session failed. */
export class SessionError extends Error {
  override readonly name = 'SessionError';
  /** `open`: the file is no usable graph. `run`: the feeds do not fit, or memory is short. `worker`: its thread died. */
  readonly stage: 'open' | 'run' | 'worker';

  constructor(stage: 'open' | 'run' | 'worker', message: string, options?: ErrorOptions) {
    super(message, options);
    this.stage = stage;
  }
}

type RequestBody = SessionRequest extends infer R
  ? R extends { id: number }
    ? Omit<R, 'id'>
    : never
  : never;

interface Pending {
  readonly id: number;
  readonly body: RequestBody;
  readonly transfer: ArrayBuffer[];
  resolve(outputs: SessionOutputs): void;
  reject(reason: unknown): void;
}

export interface SessionClientOptions extends SessionWorkerOptions {
  /** The worker's entry file; another one only in tests. */
  readonly entry?: URL;
}

/** Owns one worker thread, started on the first request and again after it died. */
export class SessionClient {
  readonly #options: SessionClientOptions;
  #worker: Worker | undefined;
  #nextId = 1;
  readonly #waiting: Pending[] = [];
  #inFlight: Pending | undefined;
  #whenIdle: (() => void)[] = [];
  #disposed = false;

  constructor(options: SessionClientOptions) {
    this.#options = options;
  }

  /**
   * Runs a graph. Feeds are copied, so they may be used again.
   *
   * @throws SessionError; the signal's reason on abort
   */
  async run(
    session: SessionRef,
    feeds: Readonly<Record<string, Tensor>>,
    signal?: AbortSignal,
  ): Promise<SessionOutputs> {
    signal?.throwIfAborted();
    const owned: Record<string, Tensor> = {};
    const transfer: ArrayBuffer[] = [];
    for (const [name, value] of Object.entries(feeds)) {
      if (value.data.byteLength < transferFromBytes) {
        owned[name] = value;
        continue;
      }
      const copy = copyTensor(value);
      owned[name] = copy;
      if (copy.data.buffer instanceof ArrayBuffer) transfer.push(copy.data.buffer);
    }
    return this.#request({ kind: 'run', session, feeds: owned }, transfer, signal);
  }

  /** Closes all sessions and frees their memory; the next run opens what it needs. */
  async release(): Promise<void> {
    if (this.#worker !== undefined) await this.#request({ kind: 'release' }, []);
  }

  /** Whether a run is inside the runtime, be there anybody who waits for it or not. */
  get isBusy(): boolean {
    return this.#inFlight !== undefined;
  }

  /** Refuses new requests, waits for the run in flight, then ends the worker. */
  async dispose(): Promise<void> {
    this.#disposed = true;
    const gone = new SessionError('worker', 'The inference worker was closed.');
    for (const request of this.#waiting.splice(0)) request.reject(gone);
    if (this.#inFlight !== undefined) {
      await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
    }
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }

  #request(body: RequestBody, transfer: ArrayBuffer[], signal?: AbortSignal): Promise<SessionOutputs> {
    if (this.#disposed) {
      return Promise.reject(new SessionError('worker', 'The inference worker was closed.'));
    }
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        const at = this.#waiting.indexOf(request);
        if (at >= 0) this.#waiting.splice(at, 1);
        reject(signal?.reason);
      };
      const request: Pending = {
        id: this.#nextId++,
        body,
        transfer,
        resolve: (outputs) => {
          signal?.removeEventListener('abort', onAbort);
          resolve(outputs);
        },
        reject: (reason) => {
          signal?.removeEventListener('abort', onAbort);
          reject(reason);
        },
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiting.push(request);
      this.#sendNext();
    });
  }

  #sendNext(): void {
    if (this.#inFlight !== undefined) return;
    const request = this.#waiting.shift();
    if (request === undefined) {
      // An idle worker does not keep the process alive.
      this.#worker?.unref();
      for (const resolve of this.#whenIdle.splice(0)) resolve();
      return;
    }
    const worker = this.#worker ?? this.#start();
    worker.ref();
    this.#inFlight = request;
    worker.postMessage({ ...request.body, id: request.id }, request.transfer);
  }

  #start(): Worker {
    const entry = this.#options.entry ?? new URL('./session-worker.ts', import.meta.url);
    const { threads, openBytes } = this.#options;
    const workerData = { threads, ...(openBytes === undefined ? {} : { openBytes }) };
    const worker = new Worker(entry, { workerData, name: 'inference' });
    worker.on('message', (answer: SessionAnswer) => this.#receive(answer));
    worker.on('error', (cause) =>
      this.#lose(worker, new SessionError('worker', 'The inference worker failed.', { cause })),
    );
    worker.on('exit', (code) =>
      this.#lose(worker, new SessionError('worker', `The inference worker ended (exit code ${code}).`)),
    );
    this.#worker = worker;
    return worker;
  }

  #receive(answer: SessionAnswer): void {
    const request = this.#inFlight;
    if (request === undefined || request.id !== answer.id) return;
    this.#inFlight = undefined;
    if (answer.kind === 'done') request.resolve({ outputs: answer.outputs, runMs: answer.runMs });
    else request.reject(new SessionError(answer.stage, answer.message));
    this.#sendNext();
  }

  /** The thread is gone: everything that waited for it learns why, and the next request starts another. */
  #lose(worker: Worker, reason: SessionError): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    const lost = [...(this.#inFlight === undefined ? [] : [this.#inFlight]), ...this.#waiting.splice(0)];
    this.#inFlight = undefined;
    for (const request of lost) request.reject(reason);
    this.#sendNext();
  }
}
