/** Forecasts for everybody's requests, made on a thread of their own: fitting and hashing hold up nobody else. */
import { Worker } from 'node:worker_threads';
import { isLimited, type RunBudget, type Workflow } from '@reelgraph/graph';
import type { Estimate, EstimateAnswer, EstimatePlaces, EstimateRequest } from './estimate-requests.ts';

export interface Estimator {
  /** Whether there is a budget that runs can be over. */
  readonly isLimited: boolean;
  /** @param options.nothingKept as if every node had to be computed */
  estimate(
    workflow: Workflow,
    targets: readonly string[] | undefined,
    options?: { readonly nothingKept?: boolean },
  ): Promise<Estimate>;
  close(): Promise<void>;
}

export interface EstimatorOptions {
  readonly places: EstimatePlaces;
  readonly budget: RunBudget;
  /** Process id of the runner that would take the run. */
  readonly runnerPid: () => number | undefined;
}

interface Pending {
  readonly resolve: (answer: EstimateAnswer) => void;
  readonly reject: (error: Error) => void;
}

/** An estimator whose thread starts with the first question. */
export function createEstimator({ places, budget, runnerPid }: EstimatorOptions): Estimator {
  let worker: Worker | undefined;
  let nextId = 1;
  const pending = new Map<number, Pending>();

  function begin(): Worker {
    const started = new Worker(new URL('estimate-worker.ts', import.meta.url), { workerData: places });
    const fail = (error: Error) => {
      if (worker !== started) return;
      worker = undefined;
      for (const { reject } of pending.values()) reject(error);
      pending.clear();
    };
    started.on('message', (answer: EstimateAnswer) => {
      pending.get(answer.id)?.resolve(answer);
      pending.delete(answer.id);
    });
    started.on('error', (cause) => fail(new Error('the estimate worker failed', { cause })));
    started.on('exit', () => fail(new Error('the estimate worker ended')));
    // An idle worker keeps no program alive.
    started.unref();
    return started;
  }

  return {
    isLimited: isLimited(budget),
    async estimate(workflow, targets, { nothingKept } = {}) {
      worker ??= begin();
      const pid = runnerPid();
      const request: EstimateRequest = { id: nextId++, workflow, targets, pid, nothingKept, budget };
      const answered = new Promise<EstimateAnswer>((resolve, reject) =>
        pending.set(request.id, { resolve, reject }),
      );
      worker.postMessage(request);
      const answer = await answered;
      if (answer.kind === 'failed') throw new Error(answer.message);
      return answer.estimate;
    },
    async close() {
      await worker?.terminate();
    },
  };
}
