/** Forecasts for everybody's requests, made on a thread of their own: fitting and hashing hold up nobody else. */
import { Worker } from 'node:worker_threads';
import { isLimited, type RunBudget, type Workflow } from '@reelgraph/graph';
import type { Estimate } from '@reelgraph/host';
import { createWorkerQuestions } from '../worker-questions.ts';
import type { EstimateAnswer, EstimatePlaces, EstimateRequest } from './estimate-requests.ts';

export interface Estimator {
  /** Whether there is a budget that runs can be over. */
  readonly isLimited: boolean;
  /**
   * @param options.nothingKept as if every node had to be computed
   * @param options.signal takes the question back, for as long as it waits
   */
  estimate(
    workflow: Workflow,
    targets: readonly string[] | undefined,
    options?: { readonly nothingKept?: boolean; readonly signal?: AbortSignal },
  ): Promise<Estimate>;
  close(): Promise<void>;
}

export interface EstimatorOptions {
  readonly places: EstimatePlaces;
  readonly budget: RunBudget;
  /** Process id of the runner that would take the run. */
  readonly runnerPid: () => number | undefined;
}

/** An estimator whose thread starts with the first question. */
export function createEstimator({ places, budget, runnerPid }: EstimatorOptions): Estimator {
  const questions = createWorkerQuestions<EstimateRequest, EstimateAnswer>({
    name: 'estimate worker',
    start: () => new Worker(new URL('estimate-worker.ts', import.meta.url), { workerData: places }),
  });
  return {
    isLimited: isLimited(budget),
    async estimate(workflow, targets, { nothingKept, signal } = {}) {
      const id = questions.nextId();
      const question = { id, workflow, targets, pid: runnerPid(), nothingKept, budget };
      const answer = await questions.ask(question, signal);
      return answer.estimate;
    },
    close: () => questions.close(),
  };
}
