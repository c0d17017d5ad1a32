/**
 * What a long queue costs: how long ten thousand runs take to be accepted, and how long a server takes to be ready
 * again with all of them waiting. The server is the real one, with its journal on the disk; the queue is paused, so
 * that no model is measured.
 */
import { join } from 'node:path';
import { createClient } from '@reelgraph/client';
import { startServer, temporaryFolder } from '../../support/server.ts';
import type { BenchSection } from '../section.ts';
import { textToVideo } from '../workflow.ts';

const runCount = 10_000;
const singleCount = 500;

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

async function measured(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

const queue: BenchSection = async (report) => {
  const scratch = await temporaryFolder();
  const dataFolder = join(scratch.path, 'data');
  const began = performance.now();
  let server = await startServer({ dataFolder });
  const emptyMs = performance.now() - began;
  try {
    let client = createClient({ baseUrl: server.baseUrl });
    await client.pauseQueue();
    const workflow = textToVideo({ 'noise.seed': '1' });
    // The first call of its kind compiles and checks; a server that runs has done so.
    await client.startRuns(workflow, [{}]);
    await client.cancelAllRuns();

    const sweep = Array.from({ length: runCount }, (_, seed) => ({ 'noise.seed': String(seed) }));
    const acceptMs = await measured(() => client.startRuns(workflow, sweep));
    const { eventLoop } = await client.getHealth();
    report({
      name: `${runCount.toLocaleString('en')} queued runs accepted (one call; the event loop held up ${eventLoop.maxBlockedMs.toFixed(0)} ms at most)`,
      value: seconds(acceptMs),
      wanted: '< 2 s',
      met: acceptMs < 2000,
    });

    await server.stop('SIGKILL');
    const restartMs = await measured(async () => {
      server = await startServer({ dataFolder });
    });
    client = createClient({ baseUrl: server.baseUrl });
    const { waitingCount } = await client.getQueue();
    report({
      name: `killed and started again, to ready with ${waitingCount.toLocaleString('en')} runs waiting (with none: ${seconds(emptyMs)})`,
      value: seconds(restartMs),
      wanted: '< 5 s, none lost',
      met: restartMs < 5000 && waitingCount === runCount,
    });

    const singleMs = await measured(async () => {
      for (let at = 0; at < singleCount; at += 20)
        await Promise.all(Array.from({ length: 20 }, () => client.startRun(workflow)));
    });
    report({
      name: `one run per call, 20 calls at a time, with ${runCount.toLocaleString('en')} waiting: per call`,
      value: `${(singleMs / singleCount).toFixed(1)} ms`,
    });
    const cancelMs = await measured(() => client.cancelAllRuns());
    report({
      name: `all ${(runCount + singleCount).toLocaleString('en')} cancelled by one call`,
      value: seconds(cancelMs),
      wanted: '< 2 s',
      met: cancelMs < 2000,
    });
  } finally {
    await server.stop();
    await scratch.dispose();
  }
};
export default queue;
