/** Forecasts and budgets as people meet them: the command line and a server on one data folder, with the same words. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ApiError, createClient, type ReelgraphClient } from '@reelgraph/client';
import { type RunState, runForecastSchema } from '@reelgraph/graph';
import { dataFolderAt } from '@reelgraph/host';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runCli } from '../support/cli.ts';
import { projectRoot, startServer, temporaryFolder } from '../support/server.ts';

/** A drawn clip: scene → mux → save. No model is needed. */
const drawn = join(projectRoot, 'workflows/ground-truth-scene.json');
const sampled = join(projectRoot, 'workflows/text-to-video.json');

let scratch: Awaited<ReturnType<typeof temporaryFolder>>;
let data: string;
beforeAll(async () => {
  scratch = await temporaryFolder();
  data = join(scratch.path, 'data');
});
afterAll(async () => {
  await scratch?.dispose();
});

const estimate = async (file: string, ...args: readonly string[]) => {
  const { code, stdout } = await runCli(['estimate', file, '--data', data, '--json', ...args]);
  const { refusal, ...forecast } = JSON.parse(stdout);
  return { code, refusal, forecast: runForecastSchema.parse(forecast) };
};

/** The run when it is over. */
function finished(client: ReelgraphClient, runId: string): Promise<RunState> {
  return new Promise((done, failed) => {
    const look = async () => {
      const { run } = await client.getRun(runId);
      if (run.status === 'queued' || run.status === 'running') return;
      connection.close();
      done(run);
    };
    const connection = client.connectEvents({
      onWelcome: () => void look().catch(failed),
      onPreview: () => {},
      onEvent: ({ event }) => {
        if (event.runId === runId && event.type === 'run.finished') void look().catch(failed);
      },
    });
  });
}

it('before the first run there is no data, after it a range, and what is kept comes from the cache', async () => {
  const before = await estimate(drawn);
  expect(before.forecast.timeMs).toBeUndefined();
  expect(before.forecast.unknown).toEqual(Object.keys(before.forecast.nodes));
  const { stdout: table } = await runCli(['estimate', drawn, '--data', data]);
  expect(table).toContain('no data yet');
  expect(table).toContain('No data yet: nothing of this has run on this machine.');

  const out = join(scratch.path, 'clip.mp4');
  const ran = await runCli(['run', drawn, '--data', data, '--set', 'frames=9', '--out', out]);
  expect(ran.code, ran.stderr).toBe(0);

  const longer = await estimate(drawn, '--set', 'frames=33');
  const { unknown, timeMs, diskBytes } = longer.forecast;
  expect(unknown).toEqual([]);
  expect(timeMs?.likely).toBeGreaterThan(0);
  expect(timeMs?.low).toBeLessThan(timeMs?.likely ?? 0);
  expect(timeMs?.high).toBeGreaterThan(timeMs?.likely ?? 0);
  expect(diskBytes?.likely).toBeGreaterThan(0);

  const same = await estimate(drawn, '--set', 'frames=9');
  const states = new Set(Object.values(same.forecast.nodes).map(({ state }) => state));
  expect(states).toContain('cached');
  expect(same.forecast.timeMs?.likely).toBeLessThan(timeMs?.likely ?? 0);
});

it('a run over the budget is refused before it starts, with the same words by command line and server', async () => {
  const setting = ['--set', 'frames=33', '--set', 'seed=2'];
  const budget = ['--max-time', '0.001s'];
  const { code, stderr } = await runCli(['run', drawn, '--data', data, ...setting, ...budget]);
  expect(code).toBe(6);
  const estimated = await estimate(drawn, ...setting, ...budget);
  expect(estimated.code).toBe(6);
  const { message, hint } = estimated.refusal;
  expect(stderr.trim()).toBe(`${message}\n${hint}`);
  expect(message).toMatch(/over its budget and was not started: it would take .*, the budget is 1 ms\.$/);

  const server = await startServer({ dataFolder: data, args: budget });
  try {
    const client = createClient({ baseUrl: server.baseUrl });
    await client.pauseQueue();
    const workflow: unknown = JSON.parse(await readFile(drawn, 'utf8'));
    const inputs = { frames: 33, seed: '2' };
    const answer = await client.estimate(workflow, { inputs });
    expect(answer.refusal).toEqual({ code: 'run/over-budget', message, hint });
    await expect(client.startRuns(workflow, [inputs])).rejects.toSatisfy(
      (error) => error instanceof ApiError && error.status === 422 && error.code === 'run/over-budget',
    );
    expect(await client.listRuns()).toEqual([]);

    // Of what takes sampling nothing is known, so nothing is held against it.
    const unknown: unknown = JSON.parse(await readFile(sampled, 'utf8'));
    const { runId } = await client.startRun(unknown, { targets: ['denoise'] });
    expect((await client.getRun(runId)).run.status).toBe('queued');
    await client.cancelRun(runId);
  } finally {
    await server.stop();
  }
});

it('a sweep is held to the budget run by run: what is kept of the document is not kept of another seed', async () => {
  const ran = await runCli(['run', drawn, '--data', data, '--out', join(scratch.path, 'kept.mp4')]);
  expect(ran.code, ran.stderr).toBe(0);
  const server = await startServer({ dataFolder: data, args: ['--max-disk', '1'] });
  try {
    const client = createClient({ baseUrl: server.baseUrl });
    await client.pauseQueue();
    const workflow: unknown = JSON.parse(await readFile(drawn, 'utf8'));
    const [kept, other] = [{}, { seed: '4' }];
    const runsBefore = await client.listRuns();
    await expect(client.startRuns(workflow, [kept, other])).rejects.toSatisfy(
      (error) => error instanceof ApiError && error.code === 'run/over-budget',
    );
    expect(await client.listRuns()).toEqual(runsBefore);
    expect((await client.startRuns(workflow, [kept])).runIds).toHaveLength(1);
  } finally {
    await server.stop();
  }
});

it('the refusal says what would fit', async () => {
  const long = await estimate(drawn, '--set', 'frames=65', '--set', 'seed=3');
  const short = await estimate(drawn, '--set', 'frames=9', '--set', 'seed=3');
  const [most, least] = [long.forecast.diskBytes?.likely ?? 0, short.forecast.diskBytes?.likely ?? 0];
  expect(most).toBeGreaterThan(least);
  const limit = String(Math.round((most + least) / 2));
  const { refusal } = await estimate(drawn, '--set', 'frames=65', '--set', 'seed=3', '--max-disk', limit);
  const frames = Number(/(\d+) frames instead of 65/.exec(refusal.hint)?.[1]);
  expect(frames).toBeGreaterThanOrEqual(9);
  expect(frames).toBeLessThan(65);
  const fitting = ['--set', `frames=${frames}`, '--set', 'seed=3', '--max-disk', limit];
  expect((await estimate(drawn, ...fitting)).refusal).toBeUndefined();
});

it('a budget that cannot be read is an error, and no missing one', async () => {
  const wrong = await runCli(['run', drawn, '--data', data, '--max-memory', 'plenty']);
  expect(wrong.code).toBe(2);
  expect(wrong.stderr).toContain('--max-memory is "plenty"');
  const env = { REELGRAPH_MAX_TIME: 'soon' };
  expect((await runCli(['estimate', drawn, '--data', data], { env })).stderr).toContain('REELGRAPH_MAX_TIME');
});

it('a run that waited is looked at again when its turn comes, and fails with the words of a refusal', async () => {
  const fresh = join(scratch.path, 'waited');
  const server = await startServer({ dataFolder: fresh, args: ['--max-time', '0.001s'] });
  try {
    const client = createClient({ baseUrl: server.baseUrl });
    await client.pauseQueue();
    const workflow: unknown = JSON.parse(await readFile(drawn, 'utf8'));
    // Nothing is known of it yet, so nothing is held against it.
    const [runId = ''] = (await client.startRuns(workflow, [{ frames: 9, seed: '2' }])).runIds;
    const out = join(scratch.path, 'waited.mp4');
    const ran = await runCli(['run', drawn, '--data', fresh, '--set', 'frames=9', '--out', out]);
    expect(ran.code, ran.stderr).toBe(0);
    await client.resumeQueue();
    const run = await finished(client, runId);
    expect(run).toMatchObject({ status: 'failed', nodes: {}, error: { code: 'run/over-budget' } });
    expect(run.error?.message).toMatch(
      /over its budget and was not started: it would take .*, the budget is 1 ms\.$/,
    );
    expect(run.error?.hint).toContain('Or allow more.');
  } finally {
    await server.stop();
  }
});

it('a runner that holds more than the budget of memory is replaced, and the run goes on in a fresh one', async () => {
  const fresh = join(scratch.path, 'held');
  const server = await startServer({ dataFolder: fresh, args: ['--max-memory', '4G'] });
  try {
    const client = createClient({ baseUrl: server.baseUrl });
    const workflow: unknown = JSON.parse(await readFile(drawn, 'utf8'));
    const [first = ''] = (await client.startRuns(workflow, [{ frames: 9, seed: '2' }])).runIds;
    expect(await finished(client, first)).toMatchObject({ status: 'succeeded' });
    const { pid } = (await client.getHealth()).runner;
    // As if that run had opened models of ten gigabytes.
    const note = join(dataFolderAt(fresh).artifactsFolder, 'cache/costs.note');
    const costs = JSON.parse(await readFile(note, 'utf8'));
    await writeFile(
      note,
      JSON.stringify({ ...costs, processes: [{ pid, heldBytes: 10 * 1024 ** 3, warm: [] }] }),
    );

    const [second = ''] = (await client.startRuns(workflow, [{ frames: 9, seed: '3' }])).runIds;
    expect(await finished(client, second)).toMatchObject({ status: 'succeeded' });
    expect((await client.getHealth()).runner.pid).not.toBe(pid);
  } finally {
    await server.stop();
  }
});
