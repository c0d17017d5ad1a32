/**
 * Everything that a stranger may send: each is refused with a code, a sentence and the place, by the command
 * line and by the server, and neither loses anything by it.
 */
import { cp, mkdir, readFile, truncate, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createClient } from '@reelgraph/client';
import { parseWorkflow, stringifyWorkflow, type Workflow } from '@reelgraph/graph';
import { type ErrorBody, errorBodySchema } from '@reelgraph/protocol';
import { modelFolder } from '@reelgraph/toybox';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../support/cli.ts';
import { runToEnd } from '../support/runs.ts';
import { projectRoot, type RunningServer, startServer, temporaryFolder } from '../support/server.ts';

let scratch: Awaited<ReturnType<typeof temporaryFolder>>;
let server: RunningServer;
let good: Workflow;

beforeAll(async () => {
  scratch = await temporaryFolder();
  server = await startServer({ dataFolder: join(scratch.path, 'data') });
  const parsed = parseWorkflow(await readFile(join(projectRoot, 'workflows/text-to-video.json'), 'utf8'));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
  good = parsed.workflow;
});
afterAll(async () => {
  await server?.stop();
  await scratch?.dispose();
});

function changed(change: (workflow: Workflow) => void): string {
  const copy = structuredClone(good);
  change(copy);
  return JSON.stringify(copy);
}

async function post(path: string, body: string | Uint8Array<ArrayBuffer>, type = 'application/json') {
  const response = await fetch(`${server.baseUrl}${path}`, {
    method: 'POST',
    headers: { 'content-type': type },
    body,
  });
  const text = await response.text();
  return { status: response.status, text };
}

function errorOf(text: string): ErrorBody['error'] {
  return errorBodySchema.parse(JSON.parse(text)).error;
}

/** No stack, no path of the machine. */
function expectPresentable(text: string) {
  expect(text).not.toMatch(/\bat .+:\d+:\d+/);
  expect(text).not.toContain(projectRoot);
  expect(text).not.toContain(scratch.path);
}

const documents: { name: string; text: () => string; says: RegExp }[] = [
  { name: 'no JSON at all', text: () => '{ "reelgraph": 1, "nodes": ', says: /JSON/ },
  { name: 'JSON that is no workflow', text: () => '[1, 2, 3]', says: /workflow|object/i },
  { name: 'a newer format', text: () => changed((w) => Object.assign(w, { reelgraph: 99 })), says: /newer/ },
  {
    name: 'a cycle',
    text: () =>
      changed((w) => {
        // condition → condition2 → condition
        for (const [id, other] of [
          ['a', 'b'],
          ['b', 'a'],
        ] as const) {
          w.nodes[id] = { type: 'image-conditioning', version: 1, params: {} };
          w.edges.push({ from: [other, 'conditioning'], to: [id, 'conditioning'] });
        }
      }),
    says: /cycle|circle|loop/i,
  },
  {
    name: 'a node type nobody knows',
    text: () =>
      changed((w) => {
        if (w.nodes.decode) w.nodes.decode.type = 'vae-decoder-9000';
      }),
    says: /vae-decoder-9000/,
  },
  {
    name: 'a dangling edge',
    text: () => changed((w) => w.edges.push({ from: ['ghost', 'video'], to: ['save', 'video'] })),
    says: /ghost/,
  },
  {
    name: 'a wire between different types',
    text: () =>
      changed((w) => {
        w.edges = w.edges.filter((edge) => edge.to[0] !== 'decode' || edge.to[1] !== 'latent');
        w.edges.push({ from: ['scheduler', 'sigmas'], to: ['decode', 'latent'] });
      }),
    says: /sigmas[\s\S]*latent|latent[\s\S]*sigmas/,
  },
  {
    name: '__proto__ keys',
    text: () =>
      changed(() => {}).replace('"nodes":{', '"nodes":{"__proto__":{"type":"x","version":1,"params":{}},'),
    says: /__proto__/,
  },
  {
    name: '10 MB of nesting',
    text: () => '['.repeat(5_000_000) + ']'.repeat(5_000_000),
    says: /large|deep|nest|bytes/i,
  },
  {
    name: 'an empty prompt',
    text: () =>
      changed((w) => {
        if (w.nodes.prompt) w.nodes.prompt.params.prompt = '';
      }),
    says: /prompt/i,
  },
  {
    name: 'a prompt of 150 kB',
    text: () =>
      changed((w) => {
        if (w.nodes.prompt) w.nodes.prompt.params.prompt = 'a red circle '.repeat(12_000);
      }),
    says: /prompt|100,000|characters/i,
  },
  {
    name: 'a frame count that the model does not have',
    text: () =>
      changed((w) => {
        if (w.nodes.latent) w.nodes.latent.params.frames = 18;
      }),
    says: /17|21|4n/,
  },
  {
    name: 'a size that does not fit the model',
    text: () =>
      changed((w) => {
        if (w.nodes.latent) w.nodes.latent.params.width = 70;
      }),
    says: /multiple|64|80/,
  },
  {
    name: 'a model that is not installed',
    text: () =>
      changed((w) => {
        if (w.nodes.model) w.nodes.model.params.model = 'sora';
      }),
    says: /sora/,
  },
];

describe.each(documents)('a workflow with $name', ({ text, says }) => {
  it('is refused by the server with 4xx, a code and a sentence', async () => {
    const body = text();
    const answer = await post('/api/v1/runs', `{"workflow":${body}}`);
    expect(answer.status, answer.text.slice(0, 500)).toBeGreaterThanOrEqual(400);
    expect(answer.status, answer.text.slice(0, 500)).toBeLessThan(500);
    const error = errorOf(answer.text);
    expect(error.code).toMatch(/^[a-z-]+\/[a-z-]+$/);
    expect(answer.text).toMatch(says);
    expectPresentable(answer.text);
  });

  it('is refused by `check` with a code other than 0 and a sentence', async () => {
    const file = join(scratch.path, 'bad.json');
    await writeFile(file, text());
    const result = await runCli(['check', file]);
    expect(result.code).not.toBe(0);
    expect(result.stdout + result.stderr).toMatch(says);
    expect(result.stdout + result.stderr).not.toMatch(/\bat .+:\d+:\d+/);
  });
});

describe('requests that are no workflow', () => {
  it.each([
    '/nothing',
    '/api/v1/nothing',
    '/api/v2/runs',
    '/api/v1/runs/unknown',
    '/api/v1/workflows/unknown',
    `/api/v1/results/${'0'.repeat(64)}`,
  ])('GET %s is 404', async (path) => {
    const response = await fetch(`${server.baseUrl}${path}`);
    expect(response.status).toBe(404);
    if (path.startsWith('/api/')) errorOf(await response.text());
  });

  it.each([
    '../../package.json',
    '..%2f..%2fpackage.json',
    '%2e%2e/%2e%2e/package.json',
    '/etc/passwd',
    'a%00.png',
    '..\\..\\package.json',
  ])('no path leaves the folder of input files: %s', async (name) => {
    const response = await fetch(`${server.baseUrl}/api/v1/files/${name}`);
    expect(response.status).toBeGreaterThanOrEqual(400);
    expect(response.status).toBeLessThan(500);
    expect(await response.text()).not.toMatch(/"workspaces"|root:/);
  });

  it('an image that is no image is refused by what its bytes are', async () => {
    for (const bytes of [
      'not an image',
      '<svg xmlns="http://www.w3.org/2000/svg"/>',
      '\x89PNG\r\n\x1a\nbroken',
    ]) {
      const answer = await post('/api/v1/uploads', new TextEncoder().encode(bytes), 'image/png');
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.status).toBeLessThan(500);
      expect(errorOf(answer.text).message).toMatch(/image/i);
    }
  });

  it('a foreign page cannot start a run', async () => {
    const body = JSON.stringify({ workflow: good });
    const headers = { 'content-type': 'application/json', origin: 'https://example.com' };
    expect((await fetch(`${server.baseUrl}/api/v1/runs`, { method: 'POST', headers, body })).status).toBe(
      403,
    );
    expect((await post('/api/v1/runs', body, 'text/plain')).status).toBe(415);
  });

  it('an image param that names a file which is no image fails that run with a sentence', async () => {
    const folder = join(scratch.path, 'i2v');
    await mkdir(folder, { recursive: true });
    const text = await readFile(join(projectRoot, 'workflows/image-to-video.json'), 'utf8');
    await writeFile(join(folder, 'lie.png'), 'this is text');
    await writeFile(join(folder, 'flow.json'), text);
    const result = await runCli([
      'run',
      join(folder, 'flow.json'),
      '--set',
      'image=lie.png',
      '--data',
      join(scratch.path, 'i2v-data'),
    ]);
    expect(result.code).not.toBe(0);
    expect(result.stdout + result.stderr).toMatch(/image/i);
    expect(result.stdout + result.stderr).not.toMatch(/\bat .+:\d+:\d+/);
  });
});

describe('a model folder', () => {
  /** A copy of Toybox under another name, for damaging. */
  async function copyOfToybox(name: string): Promise<{ root: string; folder: string }> {
    const root = join(scratch.path, `models-${name}`);
    const folder = join(root, 'toybox');
    await cp(modelFolder, folder, { recursive: true });
    return { root, folder };
  }

  it.each([
    {
      what: 'with a missing file',
      damage: (folder: string) => unlink(join(folder, 'vae_decoder/model.onnx')),
      says: /vae_decoder\/model\.onnx/,
    },
    {
      what: 'with a truncated file',
      damage: (folder: string) => truncate(join(folder, 'transformer/model.onnx'), 4000),
      says: /transformer/,
    },
    {
      what: 'with a config that is no JSON',
      damage: (folder: string) => writeFile(join(folder, 'transformer/config.json'), '{'),
      says: /transformer\/config\.json/,
    },
  ])(
    '$what ends the run with a sentence that names the file',
    async ({ damage, says }) => {
      const { root, folder } = await copyOfToybox(String(says).replace(/\W/g, ''));
      await damage(folder);
      const file = join(scratch.path, 'model-damaged.json');
      await writeFile(file, stringifyWorkflow(good));
      const result = await runCli([
        'run',
        file,
        '--models',
        root,
        '--data',
        join(scratch.path, 'damaged-data'),
      ]);
      expect(result.code).not.toBe(0);
      expect(result.stdout + result.stderr).toMatch(says);
      expect(result.stdout + result.stderr).not.toMatch(/\bat .+:\d+:\d+/);
    },
    60_000,
  );
});

it('after all of that the server still makes a video', async () => {
  const run = await runToEnd(createClient({ baseUrl: server.baseUrl }), good);
  expect(run.state.status).toBe('succeeded');
}, 120_000);
