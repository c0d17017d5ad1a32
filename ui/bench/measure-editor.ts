/**
 * What a frame costs while a person moves about in a large workflow: main-thread time, and of it script and layout,
 * per frame shown. CPU time of the thread, so that a busy machine changes it little; gestures run on a fixed clock
 * and never wait for the page.
 */
import type { Browser, CDPSession, Page } from 'playwright-core';
import { cell, generatedWorkflow } from './generated-workflow.ts';
import { openBuiltEditor } from './serve-built-editor.ts';

export interface FrameCost {
  readonly gesture: string;
  readonly frames: number;
  readonly framesPerSecond: number;
  /** Main-thread CPU per frame. */
  readonly mainMs: number;
  readonly scriptAndLayoutMs: number;
}

export interface EditorMeasurement {
  readonly nodes: number;
  readonly wires: number;
  /** From navigation until the nodes in sight are there. */
  readonly loadMs: number;
  /** Elements in the document, at its fullest. */
  readonly elements: number;
  readonly costs: readonly FrameCost[];
}

const gestureMs = 2000;
const tickMs = 8;

/** Measures panning, zooming and dragging in a workflow of `nodes` nodes. Needs a built editor (`ui/dist`). */
export async function measureEditor(browser: Browser, nodes = 1000): Promise<EditorMeasurement> {
  const context = await browser.newContext({ viewport: { width: 1600, height: 900 } });
  const page = await context.newPage();
  const workflow = generatedWorkflow(nodes);
  const started = performance.now();
  await openBuiltEditor(page, workflow);
  await page.getByTestId('canvas').waitFor();
  await page.getByRole('button', { name: 'Close the panel' }).click();
  // A large graph opens where it begins; come close, so that nodes are live.
  await page.getByRole('button', { name: /set to 100 %/ }).click();
  await page.locator('.node').first().waitFor();
  const loadMs = performance.now() - started;
  const session = await context.newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'timeTicks' });
  await page.waitForTimeout(500);
  const costs: FrameCost[] = [];
  let elements = 0;
  const take = async (gesture: string, act: (at: number) => Promise<void>): Promise<void> => {
    costs.push(await measure(page, session, gesture, act));
    elements = Math.max(elements, await page.evaluate(() => document.querySelectorAll('*').length));
  };

  await page.mouse.move(800, 450);
  await page.mouse.down({ button: 'middle' });
  await take('pan at 100 %', (at) =>
    page.mouse.move(800 + 600 * Math.sin(at / 300), 450 + 300 * Math.cos(at / 400)),
  );
  await page.mouse.up({ button: 'middle' });

  await page.mouse.move(800, 450);
  await take('wheel zoom', (at) => page.mouse.wheel(0, Math.floor(at / 400) % 2 === 0 ? 1.5 : -1.5));

  await page.getByRole('button', { name: /set to 100 %/ }).click();
  await page.waitForTimeout(200);
  const header = await page.locator('.node-header').first().boundingBox();
  if (header) {
    const [x, y] = [header.x + 40, header.y + 12];
    await page.mouse.move(x, y);
    await page.mouse.down();
    await take('drag one node', (at) =>
      page.mouse.move(x + 200 * Math.sin(at / 300), y + 120 * Math.cos(at / 300)),
    );
    await page.mouse.up();
  }

  await page.keyboard.press('Control+z');
  for (let step = 0; step < 4; step++) await page.getByRole('button', { name: 'Zoom out' }).click();
  await page.waitForTimeout(300);
  const from = await bareSpot(page);
  await page.mouse.move(from.x, from.y);
  await page.mouse.down();
  await page.mouse.move(from.x + 1350, from.y + 700, { steps: 4 });
  await page.mouse.up();
  await page.waitForTimeout(200);
  // Left and up of the bare spot is the node of the cell; it is not selected, the one right of it is.
  const grip = { x: from.x + 120 * from.zoom, y: from.y + 30 * from.zoom };
  await page.mouse.move(grip.x, grip.y, { steps: 3 });
  await page.waitForTimeout(100);
  await page.mouse.down();
  await take('drag about 100 nodes', (at) =>
    page.mouse.move(grip.x + 150 * Math.sin(at / 300), grip.y + 90 * Math.cos(at / 300)),
  );
  await page.mouse.up();

  await page.getByRole('button', { name: 'Show all nodes' }).click();
  await page.waitForTimeout(300);
  await page.mouse.move(800, 450);
  await page.mouse.down({ button: 'middle' });
  await take('pan with all in view', (at) =>
    page.mouse.move(800 + 200 * Math.sin(at / 300), 450 + 100 * Math.cos(at / 300)),
  );
  await page.mouse.up({ button: 'middle' });
  await context.close();
  return { nodes, wires: workflow.edges.length, loadMs, elements, costs };
}

/** A point of bare canvas in the upper left: in the gap between two columns, level with the tops of a row. */
async function bareSpot(page: Page): Promise<{ x: number; y: number; zoom: number }> {
  const box = await page.getByTestId('canvas').boundingBox();
  const transform = await page.locator('.canvas > div').first().getAttribute('style');
  const numbers = /translate\(([-\d.]+)px, ([-\d.]+)px\) scale\(([\d.]+)\)/.exec(transform ?? '');
  if (!numbers) throw new Error(`the canvas has no transform to read, but "${transform}"`);
  const [x = 0, y = 0, zoom = 1] = numbers.slice(1).map(Number);
  const column = Math.ceil((40 - x) / zoom / cell.width);
  const row = Math.ceil((40 - y) / zoom / cell.height);
  return {
    x: (box?.x ?? 0) + x + (column * cell.width + cell.width - 40) * zoom,
    y: (box?.y ?? 0) + y + (row * cell.height - 20) * zoom,
    zoom,
  };
}

async function measure(
  page: Page,
  session: CDPSession,
  gesture: string,
  act: (at: number) => Promise<void>,
): Promise<FrameCost> {
  await page.evaluate(() => {
    const counter = { frames: 0, running: true };
    Object.assign(window, { frameCounter: counter });
    const count = (): void => {
      counter.frames++;
      if (counter.running) requestAnimationFrame(count);
    };
    requestAnimationFrame(count);
  });
  const before = await metrics(session);
  const started = performance.now();
  for (let now = 0; now < gestureMs; now = performance.now() - started) {
    const wait = new Promise((resolve) => setTimeout(resolve, tickMs));
    await act(now);
    await wait;
  }
  const seconds = (performance.now() - started) / 1000;
  const after = await metrics(session);
  const frames = await page.evaluate(() => {
    const counter: unknown = Reflect.get(window, 'frameCounter');
    if (typeof counter !== 'object' || counter === null || !('frames' in counter)) return 0;
    Reflect.set(counter, 'running', false);
    return Number(counter.frames);
  });
  const per = (name: string): number =>
    ((after.get(name) ?? 0) - (before.get(name) ?? 0)) * (1000 / Math.max(1, frames));
  return {
    gesture,
    frames,
    framesPerSecond: frames / seconds,
    mainMs: per('ThreadTime'),
    scriptAndLayoutMs: per('ScriptDuration') + per('LayoutDuration') + per('RecalcStyleDuration'),
  };
}

async function metrics(session: CDPSession): Promise<Map<string, number>> {
  const { metrics: list } = await session.send('Performance.getMetrics');
  return new Map(list.map(({ name, value }) => [name, value]));
}
