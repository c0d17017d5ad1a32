/**
 * Runs ONNX graphs. A plain class over the runtime, so that tests and the worker's entry file use it alike.
 */
import { stat } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { DiffusionError } from '@reelgraph/diffusion';
import { type Tensor, TensorError } from '@reelgraph/tensor';
import { InferenceSession } from 'onnxruntime-node';
import { checkGraphFile } from './graph-file.ts';
import { GraphFailure, isOutOfMemory, runGraph } from './run-graph.ts';
import { sampleInSession } from './sample-in-session.ts';
import type {
  CarriedError,
  SessionAnswer,
  SessionOutputs,
  SessionRef,
  SessionReport,
  SessionRequest,
  SessionWorkerOptions,
} from './session-messages.ts';
import { sessionOptionsFor } from './session-options.ts';

interface OpenSession {
  readonly version: string;
  /** Size of the graph and its weights on disk: about what they take in memory. */
  readonly byteLength: number;
  readonly session: InferenceSession;
}

/** Holds sessions by path, as many as the budget allows, and answers requests one after another. */
export class SessionHandler {
  readonly #options: SessionWorkerOptions;
  /** Those used last come last. */
  readonly #open = new Map<string, OpenSession>();
  #turn: Promise<void> = Promise.resolve();

  constructor(options: SessionWorkerOptions) {
    this.#options = options;
  }

  /** Paths of the graphs that are open, those used last at the end. */
  get openPaths(): readonly string[] {
    return [...this.#open.keys()];
  }

  /** Never rejects: a failure is an answer. @param report told of the steps of a sampling */
  async handle(
    request: SessionRequest,
    report: (step: SessionReport) => void = () => undefined,
  ): Promise<SessionAnswer> {
    const { id } = request;
    try {
      if (request.kind === 'run')
        return { kind: 'done', id, ...(await this.#run(request.session, request.feeds)) };
      if (request.kind === 'sample')
        return await sampleInSession(request, (session, feeds) => this.#run(session, feeds), report);
      await this.#inTurn(() => this.#releaseAll());
      return { kind: 'done', id, outputs: {}, runMs: 0 };
    } catch (error) {
      return error instanceof GraphFailure
        ? { kind: 'failed', id, stage: error.stage, message: error.message }
        : { kind: 'failed', id, stage: 'sample', error: carried(error) };
    }
  }

  #run(ref: SessionRef, feeds: Readonly<Record<string, Tensor>>): Promise<SessionOutputs> {
    return this.#inTurn(async () => runGraph(await this.#sessionOf(ref), feeds));
  }

  /** One at a time, so that no session is closed under a run: between two steps of a sampling others have theirs. */
  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#turn;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#turn = promise;
    await before;
    try {
      return await work();
    } finally {
      resolve();
    }
  }

  /** @throws GraphFailure */
  async #sessionOf({ path, version }: SessionRef): Promise<InferenceSession> {
    const open = this.#open.get(path);
    this.#open.delete(path);
    if (open?.version === version) {
      this.#open.set(path, open);
      return open.session;
    }
    await open?.session.release();
    const byteLength = await graphBytes(path);
    expectMemoryFor(byteLength);
    await this.#makeRoom(byteLength);
    const { threads, device = 'cpu' } = this.#options;
    const opening = InferenceSession.create(path, sessionOptionsFor({ threads, device }));
    const session = await opening.catch((error: unknown) => {
      throw new GraphFailure(isOutOfMemory(error) ? 'memory' : 'open', error);
    });
    this.#open.set(path, { version, byteLength, session });
    return session;
  }

  /** Closes what was not used for longest until `wanted` more bytes fit, or nothing is open. */
  async #makeRoom(wanted: number): Promise<void> {
    const { openBytes = Number.POSITIVE_INFINITY } = this.#options;
    let total = wanted;
    for (const { byteLength } of this.#open.values()) total += byteLength;
    for (const [path, { session, byteLength }] of this.#open) {
      if (total <= openBytes) return;
      this.#open.delete(path);
      total -= byteLength;
      await session.release();
    }
  }

  async #releaseAll(): Promise<void> {
    const sessions = [...this.#open.values()];
    this.#open.clear();
    for (const { session } of sessions) await session.release();
  }
}

/** Bytes of a graph's file and of the weights that it names beside it; 0 when it cannot be read. */
async function graphBytes(path: string): Promise<number> {
  try {
    const { externalFiles } = await checkGraphFile(path);
    const files = [path, ...externalFiles.map((file) => join(dirname(path), file))];
    const found = await Promise.all(files.map((file) => stat(file)));
    return found.reduce((sum, { size }) => sum + size, 0);
  } catch {
    return 0;
  }
}

/** Weights larger than all memory would be read until the system ends somebody. @throws GraphFailure */
function expectMemoryFor(byteLength: number): void {
  const most = totalmem();
  if (byteLength <= most) return;
  throw new GraphFailure(
    'memory',
    new Error(`its weights take ${byteLength} bytes, the machine has ${most}`),
  );
}

function carried(error: unknown): CarriedError {
  const message = messageOf(error);
  if (error instanceof DiffusionError) return { name: 'DiffusionError', code: error.code, message };
  if (error instanceof TensorError) return { name: 'TensorError', code: error.code, message };
  return { name: 'Error', message };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
