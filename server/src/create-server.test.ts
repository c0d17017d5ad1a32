/** A real server with real HTTP and WebSocket; its runner is a script that only pretends to compute. */
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ApiError, createClient, type ReelgraphClient } from '@reelgraph/client';
import { type RunState, reduceRun, type Workflow } from '@reelgraph/graph';
import { errorBodySchema, type ServerMessage } from '@reelgraph/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createServer, type RunningServer, type ServerOptions } from './create-server.ts';
import { createLog } from './log.ts';
import { forkRunner } from './runner/runner-process.ts';

const projectRoot = join(import.meta.dirname, '../..');
const startRunner = forkRunner({ entry: join(import.meta.dirname, 'testing/fake-runner.ts'), args: [] });

let dataFolder: string;
let server: RunningServer;
let client: ReelgraphClient;

async function start(options: Partial<ServerOptions> = {}): Promise<void> {
  server = await createServer({
    dataFolder,
    port: 0,
    host: '127.0.0.1',
    uiFolder: join(dataFolder, 'no-editor'),
    workflowsFolder: join(projectRoot, 'workflows'),
    startRunner,
    cancelDeadlineMs: 300,
    ...options,
  });
  client = createClient({
    baseUrl: server.address,
    ...(options.token === undefined ? {} : { token: options.token }),
  });
}

beforeEach(async () => {
  dataFolder = await mkdtemp(join(tmpdir(), 'reelgraph-server-'));
  await start();
});
afterEach(async () => {
  await server.close();
  await rm(dataFolder, { recursive: true, force: true });
});

/** One node that needs no model; the name tells the fake runner how to behave. */
function workflow(name: string): Workflow {
  return {
    reelgraph: 1,
    name,
    description: '',
    inputs: {},
    outputs: {},
    nodes: { work: { type: 'scheduler', version: 1, params: { steps: 4, shift: 1 } } },
    edges: [],
    subgraphs: {},
    groups: {},
    comments: {},
    layout: { nodes: {} },
  };
}

const startRun = async (name: string) => (await client.startRun(workflow(name), { targets: ['work'] })).runId;

/** Follows one run until `until` says that its picture is what the test waits for. */
function follow(runId: string, until: (state: RunState) => boolean): Promise<RunState> {
  return new Promise((done) => {
    let state: RunState | undefined;
    const look = () => {
      if (state === undefined || !until(state)) return;
      connection.close();
      done(state);
    };
    const connection = client.connectEvents({
      onWelcome: (welcome) => {
        state = welcome.runs?.find((run) => run.runId === runId) ?? state;
        look();
      },
      onEvent: ({ event }) => {
        if (event.runId !== runId) return;
        state = reduceRun(state, event);
        look();
      },
      onPreview: () => {},
    });
  });
}
const isOver = (state: RunState) => state.finishedAtMs !== undefined;
const isStepping = (state: RunState) => (state.nodes.work?.step ?? 0) > 0;
const isWorking = (state: RunState) => state.nodes.work?.status === 'running';

describe('a run', () => {
  it('is accepted, computed, and known afterwards with its workflow', async () => {
    const runId = await startRun('ok');
    const state = await follow(runId, isOver);
    expect(state.status).toBe('succeeded');
    expect(await client.getRun(runId)).toEqual({
      run: state,
      workflow: workflow('ok'),
      targets: ['work'],
    });
    expect((await client.listRuns({ status: 'succeeded' })).map((run) => run.runId)).toEqual([runId]);
  });

  it('is logged under its own id and that of the request that queued it', async () => {
    await server.close();
    const text: string[] = [];
    await start({ log: createLog('info', { write: (line) => void text.push(line) }) });
    const runId = await startRun('ok');
    await follow(runId, isOver);
    const lines = text.map((line): Record<string, unknown> => JSON.parse(line));
    const posted = lines.find(({ msg, method }) => msg === 'request' && method === 'POST');
    expect(posted).toMatchObject({ path: '/api/v1/runs', status: 202 });
    const told = lines.filter((line) => line.runId === runId);
    expect(told.map(({ msg }) => msg)).toEqual([
      'run queued',
      'run given to a runner',
      'run started',
      'run finished',
    ]);
    expect(told[0]?.requestId).toBe(posted?.requestId);
    // Those come from the runner.
    expect(told.at(-1)).not.toHaveProperty('requestId');
  });

  it('has a timeline that trace viewers open', async () => {
    const runId = await startRun('ok');
    await follow(runId, isOver);
    const { traceEvents, otherData } = await client.getRunTrace(runId);
    expect(otherData).toMatchObject({ runId, workflowName: 'ok' });
    expect(traceEvents.flatMap(({ ph, name }) => (ph === 'X' ? [name] : [])).sort()).toEqual([
      'is given to a runner',
      'runs',
      'waits in the queue',
      'work',
    ]);
    await expect(client.getRunTrace('nobody')).rejects.toMatchObject({ status: 404 });
  });

  it('waits for the one before it', async () => {
    const first = await startRun('slow');
    const second = await startRun('ok');
    await follow(first, isStepping);
    expect((await client.getRun(second)).run.status).toBe('queued');
    await client.cancelRun(first);
    expect((await follow(second, isOver)).status).toBe('succeeded');
    expect((await client.getRun(first)).run.status).toBe('cancelled');
  });

  it('that waits can be cancelled and is never begun', async () => {
    const first = await startRun('slow');
    const second = await startRun('ok');
    expect(await client.cancelRun(second)).toEqual({ status: 'cancelled' });
    await client.cancelRun(first);
    await follow(first, isOver);
    expect((await client.getRun(second)).run).toMatchObject({ status: 'cancelled', nodes: {} });
  });

  it('whose runner hangs is cancelled all the same', async () => {
    const runId = await startRun('hang');
    await follow(runId, isWorking);
    await client.cancelRun(runId);
    const state = await follow(runId, isOver);
    expect(state.status).toBe('cancelled');
    expect(state.error).toBeUndefined();
    expect((await follow(await startRun('ok'), isOver)).status).toBe('succeeded');
  });

  it('whose runner is killed fails with the reason on its node, and the next one goes on', async () => {
    const broken = await startRun('die');
    const next = await startRun('ok');
    const state = await follow(broken, isOver);
    expect(state).toMatchObject({
      status: 'failed',
      error: { code: 'runner/died', message: expect.stringContaining('SIGKILL') },
      nodes: { work: { status: 'failed', error: { code: 'runner/died' } } },
    });
    expect((await follow(next, isOver)).status).toBe('succeeded');
  });

  it('that goes on in spite of a full disk ends well, and listeners are told', async () => {
    const problem = new Promise<string[]>((done) => {
      const connection = client.connectEvents({
        onWelcome: () => void startRun('warn'),
        onEvent: () => {},
        onPreview: () => {},
        onProblem: (...told) => {
          connection.close();
          done(told);
        },
      });
    });
    expect(await problem).toEqual(['store/disk-full', 'work: The disk is full.']);
  });

  it('that goes on when the server ends is taken up by the next server', async () => {
    const first = await startRun('slow');
    const second = await startRun('ok');
    const before = await follow(first, isStepping);
    await server.close();
    await start();
    await follow(first, (state) => isStepping(state) && state.startedAtMs !== before.startedAtMs);
    await client.cancelRun(first);
    expect((await follow(second, isOver)).status).toBe('succeeded');
  });
});

describe('the queue', () => {
  const nextIds = async () => (await client.getQueue()).next.map(({ runId }) => runId);

  it('is paused, ordered and gone on with, and all of that outlives the server', async () => {
    expect(await client.pauseQueue()).toMatchObject({ isPaused: true, runningId: null });
    const [a, b, c] = [await startRun('ok'), await startRun('ok'), await startRun('ok')];
    const urgent = (await client.startRun(workflow('ok'), { targets: ['work'], priority: 5 })).runId;
    await client.moveRun(c, { to: 'front' });
    expect((await client.moveRun(a, { after: b })).next.map(({ runId }) => runId)).toEqual([urgent, c, b, a]);
    await server.close();
    await start();
    expect(await nextIds()).toEqual([urgent, c, b, a]);
    expect((await client.getRun(urgent)).run).toMatchObject({ status: 'queued', priority: 5 });
    await client.resumeQueue();
    await follow(a, isOver);
    const ended = await client.listRuns({ status: 'succeeded' });
    const at = (runId: string) => ended.find((run) => run.runId === runId)?.finishedAtMs ?? 0;
    expect([urgent, c, b, a].toSorted((x, y) => at(x) - at(y))).toEqual([urgent, c, b, a]);
  });

  it('refuses to move what does not wait, with a code', async () => {
    const runId = await startRun('ok');
    await follow(runId, isOver);
    await expect(client.moveRun(runId, { to: 'front' })).rejects.toMatchObject({
      status: 409,
      code: 'queue/run-is-over',
    });
    await expect(client.moveRun('nobody', { to: 'front' })).rejects.toMatchObject({ status: 404 });
  });

  it('is emptied by one call', async () => {
    const first = await startRun('slow');
    await follow(first, isStepping);
    await client.startRuns(workflow('ok'), Array(300).fill({}), { targets: ['work'] });
    expect(await client.cancelAllRuns()).toEqual({ cancelled: 301 });
    expect((await follow(first, isOver)).status).toBe('cancelled');
    expect(await client.getQueue()).toMatchObject({ runningId: null, waitingCount: 0 });
  });

  it('takes a sweep over inputs in one call, each run with its own values', async () => {
    await client.pauseQueue();
    const { runIds } = await client.startRuns(
      workflow('ok'),
      [{ 'work.steps': 6 }, {}, { 'work.steps': '8', 'work.shift': 2 }],
      { targets: ['work'] },
    );
    expect(await nextIds()).toEqual(runIds);
    const params = await Promise.all(
      runIds.map(async (runId) => (await client.getRun(runId)).workflow.nodes.work?.params),
    );
    expect(params).toEqual([
      { steps: 6, shift: 1 },
      { steps: 4, shift: 1 },
      { steps: 8, shift: 2 },
    ]);
    await expect(
      client.startRuns(workflow('ok'), [{}, { 'work.stops': 3 }], { targets: ['work'] }),
    ).rejects.toMatchObject({ status: 422, issues: [{ code: 'input/unknown-name' }] });
    expect((await client.getQueue()).waitingCount).toBe(3);
  });

  it('tells everybody who listens how it stands', async () => {
    const told = new Promise<boolean>((done) => {
      const connection = client.connectEvents({
        onWelcome: () => void client.pauseQueue(),
        onEvent: () => {},
        onPreview: () => {},
        onQueue: ({ isPaused }) => {
          if (!isPaused) return;
          connection.close();
          done(true);
        },
      });
    });
    expect(await told).toBe(true);
  });
});

describe('a run again', () => {
  it('with the same id is the same run', async () => {
    await client.pauseQueue();
    const runId = crypto.randomUUID();
    for (let ask = 0; ask < 3; ask += 1)
      expect(await client.startRun(workflow('ok'), { targets: ['work'], runId })).toEqual({ runId });
    expect((await client.getQueue()).waitingCount).toBe(1);
  });

  it('with other inputs is a new run that names the first', async () => {
    const first = await startRun('ok');
    await follow(first, isOver);
    const { runId } = await client.runAgain(first, { 'work.steps': 9 });
    expect(await follow(runId, isOver)).toMatchObject({ status: 'succeeded', from: first });
    expect((await client.getRun(runId)).workflow.nodes.work?.params).toEqual({ steps: 9, shift: 1 });
    await expect(client.runAgain(first, { 'work.steps': 'many' })).rejects.toMatchObject({ status: 422 });
    await expect(client.retryRun(first)).rejects.toMatchObject({ status: 409, code: 'run/nothing-to-retry' });
  });

  it('after a failure is a retry', async () => {
    const broken = await startRun('die');
    await follow(broken, isOver);
    const { runId } = await client.retryRun(broken);
    expect(runId).not.toBe(broken);
    expect(await follow(runId, isOver)).toMatchObject({ status: 'failed', from: broken });
  });
});

it('the history goes back page by page, with results, timings and errors', async () => {
  await client.pauseQueue();
  const { runIds } = await client.startRuns(workflow('ok'), Array(130).fill({}), { targets: ['work'] });
  await client.cancelAllRuns();
  const first = await client.listRuns();
  const second = await client.listRuns({ before: first.at(-1)?.runId ?? '' });
  expect([...first, ...second].map((run) => run.runId)).toEqual(runIds.toReversed());
  expect(second[0]).toMatchObject({ status: 'cancelled', finishedAtMs: expect.any(Number) });
  await expect(client.listRuns({ before: 'nobody' })).rejects.toMatchObject({ status: 404 });
});

describe('the event stream', () => {
  /** A bare WebSocket: what the server says, message by message. */
  function connect(hello: unknown, origin = server.address) {
    const messages: ServerMessage[] = [];
    const waiting: (() => void)[] = [];
    const socket: WebSocket = Reflect.construct(WebSocket, [
      `${server.address.replace('http', 'ws')}/api/v1/events`,
      { headers: { origin } },
    ]);
    const closed = new Promise<number>((done) => {
      socket.addEventListener('close', (event) => done(event.code));
      // Node's WebSocket tells a refused upgrade this way alone.
      socket.addEventListener('error', () => done(1006));
    });
    socket.addEventListener('open', () =>
      socket.send(typeof hello === 'string' ? hello : JSON.stringify(hello)),
    );
    socket.addEventListener('message', (event) => {
      messages.push(JSON.parse(String(event.data)));
      for (const done of waiting.splice(0)) done();
    });
    const next = async (count: number) => {
      while (messages.length < count) await new Promise<void>((done) => waiting.push(done));
      return messages.slice(0, count);
    };
    return { socket, next, closed };
  }

  it('sends the events after a cursor, and none before', async () => {
    const runId = await startRun('ok');
    await follow(runId, isOver);
    const first = connect({ type: 'hello', protocol: 2 });
    const [welcome] = await first.next(1);
    first.socket.close();
    if (welcome?.type !== 'welcome') throw new Error('expected a welcome');
    expect(welcome.runs).toHaveLength(1);

    // queued, run started, node started, node finished, run finished
    const second = connect({
      type: 'hello',
      protocol: 2,
      since: welcome.cursor - 2,
      serverId: welcome.serverId,
    });
    const [again, ...events] = await second.next(3);
    expect(again).not.toHaveProperty('runs');
    expect(events.map((message) => message.type === 'event' && message.event.type)).toEqual([
      'node.finished',
      'run.finished',
    ]);
    second.socket.close();
  });

  it.each([
    ['of another server', { since: 0, serverId: 'someone else' }],
    ['from the future', { since: 1_000_000 }],
  ])('answers a cursor %s with the whole picture', async (_what, seen) => {
    const { socket, next } = connect({
      type: 'hello',
      protocol: 2,
      serverId: (await client.getHealth()).serverId,
      ...seen,
    });
    expect((await next(1))[0]).toMatchObject({ type: 'welcome', runs: [] });
    socket.close();
  });

  it('gives a newcomer the newest preview of a run that goes on', async () => {
    const runId = await startRun('slow');
    await new Promise<void>((done) => {
      const connection = client.connectEvents({
        onWelcome: () => {},
        onEvent: () => {},
        onPreview: () => {
          connection.close();
          done();
        },
      });
    });
    const { socket, next } = connect({ type: 'hello', protocol: 2 });
    expect((await next(1))[0]).toMatchObject({ type: 'welcome', previews: [{ runId, nodeId: 'work' }] });
    socket.close();
    await client.cancelRun(runId);
  });

  it.each([
    ['another version', { type: 'hello', protocol: 99 }, 'protocol/version-mismatch'],
    ['no JSON', 'hello?', 'protocol/not-json'],
    ['an unknown message', { type: 'shutdown' }, 'protocol/invalid-message'],
  ])('refuses %s with a code and closes', async (_what, hello, code) => {
    const { next, closed } = connect(hello);
    expect((await next(1))[0]).toMatchObject({ type: 'error', code });
    expect(await closed).toBe(1002);
  });

  it.each(['http://evil.example', 'null'])('is not opened for a page of %s', async (origin) => {
    expect(await connect({ type: 'hello', protocol: 2 }, origin).closed).toBe(1006);
  });
});

/** A request with headers that `fetch` would not let us set. */
function raw(
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: string } = {},
) {
  return new Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; text: string }>(
    (done, failed) => {
      const sent = request(
        `${server.address}${path}`,
        { method: options.method ?? 'GET', headers: options.headers ?? {} },
        (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (chunk: string) => {
            text += chunk;
          });
          response.on('end', () =>
            done({ status: response.statusCode ?? 0, headers: response.headers, text }),
          );
        },
      );
      sent.on('error', failed);
      sent.end(options.body);
    },
  );
}
const json = { 'content-type': 'application/json' };
const codeOf = (text: string) => errorBodySchema.parse(JSON.parse(text)).error.code;

describe('who may ask', () => {
  it.each([
    ['a foreign Host (a name that an attacker made mean 127.0.0.1)', { host: 'evil.example' }],
    ['a foreign Origin', { origin: 'http://evil.example' }],
    ['Origin null', { origin: 'null' }],
    ['another port’s Origin', { origin: 'http://127.0.0.1:1' }],
    ['a fetch of another site', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' }],
  ])('%s gets 403', async (_what, headers) => {
    expect((await raw('/api/v1/runs', { headers })).status).toBe(403);
  });

  it('the metrics are guarded like everything else', async () => {
    expect((await raw('/metrics', { headers: { host: 'evil.example' } })).status).toBe(403);
    const open = await raw('/metrics');
    expect(open.status).toBe(200);
    expect(open.headers['content-type']).toContain('version=0.0.4');
    await server.close();
    await start({ token: 'a long enough secret' });
    expect((await raw('/metrics')).status).toBe(401);
    const asked = await raw('/metrics', { headers: { authorization: 'Bearer a long enough secret' } });
    expect(asked.status).toBe(200);
  });

  it('the editor’s own page, a program without a browser, and a link to the editor may', async () => {
    expect((await raw('/api/v1/runs', { headers: { origin: server.address } })).status).toBe(200);
    expect((await raw('/api/v1/runs')).status).toBe(200);
    const link = {
      'sec-fetch-site': 'cross-site',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
    };
    expect((await raw('/', { headers: link })).status).toBe(503);
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', ''])(
    'a state-changing call of type "%s" gets 415, also without a body',
    async (type) => {
      const headers: Record<string, string> = type === '' ? {} : { 'content-type': type };
      for (const path of ['/api/v1/runs', '/api/v1/runs/x/cancel', '/api/v1/check']) {
        expect((await raw(path, { method: 'POST', headers })).status).toBe(415);
      }
    },
  );

  it('with a token nobody may without it, on HTTP and WebSocket', async () => {
    await server.close();
    await start({ token: 'a long enough secret' });
    expect((await raw('/api/v1/runs')).status).toBe(401);
    expect((await raw('/')).status).toBe(401);
    expect(await client.listRuns()).toEqual([]);
    const entered = await raw('/?token=a+long+enough+secret');
    expect(entered.status).toBe(303);
    const [cookie = ''] = entered.headers['set-cookie'] ?? [];
    expect(cookie).toMatch(/HttpOnly; SameSite=Strict/);
    expect((await raw('/api/v1/runs', { headers: { cookie: cookie.split(';')[0] ?? '' } })).status).toBe(200);
    expect((await follow(await startRun('ok'), isOver)).status).toBe('succeeded');
  });

  it('an address of other machines needs a token', async () => {
    await expect(
      createServer({ dataFolder, port: 0, host: '0.0.0.0', uiFolder: '', workflowsFolder: '' }),
    ).rejects.toThrow(/REELGRAPH_TOKEN/);
  });
});

describe('a request that is wrong', () => {
  it.each([
    ['GET', '/nothing', {}, '', 404, 'http/not-found'],
    ['GET', '/api/v1/nothing', {}, '', 404, 'http/not-found'],
    ['GET', '/api/v1/runs/unknown', {}, '', 404, 'http/not-found'],
    ['GET', '/api/v1/workflows/unknown', {}, '', 404, 'http/not-found'],
    ['GET', `/api/v1/results/${'0'.repeat(64)}`, {}, '', 404, 'http/not-found'],
    ['GET', '/api/v1/results/..%2f..%2fserver.lock', {}, '', 404, 'http/not-found'],
    ['POST', '/api/v1/runs/unknown/cancel', json, '{}', 404, 'http/not-found'],
    ['DELETE', '/api/v1/runs', {}, '', 405, 'http/method-not-allowed'],
    ['GET', '/api/v1/runs?status=lost', {}, '', 400, 'run/unknown-status'],
    ['POST', '/api/v1/runs', json, '{', 400, 'document/not-json'],
    ['POST', '/api/v1/runs', json, '{"workflow":{},"workflow":{}}', 400, 'document/duplicate-key'],
    ['POST', '/api/v1/runs', json, '{"workflow":{"__proto__":{}}}', 400, 'document/reserved-name'],
    [
      'POST',
      '/api/v1/runs',
      json,
      `{"workflow":${'['.repeat(50_000)}${']'.repeat(50_000)}}`,
      400,
      'document/too-deep',
    ],
    ['POST', '/api/v1/runs', json, '{"run":1}', 400, 'http/invalid-body'],
    ['POST', '/api/v1/runs', json, '{"workflow":[]}', 422, 'workflow/invalid'],
    ['POST', '/api/v1/runs', json, ' '.repeat(9_000_000), 413, 'http/too-large'],
    ['POST', '/api/v1/runs', { ...json, 'content-encoding': 'gzip' }, '{}', 415, 'http/unsupported-encoding'],
    ['PUT', '/api/v1/workflows/..%2fevil', json, '{}', 400, undefined],
    ['POST', '/api/v1/uploads', { 'content-type': 'image/png' }, 'no image', 422, 'media/not-an-image'],
    ['POST', '/api/v1/uploads', { 'content-type': 'video/mp4' }, 'no video', 422, 'media/not-a-video'],
    ['POST', '/api/v1/uploads', { 'content-type': 'application/octet-stream' }, 'what', 422, 'media/unknown'],
    [
      'POST',
      '/api/v1/workflows/extract',
      { 'content-type': 'video/mp4' },
      'no video',
      422,
      'video/no-workflow',
    ],
    ['GET', '/api/v1/runs/%', {}, '', 400, 'http/bad-request'],
  ])('%s %s is answered with its code', async (method, path, headers, body, status, code) => {
    const answer = await raw(path, { method, headers, body });
    expect({ status: answer.status, code: code && codeOf(answer.text) }, answer.text).toEqual({
      status,
      code,
    });
    expect(answer.text).not.toContain(projectRoot);
    expect(answer.text).not.toMatch(/\bat .+:\d+:\d+/);
  });

  it('tells every issue of a workflow with its place', async () => {
    const broken = { ...workflow('x'), nodes: { work: { type: 'no-such-node', version: 1, params: {} } } };
    const error = await client.startRun(broken, { targets: ['work'] }).catch((caught: ApiError) => caught);
    expect(error).toMatchObject({
      status: 422,
      code: 'workflow/invalid',
      issues: [{ severity: 'error', nodeId: 'work' }],
    });
    const unknown = await client
      .startRun(workflow('x'), { targets: ['ghost'] })
      .catch((caught: ApiError) => caught);
    expect(unknown).toMatchObject({ status: 422, code: 'run/unknown-target', path: ['targets', 0] });
  });
});

describe('workflows', () => {
  it('are saved canonically and opened again; templates stay as they are', async () => {
    expect(await client.saveWorkflow('mine', workflow('Mine'))).toMatchObject({
      id: 'mine',
      source: 'saved',
    });
    expect(await client.getWorkflow('mine')).toEqual(workflow('Mine'));
    const ids = (await client.listWorkflows()).map((summary) => summary.id);
    expect([ids.at(0), ids.at(-1)]).toEqual(['text-to-video', 'mine']);
    expect(ids).toContain('image-to-video');
    expect(await readFile(join(dataFolder, 'workflows/mine.json'), 'utf8')).toMatch(/^\{\n/);
    await expect(client.saveWorkflow('text-to-video', workflow('Evil'))).rejects.toMatchObject({
      status: 409,
      code: 'workflow/is-template',
    });
    await expect(client.saveWorkflow('con', workflow('Device'))).rejects.toMatchObject({
      status: 400,
      code: 'workflow/bad-id',
    });
  });

  it('that could not be opened again are not saved', async () => {
    const node = { type: 'prompt', version: 1, params: {} };
    const crowd = Object.fromEntries(Array.from({ length: 20_001 }, (_, index) => [`n${index}`, node]));
    await expect(client.saveWorkflow('crowd', { ...workflow('Crowd'), nodes: crowd })).rejects.toMatchObject({
      status: 422,
      code: 'workflow/invalid',
    });
    // Small on the wire, larger than any workflow file once it is written out.
    const comments = Object.fromEntries(
      Array.from({ length: 150_000 }, (_, index) => [`c${index}`, { text: '', position: [0, 0] }]),
    );
    const wide = { ...workflow('Wide'), comments };
    await expect(client.saveWorkflow('wide', wide)).rejects.toMatchObject({
      status: expect.toSatisfy((status: number) => status === 413 || status === 422),
    });
    await expect(client.getWorkflow('wide')).rejects.toMatchObject({ status: 404 });
    // Megabytes are written, sent and read three times: on a busy machine that takes a while.
  }, 120_000);
});

describe('pictures and videos', () => {
  // The smallest PNG: one grey pixel.
  const png = Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==',
    'base64',
  );

  it('are stored under their content and served back with a type told from their bytes', async () => {
    const answer = await client.uploadFile(new Uint8Array(png), 'image/x-lies');
    expect(answer).toMatchObject({
      mediaType: 'image/png',
      widthPx: 1,
      heightPx: 1,
      file: expect.stringMatching(/^inputs\/[0-9a-f]{64}\.png$/),
    });
    const back = await fetch(client.fileUrl(answer.file));
    expect(back.headers.get('content-type')).toBe('image/png');
    expect(back.headers.get('x-content-type-options')).toBe('nosniff');
    expect(Buffer.from(await back.arrayBuffer()).equals(png)).toBe(true);
  });

  it('so are videos, and what is neither is refused', async () => {
    const video = await readFile(new URL('../../workflows/inputs/red-circle.mp4', import.meta.url));
    const answer = await client.uploadFile(new Uint8Array(video), 'video/mp4');
    expect(answer).toMatchObject({
      mediaType: 'video/mp4',
      widthPx: 64,
      heightPx: 64,
      file: expect.stringMatching(/^inputs\/[0-9a-f]{64}\.mp4$/),
    });
    const cut = new Uint8Array(video.subarray(0, 40));
    await expect(client.uploadFile(cut, 'video/mp4')).rejects.toMatchObject({ code: 'media/not-a-video' });
    const text = new TextEncoder().encode('this is no video');
    await expect(client.uploadFile(text, 'video/mp4')).rejects.toThrow('not an MP4 or WebM video');
  });

  it('so are latents, which have no size of a picture and are never shown', async () => {
    // A safetensors file: the header's length in 8 bytes, the header, the data.
    const header = Buffer.from('{"latent_tensor":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}');
    const latent = new Uint8Array(8 + header.byteLength + 4);
    latent[0] = header.byteLength;
    latent.set(header, 8);
    const answer = await client.uploadFile(latent, 'application/octet-stream');
    expect(answer).toEqual({
      mediaType: 'application/vnd.safetensors',
      byteLength: latent.byteLength,
      file: expect.stringMatching(/^inputs\/[0-9a-f]{64}\.safetensors$/),
    });
    const back = await fetch(client.fileUrl(answer.file));
    expect(back.headers.get('content-type')).toBe('application/octet-stream');
    expect(new Uint8Array(await back.arrayBuffer())).toEqual(latent);
  });

  it.each([
    '../package.json',
    '..%2f..%2fpackage.json',
    'inputs/../../package.json',
    '%2e%2e/journal.sqlite',
    'journal.sqlite',
    'inputs/',
    'inputs/a%00b',
    'C:\\x',
    '~',
    'inputs/con',
  ])('no name leaves the folder: %s', async (name) => {
    const { status } = await raw(`/api/v1/files/${name}`);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
  });
});

it('the editor’s files are cached for ever, its page never', async () => {
  await server.close();
  const { mkdir, writeFile } = await import('node:fs/promises');
  const uiFolder = join(dataFolder, 'ui');
  await mkdir(join(uiFolder, 'assets'), { recursive: true });
  await writeFile(join(uiFolder, 'index.html'), '<!doctype html>');
  await writeFile(join(uiFolder, 'assets/app-3f2a.js'), 'export {};');
  await start({ uiFolder });
  const page = await raw('/');
  expect(page.status).toBe(200);
  expect(page.headers['cache-control']).toBe('no-cache');
  expect(page.headers['content-security-policy']).toContain("default-src 'self'");
  expect((await raw('/assets/app-3f2a.js')).headers['cache-control']).toContain('immutable');
});

it('a second server on the same data folder is refused with a sentence', async () => {
  await expect(start()).rejects.toMatchObject({ code: 'store/locked' });
});

it.skipIf(!existsSync('/proc/self/fd'))(
  'a server that has ended holds no file of its data folder',
  async () => {
    const openFiles = async (): Promise<string[]> => {
      const links = (await readdir('/proc/self/fd')).map((fd) =>
        readlink(`/proc/self/fd/${fd}`).catch(() => ''),
      );
      return (await Promise.all(links)).filter((path) => path.startsWith(dataFolder));
    };
    // Asked what became of a result, the store opens its ledger.
    expect((await fetch(client.resultUrl('a'.repeat(64)))).status).toBe(404);
    expect((await openFiles()).some((path) => path.endsWith('ledger.sqlite'))).toBe(true);
    await server.close();
    expect(await openFiles()).toEqual([]);
    await start();
  },
);
