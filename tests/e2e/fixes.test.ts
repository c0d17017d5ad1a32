/**
 * What is wrong with a workflow, seen and mended in the editor: at the node, in the list, and on the wires.
 *
 * Set REELGRAPH_SCREENSHOTS to a folder to keep what the browser showed.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseWorkflow, stringifyWorkflow, type Workflow } from '@reelgraph/graph';
import { expect, it } from 'vitest';
import { shot, useEditor } from '../support/editor.ts';
import { projectRoot } from '../support/server.ts';

const stage = useEditor();

/** The inpaint workflow with a clip of 16 frames of 64×70: the model reads neither. */
async function spoiltFile(places: Workflow['layout']['nodes'] = {}): Promise<string> {
  const parsed = parseWorkflow(await readFile(join(projectRoot, 'workflows/inpaint.json'), 'utf8'));
  if (!parsed.ok) throw new Error('inpaint.json is broken');
  const workflow = structuredClone(parsed.workflow);
  Object.assign(workflow.nodes.video?.params ?? {}, { frames: 16 });
  Object.assign(workflow.nodes.fit?.params ?? {}, { height: 70 });
  Object.assign(workflow.layout.nodes, places);
  const path = join(stage.folder, 'spoilt.json');
  await writeFile(path, stringifyWorkflow(workflow));
  return path;
}

it('a click mends a fault: a node comes onto the wire, a value is set, and undo takes it back', async ({
  skip,
}) => {
  const page = await stage.newPage(skip);
  const facts = (socket: string) => page.getByTestId(`socket-${socket}`).getAttribute('title');
  await page.goto(stage.baseUrl);
  await page.getByTestId('node-denoise').waitFor();
  await page.getByTestId('open-file').setInputFiles(await spoiltFile());
  const trouble = page.getByTestId('trouble-change');
  await trouble.waitFor();
  expect(await facts('video-output-frames')).toContain('16 frames · 64×64 · 8 fps · 2 s');
  await trouble.getByText('Trim to 13 frames').waitFor();
  await shot(page, 'faults-dark');

  await trouble.getByText('Trim to 13 frames').click();
  await page.getByTestId('node-trim-frames').waitFor();
  await trouble.getByText('Resize to 64×64').waitFor();
  await expect.poll(() => facts('change-output-latent')).toContain('13 frames');
  await shot(page, 'trimmed-dark');

  // The Resize clip that stands there is set anew, once more through the list of problems.
  await page.keyboard.press('Control+z');
  await trouble.getByText('Trim to 13 frames').waitFor();
  await trouble.getByText('Resize to 64×64').click();
  await trouble.getByText('Resize to 64×64').waitFor({ state: 'detached' });
  await expect.poll(() => facts('fit-output-frames')).toContain('64×64');
  await trouble.getByText('Trim to 13 frames').click();
  await trouble.waitFor({ state: 'detached' });
  await expect.poll(() => facts('back-output-frames')).toContain('13 frames · 64×64');
  await shot(page, 'mended-dark');

  await page.emulateMedia({ colorScheme: 'light' });
  await shot(page, 'mended-light');
  await page.keyboard.press('Control+z');
  await trouble.waitFor();
  await shot(page, 'faults-light');
});

it('what is wrong with the selected node is read above its neighbours', async ({ skip }) => {
  const page = await stage.newPage(skip);
  await page.goto(stage.baseUrl);
  await page.getByTestId('node-denoise').waitFor();
  // "video" lies over the lower part of "change", where that says what is wrong.
  const file = await spoiltFile({ change: [0, 0], video: [40, 60], fit: [600, 0] });
  await page.getByTestId('open-file').setInputFiles(file);
  const trouble = page.getByTestId('trouble-change');
  await trouble.waitFor();
  /** Whether the words, or what else lies over their middle, are seen there. */
  const isOnTop = () =>
    trouble.evaluate((element) => {
      const { left, top, width, height } = element.getBoundingClientRect();
      const seen = document.elementFromPoint(left + width / 2, top + height / 2);
      return seen !== null && element.contains(seen);
    });
  await page.mouse.move(2, 450);
  // Clicked last, the neighbour is above.
  await page.getByTestId('node-video').click({ position: { x: 60, y: 10 } });
  await page.mouse.move(2, 450);
  expect(await isOnTop()).toBe(false);
  await shot(page, 'trouble-below');
  // Selected by keyboard, as by a jump out of the list of problems: nothing was clicked.
  await page.getByTestId('node-change').locator('button, input').first().focus();
  await expect.poll(isOnTop).toBe(true);
  await shot(page, 'trouble-selected');
});
