/** The editor in a real browser, on a server and a data folder of its own. */
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, type TestContext } from 'vitest';
import { launchBrowser } from './requirements.ts';
import { type RunningServer, startServer, temporaryFolder } from './server.ts';

export interface EditorStage {
  /** Address of the server. */
  readonly baseUrl: string;
  /** A folder for files of the test. */
  readonly folder: string;
  /** A page in a browser that the first call starts; skips the test where none runs. */
  newPage(skip: TestContext['skip'], options?: BrowserContextOptions): Promise<Page>;
}

/** Starts a server before the tests of a file, and ends it and the browser after them. */
export function useEditor(options: { readonly serverArgs?: string[] } = {}): EditorStage {
  let scratch: Awaited<ReturnType<typeof temporaryFolder>> | undefined;
  let server: RunningServer | undefined;
  let browser: Browser | undefined;
  beforeAll(async () => {
    scratch = await temporaryFolder();
    server = await startServer({
      dataFolder: join(scratch.path, 'data'),
      ...(options.serverArgs === undefined ? {} : { args: options.serverArgs }),
    });
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    await scratch?.dispose();
  });
  const started = <T>(part: T | undefined): T => {
    if (part === undefined)
      throw new Error('the server is started before the tests, not while they are listed');
    return part;
  };
  return {
    get baseUrl() {
      return started(server).baseUrl;
    },
    get folder() {
      return started(scratch).path;
    },
    async newPage(skip, options = {}) {
      browser ??= await launchBrowser(skip);
      return browser.newPage({ viewport: { width: 1600, height: 900 }, colorScheme: 'dark', ...options });
    },
  };
}

/** Keeps what the browser shows, where somebody wants to see it: in the folder that REELGRAPH_SCREENSHOTS names. */
export async function shot(page: Page, name: string): Promise<void> {
  const folder = process.env.REELGRAPH_SCREENSHOTS;
  if (folder) await page.screenshot({ path: join(folder, `${name}.png`) });
}
