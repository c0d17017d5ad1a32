/** The program as `npm start` runs it: arguments, exit codes and what it prints. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

let dataFolder: string;
let busy: Server;
let busyPort: number;

beforeAll(async () => {
  dataFolder = await mkdtemp(join(tmpdir(), 'reelgraph-main-'));
  busy = createServer().listen(0, '127.0.0.1');
  await once(busy, 'listening');
  const address = busy.address();
  busyPort = typeof address === 'object' && address !== null ? address.port : 0;
});
afterAll(async () => {
  busy.close();
  await rm(dataFolder, { recursive: true, force: true });
});

function start(args: readonly string[], env: Record<string, string> = {}) {
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'main.ts'), '--data', dataFolder, ...args],
    {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let stdout = '';
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const address = new Promise<string>((found) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      const match = /http:\S+/.exec(stdout);
      if (match) found(match[0]);
    });
  });
  const ended = new Promise<{ code: number | null; stdout: string; stderr: string }>((done) => {
    child.once('close', (code) => done({ code, stdout, stderr }));
  });
  return { child, address, ended };
}

it('prints its address, answers there, and ends politely on SIGTERM', async () => {
  const { child, address, ended } = start(['--port', '0']);
  expect((await fetch(`${await address}/api/v1/health`)).status).toBe(200);
  child.kill('SIGTERM');
  expect(await ended).toMatchObject({ code: 0, stderr: '' });
});

it('logs JSON lines to stderr as the environment says, without the token', async () => {
  const { child, address, ended } = start(['--port', '0'], {
    REELGRAPH_LOG: 'info',
    REELGRAPH_TOKEN: 'hush',
  });
  const refused = await fetch(`${await address}/api/v1/runs/nobody?token=hush`);
  expect(refused.status).toBe(404);
  child.kill('SIGTERM');
  const { stderr } = await ended;
  expect(stderr).not.toContain('hush');
  const lines = stderr
    .trim()
    .split('\n')
    .map((line): Record<string, unknown> => JSON.parse(line));
  expect(lines).toContainEqual(expect.objectContaining({ level: 'info', msg: 'server is ready' }));
  expect(lines).toContainEqual(
    expect.objectContaining({
      msg: 'request',
      requestId: refused.headers.get('x-request-id'),
      method: 'GET',
      path: '/api/v1/runs/nobody',
      status: 404,
    }),
  );
});

describe('what it cannot do it says in a sentence, with exit code 1', () => {
  it('a busy port', async () => {
    const { code, stderr } = await start(['--port', String(busyPort)]).ended;
    expect(code).toBe(1);
    expect(stderr).toBe(
      `Port ${busyPort} is already in use. Is Reelgraph running? Choose another: npm start -- --port ${busyPort + 1}\n`,
    );
  });

  it('a busy port from PORT', async () => {
    expect((await start([], { PORT: String(busyPort) }).ended).stderr).toMatch(/already in use/);
  });

  it('a second start of the same server: the port comes first', async () => {
    const first = start(['--port', '0']);
    const { port } = new URL(await first.address);
    expect((await start(['--port', port]).ended).stderr).toMatch(/^Port \d+ is already in use/);
    first.child.kill('SIGTERM');
    await first.ended;
  });

  it('a data folder that another server uses', async () => {
    const first = start(['--port', '0']);
    await first.address;
    const { code, stderr } = await start(['--port', '0']).ended;
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/^Another Reelgraph server[^\n]*another data folder\.[^\n]*\n$/),
    });
    first.child.kill('SIGTERM');
    await first.ended;
  });

  it.each([
    [['--port', 'many'], /not a number/],
    [['--port', '70000'], /not a number/],
    [['--host', '0.0.0.0'], /REELGRAPH_TOKEN/],
    [['--prot', '1'], /--prot[\s\S]*Usage/],
    [['--data', '/dev/null/x', '--port', '0'], /data folder/i],
  ])('%j', async (args, sentence) => {
    const { code, stderr } = await start(args).ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(sentence);
    expect(stderr).not.toMatch(/\bat .+:\d+:\d+/);
  });
});
