/**
 * The queue in the editor: a real browser, a real server. The queue is paused, so nothing has to be computed.
 *
 * Set REELGRAPH_SCREENSHOTS to a folder to keep what the browser showed at each stage.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createClient, type ReelgraphClient } from '@reelgraph/client';
import { beforeAll, expect, it } from 'vitest';
import { shot, useEditor } from '../support/editor.ts';
import { projectRoot } from '../support/server.ts';

const stage = useEditor();
let client: ReelgraphClient;
beforeAll(() => {
  client = createClient({ baseUrl: stage.baseUrl });
});

it('runs are ordered, the queue is paused and emptied, and what ended is started again', async ({ skip }) => {
  const workflow: unknown = JSON.parse(
    await readFile(join(projectRoot, 'workflows/text-to-video.json'), 'utf8'),
  );
  await client.pauseQueue();
  const prompts = ['a red circle', 'a blue square', 'a green triangle'].map((what) => `${what} moves left`);
  await client.startRuns(
    workflow,
    prompts.map((prompt) => ({ prompt })),
  );

  const page = await stage.newPage(skip);
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  await page.goto(stage.baseUrl);
  await page.getByTestId('node-denoise').waitFor();
  await page.getByTestId('tab-runs').click();
  const waiting = page.getByTestId('active-run');
  const order = () => waiting.locator('strong').allInnerTexts();
  await expect.poll(order).toEqual(prompts);
  await shot(page, 'queue-1-paused');

  await waiting.nth(2).getByTestId('move-earlier').click();
  await expect.poll(order).toEqual([prompts[0], prompts[2], prompts[1]]);
  await waiting.nth(0).getByTestId('move-later').click();
  await expect.poll(order).toEqual([prompts[2], prompts[0], prompts[1]]);
  await waiting
    .nth(2)
    .getByTestId('move-earlier')
    .click({ modifiers: ['Shift'] });
  await expect.poll(order).toEqual([prompts[1], prompts[2], prompts[0]]);
  expect(await waiting.nth(0).getByTestId('move-earlier').isDisabled()).toBe(true);

  // What somebody else does is seen here.
  await client.resumeQueue();
  await page.getByTestId('queue-pause').filter({ hasText: 'Pause' }).waitFor();
  await page.getByTestId('queue-pause').click();
  await page.getByTestId('queue-pause').filter({ hasText: 'Resume' }).waitFor();
  expect((await client.getQueue()).isPaused).toBe(true);
  await shot(page, 'queue-2-one-at-work');

  await page.getByTestId('queue-cancel-all').click();
  const cancelled = page.locator('[data-testid="past-run"][data-status="cancelled"]');
  await expect.poll(() => cancelled.count()).toBeGreaterThanOrEqual(2);
  await expect.poll(() => waiting.count()).toBe(0);
  await shot(page, 'queue-3-history');

  await cancelled.nth(0).getByTestId('retry').click();
  await expect.poll(() => waiting.count()).toBe(1);
  await waiting.nth(0).getByTitle('Cancel').click();
  await expect.poll(() => waiting.count()).toBe(0);
  await expect.poll(() => cancelled.count()).toBeGreaterThanOrEqual(3);
  expect(complaints).toEqual([]);
}, 120_000);

it('what succeeded is run again with the params it had', async ({ skip }) => {
  const scene: unknown = JSON.parse(
    await readFile(join(projectRoot, 'workflows/ground-truth-scene.json'), 'utf8'),
  );
  const before = new Set((await client.listRuns()).map(({ runId }) => runId));
  await client.resumeQueue();
  // A drawn clip of a few frames: no model is needed.
  const [first = 'none'] = (await client.startRuns(scene, [{ seed: '11', frames: '5' }])).runIds;
  const outcome = async () => {
    const { status, error } = (await client.getRun(first)).run;
    return error === undefined ? status : `${status}: ${error.message}`;
  };
  await expect.poll(outcome, { timeout: 30_000 }).toBe('succeeded');

  const page = await stage.newPage(skip, { colorScheme: 'light' });
  await page.goto(stage.baseUrl);
  await page.getByTestId('node-denoise').waitFor();
  await page.getByTestId('tab-runs').click();
  const past = page.locator('[data-testid="past-run"][data-status="succeeded"]');
  const entry = page.locator(`[data-testid="past-run"][data-run-id="${first}"]`);
  await shot(page, 'queue-4-succeeded');
  await entry.getByTestId('run-again').click();

  const isNew = (id: string | null): boolean => id !== null && id !== first && !before.has(id);
  const repeated = async () => {
    const ids = await past.evaluateAll((items) => items.map((item) => item.getAttribute('data-run-id')));
    return ids.filter(isNew);
  };
  await expect.poll(async () => (await repeated()).length, { timeout: 30_000 }).toBe(1);
  const [again] = await repeated();
  const [one, other] = [await client.getRun(first), await client.getRun(again ?? 'none')];
  expect(other.workflow).toEqual(one.workflow);
  expect(other.workflow).toMatchObject({ nodes: { scene: { params: { seed: '11', frames: 5 } } } });
  await shot(page, 'queue-4-run-again');
}, 120_000);
