/** Entry of the estimate worker: fits costs, plans and hashes, and may be held up. */
import { parentPort, workerData } from 'node:worker_threads';
import {
  createCatalogue,
  createForecaster,
  createInputFiles,
  dataFolderAt,
  digestFileOf,
  loadRegistry,
} from '@reelgraph/host';
import { openStore } from '@reelgraph/store';
import { type EstimateAnswer, type EstimateRequest, estimatePlacesSchema } from './estimate-requests.ts';

const places = estimatePlacesSchema.parse(workerData);
const folder = dataFolderAt(places.dataFolder);
const files = createInputFiles(
  places.inputRoots.map((root) => ({
    folder: root.folder,
    ...(root.prefix === undefined ? {} : { prefix: root.prefix }),
  })),
);

async function open() {
  const catalogue = await createCatalogue(places.modelRoots, {
    files,
    registry: await loadRegistry(places.nodeModules),
    digestFile: digestFileOf(folder),
  });
  return createForecaster({ catalogue, store: await openStore(folder.artifactsFolder), files });
}
const opened = open();

async function answer({ id, workflow, budget, ...request }: EstimateRequest): Promise<EstimateAnswer> {
  try {
    const forecaster = await opened;
    return { id, kind: 'estimate', estimate: await forecaster.estimate(workflow, budget, request) };
  } catch (error) {
    return { id, kind: 'failed', message: error instanceof Error ? error.message : String(error) };
  }
}

// Asked one after the other: those asked later see what was fitted for those before.
parentPort?.on('message', (request: EstimateRequest) => {
  void answer(request).then((told) => parentPort?.postMessage(told));
});
