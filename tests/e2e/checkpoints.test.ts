/** The power goes off in the middle of sampling: the next run goes on from the last saved step, to the very frames. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createClient } from '@reelgraph/client';
import type { RunEvent } from '@reelgraph/graph';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { textToVideo } from '../bench/workflow.ts';
import { runCli } from '../support/cli.ts';
import { frameHashes, runToEnd, videoOf } from '../support/runs.ts';
import { projectRoot, startServer, temporaryFolder } from '../support/server.ts';

const steps = 40;
/** The step after which the process is killed. */
const last = 6;

let scratch: Awaited<ReturnType<typeof temporaryFolder>>;
let undisturbed: readonly string[];
beforeAll(async () => {
  scratch = await temporaryFolder();
  undisturbed = await runWithCli('undisturbed').then(({ frames }) => frames);
}, 120_000);
afterAll(async () => {
  await scratch?.dispose();
});

const cliArguments = (name: string) => [
  'run',
  'workflows/text-to-video.json',
  ...['--set', `steps=${steps}`, '--set', 'seed=77', '--json'],
  ...['--out', join(scratch.path, `${name}.mp4`), '--data', join(scratch.path, name)],
];

async function runWithCli(name: string): Promise<{ frames: string[]; events: RunEvent[] }> {
  const run = await runCli(cliArguments(name));
  expect(run.code, run.stdout + run.stderr).toBe(0);
  const events = run.stdout.split('\n').flatMap((line) => (line.includes('"seq"') ? [JSON.parse(line)] : []));
  return { frames: await frameHashes(join(scratch.path, `${name}.mp4`)), events };
}

/** Starts the command line and kills it when the denoiser has done `last` steps. */
async function killCliInMidSampling(name: string): Promise<void> {
  const child = spawn(
    process.execPath,
    [join(projectRoot, 'packages/cli/bin/reelgraph.mjs'), ...cliArguments(name)],
    { cwd: projectRoot, stdio: ['ignore', 'pipe', 'ignore'] },
  );
  createInterface({ input: child.stdout }).on('line', (line) => {
    const event: { type?: string; nodeId?: string; step?: number } = JSON.parse(line);
    if (event.type === 'node.progress' && event.nodeId === 'denoise' && (event.step ?? 0) >= last)
      child.kill('SIGKILL');
  });
  const [, signal] = await once(child, 'exit');
  expect(signal).toBe('SIGKILL');
}

function expectGoneOn(events: readonly RunEvent[]): void {
  const progress = events.filter((event) => event.type === 'node.progress' && event.nodeId === 'denoise');
  const from = progress.flatMap((event) => ('continuedFrom' in event ? [event.continuedFrom ?? 0] : []));
  expect(from.length, 'it says that it went on').toBeGreaterThan(0);
  expect(new Set(from).size).toBe(1);
  // What was seen may lag behind what was done, but a step that was done is not lost for long.
  expect(from[0]).toBeGreaterThan(0);
  expect(from[0]).toBeLessThan(steps);
  const taken = events.flatMap((event) =>
    event.type === 'node.progress' && event.continuedFrom !== undefined ? [event.step] : [],
  );
  expect(Math.min(...taken)).toBe(from[0]);
  expect(events.find((event) => event.type === 'node.finished' && event.nodeId === 'denoise')).toMatchObject({
    continuedFrom: from[0],
  });
}

/** Keys: of one there may be a file that the disk has, and one that it may not have yet. */
const checkpointsIn = (dataFolder: string) => {
  try {
    const names = readdirSync(join(dataFolder, 'artifacts', 'checkpoints'));
    return [...new Set(names.map((name) => name.split('.')[0]))];
  } catch {
    return [];
  }
};

describe('a command line that was killed in mid-sampling', () => {
  it('goes on where it was, to the frames of an undisturbed run', async () => {
    await killCliInMidSampling('killed');
    expect(checkpointsIn(join(scratch.path, 'killed'))).toHaveLength(1);
    const { frames, events } = await runWithCli('killed');
    expect(frames).toEqual(undisturbed);
    expectGoneOn(events);
    expect(checkpointsIn(join(scratch.path, 'killed')), 'forgotten when the result is kept').toEqual([]);
  }, 180_000);
});

describe("a server's runner that was killed in mid-sampling", () => {
  it('is followed by one that goes on where it was', async () => {
    const server = await startServer({ dataFolder: join(scratch.path, 'server') });
    try {
      const client = createClient({ baseUrl: server.baseUrl });
      const workflow = textToVideo({ 'scheduler.steps': steps, 'noise.seed': '77' });
      const { pid } = (await client.call('getHealth', { params: {} })).runner;
      if (pid === null) throw new Error('the server has no runner');
      let killed = false;
      const onEvent = (event: RunEvent) => {
        if (killed || event.type !== 'node.progress' || event.nodeId !== 'denoise' || event.step < last)
          return;
        killed = true;
        process.kill(pid, 'SIGKILL');
      };
      const run = await runToEnd(client, workflow, { onEvent });
      expect(killed).toBe(true);
      // The server takes the run up again by itself.
      expect(run.state).toMatchObject({ status: 'succeeded', attempt: 2 });
      expect(run.state.nodes.denoise, 'the editor shows it').toMatchObject({ status: 'finished' });
      expect(run.state.nodes.denoise?.continuedFrom).toBeGreaterThan(0);
      expectGoneOn(run.events);
      const { digest } = videoOf(run.state, 'mux');
      const path = join(scratch.path, 'server', 'artifacts', 'blobs', digest.slice(0, 2), digest);
      expect(await frameHashes(path)).toEqual(undisturbed);
    } finally {
      await server.stop();
    }
  }, 180_000);
});
