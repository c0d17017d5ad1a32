/** Entry of the check worker; its data are the folders with model packages. */
import { parentPort, workerData } from 'node:worker_threads';
import { createCatalogue } from '@reelgraph/host';
import { z } from 'zod';
import type { CheckAnswer, CheckRequest } from './check-requests.ts';

const opened = createCatalogue(z.array(z.string()).parse(workerData));

async function answer(request: CheckRequest): Promise<CheckAnswer> {
  const { id, kind, workflow } = request;
  try {
    const catalogue = await opened;
    if (kind === 'check') return { id, kind, check: await catalogue.check(workflow) };
    return { id, kind, blockers: await catalogue.findBlockers(workflow, request.targets) };
  } catch (error) {
    return { id, kind: 'failed', message: error instanceof Error ? error.message : String(error) };
  }
}

parentPort?.on('message', (request: CheckRequest) => {
  void answer(request).then((told) => parentPort?.postMessage(told));
});
