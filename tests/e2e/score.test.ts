/**
 * The score of a clip in a real browser: a table in the node, right where the truth is scored.
 *
 * Set REELGRAPH_SCREENSHOTS to a folder to keep what the browser showed.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, expect, it } from 'vitest';
import { launchBrowser } from '../support/requirements.ts';
import { projectRoot, type RunningServer, startServer, temporaryFolder } from '../support/server.ts';

let server: RunningServer | undefined;
let browser: Browser | undefined;
let scratch: Awaited<ReturnType<typeof temporaryFolder>> | undefined;

afterAll(async () => {
  await browser?.close();
  await server?.stop();
  await scratch?.dispose();
});

it('stands in the node as a table of what is right and what is wrong', async ({ skip }) => {
  browser = await launchBrowser(skip);
  scratch = await temporaryFolder();
  server = await startServer({ dataFolder: join(scratch.path, 'data') });
  const page = await browser.newPage({ viewport: { width: 1600, height: 900 } });
  await page.goto(server.baseUrl);
  await page.getByTestId('node-denoise').waitFor();

  const workflow = JSON.parse(await readFile(join(projectRoot, 'workflows/score-a-clip.json'), 'utf8'));
  workflow.nodes.scheduler.params.steps = 2;
  const file = join(scratch.path, 'score.json');
  await writeFile(file, JSON.stringify(workflow));
  await page.getByTestId('open-file').setInputFiles(file);
  const truth = page.getByTestId('node-truth');
  await truth.waitFor();
  await page.keyboard.press('Control+Enter');

  const table = truth.locator('.score-table');
  await table.waitFor({ timeout: 90_000 });
  expect(await table.locator('caption').innerText()).toMatch(/^(\d+) of \1 right$/);
  expect(await table.locator('tr.right th').allInnerTexts()).toEqual(
    expect.arrayContaining(['Colour', 'Shape', 'Motion']),
  );
  expect(await table.locator('tr.wrong').count()).toBe(0);
  await page.getByTestId('node-score').locator('.score-table').waitFor({ timeout: 90_000 });
  const folder = process.env.REELGRAPH_SCREENSHOTS;
  if (folder) await page.screenshot({ path: join(folder, 'score.png') });
}, 240_000);
