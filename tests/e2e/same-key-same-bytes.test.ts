/**
 * A key names bytes, whoever computes them: the command line, a server's runner, and a host in this process each run
 * the same workflow on a data folder of its own. What they keep is compared key by key, byte by byte.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createClient } from '@reelgraph/client';
import { parseWorkflow, type Workflow } from '@reelgraph/graph';
import { createRunHost, dataFolderAt, modelRootsOf } from '@reelgraph/host';
import { openStore } from '@reelgraph/store';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runCli } from '../support/cli.ts';
import { runToEnd } from '../support/runs.ts';
import { projectRoot, startServer, temporaryFolder } from '../support/server.ts';

let scratch: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  scratch = await temporaryFolder();
});
afterAll(() => scratch?.dispose());

/** Two steps: what is compared is bytes, not how good they look. */
function textToVideo(): Workflow {
  const parsed = parseWorkflow(readFileSync(join(projectRoot, 'workflows/text-to-video.json'), 'utf8'));
  if (!parsed.ok) throw new Error('text-to-video.json is broken');
  const input = parsed.workflow.inputs.steps;
  const node = input === undefined ? undefined : parsed.workflow.nodes[input.node];
  if (input === undefined || node === undefined) throw new Error('text-to-video has no input "steps"');
  node.params[input.param] = 2;
  return parsed.workflow;
}

/** key -> node type, digest of its values, digests of its files. */
async function kept(dataFolder: string): Promise<Record<string, string>> {
  const store = await openStore(dataFolderAt(dataFolder).artifactsFolder);
  const records = await store.listResults();
  store.close();
  return Object.fromEntries(
    records.map(({ key, nodeType, container, files }) => [
      key,
      [nodeType, container.digest, ...files].join(' '),
    ]),
  );
}

it('command line, server and a host in this process keep the same bytes under the same keys', async () => {
  const workflow = textToVideo();
  const folders = {
    cli: join(scratch.path, 'cli'),
    server: join(scratch.path, 'server'),
    host: join(scratch.path, 'host'),
  };

  const out = join(scratch.path, 'cli.mp4');
  const cli = await runCli([
    'run',
    'workflows/text-to-video.json',
    '--set',
    'steps=2',
    '--out',
    out,
    '--data',
    folders.cli,
  ]);
  expect(cli.code, cli.stdout + cli.stderr).toBe(0);

  const server = await startServer({ dataFolder: folders.server });
  try {
    const run = await runToEnd(createClient({ baseUrl: server.baseUrl }), workflow);
    expect(run.state.status, JSON.stringify(run.state)).toBe('succeeded');
  } finally {
    await server.stop();
  }

  const host = await createRunHost({
    dataFolder: folders.host,
    inputRoots: [],
    modelRoots: modelRootsOf(dataFolderAt(folders.host), []),
  });
  try {
    const { status } = await host.run({
      workflow,
      signal: new AbortController().signal,
      onEvent: () => undefined,
    });
    expect(status).toBe('succeeded');
  } finally {
    await host.close();
  }

  const byCli = await kept(folders.cli);
  expect(Object.values(byCli).map((text) => text.split(' ')[0])).toEqual(expect.arrayContaining(['denoise']));
  expect(await kept(folders.server)).toEqual(byCli);
  expect(await kept(folders.host)).toEqual(byCli);
}, 180_000);
