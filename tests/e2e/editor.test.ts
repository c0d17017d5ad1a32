/**
 * The editor as a person uses it: a real browser, a real server, the real model.
 *
 * Set REELGRAPH_SCREENSHOTS to a folder to keep what the browser showed at each stage.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createClient } from '@reelgraph/client';
import { type Workflow, workflowSchema } from '@reelgraph/graph';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { shot as shotOf } from '../support/editor.ts';
import { launchBrowser } from '../support/requirements.ts';
import { runToEnd, videoOf } from '../support/runs.ts';
import { projectRoot, type RunningServer, startServer, temporaryFolder } from '../support/server.ts';

let browser: Browser | undefined;
let server: RunningServer | undefined;
let scratch: Awaited<ReturnType<typeof temporaryFolder>> | undefined;
let page: Page;
let complaints: string[] = [];

const runMs = 90_000;

beforeEach(async ({ skip }) => {
  browser ??= await launchBrowser(skip);
  scratch ??= await temporaryFolder();
  server ??= await startServer({ dataFolder: join(scratch.path, 'data') });
  const context = await browser.newContext({ viewport: { width: 1600, height: 900 }, colorScheme: 'dark' });
  page = await context.newPage();
  complaints = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
});
afterEach(async () => {
  await page?.context().close();
});
afterAll(async () => {
  await browser?.close();
  await server?.stop();
  await scratch?.dispose();
});

function address(): string {
  if (!server) throw new Error('the server is not running');
  return server.baseUrl;
}

const shot = (name: string) => shotOf(page, name);

/** Opens the editor on text-to-video with everything in view. */
async function open(): Promise<void> {
  await page.goto(address());
  await page.getByTestId('node-denoise').waitFor();
}

function field(nodeId: string, param: string) {
  return page.getByTestId(`node-${nodeId}-${param}`);
}

/** The document as the editor keeps it in the browser; an edit is there a moment later. */
async function draft(): Promise<Workflow> {
  const text = await page.evaluate(() =>
    localStorage.getItem(`reelgraph.draft.${sessionStorage.getItem('reelgraph.tab')}`),
  );
  return workflowSchema.parse(JSON.parse(text ?? '{}').workflow);
}

/** What feeds `decode.latent`. */
async function feedsDecode(): Promise<string | undefined> {
  return (await draft()).edges.find((edge) => edge.to.join('.') === 'decode.latent')?.from.join('.');
}

async function denoisers(): Promise<number> {
  return Object.values((await draft()).nodes).filter((node) => node.type === 'denoise').length;
}

/** Numbers are shown as text until somebody types into them. */
async function setNumber(nodeId: string, param: string, value: number): Promise<void> {
  await field(nodeId, param).click();
  await page.locator(`input[data-testid="node-${nodeId}-${param}"]`).fill(String(value));
  await page.keyboard.press('Enter');
}

async function drag(from: string, to: string): Promise<void> {
  const start = await page.getByTestId(from).boundingBox();
  const end = await page.getByTestId(to).boundingBox();
  if (!start || !end) throw new Error(`${from} or ${to} is not on screen`);
  await page.mouse.move(start.x + start.width / 2, start.y + start.height / 2);
  await page.mouse.down();
  await page.mouse.move((start.x + end.x) / 2, (start.y + end.y) / 2, { steps: 5 });
  await page.mouse.move(end.x + end.width / 2, end.y + end.height / 2, { steps: 5 });
  await page.mouse.up();
}

describe('the editor', () => {
  it('opens with text-to-video, makes the clip the prompt asks for and plays it', async () => {
    await open();
    await shot('1-open');
    const prompt = field('prompt', 'prompt');
    await prompt.fill('a large green triangle moves up on a black background');
    await page.getByTestId('run').click();

    await page.getByTestId('preview-denoise').waitFor({ timeout: runMs });
    await shot('2-sampling');

    const video = page.locator('[data-testid="node-save"] video');
    await video.waitFor({ timeout: runMs });
    await expect
      .poll(() => video.evaluate((element: HTMLVideoElement) => element.readyState), { timeout: 15_000 })
      .toBeGreaterThanOrEqual(2);
    const played = await video.evaluate((element: HTMLVideoElement) => ({
      width: element.videoWidth,
      height: element.videoHeight,
      seconds: element.duration,
      error: element.error?.message,
    }));
    expect(played).toMatchObject({ width: 64, height: 64 });
    expect(played.error).toBeUndefined();
    // 17 frames at 8 frames per second
    expect(played.seconds).toBeCloseTo(17 / 8, 1);
    await shot('3-done');
    expect(complaints).toEqual([]);
  }, 150_000);

  it('says what was reused: the same again comes from the cache', async () => {
    await open();
    await page.getByTestId('run').click();
    await page.locator('[data-testid="node-save"] video').waitFor({ timeout: runMs });
    await page.getByTestId('run').click();
    await expect
      .poll(() => page.getByTestId('node-denoise').innerText(), { timeout: runMs })
      .toMatch(/cached|cache|memory|disk/i);
  }, 150_000);

  it('cannot wire different types, wires equal ones, and undoes and redoes it', async () => {
    await open();
    // A first edit, so that there is a draft to compare with.
    await setNumber('scheduler', 'steps', 21);
    await expect.poll(feedsDecode).toBe('denoise.latent');

    await drag('socket-scheduler-output-sigmas', 'socket-decode-input-latent');
    await page.keyboard.press('Escape');
    await setNumber('scheduler', 'steps', 22);
    await expect.poll(async () => (await draft()).nodes.scheduler?.params.steps).toBe(22);
    expect(await feedsDecode()).toBe('denoise.latent');

    // The wire from denoise is replaced: an input takes one wire.
    await drag('socket-latent-output-latent', 'socket-decode-input-latent');
    await expect.poll(feedsDecode).toBe('latent.latent');
    await page.keyboard.press('Control+z');
    await expect.poll(feedsDecode).toBe('denoise.latent');
    await page.keyboard.press('Control+Shift+z');
    await expect.poll(feedsDecode).toBe('latent.latent');
    for (let undo = 0; undo < 3; undo++) await page.keyboard.press('Control+z');
    await expect.poll(async () => (await draft()).nodes.scheduler?.params.steps).toBe(0);
    expect(complaints).toEqual([]);
  }, 60_000);

  it('adds a node by search and deletes it with its wires', async () => {
    await open();
    await page.getByTestId('canvas').focus();
    await page.keyboard.press('Tab');
    await page.getByTestId('search').fill('ksampler');
    await shot('4-search');
    await page.keyboard.press('Enter');
    await expect.poll(denoisers).toBe(2);
    await page.keyboard.press('Delete');
    await expect.poll(denoisers).toBe(1);
    await page.keyboard.press('Control+z');
    await expect.poll(denoisers).toBe(2);
  }, 60_000);

  it('shows a problem on the node that has it before anything runs, and mends it with one click', async () => {
    await open();
    await setNumber('latent', 'frames', 18);
    await page.getByTestId('trouble-latent').waitFor();
    await shot('5-problem');
    const trouble = page.getByTestId('trouble-latent');
    expect(await trouble.innerText()).toMatch(/17|21/);
    await trouble.getByRole('button').first().click();
    await trouble.waitFor({ state: 'detached' });
    await expect.poll(async () => (await draft()).nodes.latent?.params.frames).toBe(17);
  }, 60_000);

  it('saves by keyboard: the name is there to be typed over', async () => {
    await open();
    await page.getByTestId('canvas').focus();
    await page.keyboard.press('Control+s');
    await page.getByRole('dialog', { name: 'Save' }).waitFor();
    await page.keyboard.type('Up and away');
    await page.keyboard.press('Enter');
    await page.getByText('Saved as up-and-away').waitFor();
    expect(complaints).toEqual([]);
  }, 60_000);

  it('shows the whole picture again after a reload in the middle of a run', async () => {
    await open();
    await setNumber('scheduler', 'steps', 150);
    await field('noise', 'seed').fill('777');
    await field('noise', 'seed').press('Enter');
    await page.getByTestId('run').click();
    await page.getByTestId('preview-denoise').waitFor({ timeout: runMs });
    await page.reload();
    await page.getByTestId('preview-denoise').waitFor({ timeout: 10_000 });
    await expect.poll(() => page.getByTestId('node-denoise').innerText()).toMatch(/\/150/);
    await page.getByTestId('cancel').click();
    await page.getByTestId('cancel').waitFor({ state: 'detached', timeout: 20_000 });
    await expect.poll(() => page.getByTestId('node-denoise').innerText()).not.toMatch(/error|failed/i);
  }, 150_000);

  it('opens the workflow inside a video that is dropped on it', async () => {
    const client = createClient({ baseUrl: address() });
    const workflow = JSON.parse(await readFile(join(projectRoot, 'workflows/text-to-video.json'), 'utf8'));
    workflow.nodes.prompt.params.prompt = 'a small cyan square moves down on a gray background';
    workflow.nodes.scheduler.params.steps = 3;
    const { state } = await runToEnd(client, workflow);
    const bytes = Buffer.from(
      await (await fetch(client.resultUrl(videoOf(state, 'mux').digest))).arrayBuffer(),
    );

    await open();
    const transfer = await page.evaluateHandle((base64) => {
      const data = new DataTransfer();
      const raw = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
      data.items.add(new File([raw], 'clip.mp4', { type: 'video/mp4' }));
      return data;
    }, bytes.toString('base64'));
    for (const type of ['dragenter', 'dragover', 'drop']) {
      await page.getByTestId('canvas').dispatchEvent(type, { dataTransfer: transfer });
    }
    await expect
      .poll(() => field('prompt', 'prompt').inputValue(), { timeout: 15_000 })
      .toBe('a small cyan square moves down on a gray background');
    expect(complaints).toEqual([]);
  }, 120_000);

  it('says what is wrong with a file that is no workflow and keeps the one that is open', async () => {
    await open();
    const folder = scratch?.path ?? '';
    const file = join(folder, 'newer.json');
    await writeFile(file, JSON.stringify({ reelgraph: 99, nodes: {} }));
    await page.getByTestId('open-file').setInputFiles(file);
    await expect.poll(() => page.getByTestId('notice').first().innerText()).toMatch(/newer/);
    await shot('6-refused');
    expect(await page.getByTestId('node-denoise').count()).toBe(1);
  }, 60_000);
});
