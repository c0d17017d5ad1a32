/**
 * What a test needs of the machine, looked for where it may be: brought by an npm package, else installed.
 * Without it the test skips and says what was missing; `REELGRAPH_TEST_ALL=1` turns skips into failures.
 */
import { existsSync } from 'node:fs';
import { type Browser, chromium as playwright } from 'playwright-core';
import type { TestContext } from 'vitest';

const systemBrowsers = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

async function tryLaunch(executablePath: string): Promise<Browser> {
  return playwright.launch({
    executablePath,
    args: [
      // Containers have neither a user namespace for the sandbox nor a GPU.
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
    ],
  });
}

/** A headless Chromium: `CHROMIUM_PATH`, the one inside the npm package, or the machine's. */
export async function launchBrowser(skip: TestContext['skip']): Promise<Browser> {
  const problems: string[] = [];
  const candidates: (() => Promise<string>)[] = [
    ...(process.env.CHROMIUM_PATH ? [async () => process.env.CHROMIUM_PATH ?? ''] : []),
    async () => (await import('@sparticuz/chromium')).default.executablePath(),
    ...systemBrowsers.filter((path) => existsSync(path)).map((path) => async () => path),
  ];
  for (const candidate of candidates) {
    try {
      return await tryLaunch(await candidate());
    } catch (error) {
      problems.push(error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error));
    }
  }
  skip(`no Chromium runs here: ${problems.join(' | ')}`);
  throw new Error('unreachable: skip throws');
}
