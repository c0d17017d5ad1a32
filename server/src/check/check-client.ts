/**
 * Checks of workflows for everybody's requests: small ones are done at once, large ones on a thread of their own,
 * where they hold up nobody else.
 */
import { Worker } from 'node:worker_threads';
import type { Workflow } from '@reelgraph/graph';
import type { Catalogue } from '@reelgraph/host';
import { createWorkerQuestions } from '../worker-questions.ts';
import type { CheckAnswer, CheckPlaces, CheckRequest } from './check-requests.ts';

export interface Checker extends Pick<Catalogue, 'findBlockers'> {
  /** @param signal takes the question back, for as long as it waits */
  check(workflow: Workflow, signal?: AbortSignal): ReturnType<Catalogue['check']>;
  close(): Promise<void>;
}

/** More nodes than a check gets through in the time of a frame or two. */
const maxNodesHere = 300;
/** One that waits for a file lets others pass. */
const checksAtOnce = 4;

/** A checker whose thread starts with the first large workflow and finds models and files where `catalogue` does. */
export function createChecker(catalogue: Catalogue, places: CheckPlaces): Checker {
  const questions = createWorkerQuestions<CheckRequest, CheckAnswer>({
    name: 'check worker',
    start: () => new Worker(new URL('check-worker.ts', import.meta.url), { workerData: places }),
    atOnce: checksAtOnce,
  });
  return {
    async check(workflow, signal) {
      if (nodeCount(workflow) <= maxNodesHere) return catalogue.check(workflow);
      const answer = await questions.ask({ id: questions.nextId(), kind: 'check', workflow }, signal);
      if (answer.kind !== 'check') throw new Error(`expected a check, got ${answer.kind}`);
      return answer.check;
    },
    async findBlockers(workflow, targets) {
      if (nodeCount(workflow) <= maxNodesHere) return catalogue.findBlockers(workflow, targets);
      const answer = await questions.ask({ id: questions.nextId(), kind: 'blockers', workflow, targets });
      if (answer.kind !== 'blockers') throw new Error(`expected blockers, got ${answer.kind}`);
      return answer.blockers;
    },
    close: () => questions.close(),
  };
}

/** Nodes as written; a subgraph may stand in many places, so each of its nodes counts as often as it is used. */
function nodeCount(workflow: Workflow): number {
  const inSubgraphs = Object.values(workflow.subgraphs).reduce(
    (sum, subgraph) => sum + Object.keys(subgraph.nodes).length,
    0,
  );
  const count = Object.keys(workflow.nodes).length;
  return inSubgraphs === 0 ? count : count * (1 + inSubgraphs);
}
