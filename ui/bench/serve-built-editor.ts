/** Gives a browser page the built editor and the few answers it needs, without a server. */
import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Workflow } from '@reelgraph/graph';
import { encodeServerMessage, protocolVersion } from '@reelgraph/protocol';
import type { Page } from 'playwright-core';
import { benchTypes } from './generated-workflow.ts';

const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const origin = 'http://editor.test';

const mediaTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};

/** Opens the editor on a workflow, which it finds as its draft. */
export async function openBuiltEditor(page: Page, workflow: Workflow): Promise<void> {
  const answers: Readonly<Record<string, unknown>> = {
    '/api/v1/node-types': benchTypes,
    '/api/v1/models': [],
    '/api/v1/workflows': [],
    '/api/v1/check': { issues: [], facts: {} },
  };
  await page.routeWebSocket(/\/api\/v1\/events/, (socket) => {
    socket.onMessage(() => {
      socket.send(
        encodeServerMessage({
          type: 'welcome',
          protocol: protocolVersion,
          serverId: 'bench',
          cursor: 0,
          runs: [],
          previews: [],
          queue: { isPaused: false, runningId: null, waitingCount: 0, next: [] },
        }),
      );
    });
  });
  await page.route(`${origin}/**`, async (route) => {
    const { pathname } = new URL(route.request().url());
    if (Object.hasOwn(answers, pathname)) {
      await route.fulfill({ json: answers[pathname] });
      return;
    }
    const path = pathname === '/' ? 'index.html' : pathname.slice(1);
    const body = await readFile(join(dist, path)).catch(() => undefined);
    if (body)
      await route.fulfill({ body, contentType: mediaTypes[extname(path)] ?? 'application/octet-stream' });
    else await route.fulfill({ status: 404, body: 'not found' });
  });
  await page.addInitScript(
    (text) => {
      sessionStorage.setItem('reelgraph.tab', 'bench');
      localStorage.setItem('reelgraph.draft.bench', text);
    },
    JSON.stringify({ workflow, rollingSeeds: [] }),
  );
  await page.goto(`${origin}/`);
}
