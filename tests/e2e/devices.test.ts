/**
 * Devices, tried for real: the processor, and WebGPU on a Vulkan driver in software, which comes inside the npm package
 * of the browser.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, type TestContext } from 'vitest';
import { runCli } from '../support/cli.ts';
import { launchBrowser } from '../support/requirements.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'reelgraph-devices-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const short = ['--set', 'steps=1', '--set', 'frames=1'];

/** Variables under which WebGPU finds the driver. */
async function softwareDriver(skip: TestContext['skip']): Promise<Record<string, string>> {
  // The package unpacks its driver beside its browser.
  await (await launchBrowser(skip)).close();
  const driver = join(tmpdir(), 'vk_swiftshader_icd.json');
  if (!existsSync(driver)) skip('no Vulkan driver came with the browser');
  // The loader of drivers came with it, too, for machines that have none.
  return { VK_ICD_FILENAMES: driver, XDG_RUNTIME_DIR: root, LD_LIBRARY_PATH: tmpdir() };
}

it('tells what is ready, what is not and why, with a measure', async () => {
  const none = { VK_ICD_FILENAMES: join(root, 'no-driver.json') };
  const { stdout, code } = await runCli(['devices', '--json', '--data', join(root, 'plain')], { env: none });
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    asked: 'cpu',
    device: 'cpu',
    devices: [
      { device: 'cpu', status: 'ready', smallMs: expect.any(Number), largeMs: expect.any(Number) },
      { device: 'webgpu', status: 'absent', reason: expect.stringContaining('no WebGPU adapter') },
      { device: 'cuda' },
      { device: 'tensorrt' },
      { device: 'coreml' },
      { device: 'dml' },
    ],
  });
  const refused = await runCli(['devices', '--data', root], { env: { REELGRAPH_DEVICE: 'gpu' } });
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('it can be auto, cpu, webgpu') });
});

it('a device that is not ready falls back to the processor, and says so', async () => {
  const ran = await runCli([
    'run',
    'workflows/text-to-video.json',
    '--device',
    'tensorrt',
    ...short,
    '--out',
    join(root, 'fallen.mp4'),
    '--data',
    join(root, 'fallen'),
  ]);
  expect(ran.stdout).toContain('The device tensorrt is not ready, models run on cpu.');
  expect(ran.code).toBe(0);
});

it('a workflow runs on WebGPU, and its results are not taken for those of the processor', async ({
  skip,
}) => {
  const env = await softwareDriver(skip);
  const data = join(root, 'webgpu');
  const { stdout } = await runCli(['devices', '--json', '--data', data], {
    env: { ...env, REELGRAPH_DEVICE: 'auto' },
  });
  const { device, message, devices } = JSON.parse(stdout);
  expect(devices[1]).toMatchObject({ device: 'webgpu', status: 'ready' });
  expect({ device, message }).toEqual({
    device: 'cpu',
    message: expect.stringContaining('not clearly faster'),
  });

  const run = (on: string) =>
    runCli(
      [
        'run',
        'workflows/text-to-video.json',
        '--device',
        on,
        ...short,
        '--out',
        join(root, `${on}.mp4`),
        '--data',
        data,
      ],
      { env },
    );
  const first = await run('webgpu');
  expect(`${first.stdout}${first.stderr}`).toContain('Done in');
  expect(first.code).toBe(0);
  const other = await run('cpu');
  expect(other.stdout).toMatch(/denoise: done in .*ran because/);
  const again = await run('webgpu');
  expect(again.stdout).not.toMatch(/denoise: done in .*ran because/);
}, 300_000);
