/** `node ui/bench/main.ts [nodes]` after `vite build ui`: prints what a frame costs. CHROMIUM_PATH names the browser. */
import { chromium } from 'playwright-core';
import { measureEditor } from './measure-editor.ts';

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});
try {
  const result = await measureEditor(browser, Number(process.argv[2] ?? 1000));
  const { nodes, wires, elements } = result;
  console.log(
    `${nodes} nodes, ${wires} wires: loaded in ${Math.round(result.loadMs)} ms, at most ${elements} elements`,
  );
  for (const cost of result.costs) {
    const main = cost.mainMs.toFixed(1);
    const script = cost.scriptAndLayoutMs.toFixed(1);
    console.log(
      `${cost.gesture}: ${main} ms/frame main thread (${script} script and layout), ${cost.framesPerSecond.toFixed(0)} fps`,
    );
  }
} finally {
  await browser.close();
}
