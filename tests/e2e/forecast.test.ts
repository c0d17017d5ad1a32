/**
 * The forecast in the editor: a real browser, a real server, a real model.
 *
 * Set REELGRAPH_SCREENSHOTS to a folder to keep what the browser showed at each stage.
 */
import { createClient } from '@reelgraph/client';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { shot, useEditor } from '../support/editor.ts';
import { runToEnd } from '../support/runs.ts';

// Room for a short clip and not for the longest.
const stage = useEditor({ serverArgs: ['--max-disk', '40M'] });

/** Types a number into a field that is a slider until it is entered. */
async function setNumber(page: Page, testId: string, value: string): Promise<void> {
  const field = page.getByTestId(testId);
  await field.focus();
  await page.keyboard.press('Enter');
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.type(value);
  await page.keyboard.press('Enter');
}

it('no data yet, then what was learnt, by node and as a whole; what is over the budget is not run', async ({
  skip,
}) => {
  const client = createClient({ baseUrl: stage.baseUrl });
  const page = await stage.newPage(skip);
  await page.goto(stage.baseUrl);
  await page.getByTestId('node-denoise').waitFor();
  const forecast = page.getByTestId('forecast');
  await forecast.filter({ hasText: 'no data yet' }).waitFor();
  await shot(page, 'forecast-1-no-data');

  const workflow = await client.getWorkflow('text-to-video');
  const few = structuredClone(workflow);
  if (few.nodes.scheduler) few.nodes.scheduler.params.steps = 6;
  if (few.nodes.noise) few.nodes.noise.params.seed = '7';
  const { state } = await runToEnd(client, few);
  expect(state.status).toBe('succeeded');

  // The page heard of the run and asks again.
  await forecast.filter({ hasText: /≈ .*· .*iB/ }).waitFor();
  expect(await forecast.getAttribute('title')).toMatch(/ to .*peak memory/);
  const before = await forecast.innerText();
  await page.getByTestId('node-denoise').click({ position: { x: 60, y: 12 } });
  const section = page.getByTestId('node-forecast');
  await section.filter({ hasText: /Time.* to .*Learnt from1 run/s }).waitFor();
  await shot(page, 'forecast-2-learnt');

  // More steps take longer: the forecast follows the document.
  await page.getByTestId('node-scheduler').click({ position: { x: 60, y: 12 } });
  await setNumber(page, 'inspector-scheduler-steps', '180');
  await expect.poll(() => forecast.innerText()).not.toBe(before);
  await shot(page, 'forecast-3-more-steps');

  // While it runs, what is left.
  await page.getByTestId('run').click();
  await page
    .locator('.queue-state')
    .filter({ hasText: / left$/ })
    .waitFor();
  await shot(page, 'forecast-4-time-left');
  await page.getByTestId('cancel').click();
  await expect.poll(async () => (await client.listRuns())[0]?.status).toBe('cancelled');

  await page.getByTestId('node-latent').click({ position: { x: 60, y: 12 } });
  await setNumber(page, 'inspector-latent-frames', '161');
  await setNumber(page, 'inspector-latent-width', '256');
  await setNumber(page, 'inspector-latent-height', '256');
  await forecast.filter({ hasText: 'over budget' }).waitFor();
  await page.getByTestId('run').click();
  await page.getByText(/The run is over its budget and was not started/).waitFor();
  await page.getByText(/What would fit: .*instead of/).waitFor();
  await shot(page, 'forecast-5-over-budget');
  expect(await client.listRuns()).toHaveLength(2);
}, 180_000);
