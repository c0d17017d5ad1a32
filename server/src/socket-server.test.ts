/** Connections that misbehave, over real sockets. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { emptyWorkflow } from '@reelgraph/graph';
import type { LiveRequest } from '@reelgraph/protocol';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { EventHub } from './event-hub.ts';
import { createGuard } from './guard.ts';
import { LiveSessions } from './live/live-sessions.ts';
import { Outbox } from './outbox.ts';
import { openRunJournal, type RunJournal } from './run-journal.ts';
import { createSocketServer, type SocketServer } from './socket-server.ts';

const workflow = emptyWorkflow('test');

let folder: string;
let journal: RunJournal;
let hub: EventHub;
let server: Server;
let sockets: SocketServer;
let port: number;
const pingIntervalMs = 50;
let toRunner: LiveRequest[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelgraph-sockets-'));
  journal = openRunJournal(folder);
  hub = new EventHub(journal);
  toRunner = [];
  sockets = createSocketServer({
    hub,
    guard: createGuard({ token: undefined }),
    live: new LiveSessions({ send: (request) => void toRunner.push(request) }),
    pingIntervalMs,
  });
  server = createServer().listen(0, '127.0.0.1');
  server.on('upgrade', (request, socket, head) => sockets.handleUpgrade(request, socket, head));
  await once(server, 'listening');
  const address: AddressInfo | string | null = server.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
  hub.commit(() => [
    { runId: 'a', body: { type: 'run.queued', workflowName: 'test' }, request: { workflow } },
  ]);
});
afterEach(async () => {
  sockets.close();
  server.close();
  hub.close();
  journal.close();
  await rm(folder, { recursive: true, force: true });
});

/** A connection that has said hello and then does nothing by itself. */
async function rawConnection(): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.write(
    [
      'GET /api/v1/events HTTP/1.1',
      `Host: 127.0.0.1:${port}`,
      `Origin: http://127.0.0.1:${port}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
      '\r\n',
    ].join('\r\n'),
  );
  await once(socket, 'data');
  const hello = Buffer.from('{"type":"hello","protocol":2}');
  // One masked text frame (RFC 6455, 5.2) with a mask of zeros.
  socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | hello.length, 0, 0, 0, 0]), hello]));
  await once(socket, 'data');
  return socket;
}

function withoutPings(): void {
  sockets.close();
  sockets = createSocketServer({
    hub,
    guard: createGuard({ token: undefined }),
    live: new LiveSessions({ send: () => {} }),
    pingIntervalMs: 60_000,
  });
}

it('a reader that does not keep up is dropped, and the others hear everything', async () => {
  // Pings would end a reader that does not read, too; here the backlog has to.
  withoutPings();
  const slow = await rawConnection();
  slow.pause();
  slow.on('error', () => {});
  const closed = once(slow, 'close');
  const quick = new WebSocket(`ws://127.0.0.1:${port}/api/v1/events`, { origin: `http://127.0.0.1:${port}` });
  quick.on('open', () => quick.send('{"type":"hello","protocol":2}'));
  await once(quick, 'message');
  let heard = 0;
  quick.on('message', () => {
    heard += 1;
  });

  for (let count = 0; count < 40; count += 1) {
    const error = { code: 'x/y', message: 'x'.repeat(1_000_000) };
    hub.publish(() => [{ runId: 'a', body: { type: 'node.failed', nodeId: 'n', error } }]);
    await new Promise((done) => setImmediate(done));
  }
  slow.resume();
  await closed;
  while (heard < 40) await once(quick, 'message');
  quick.close();
});

it('a greeting longer than the backlog of a reader that is dropped does not end the reader', async () => {
  withoutPings();
  const error = { code: 'x/y', message: 'x'.repeat(8_000_000) };
  hub.publish(() => [{ runId: 'a', body: { type: 'node.failed', nodeId: 'n', error } }]);
  const origin = `http://127.0.0.1:${port}`;
  const reader = new WebSocket(`ws://127.0.0.1:${port}/api/v1/events`, { origin });
  const told: string[] = [];
  reader.on('message', (data) => told.push(JSON.parse(String(data)).type));
  reader.on('open', () => reader.send('{"type":"hello","protocol":2}'));
  // Told to the reader while most of the greeting is still on its way.
  while (told.length === 0 && sockets.clientCount === 0) await new Promise((done) => setImmediate(done));
  for (let count = 0; count < 20; count += 1) {
    hub.publish(() => [{ runId: 'a', body: { type: 'node.started', nodeId: `n${count}` } }]);
    await new Promise((done) => setImmediate(done));
  }
  await expect.poll(() => told.length).toBeGreaterThan(0);
  hub.publish(() => [{ runId: 'a', body: { type: 'node.started', nodeId: 'last' } }]);
  await expect.poll(() => told.at(-1)).toBe('event');
  expect(reader.readyState).toBe(WebSocket.OPEN);
  reader.close();
});

it('newcomers are told everything once: in the greeting what has happened, behind it the rest', async () => {
  withoutPings();
  const happen = () => hub.publish(() => [{ runId: 'a', body: { type: 'node.started', nodeId: 'n' } }]);
  // When a newcomer says hello, something is on its way to those who are there.
  server.on('upgrade', (_request, socket) => socket.prependListener('data', happen));
  const newcomers: { readonly welcome: number; readonly cursors: readonly number[] }[] = [];
  for (let count = 0; count < 3; count += 1) {
    const newcomer = { welcome: 0, cursors: [] as number[] };
    const socket = new WebSocket(`ws://127.0.0.1:${port}/api/v1/events`, {
      origin: `http://127.0.0.1:${port}`,
    });
    socket.on('open', () => socket.send('{"type":"hello","protocol":2}'));
    socket.on('message', (data) => {
      const message = JSON.parse(String(data));
      if (message.type === 'welcome') newcomer.welcome = message.cursor;
      else if (message.type === 'event') newcomer.cursors.push(message.cursor);
    });
    await expect.poll(() => newcomer.welcome).toBeGreaterThan(0);
    newcomers.push(newcomer);
  }
  happen();
  for (const { welcome, cursors } of newcomers) {
    await expect.poll(() => cursors.at(-1) === hub.lastCursor()).toBe(true);
    expect(cursors).toEqual(cursors.map((_, index) => welcome + 1 + index));
  }
});

it('when the last reader has left, nothing is written for anybody', async () => {
  withoutPings();
  const socket = new WebSocket(`ws://127.0.0.1:${port}/api/v1/events`, {
    origin: `http://127.0.0.1:${port}`,
  });
  socket.on('open', () => socket.send('{"type":"hello","protocol":2}'));
  await once(socket, 'message');
  const tell = vi.spyOn(Outbox.prototype, 'tell');
  try {
    const happen = () => hub.publish(() => [{ runId: 'a', body: { type: 'node.started', nodeId: 'n' } }]);
    happen();
    expect(tell).toHaveBeenCalledTimes(1);
    socket.close();
    await expect.poll(() => sockets.clientCount).toBe(0);
    happen();
    expect(tell).toHaveBeenCalledTimes(1);
  } finally {
    tell.mockRestore();
  }
});

it('a change of the queue that comes right after another is told after a pause', async () => {
  hub.close();
  const schedule = (work: () => void) => {
    queueMicrotask(work);
    return () => {};
  };
  hub = new EventHub(journal, { schedule });
  withoutPings();
  const socket = new WebSocket(`ws://127.0.0.1:${port}/api/v1/events`, {
    origin: `http://127.0.0.1:${port}`,
  });
  const told: boolean[] = [];
  socket.on('message', (data) => {
    const message = JSON.parse(String(data));
    if (message.type === 'queue') told.push(message.queue.isPaused);
  });
  socket.on('open', () => socket.send('{"type":"hello","protocol":2}'));
  await once(socket, 'message');
  hub.commit(() => [{ body: { type: 'queue.paused' } }]);
  await Promise.resolve();
  // No timer has had its turn since.
  hub.commit(() => [{ body: { type: 'queue.resumed' } }]);
  await expect.poll(() => told).toEqual([true, false]);
  socket.close();
});

it('a reader who is behind is told events, and pictures only when there is room again', async () => {
  withoutPings();
  const error = { code: 'x/y', message: 'x'.repeat(12_000_000) };
  hub.publish(() => [{ runId: 'a', body: { type: 'node.failed', nodeId: 'n', error } }]);
  const greeted = vi.spyOn(hub, 'lastCursor');
  const origin = `http://127.0.0.1:${port}`;
  const reader = new WebSocket(`ws://127.0.0.1:${port}/api/v1/events`, { origin });
  const told: string[] = [];
  reader.on('message', (data) => {
    const message = JSON.parse(String(data));
    told.push(message.type === 'preview' ? `preview ${message.preview.step}` : message.type);
  });
  reader.on('open', () => {
    reader.send('{"type":"hello","protocol":2}');
    reader.pause();
  });
  await expect.poll(() => greeted.mock.calls.length).toBe(1);
  const show = (step: number) =>
    hub.publishPreview({
      runId: 'a',
      nodeId: 'm',
      step,
      mediaType: 'image/png',
      frameCount: 1,
      widthPx: 1,
      heightPx: 1,
      fps: 8,
      data: '',
    });
  show(1);
  hub.publish(() => [{ runId: 'a', body: { type: 'node.started', nodeId: 'm' } }]);
  for (let turns = 0; turns < 3; turns += 1) await new Promise((done) => setImmediate(done));
  reader.resume();
  await expect.poll(() => told).toContain('event');
  show(2);
  await expect.poll(() => told).toContain('preview 2');
  expect(told).not.toContain('preview 1');
  reader.close();
});

it('a connection whose other end vanished is found and ended', async () => {
  // It reads, but answers no ping.
  const deaf = await rawConnection();
  deaf.resume();
  await once(deaf, 'close');
});

it('a connection that answers pings stays', async () => {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/api/v1/events`, {
    origin: `http://127.0.0.1:${port}`,
  });
  socket.on('open', () => socket.send('{"type":"hello","protocol":2}'));
  for (let pings = 0; pings < 4; pings += 1) await once(socket, 'ping');
  expect(socket.readyState).toBe(WebSocket.OPEN);
  socket.close();
});

it('a message larger than any hello is not even read', async () => {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/api/v1/events`, {
    origin: `http://127.0.0.1:${port}`,
  });
  socket.on('open', () => socket.send('x'.repeat(100_000)));
  const [code] = await once(socket, 'close');
  expect(code).toBe(1009);
});

it.each([
  ['without an Origin', { Host: 'HOST' }, '403'],
  ['with a foreign Host', { Host: 'evil.example', Origin: 'http://evil.example' }, '403'],
  ['at another path', { Host: 'HOST', Origin: 'http://HOST', path: '/elsewhere' }, '404'],
])(
  'an upgrade %s is refused',
  async (_what, { path = '/api/v1/events', ...headers }: Record<string, string>, status) => {
    const socket = connect(port, '127.0.0.1');
    const lines = Object.entries(headers).map(
      ([name, value]) => `${name}: ${value.replace('HOST', `127.0.0.1:${port}`)}`,
    );
    socket.write(
      `GET ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`,
    );
    const [answer] = await once(socket, 'data');
    expect(String(answer)).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    socket.destroy();
  },
);

it('missed events are told up to a number; more are a new picture', () => {
  for (let count = 0; count < 5; count += 1)
    hub.publish(() => [{ runId: 'a', body: { type: 'node.started', nodeId: `n${count}` } }]);
  expect(hub.eventsAfter(1, 5)?.map(({ cursor }) => cursor)).toEqual([2, 3, 4, 5, 6]);
  expect(hub.eventsAfter(0, 5)).toBeUndefined();
});

it('a node that is played stops being played when its connection ends', async () => {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/api/v1/events`, {
    origin: `http://127.0.0.1:${port}`,
  });
  socket.on('open', () => socket.send('{"type":"hello","protocol":2}'));
  await once(socket, 'message');
  socket.send('{"type":"live.open","liveId":"mine","nodeType":"interactive-world","params":{"seed":"1"}}');
  while (toRunner.length < 1) await new Promise((done) => setTimeout(done, 5));
  expect(toRunner[0]).toMatchObject({ type: 'live.open', nodeType: 'interactive-world' });
  socket.terminate();
  while (toRunner.length < 2) await new Promise((done) => setTimeout(done, 5));
  expect(toRunner[1]).toEqual({ type: 'live.close', liveId: toRunner[0]?.liveId });
});

it.each([
  ['before hello', '{"type":"live.act","liveId":"a","action":"left"}', false],
  ['without an action', '{"type":"live.act","liveId":"a"}', true],
  [
    'with params that are none',
    '{"type":"live.open","liveId":"a","nodeType":"x","params":{"seed":[]}}',
    true,
  ],
  ['with words of its own', '{"type":"live.close","liveId":"a","now":true}', true],
])('a word of play %s is refused, and the connection with it', async (_what, text, afterHello) => {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/api/v1/events`, {
    origin: `http://127.0.0.1:${port}`,
  });
  await once(socket, 'open');
  if (afterHello) {
    socket.send('{"type":"hello","protocol":2}');
    await once(socket, 'message');
  }
  socket.send(text);
  const [code] = await once(socket, 'close');
  expect(code).toBe(1002);
  expect(toRunner).toEqual([]);
});
