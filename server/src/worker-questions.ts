/**
 * Questions to a thread of our own: it starts with the first, and whoever waits hears when it ends. Few are with the
 * thread at a time; the others wait here, where they can be taken back, and no more than there is room for.
 */
import type { Worker } from 'node:worker_threads';
import { HttpError } from './http-error.ts';

export interface Question {
  readonly id: number;
}
export type Answer =
  | { readonly id: number; readonly kind: string }
  | { readonly id: number; readonly kind: 'failed'; readonly message: string };

export interface WorkerQuestions<Asked extends Question, Told extends Answer> {
  /**
   * @param signal takes the question back; those that nobody can take back go before those that somebody can
   * @throws HttpError 503 when too many wait; the signal's reason; Error when the worker failed at it, or ended
   */
  ask(question: Asked, signal?: AbortSignal): Promise<Exclude<Told, { kind: 'failed' }>>;
  /** Ids of questions, each another one. */
  nextId(): number;
  close(): Promise<void>;
}

export interface WorkerQuestionsOptions {
  /** What the worker is called in errors. */
  readonly name: string;
  readonly start: () => Worker;
  /** Questions that the worker is given before it has answered. */
  readonly atOnce?: number;
  /** Questions that wait for that; each may be of megabytes. */
  readonly maxWaiting?: number;
}

interface Pending<Asked, Told> {
  readonly question: Asked;
  readonly signal: AbortSignal | undefined;
  readonly resolve: (answer: Told) => void;
  readonly reject: (error: unknown) => void;
}

export function createWorkerQuestions<Asked extends Question, Told extends Answer>({
  name,
  start,
  atOnce = 1,
  maxWaiting = 32,
}: WorkerQuestionsOptions): WorkerQuestions<Asked, Told> {
  let worker: Worker | undefined;
  let lastId = 0;
  let isClosed = false;
  let waiting: Pending<Asked, Told>[] = [];
  const asked = new Map<number, Pending<Asked, Told>>();

  function begin(): Worker {
    const started = start();
    const fail = (error: Error) => {
      if (worker !== started) return;
      worker = undefined;
      const lost = [...asked.values()];
      asked.clear();
      for (const { reject } of lost) reject(error);
      giveNext();
    };
    started.on('message', (answer: Told) => {
      const answered = asked.get(answer.id);
      asked.delete(answer.id);
      answered?.resolve(answer);
      giveNext();
    });
    started.on('error', (cause) => fail(new Error(`the ${name} failed`, { cause })));
    started.on('exit', () => fail(new Error(`the ${name} ended`)));
    // An idle worker keeps no program alive.
    started.unref();
    return started;
  }

  function giveNext(): void {
    while (asked.size < atOnce) {
      const next = waiting.shift();
      if (next === undefined) return;
      asked.set(next.question.id, next);
      worker ??= begin();
      worker.postMessage(next.question);
    }
  }

  function drop(dropped: Pending<Asked, Told>, reason: unknown): void {
    waiting = waiting.filter((each) => each !== dropped);
    dropped.reject(reason);
  }

  function add(added: Pending<Asked, Told>): void {
    const canBeTakenBack = added.signal !== undefined;
    const firstOfThose = waiting.findIndex(({ signal }) => signal !== undefined);
    if (canBeTakenBack || firstOfThose < 0) waiting.push(added);
    else waiting.splice(firstOfThose, 0, added);
    giveNext();
    // The last is the newest of those that can be taken back, if there are any.
    const last = waiting.at(-1);
    if (last !== undefined && waiting.length > maxWaiting) drop(last, tooMany());
  }

  return {
    nextId: () => ++lastId,
    async ask(question, signal) {
      signal?.throwIfAborted();
      if (isClosed) throw new Error(`the ${name} ended`);
      const answer = await new Promise<Told>((resolve, reject) => {
        const added = { question, signal, resolve, reject };
        // What the worker is at is not interrupted; its answer is for nobody.
        signal?.addEventListener('abort', () => drop(added, signal.reason), { once: true });
        add(added);
      });
      if (isFailed(answer)) throw new Error(answer.message);
      return answer as Exclude<Told, { kind: 'failed' }>;
    },
    async close() {
      isClosed = true;
      for (const each of [...waiting]) drop(each, new Error(`the ${name} ended`));
      await worker?.terminate();
    },
  };
}

function tooMany(): HttpError {
  return new HttpError(503, 'http/busy', 'More is asked than this server can answer at the moment.', {
    hint: 'Try again in a moment.',
    headers: { 'retry-after': '1' },
  });
}

function isFailed(answer: Answer): answer is Extract<Answer, { kind: 'failed'; message: string }> {
  return answer.kind === 'failed';
}
