/** What a user does to a run in the middle of it: kill the runner, cancel, close the browser's connection. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createClient, type ReelgraphClient } from '@reelgraph/client';
import { parseWorkflow, type RunEvent, type RunState, reduceRun, type Workflow } from '@reelgraph/graph';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { runToEnd } from '../support/runs.ts';
import { projectRoot, type RunningServer, startServer, temporaryFolder } from '../support/server.ts';

let scratch: Awaited<ReturnType<typeof temporaryFolder>>;
let server: RunningServer;
let client: ReelgraphClient;

beforeAll(async () => {
  scratch = await temporaryFolder();
  server = await startServer({ dataFolder: join(scratch.path, 'data') });
  client = createClient({ baseUrl: server.baseUrl });
});
afterAll(async () => {
  await server?.stop();
  await scratch?.dispose();
});

/** text-to-video with enough steps to be interrupted, and a seed of its own so that nothing is cached. */
function longRun(seed: string, steps = 200): Workflow {
  const parsed = parseWorkflow(readFileSync(join(projectRoot, 'workflows/text-to-video.json'), 'utf8'));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
  const workflow = structuredClone(parsed.workflow);
  const { scheduler, noise } = workflow.nodes;
  if (!scheduler || !noise) throw new Error('text-to-video has no scheduler or noise');
  scheduler.params.steps = steps;
  noise.params.seed = seed;
  return workflow;
}

it('a runner killed in the middle of a step is replaced, and its run is taken up again by itself', async () => {
  let killed = false;
  const { pid: runnerPid } = (await client.call('getHealth', { params: {} })).runner;
  expect(runnerPid).not.toBeNull();
  const run = await runToEnd(client, longRun('1', 12), {
    onEvent: (event) => {
      if (killed || event.type !== 'node.progress' || event.nodeId !== 'denoise' || event.step < 3) return;
      killed = true;
      if (runnerPid !== null) process.kill(runnerPid, 'SIGKILL');
    },
  });
  expect(killed).toBe(true);
  expect(run.state).toMatchObject({
    status: 'succeeded',
    attempt: 2,
    interruptions: [{ error: { code: 'runner/died', message: expect.stringMatching(/SIGKILL/) } }],
  });
  expect(run.state.nodes.mux?.outputs?.video?.file).toBeDefined();
}, 180_000);

it('server and runner killed at once lose nothing: the next server goes on with the run and the queue', async () => {
  const { runId } = await client.startRun(longRun('7', 12));
  const waiting = await client.startRun(longRun('7', 3), { priority: -1 });
  await new Promise<void>((done) => {
    const connection = client.connectEvents({
      onWelcome: () => {},
      onEvent: ({ event }) => {
        if (event.runId !== runId || event.type !== 'node.progress' || event.nodeId !== 'denoise') return;
        connection.close();
        done();
      },
      onPreview: () => {},
    });
  });
  const { pid: runnerPid } = (await client.call('getHealth', { params: {} })).runner;
  if (runnerPid !== null) process.kill(runnerPid, 'SIGKILL');
  await server.stop('SIGKILL');

  server = await startServer({ dataFolder: server.dataFolder });
  client = createClient({ baseUrl: server.baseUrl });
  await vi.waitFor(async () => expect((await client.getRun(waiting.runId)).run.status).toBe('succeeded'), {
    timeout: 150_000,
    interval: 500,
  });
  expect((await client.getRun(runId)).run).toMatchObject({
    status: 'succeeded',
    interruptions: { length: 1 },
  });
}, 200_000);

it('a cancelled run ends as cancelled, is no failure, and the next one goes on', async () => {
  let asked = false;
  const run = await runToEnd(client, longRun('3'), {
    onEvent: (event) => {
      if (asked || event.type !== 'node.progress' || event.nodeId !== 'denoise') return;
      asked = true;
      void client.cancelRun(event.runId);
    },
  });
  expect(run.state.status).toBe('cancelled');
  expect(run.events.filter((event) => event.type === 'node.failed')).toEqual([]);
  const next = await runToEnd(client, longRun('4', 5));
  expect(next.state.status).toBe('succeeded');
}, 180_000);

it('a browser that closes and comes back in the middle of a run has the whole picture', async () => {
  // first connection sees: queued, started, some progress … gone … second connection: welcome.runs + the rest
  const seen: RunEvent[] = [];
  const { runId } = await client.startRun(longRun('5', 60));
  await new Promise<void>((done) => {
    const connection = client.connectEvents({
      onWelcome: (welcome) => {
        if (welcome.runs?.some((run) => run.nodes.denoise?.status === 'running')) {
          connection.close();
          done();
        }
      },
      onEvent: ({ event }) => {
        seen.push(event);
        if (event.type === 'node.progress' && event.nodeId === 'denoise') {
          connection.close();
          done();
        }
      },
      onPreview: () => {},
    });
  });
  let picture: RunState | undefined;
  let previewNode: string | undefined;
  await new Promise<void>((done) => {
    const connection = client.connectEvents({
      onWelcome: (welcome) => {
        picture = welcome.runs?.find((run) => run.runId === runId);
        previewNode = welcome.previews.find((preview) => preview.runId === runId)?.nodeId ?? previewNode;
      },
      onEvent: ({ event }) => {
        if (event.runId !== runId) return;
        picture = reduceRun(picture, event);
        if (event.type === 'run.finished') {
          connection.close();
          done();
        }
      },
      onPreview: (preview) => {
        if (preview.runId === runId) previewNode = preview.nodeId;
      },
    });
  });
  expect(previewNode).toBe('denoise');
  expect(picture?.status).toBe('succeeded');
  expect(picture).toEqual((await client.getRun(runId)).run);
  expect(Object.keys(picture?.nodes ?? {})).toContain('save');
}, 180_000);

it('a server that is stopped and started again still knows its runs and serves their files', async () => {
  const run = await runToEnd(client, longRun('6', 4));
  const file = run.state.nodes.mux?.outputs?.video?.file;
  if (!file) throw new Error('the run made no video');
  await server.stop('SIGKILL');
  server = await startServer({ dataFolder: server.dataFolder });
  client = createClient({ baseUrl: server.baseUrl });
  const kept = await client.getRun(run.state.runId);
  expect(kept.run).toEqual(run.state);
  const answer = await fetch(client.resultUrl(file.digest));
  expect(answer.status).toBe(200);
  expect((await answer.arrayBuffer()).byteLength).toBe(file.byteLength);
}, 180_000);
