/**
 * A node that is played: keys in a real browser, frames from the real model, and a run of the log that makes the same
 * frames.
 *
 * Set REELGRAPH_SCREENSHOTS to a folder to keep what the browser showed at each stage.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseActionLog, parseWorkflow, type Workflow, workflowSchema } from '@reelgraph/graph';
import { createModelService } from '@reelgraph/inference';
import { createTestContext } from '@reelgraph/node-api/testing';
import { builtinNodes } from '@reelgraph/nodes';
import { encodeClientMessage, parseServerMessage, protocolVersion } from '@reelgraph/protocol';
import type { Tensor } from '@reelgraph/tensor';
import { modelFolder, tileActions } from '@reelgraph/toybox';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchBrowser } from '../support/requirements.ts';
import { projectRoot, type RunningServer, startServer, temporaryFolder } from '../support/server.ts';

let server: RunningServer;
let scratch: Awaited<ReturnType<typeof temporaryFolder>>;
let browser: Browser | undefined;

beforeAll(async () => {
  scratch = await temporaryFolder();
  server = await startServer({ dataFolder: join(scratch.path, 'data') });
});
afterAll(async () => {
  await browser?.close();
  await server?.stop();
  await scratch?.dispose();
});

function hash(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** RGB bytes of each frame of [1, 3, T, H, W] in [-1, 1], hashed. */
function hashesOf({ shape, data }: Tensor<'float32'>): string[] {
  const [, , count = 0, height = 0, width = 0] = shape;
  const plane = height * width;
  return Array.from({ length: count }, (_, t) => {
    const bytes = new Uint8Array(plane * 3);
    for (let i = 0; i < plane; i++) {
      for (let channel = 0; channel < 3; channel++)
        bytes[3 * i + channel] = Math.round((data[(channel * count + t) * plane + i]! + 1) * 127.5);
    }
    return hash(bytes);
  });
}

/** What a run without editor or server makes of the document's world. */
async function framesOfRun(workflow: Workflow): Promise<string[]> {
  const definition = builtinNodes.get('interactive-world');
  const node = workflow.nodes.world;
  if (!definition || !node) throw new Error('the workflow has no world');
  const models = await createModelService({ roots: [modelFolder] });
  try {
    const ctx = createTestContext({ models });
    const { frames } = await definition.run({ inputs: {}, params: node.params, ctx });
    if (typeof frames !== 'object' || frames === null || !('pixels' in frames))
      throw new Error('the node made no frames');
    // The engine's own check of what a node returns stands between here and there in a real run.
    const { pixels } = frames as { pixels: Tensor<'float32'> };
    return hashesOf(pixels);
  } finally {
    await models.dispose();
  }
}

function shippedWorkflow(): Workflow {
  const parsed = parseWorkflow(readFileSync(join(projectRoot, 'workflows/interactive-world.json'), 'utf8'));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
  return parsed.workflow;
}

describe('over the socket', () => {
  it('answers every action with a frame, which a run of the same actions makes again, byte for byte', async () => {
    const workflow = shippedWorkflow();
    const { actions: log, ...params } = workflow.nodes.world?.params ?? {};
    const parsed = parseActionLog(String(log), tileActions);
    if (!parsed.ok) throw new Error(parsed.message);
    const url = server.baseUrl.replace(/^http/, 'ws');
    const headers = { origin: server.baseUrl };
    const socket: WebSocket = Reflect.construct(WebSocket, [`${url}/api/v1/events`, { headers }]);
    const say = (message: Parameters<typeof encodeClientMessage>[0]) =>
      socket.send(encodeClientMessage(message));
    const seen: string[] = [];
    await new Promise<void>((done, failed) => {
      socket.addEventListener('error', () => failed(new Error('the socket failed')));
      socket.addEventListener('open', () => say({ type: 'hello', protocol: protocolVersion }));
      socket.addEventListener('message', ({ data }) => {
        const message = parseServerMessage(String(data));
        if (message.type === 'welcome')
          say({ type: 'live.open', liveId: 'a', nodeType: 'interactive-world', params });
        if (message.type === 'live.ended') failed(new Error(message.message));
        if (message.type !== 'live.opened' && message.type !== 'live.frame') return;
        seen.push(hash(Buffer.from(message.frame.data, 'base64')));
        const action = parsed.actions[seen.length - 1];
        if (action === undefined) done();
        else say({ type: 'live.act', liveId: 'a', action });
      });
    });
    socket.close();
    expect(seen).toHaveLength(parsed.actions.length + 1);
    expect(new Set(seen).size).toBeGreaterThan(parsed.actions.length / 2);
    expect(await framesOfRun(workflow)).toEqual(seen);
  }, 120_000);
});

describe('in the editor', () => {
  async function draft(page: Page): Promise<Workflow> {
    const text = await page.evaluate(() =>
      localStorage.getItem(`reelgraph.draft.${sessionStorage.getItem('reelgraph.tab')}`),
    );
    return workflowSchema.parse(JSON.parse(text ?? '{}').workflow);
  }

  it('Play takes the keys, shows what they do, and Stop keeps a log that runs to the same frames', async ({
    skip,
  }) => {
    browser ??= await launchBrowser(skip);
    const context = await browser.newContext({ viewport: { width: 1600, height: 900 }, colorScheme: 'dark' });
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    const shot = async (name: string) => {
      const folder = process.env.REELGRAPH_SCREENSHOTS;
      if (folder) await page.screenshot({ path: join(folder, `${name}.png`) });
    };
    const seen: string[] = [];
    const done: string[] = [];
    page.on('websocket', (socket) =>
      socket.on('framereceived', ({ payload }) => {
        const message = parseServerMessage(String(payload));
        if (message.type === 'live.frame') done.push(message.action);
        if (message.type === 'live.opened' || message.type === 'live.frame')
          seen.push(hash(Buffer.from(message.frame.data, 'base64')));
      }),
    );

    await page.goto(server.baseUrl);
    await page.getByTestId('command-templates').click();
    await page.getByTestId('workflow-interactive-world').click();
    await page.getByTestId('node-world').waitFor();
    await shot('play-1-open');
    await page.getByTestId('play-world').click();
    const stage = page.getByTestId('live-world');
    await expect.poll(() => stage.getAttribute('data-phase'), { timeout: 30_000 }).toBe('playing');
    const picture = () =>
      stage.locator('canvas').evaluate((canvas: HTMLCanvasElement) => canvas.toDataURL('image/png'));

    const before = await picture();
    for (const key of ['ArrowLeft', 'ArrowLeft', 'Space', 'ArrowUp', 'ArrowUp', 'ArrowRight', 'Space']) {
      await page.keyboard.press(key);
      await page.waitForTimeout(150);
    }
    await page.keyboard.down('ArrowLeft');
    await page.waitForTimeout(500);
    await page.keyboard.up('ArrowLeft');
    await expect.poll(() => done.filter((action) => action === 'left').length).toBeGreaterThanOrEqual(4);
    expect(done.filter((action) => action === 'act')).toHaveLength(2);
    expect(await picture()).not.toBe(before);
    // Arrows play; they do not move the node or the view.
    expect(await page.getByTestId('live-facts-world').innerText()).toMatch(/\d+ frames · \d+ ms/);
    await shot('play-2-playing');

    await page.getByTestId('stop-world').click();
    await page.getByTestId('play-world').waitFor();
    const kept = async () =>
      parseActionLog(String((await draft(page)).nodes.world?.params.actions), tileActions);
    // The draft follows an edit a moment later.
    const shipped = shippedWorkflow().nodes.world?.params.actions;
    await expect.poll(async () => (await draft(page)).nodes.world?.params.actions).not.toBe(shipped);
    const log = await kept();
    if (!log.ok) throw new Error(log.message);
    expect(log.actions).toEqual(done.slice(0, log.actions.length));
    expect(log.actions.length).toBeGreaterThan(10);
    // An action that was on its way when Stop was pressed has a frame that nobody saw.
    expect(done.length - log.actions.length).toBeLessThanOrEqual(2);
    await shot('play-3-stopped');

    await page.getByTestId('run').click();
    const video = page.locator('[data-testid="node-save"] video');
    await video.waitFor({ timeout: 60_000 });
    await expect
      .poll(() => video.evaluate((element: HTMLVideoElement) => element.duration), { timeout: 15_000 })
      .toBeCloseTo((log.actions.length + 1) / 8, 1);
    await shot('play-4-run');
    expect(await framesOfRun(await draft(page))).toEqual(seen.slice(0, log.actions.length + 1));

    // Undo takes the log back as one step.
    await page.getByTestId('command-undo').click();
    await expect.poll(async () => (await draft(page)).nodes.world?.params.actions).toBe(shipped);
    expect(complaints).toEqual([]);
    await context.close();
  }, 180_000);
});
