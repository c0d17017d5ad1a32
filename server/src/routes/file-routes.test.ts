import { once } from 'node:events';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dataFolderAt } from '@reelgraph/host';
import { openStore } from '@reelgraph/store';
import express, { Router } from 'express';
import { expect, it, vi } from 'vitest';
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
