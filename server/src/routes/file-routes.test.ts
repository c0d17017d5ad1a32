import { once } from 'node:events';
import { mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, get, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInputFiles, dataFolderAt } from '@reelgraph/host';
import { byteRoutes } from '@reelgraph/protocol';
import { openStore } from '@reelgraph/store';
import express, { Router } from 'express';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { errorHandler } from '../http-error.ts';
import { createLog } from '../log.ts';
import { createMediaClient } from '../media/media-client.ts';
import { createCallRegistry } from '../register-call.ts';
import { registerFileRoutes } from './file-routes.ts';

it('a download that is broken off leaves no file open', async () => {
  const root = await mkdtemp(join(tmpdir(), 'reelgraph-files-'));
  const path = join(root, 'large.png');
  // Larger than what socket and stream hold between them.
  const byteLength = 32 * 1024 * 1024;
  await writeFile(path, Buffer.alloc(byteLength));
  const handle = await open(path);
  const folder = dataFolderAt(root);
  const store = await openStore(folder.artifactsFolder);
  const media = createMediaClient();
  const router = Router();
  const inputFiles = { open: async () => ({ handle, byteLength }), read: async () => new Uint8Array(0) };
  registerFileRoutes(createCallRegistry(router), { folder, inputFiles, store, media });
  const server = createServer(express().use(router)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port }: Pick<AddressInfo, 'port'> = Object(server.address());

  const request = get({ port, host: '127.0.0.1', path: '/api/v1/files/inputs/large.png' }, (response) => {
    response.once('data', () => request.destroy());
    response.on('error', () => {});
  });
  request.on('error', () => {});
  await vi.waitFor(() => expect(handle.fd).toBe(-1));

  server.close();
  await rm(root, { recursive: true, force: true });
});

it('a result that had to make room is gone and not unknown', async () => {
  const root = await mkdtemp(join(tmpdir(), 'reelgraph-files-'));
  const folder = dataFolderAt(root);
  let now = 0;
  const store = await openStore(folder.artifactsFolder, { now: () => now });
  const router = Router();
  const inputFiles = { open: async () => undefined, read: async () => new Uint8Array(0) };
  registerFileRoutes(createCallRegistry(router), { folder, inputFiles, store, media: createMediaClient() });
  const server = createServer(
    express()
      .use(router)
      .use(errorHandler(createLog('silent'))),
  ).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port }: Pick<AddressInfo, 'port'> = Object(server.address());
  const ask = async (digest: string) => {
    const response = await fetch(`http://127.0.0.1:${port}${byteRoutes.result(digest)}`);
    return [response.status, response.ok ? '' : (await response.json()).error.code];
  };

  const video = await store.putBytes(new Uint8Array(1000).fill(7));
  const outputs = { video: { kind: 'file', ...video, mediaType: 'video/mp4', name: 'a.mp4' } };
  const about = { nodeType: 'mux', computedAtMs: 0, durationMs: 5, summaries: {} };
  const parts = { version: 1, params: {}, inputs: {} };
  await store.saveResult({ ...about, key: 'a'.repeat(64), parts, outputs });
  expect(await ask(video.digest)).toEqual([200, '']);
  now += 1;
  await store.trim({ targetBytes: 0, pinned: () => new Set(), graceMs: 0 });
  expect(await ask(video.digest)).toEqual([410, 'result/evicted']);
  expect((await ask('b'.repeat(64)))[0]).toBe(404);

  server.close();
  store.close();
  await rm(root, { recursive: true, force: true });
});

describe('a large video', () => {
  const projectRoot = join(import.meta.dirname, '../../..');
  const paddingBytes = 80 * 1024 * 1024;
  let root: string;
  let clip: Uint8Array;
  let close: () => Promise<void>;
  let port: number;
  const inputs = () => readdir(dataFolderAt(root).inputsFolder).catch(() => []);

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'reelgraph-files-'));
    clip = await readFile(join(projectRoot, 'workflows/inputs/red-circle.mp4'));
    const folder = dataFolderAt(root);
    const store = await openStore(folder.artifactsFolder);
    const media = createMediaClient();
    const router = Router();
    const inputFiles = createInputFiles([{ folder: folder.inputsFolder, prefix: 'inputs' }]);
    registerFileRoutes(createCallRegistry(router), { folder, inputFiles, store, media });
    const app = express()
      .use(router)
      .use(errorHandler(createLog('silent')));
    const server = createServer(app).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address: Pick<AddressInfo, 'port'> = Object(server.address());
    port = address.port;
    close = async () => {
      server.closeAllConnections();
      server.close();
      store.close();
      await media.close();
    };
  });
  afterEach(async () => {
    await close();
    await rm(root, { recursive: true, force: true });
  });

  /** The clip, and a box behind it that nobody reads. */
  function* padded() {
    const padding = Buffer.from('\0\0\0\0free');
    padding.writeUInt32BE(paddingBytes);
    yield Buffer.concat([clip, padding]);
    const piece = new Uint8Array(1024 * 1024);
    for (let left = paddingBytes - 8; left > 0; left -= piece.length) yield piece.subarray(0, left);
  }
  /** Sends pieces without their number being known, as they are taken. */
  async function send(path: string, pieces: Iterable<Uint8Array>, type = 'video/mp4') {
    const request = httpRequest({
      port,
      host: '127.0.0.1',
      path,
      method: 'POST',
      headers: { 'content-type': type },
    });
    const answered = once(request, 'response');
    let held = 0;
    const before = process.memoryUsage().arrayBuffers;
    for (const piece of pieces) {
      if (!request.write(piece)) await Promise.race([once(request, 'drain'), answered]);
      held = Math.max(held, process.memoryUsage().arrayBuffers - before);
    }
    request.end();
    const [response] = await answered;
    let text = '';
    for await (const part of response.setEncoding('utf8')) text += part;
    return { status: response.statusCode, body: JSON.parse(text), held };
  }

  it('goes to the disk as it comes, and is looked into there', async () => {
    const { status, body, held } = await send(byteRoutes.upload, padded());
    expect([status, body]).toEqual([
      201,
      {
        file: expect.stringMatching(/^inputs\/[0-9a-f]{64}\.mp4$/),
        mediaType: 'video/mp4',
        byteLength: clip.byteLength + paddingBytes,
        widthPx: 64,
        heightPx: 64,
      },
    ]);
    expect(await inputs()).toEqual([body.file.slice('inputs/'.length)]);
    expect((await stat(join(root, body.file))).size).toBe(body.byteLength);
    // Client and server in one process; buffers that wait to be collected are among these.
    expect(held).toBeLessThan(paddingBytes / 2);
    const workflow = await send(byteRoutes.extractWorkflow, padded());
    expect([workflow.status, workflow.body.error?.code]).toEqual([422, 'video/no-workflow']);
    expect(await inputs()).toHaveLength(1);
  });

  it('is refused beyond the limit, said beforehand or not, and leaves nothing', async () => {
    vi.stubEnv('REELGRAPH_INPUT_VIDEO', '70M');
    try {
      const { status, body } = await send(byteRoutes.upload, padded());
      expect([status, body.error.code]).toEqual([413, 'http/too-large']);
      expect(body.error.message).toContain('70 MiB');
      const headers = { 'content-type': 'video/mp4', 'content-length': String(71 * 1024 * 1024) };
      const request = httpRequest({
        port,
        host: '127.0.0.1',
        path: byteRoutes.upload,
        method: 'POST',
        headers,
      });
      request.flushHeaders();
      const [response] = await once(request, 'response');
      expect(response.statusCode).toBe(413);
      request.destroy();
    } finally {
      vi.unstubAllEnvs();
    }
    expect(await inputs()).toEqual([]);
  });

  it('is one: a picture has no more than 64 MiB', async () => {
    function* picture() {
      yield Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
      for (let i = 0; i < 70; i++) yield new Uint8Array(1024 * 1024);
    }
    const { status, body } = await send(byteRoutes.upload, picture(), 'image/png');
    expect([status, body.error.code]).toEqual([413, 'http/too-large']);
    expect(body.error.message).toContain('64 MiB');
    expect(await inputs()).toEqual([]);
  });

  it('that breaks off leaves nothing', async () => {
    const headers = { 'content-type': 'video/mp4' };
    const request = httpRequest({
      port,
      host: '127.0.0.1',
      path: byteRoutes.upload,
      method: 'POST',
      headers,
    });
    request.on('error', () => {});
    request.write(clip);
    await vi.waitFor(async () => expect(await inputs()).toHaveLength(1));
    request.destroy();
    await vi.waitFor(async () => expect(await inputs()).toEqual([]));
  });
});
