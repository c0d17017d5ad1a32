import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HttpError } from './http-error.ts';
import { createWorkerQuestions, type WorkerQuestions } from './worker-questions.ts';

interface Asked {
  readonly id: number;
  readonly text: string;
}
interface Told {
  readonly id: number;
  readonly kind: 'told';
  /** Every question that the worker was given so far. */
  readonly heard: readonly string[];
}

/** Keeps its answers back until the gate is open; ends at the question `end`. */
const workerText = `
  const { parentPort, workerData } = require('node:worker_threads');
  const gate = new Int32Array(workerData);
  const heard = [];
  parentPort.on('message', ({ id, text }) => {
    heard.push(text);
    Atomics.wait(gate, 0, 0);
    if (text === 'end') throw new Error('it was asked to');
    parentPort.postMessage({ id, kind: 'told', heard });
  });
`;

let gate: Int32Array;
let started: number;
let questions: WorkerQuestions<Asked, Told>;

beforeEach(() => {
  const shared = new SharedArrayBuffer(4);
  gate = new Int32Array(shared);
  started = 0;
  questions = createWorkerQuestions<Asked, Told>({
    name: 'test worker',
    start() {
      started += 1;
      return new Worker(workerText, { eval: true, workerData: shared });
    },
    maxWaiting: 2,
  });
});
afterEach(() => questions.close());

function ask(text: string, signal?: AbortSignal): Promise<readonly string[]> {
  const heard = questions.ask({ id: questions.nextId(), text }, signal).then((answer) => answer.heard);
  // Looked at later; what is refused meanwhile is no unhandled rejection.
  heard.catch(() => {});
  return heard;
}

function openGate(): void {
  Atomics.store(gate, 0, 1);
  Atomics.notify(gate, 0);
}

const open = (): AbortSignal => new AbortController().signal;

describe('questions to a worker', () => {
  it('that were taken back are never asked', async () => {
    const gone = new AbortController();
    const first = ask('first', open());
    const dropped = ask('dropped', gone.signal);
    const last = ask('last', open());
    gone.abort();
    await expect(dropped).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
    openGate();
    await first;
    expect(await last).toEqual(['first', 'last']);
  });

  it('taken back while the worker is at them end at once, and the next gets its own answer', async () => {
    const gone = new AbortController();
    const first = ask('first', gone.signal);
    const last = ask('last', open());
    gone.abort();
    await expect(first).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
    openGate();
    expect(await last).toEqual(['first', 'last']);
  });

  it('beyond what may wait are refused, to be asked again', async () => {
    const kept = [ask('first', open()), ask('second', open()), ask('third', open())];
    const refused = ask('fourth', open());
    await expect(refused).rejects.toSatisfy(
      (error) => error instanceof HttpError && error.status === 503 && error.code === 'http/busy',
    );
    openGate();
    expect((await Promise.all(kept)).at(-1)).toEqual(['first', 'second', 'third']);
  });

  it('that nobody can take back go before the others, and take their room', async () => {
    const first = ask('first', open());
    const older = ask('older forecast', open());
    const newer = ask('newer forecast', open());
    const run = ask('run');
    await expect(newer).rejects.toThrow(HttpError);
    openGate();
    await first;
    expect(await run).toEqual(['first', 'run']);
    expect(await older).toEqual(['first', 'run', 'older forecast']);
  });

  it('of which one ended the worker go on with another', async () => {
    const end = ask('end', open());
    const next = ask('next', open());
    openGate();
    await expect(end).rejects.toThrow('the test worker failed');
    expect(await next).toEqual(['next']);
    expect(started).toBe(2);
  });

  it('that wait when all ends are refused, and no worker is started for them', async () => {
    const waiting = [ask('first', open()), ask('second', open())];
    await questions.close();
    for (const each of waiting) await expect(each).rejects.toThrow('the test worker ended');
    await expect(ask('too late', open())).rejects.toThrow('the test worker ended');
    expect(started).toBe(1);
  });
});
