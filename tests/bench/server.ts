/** Whether a model at work ever holds up the server that everybody else talks to. */
import { join } from 'node:path';
import { createClient } from '@reelgraph/client';
import { runToEnd } from '../support/runs.ts';
import { startServer, temporaryFolder } from '../support/server.ts';
import type { BenchSection } from './section.ts';
import { textToVideo } from './workflow.ts';

const server: BenchSection = async (report) => {
  const scratch = await temporaryFolder();
  const running = await startServer({ dataFolder: join(scratch.path, 'data') });
  const client = createClient({ baseUrl: running.baseUrl });
  try {
    await runToEnd(client, textToVideo({ 'noise.seed': '1' }));
    let slowestMs = 0;
    let answers = 0;
    let over = false;
    const asking = (async () => {
      while (!over) {
        const began = performance.now();
        await client.listRuns();
        slowestMs = Math.max(slowestMs, performance.now() - began);
        answers += 1;
        await new Promise((done) => setTimeout(done, 20));
      }
    })();
    await runToEnd(client, textToVideo({ 'noise.seed': '2', 'scheduler.steps': 100 }));
    over = true;
    await asking;
    const { maxBlockedMs, p99BlockedMs } = (await client.call('getHealth', { params: {} })).eventLoop;
    report({
      name: `longest hold-up of the server's event loop over two runs, requests and event stream included (p99 ${p99BlockedMs.toFixed(1)} ms)`,
      value: `${maxBlockedMs.toFixed(1)} ms`,
      wanted: '≤ 50 ms',
      met: maxBlockedMs <= 50,
    });
    report({ name: `slowest of ${answers} HTTP answers meanwhile`, value: `${slowestMs.toFixed(1)} ms` });
  } finally {
    await running.stop();
    await scratch.dispose();
  }
};
export default server;
