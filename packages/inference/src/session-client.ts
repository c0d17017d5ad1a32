/**
 * The near side of the inference worker: a queue that has one request in flight (two beside a sampling), so that a cancelled run
 * takes its waiting requests with it.
 *
 * Cancel is soft: the promise rejects at once, while a run already inside the runtime goes to its end in the
 * worker. Nothing stops it there, and ending the worker meanwhile would abort the whole process; a hard stop
 * is to kill the process that hosts this.
 */
import { Worker } from 'node:worker_threads';
import { DiffusionError, type SamplerState } from '@reelgraph/diffusion';
import { copyTensor, type Tensor, TensorError } from '@reelgraph/tensor';
import { SafeSteps } from './safe-steps.ts';
import type {
  CarriedError,
  SessionAnswer,
  SessionOutputs,
  SessionRef,
  SessionReport,
  SessionRequest,
  SessionWorkerOptions,
} from './session-messages.ts';
import { transferFromBytes } from './session-messages.ts';
import type { NoiseSource } from './shared-noise.ts';

// The runtime calls home unless told not to before it loads, and a worker's own environment is too late.
process.env.ORT_DISABLE_TELEMETRY = '1';

type SessionStage = 'open' | 'run' | 'memory' | 'worker';

/** Why a request to a session failed. */
export class SessionError extends Error {
  override readonly name = 'SessionError';
  /** `open`: the file is no usable graph. `run`: the feeds do not fit. `memory`: there is too little. `worker`: its thread died. */
  readonly stage: SessionStage;

  constructor(stage: SessionStage, message: string, options?: ErrorOptions) {
    super(message, options);
    this.stage = stage;
  }
}

type RequestBody = SessionRequest extends infer R
  ? R extends { id: number }
    ? Omit<R, 'id'>
    : never
  : never;

type Answered = Exclude<SessionAnswer, { kind: 'failed' }>;

interface Pending {
  readonly id: number;
  readonly body: RequestBody;
  readonly transfer: ArrayBuffer[];
  /** Whom a sampling reports to; absent for other requests. */
  readonly watcher: SamplingWatcher | undefined;
  /** What holds a sampling up until its steps are saved. */
  readonly safeSteps: SafeSteps | undefined;
  /** Nobody waits any more: it was cancelled, or whoever watches it threw. */
  isLeft: boolean;
  resolve(answer: Answered): void;
  reject(reason: unknown): void;
}

/** What a sampling needs of the thread that asked for it. */
export interface SamplingWatcher {
  readonly noise: NoiseSource;
  /** After each step; what it throws ends the sampling. The next step does not end before its promise resolves. */
  onStep(step: SessionReport): void | Promise<void>;
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
  /** What the worker has, by id: one request, or a sampling and a run that is let in between two of its steps. */
  readonly #atWork = new Map<number, Pending>();
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
    const answer = await this.#request({ kind: 'run', session, feeds: owned }, { transfer, signal });
    if (answer.kind !== 'done') throw new Error(`A run was answered with "${answer.kind}".`);
    return { outputs: answer.outputs, runMs: answer.runMs };
  }

  /**
   * Takes the steps of a sampling in the worker. Runs are let in between them; another sampling waits until it ends, or,
   * after an abort, until the step at work does.
   *
   * @throws SessionError; what the arithmetic between the runs throws; what `watcher` throws; the signal's reason on
   *   abort
   */
  async sample(
    sampling: Omit<Extract<SessionRequest, { kind: 'sample' }>, 'kind' | 'id' | 'noise' | 'safeSteps'>,
    watcher: SamplingWatcher,
    signal?: AbortSignal,
  ): Promise<SamplerState> {
    signal?.throwIfAborted();
    const safeSteps = new SafeSteps();
    const shared = { noise: watcher.noise.shared, safeSteps: safeSteps.memory };
    const body = { kind: 'sample', ...sampling, ...shared } as const;
    const answer = await this.#request(body, { signal, watcher, safeSteps });
    if (answer.kind !== 'sampled') throw new Error(`A sampling was answered with "${answer.kind}".`);
    return answer.state;
  }

  /** Closes all sessions and frees their memory; the next run opens what it needs. */
  async release(): Promise<void> {
    if (this.#worker !== undefined) await this.#request({ kind: 'release' });
  }

  /** Whether a run is inside the runtime, be there anybody who waits for it or not. */
  get isBusy(): boolean {
    return this.#atWork.size > 0;
  }

  /** Refuses new requests, waits for the run in flight (of a sampling: the step at work), then ends the worker. */
  async dispose(): Promise<void> {
    this.#disposed = true;
    for (const request of this.#waiting.splice(0)) request.reject(closed());
    if (this.isBusy) {
      for (const request of this.#atWork.values()) this.#leave(request);
      await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
    }
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }

  #request(
    body: RequestBody,
    options: {
      readonly transfer?: ArrayBuffer[];
      readonly signal?: AbortSignal | undefined;
      readonly watcher?: SamplingWatcher;
      readonly safeSteps?: SafeSteps;
    } = {},
  ): Promise<Answered> {
    const { transfer = [], signal, watcher, safeSteps } = options;
    if (this.#disposed) {
      return Promise.reject(closed());
    }
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        const at = this.#waiting.indexOf(request);
        if (at >= 0) this.#waiting.splice(at, 1);
        else this.#leave(request);
        reject(signal?.reason);
      };
      const request: Pending = {
        id: this.#nextId++,
        body,
        transfer,
        watcher,
        safeSteps,
        isLeft: false,
        resolve: (answer) => {
          signal?.removeEventListener('abort', onAbort);
          resolve(answer);
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
    const [request] = this.#waiting;
    if (request === undefined) {
      if (this.isBusy) return;
      // An idle worker does not keep the process alive.
      this.#worker?.unref();
      for (const resolve of this.#whenIdle.splice(0)) resolve();
      return;
    }
    if (!this.#hasRoomFor(request)) return;
    this.#waiting.shift();
    const worker = this.#worker ?? this.#start();
    worker.ref();
    this.#atWork.set(request.id, request);
    worker.postMessage({ ...request.body, id: request.id }, request.transfer);
    request.watcher?.noise.drawAfter();
    this.#sendNext();
  }

  #hasRoomFor({ body }: Pending): boolean {
    const [first, second] = this.#atWork.values();
    if (first === undefined) return true;
    return second === undefined && first.body.kind === 'sample' && body.kind === 'run';
  }

  #start(): Worker {
    const entry = this.#options.entry ?? new URL('./session-worker.ts', import.meta.url);
    const { threads, device, openBytes } = this.#options;
    const workerData: SessionWorkerOptions = {
      threads,
      ...(device === undefined ? {} : { device }),
      ...(openBytes === undefined ? {} : { openBytes }),
    };
    const worker = new Worker(entry, { workerData, name: 'inference' });
    worker.on('message', (message: SessionAnswer | SessionReport) => {
      if (message.kind === 'step') this.#watch(message);
      else this.#receive(message);
    });
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
    const request = this.#atWork.get(answer.id);
    if (request === undefined) return;
    this.#atWork.delete(answer.id);
    if (answer.kind !== 'failed') request.resolve(answer);
    else if (answer.stage !== 'sample') request.reject(new SessionError(answer.stage, answer.message));
    // Whoever cancelled has been told already; the others wait for a worker that is being closed.
    else request.reject(request.isLeft ? closed() : uncarried(answer.error));
    this.#sendNext();
  }

  #watch(report: SessionReport): void {
    const request = this.#atWork.get(report.id);
    if (request?.watcher === undefined || request.isLeft) return;
    const { watcher, safeSteps } = request;
    const { step } = report.state;
    const fail = (error: unknown): void => {
      this.#leave(request);
      request.reject(error);
    };
    try {
      const saved = watcher.onStep(report);
      if (saved === undefined) safeSteps?.tell(step);
      else void saved.then(() => safeSteps?.tell(step)).catch(fail);
      watcher.noise.drawAfter(step);
    } catch (error) {
      fail(error);
    }
  }

  /** Nobody waits for it: a sampling ends after the step at work, a run is gone through with. */
  #leave(request: Pending): void {
    request.isLeft = true;
    request.watcher?.noise.stop();
    request.safeSteps?.letGo();
  }

  /** The thread is gone: everything that waited for it learns why, and the next request starts another. */
  #lose(worker: Worker, reason: SessionError): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    const lost = [...this.#atWork.values(), ...this.#waiting.splice(0)];
    this.#atWork.clear();
    for (const request of lost) request.reject(reason);
    this.#sendNext();
  }
}

function closed(): SessionError {
  return new SessionError('worker', 'The inference worker was closed.');
}

/** The error as it was thrown in the worker. */
function uncarried(error: CarriedError): Error {
  if (error.name === 'DiffusionError') return new DiffusionError(error.code, error.message);
  if (error.name === 'TensorError') return new TensorError(error.code, error.message);
  return new Error(error.message);
}
