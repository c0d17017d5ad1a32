/**
 * The models of a server in the editor: a real browser, a real server whose licence profile is commercial, and packages
 * beside the embedded one: one that may not be used so, and one that is not whole.
 *
 * Set REELGRAPH_SCREENSHOTS to a folder to keep what the browser showed.
 */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@reelgraph/client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runCli } from '../support/cli.ts';
import { shot } from '../support/editor.ts';
import { launchBrowser } from '../support/requirements.ts';
import { projectRoot, type RunningServer, startServer } from '../support/server.ts';

const tiny = join(projectRoot, 'packages/inference/src/fixtures/tiny-toybox');
let root: string;
let modelsFolder: string;
let server: RunningServer;
const commercial = { REELGRAPH_LICENCES: 'commercial' };

async function addPackage(name: string, about: object): Promise<string> {
  const folder = join(modelsFolder, name);
  await cp(tiny, folder, { recursive: true });
  const index = JSON.parse(await readFile(join(folder, 'model_index.json'), 'utf8'));
  const reelgraph = { ...index.reelgraph, ...about };
  await writeFile(join(folder, 'model_index.json'), JSON.stringify({ ...index, _name: name, reelgraph }));
  return folder;
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'reelgraph-models-'));
  modelsFolder = join(root, 'packages');
  await addPackage('for-fun', {
    title: 'For fun',
    licence: 'Apache-2.0',
    licences: { transformer: 'CC-BY-NC-4.0' },
  });
  const pickled = await addPackage('pickled', { title: 'Pickled', licence: 'MIT', source: 'a stranger' });
  await writeFile(join(pickled, 'text_encoder/model.onnx'), Buffer.from('80049512000000', 'hex'));
  await addPackage('of-ours', { title: 'Of ours', licence: 'MIT' });
  server = await startServer({
    dataFolder: join(root, 'data'),
    args: ['--models', modelsFolder],
    env: commercial,
  });
});
afterAll(async () => {
  await server.stop();
  await rm(root, { recursive: true, force: true });
});

const refusal =
  'Model "for-fun" is not for commercial use: the licence of its transformer, CC-BY-NC-4.0, forbids it.';

async function workflowWith(model: string): Promise<string> {
  const text = await readFile(join(projectRoot, 'workflows/text-to-video.json'), 'utf8');
  const path = join(root, `${model}.json`);
  await writeFile(path, text.replaceAll('"toybox"', JSON.stringify(model)));
  return path;
}

it('a model that may not be used commercially is refused everywhere, in the same words', async () => {
  const path = await workflowWith('for-fun');
  const workflow: unknown = JSON.parse(await readFile(path, 'utf8'));
  const client = createClient({ baseUrl: server.baseUrl });
  const { issues } = await client.check(workflow);
  expect(issues).toContainEqual(expect.objectContaining({ code: 'model/licence', message: refusal }));
  const started: unknown = await client.startRun(workflow).catch((error: unknown) => error);
  expect(String(started)).toContain(refusal);

  const folders = ['--models', modelsFolder, '--data', join(root, 'cli')];
  for (const command of ['check', 'run', 'estimate']) {
    const told = await runCli([command, path, ...folders, '--licences', 'commercial']);
    expect(`${told.stdout}${told.stderr}`, command).toContain(refusal);
    expect(told.code, command).toBe(4);
  }
  const { stdout, code } = await runCli(['check', path, ...folders]);
  expect({ stdout, code }).toEqual({ stdout: `${path}: ok\n`, code: 0 });
});

it('the editor shows what models are and allow, what is wrong, and reads one whole', async ({ skip }) => {
  const browser = await launchBrowser(skip);
  try {
    const page = await browser.newPage({ viewport: { width: 1600, height: 900 }, colorScheme: 'dark' });
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(server.baseUrl);
    await page.getByTestId('command-models').click();
    const entry = (name: string) => page.getByTestId(`model-${name}`);
    await entry('of-ours').waitFor();
    expect(await entry('for-fun').innerText()).toContain(refusal);
    expect(await entry('pickled').innerText()).toContain('is a Python pickle');
    expect(await entry('pickled').innerText()).toContain('It can be had from a stranger.');
    expect(await entry('toybox').getByTestId('model-licence').innerText()).toBe(
      'Apache-2.0 (commercial use allowed)',
    );
    expect(await page.locator('.models').innerText()).not.toContain(root);

    await entry('of-ours').getByTestId('verify-model').click();
    await entry('of-ours').getByTestId('model-verdict').waitFor();
    expect(await entry('of-ours').getByTestId('model-verdict').innerText()).toContain('every byte was read');
    await expect.poll(() => entry('of-ours').locator('code').getAttribute('title')).toMatch(/^[0-9a-f]{64}$/);
    await shot(page, 'models-dialog');
    expect(complaints).toEqual([]);
  } finally {
    await browser.close();
  }
});
