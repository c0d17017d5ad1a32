/**
 * Checks of workflows for everybody's requests: small ones are done at once, large ones on a thread of their own,
 * where they hold up nobody else.
 */
import { Worker } from 'node:worker_threads';
import type { Workflow } from '@reelgraph/graph';
import type { Catalogue } from '@reelgraph/host';
import type { CheckAnswer, CheckPlaces, CheckRequest } from './check-requests.ts';

export interface Checker extends Pick<Catalogue, 'check' | 'findBlockers'> {
  close(): Promise<void>;
}

/** More nodes than a check gets through in the time of a frame or two. */
const maxNodesHere = 300;

interface Pending {
  readonly resolve: (answer: CheckAnswer) => void;
  readonly reject: (error: Error) => void;
}

/** A checker whose thread starts with the first large workflow and finds models and files where `catalogue` does. */
export function createChecker(catalogue: Catalogue, places: CheckPlaces): Checker {
  let worker: Worker | undefined;
  let nextId = 1;
  const pending = new Map<number, Pending>();

  function begin(): Worker {
    const started = new Worker(new URL('check-worker.ts', import.meta.url), { workerData: places });
    const fail = (error: Error) => {
      if (worker !== started) return;
      worker = undefined;
      for (const { reject } of pending.values()) reject(error);
      pending.clear();
    };
    started.on('message', (answer: CheckAnswer) => {
      pending.get(answer.id)?.resolve(answer);
      pending.delete(answer.id);
    });
    started.on('error', (cause) => fail(new Error('the check worker failed', { cause })));
    started.on('exit', () => fail(new Error('the check worker ended')));
    // An idle worker keeps no program alive.
    started.unref();
    return started;
  }

  async function ask(request: CheckRequest): Promise<CheckAnswer> {
    worker ??= begin();
    const answered = new Promise<CheckAnswer>((resolve, reject) =>
      pending.set(request.id, { resolve, reject }),
    );
    worker.postMessage(request);
    const answer = await answered;
    if (answer.kind === 'failed') throw new Error(answer.message);
    return answer;
  }

  return {
    async check(workflow) {
      if (nodeCount(workflow) <= maxNodesHere) return catalogue.check(workflow);
      const answer = await ask({ id: nextId++, kind: 'check', workflow });
      if (answer.kind !== 'check') throw new Error(`expected a check, got ${answer.kind}`);
      return answer.check;
    },
    async findBlockers(workflow, targets) {
      if (nodeCount(workflow) <= maxNodesHere) return catalogue.findBlockers(workflow, targets);
      const answer = await ask({ id: nextId++, kind: 'blockers', workflow, targets });
      if (answer.kind !== 'blockers') throw new Error(`expected blockers, got ${answer.kind}`);
      return answer.blockers;
    },
    async close() {
      await worker?.terminate();
    },
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
