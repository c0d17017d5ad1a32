/**
 * `npm run faults -- memory`: what server and runner hold after many equal runs. Equal means the same workflow; with
 * another seed each time everything is computed, and with the same seed everything comes from the cache. The cache of
 * results in memory is small, so that it is full before the first look: what grows then is no cache. A fresh process
 * grows for some dozen runs, until its heap has found its size; what goes on growing after that is lost.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createClient, type ReelgraphClient } from '@reelgraph/client';
import type { Workflow } from '@reelgraph/graph';
import { startServer, temporaryFolder } from '../support/server.ts';
import { readWorkflow, setParams } from './misbehaving/workflows.ts';
import type { FaultPiece } from './piece.ts';

/** Runs before the first look. */
const warmUps = 60;
/** Runs at either end whose median is compared: one look may fall before or after a collection of garbage. */
const ends = 5;
const wantedGrowth = 0.05;

const memory: FaultPiece = async (report, { seed, count = 50 }) => {
  const scratch = await temporaryFolder();
  const server = await startServer({
    dataFolder: join(scratch.path, 'data'),
    env: { REELGRAPH_CACHE_MEMORY: '8M' },
  });
  const client = createClient({ baseUrl: server.baseUrl });
  try {
    const series = [
      { name: 'another seed each, all computed', seedOf: (run: number) => seed + run },
      { name: 'the same seed, all from the cache', seedOf: () => seed },
    ];
    for (const { name, seedOf } of series) {
      const pids = await processes();
      const seen: Record<string, number[]> = { server: [], runner: [] };
      for (let run = 0; run < warmUps + count; run += 1) {
        await runOnce(client, textToVideo(seedOf(run)));
        await pause(100);
        for (const [process, pid] of Object.entries(pids)) seen[process]?.push(residentMiB(pid));
      }
      for (const [process, values] of Object.entries(seen)) {
        const [fresh, before, after] = [0, warmUps, warmUps + count - ends].map((from) =>
          median(values.slice(from, from + ends)),
        );
        const growth = (after ?? Number.NaN) / (before ?? Number.NaN) - 1;
        const sizes = [fresh, before, after].map((size) => Math.round(size ?? Number.NaN));
        report({
          fault: `memory: ${process}, ${name}`,
          cases: count,
          outcome: `MiB at run 1, ${warmUps + 1}, ${warmUps + count}: ${sizes.join(', ')}; ${(100 * growth).toFixed(1)} % more`,
          wanted: 'growth < 5 %',
          met: growth < wantedGrowth,
        });
      }
    }
  } finally {
    await server.stop();
    await scratch.dispose();
  }

  async function processes(): Promise<Record<'server' | 'runner', number>> {
    const runner = (await client.getHealth()).runner.pid;
    if (runner === null || server.process.pid === undefined) throw new Error('There is no runner.');
    return { server: server.process.pid, runner };
  }
};
export default memory;

function textToVideo(seed: number): Workflow {
  const workflow = readWorkflow('text-to-video');
  setParams(workflow, 'noise', { seed: String(seed) });
  setParams(workflow, 'scheduler', { steps: 4 });
  return workflow;
}

async function runOnce(client: ReelgraphClient, workflow: Workflow): Promise<void> {
  const { runId } = await client.startRun(workflow);
  for (;;) {
    const { status } = (await client.getRun(runId)).run;
    if (status === 'succeeded') return;
    if (status !== 'queued' && status !== 'running') throw new Error(`The run ${runId} is ${status}.`);
    await pause(20);
  }
}

/** @throws Error where there is no /proc */
function residentMiB(pid: number): number {
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  if (kibibytes === undefined) throw new Error(`The memory of process ${pid} cannot be read.`);
  return Number(kibibytes) / 1024;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
