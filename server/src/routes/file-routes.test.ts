import { once } from 'node:events';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dataFolderAt } from '@reelgraph/host';
import { byteRoutes } from '@reelgraph/protocol';
import { openStore } from '@reelgraph/store';
import express, { type ErrorRequestHandler, Router } from 'express';
import { expect, it, vi } from 'vitest';
import { HttpError } from '../http-error.ts';
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
  // As the server ends a request that failed: its status and its words.
  const onError: ErrorRequestHandler = (error: unknown, _request, response, _next) => {
    const { status, code } = error instanceof HttpError ? error : { status: 500, code: String(error) };
    response.status(status).json({ code });
  };
  const server = createServer(express().use(router).use(onError)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port }: Pick<AddressInfo, 'port'> = Object(server.address());
  const ask = async (digest: string) => {
    const response = await fetch(`http://127.0.0.1:${port}${byteRoutes.result(digest)}`);
    return [response.status, response.ok ? '' : (await response.json()).code];
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
