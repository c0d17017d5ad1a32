/**
 * Whether a model at work ever holds up the server that everybody else talks to.
 *
 * A busy machine holds up every process, so a process that does nothing is measured beside the server: what
 * both suffer is not the server's doing.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createClient } from '@reelgraph/client';
import { runToEnd } from '../support/runs.ts';
import { startServer, temporaryFolder } from '../support/server.ts';
import type { BenchSection } from './section.ts';
import { textToVideo } from './workflow.ts';

function startIdleLoop() {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'idle-loop.mjs')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  return async (): Promise<number> => {
    child.stdin.end('end');
    const [line] = await once(child.stdout, 'data');
    const answer: { maxMs: number } = JSON.parse(String(line));
    return answer.maxMs;
  };
}

const server: BenchSection = async (report) => {
  const scratch = await temporaryFolder();
  const running = await startServer({ dataFolder: join(scratch.path, 'data') });
  const client = createClient({ baseUrl: running.baseUrl });
  const endIdleLoop = startIdleLoop();
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
    const idleMs = await endIdleLoop();
    report({
      name: `longest hold-up of the server's event loop over two runs (p99 ${p99BlockedMs.toFixed(1)} ms; an idle process beside it ${idleMs.toFixed(1)} ms)`,
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
