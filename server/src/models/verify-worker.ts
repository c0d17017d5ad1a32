/** Entry of the thread that reads a model whole: hashing gigabytes would hold up everybody else's requests. */
import { parentPort, workerData } from 'node:worker_threads';
import { createCatalogue } from '@reelgraph/host';
import { type VerifyReport, verifyOrderSchema } from './verify-messages.ts';

const { modelRoots, digestFile, name } = verifyOrderSchema.parse(workerData);
const tell = (report: VerifyReport) => parentPort?.postMessage(report);
/** Chunks come by the thousand; people look a few times a second. */
const everyMs = 200;

const catalogue = await createCatalogue(modelRoots, { digestFile });
let toldMs = 0;
const { problems } = await catalogue.verifyModel(name, {
  onProgress({ done, total }) {
    if (performance.now() - toldMs < everyMs && done < total) return;
    toldMs = performance.now();
    tell({ kind: 'progress', done, total });
  },
});
tell({ kind: 'done', problems: [...problems] });
await catalogue.close();
