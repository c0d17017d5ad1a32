/** Entry of the check worker; its data are the places of models and files. It may be held up, so it looks into files itself. */
import { parentPort, workerData } from 'node:worker_threads';
import { createCatalogue, createInputFiles, loadRegistry } from '@reelgraph/host';
import { type CheckAnswer, type CheckRequest, checkPlacesSchema } from './check-requests.ts';

const { modelRoots, inputRoots, nodeModules } = checkPlacesSchema.parse(workerData);
const files = createInputFiles(
  inputRoots.map(({ folder, prefix }) => ({ folder, ...(prefix === undefined ? {} : { prefix }) })),
);
const opened = loadRegistry(nodeModules).then((registry) => createCatalogue(modelRoots, { files, registry }));

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
