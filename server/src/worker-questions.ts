/** Questions to a thread of our own: it starts with the first, and whoever waits hears when it ends. */
import type { Worker } from 'node:worker_threads';

export interface Question {
  readonly id: number;
}
export type Answer =
  | { readonly id: number; readonly kind: string }
  | { readonly id: number; readonly kind: 'failed'; readonly message: string };

export interface WorkerQuestions<Asked extends Question, Told extends Answer> {
  /** @throws Error when the worker failed at it, or ended */
  ask(question: Asked): Promise<Exclude<Told, { kind: 'failed' }>>;
  /** Ids of questions, each another one. */
  nextId(): number;
  close(): Promise<void>;
}

interface Pending<Told> {
  readonly resolve: (answer: Told) => void;
  readonly reject: (error: Error) => void;
}

/** @param name what the worker is called in errors */
export function createWorkerQuestions<Asked extends Question, Told extends Answer>(
  name: string,
  start: () => Worker,
): WorkerQuestions<Asked, Told> {
  let worker: Worker | undefined;
  let lastId = 0;
  const pending = new Map<number, Pending<Told>>();

  function begin(): Worker {
    const started = start();
    const fail = (error: Error) => {
      if (worker !== started) return;
      worker = undefined;
      for (const { reject } of pending.values()) reject(error);
      pending.clear();
    };
    started.on('message', (answer: Told) => {
      pending.get(answer.id)?.resolve(answer);
      pending.delete(answer.id);
    });
    started.on('error', (cause) => fail(new Error(`the ${name} failed`, { cause })));
    started.on('exit', () => fail(new Error(`the ${name} ended`)));
    // An idle worker keeps no program alive.
    started.unref();
    return started;
  }

  return {
    nextId: () => ++lastId,
    async ask(question) {
      worker ??= begin();
      const answered = new Promise<Told>((resolve, reject) => pending.set(question.id, { resolve, reject }));
      worker.postMessage(question);
      const answer = await answered;
      if (isFailed(answer)) throw new Error(answer.message);
      return answer as Exclude<Told, { kind: 'failed' }>;
    },
    async close() {
      await worker?.terminate();
    },
  };
}

function isFailed(answer: Answer): answer is Extract<Answer, { kind: 'failed'; message: string }> {
  return answer.kind === 'failed';
}
