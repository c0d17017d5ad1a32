/**
 * A clip long enough to be decoded in pieces, through the real model and encoder: *Make video* begins with the first of
 * them. Undisturbed, cancelled and killed while both are at work.
 */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createClient, type ReelgraphClient } from '@reelgraph/client';
import type { RunEvent } from '@reelgraph/graph';
import { findFfmpeg } from '@reelgraph/media';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { endMarked, markName, processesMarked, temporaryFiles } from '../support/leftovers.ts';
import { runToEnd, videoOf } from '../support/runs.ts';
import { type RunningServer, startServer, temporaryFolder } from '../support/server.ts';

const mark = `growing-${process.pid}`;
let scratch: Awaited<ReturnType<typeof temporaryFolder>>;
let server: RunningServer;
let client: ReelgraphClient;
let file: string;

const start = () => startServer({ dataFolder: join(scratch.path, 'data'), env: { [markName]: mark } });

beforeAll(async () => {
  scratch = await temporaryFolder();
  server = await start();
  client = createClient({ baseUrl: server.baseUrl });
  const path = join(scratch.path, 'source.mp4');
  const picture = 'testsrc2=size=320x320:rate=8:duration=9';
  await promisify(execFile)(findFfmpeg(), [
    ...['-v', 'error', '-f', 'lavfi', '-i', picture, '-frames:v', '65', '-pix_fmt', 'yuv420p', path],
  ]);
  file = (await client.uploadFile(await readFile(path), 'video/mp4')).file;
});
afterAll(async () => {
  await server?.stop();
  await endMarked(mark);
  await scratch?.dispose();
});

/** 65 frames of 320×320: three pieces. The cut makes each clip another, so that nothing of it is cached. */
function throughTheModel(cutStart: number) {
  return {
    reelgraph: 1,
    name: 'Through the model',
    nodes: {
      decode: { type: 'vae-decode', version: 2, params: {} },
      encode: { type: 'vae-encode', version: 1, params: {} },
      model: { type: 'load-model', version: 1, params: { model: 'toybox' } },
      mux: { type: 'video-mux', version: 1, params: {} },
      resize: { type: 'resize-frames', version: 1, params: { width: 400, height: 400, fit: 'cover' } },
      save: { type: 'save-video', version: 1, params: {} },
      trim: { type: 'trim-frames', version: 1, params: { cutStart } },
      video: { type: 'load-video', version: 1, params: { file } },
    },
    edges: [
      { from: ['video', 'frames'], to: ['trim', 'frames'] },
      { from: ['trim', 'frames'], to: ['encode', 'frames'] },
      { from: ['model', 'model'], to: ['encode', 'model'] },
      { from: ['encode', 'latent'], to: ['decode', 'latent'] },
      { from: ['model', 'model'], to: ['decode', 'model'] },
      { from: ['decode', 'frames'], to: ['resize', 'frames'] },
      { from: ['resize', 'frames'], to: ['mux', 'frames'] },
      { from: ['mux', 'video'], to: ['save', 'video'] },
    ],
  };
}

/** The encoder has frames while decode is at work. */
function isBesideDecode(event: RunEvent, begun: Set<string>): boolean {
  if (!('nodeId' in event)) return false;
  begun.add(`${event.type} ${event.nodeId}`);
  return event.type === 'node.progress' && event.nodeId === 'mux' && !begun.has('node.finished decode');
}

it('is encoded while it is decoded, and is over after it', async () => {
  const begun = new Set<string>();
  let overlapped = 0;
  const { state, events } = await runToEnd(client, throughTheModel(0), {
    onEvent: (event) => {
      if (isBesideDecode(event, begun)) overlapped += 1;
    },
  });
  expect(state.status).toBe('succeeded');
  expect(overlapped).toBeGreaterThan(0);
  const order = events.flatMap((event) => (event.type === 'node.finished' ? [event.nodeId] : []));
  expect(order.filter((id) => ['decode', 'resize', 'mux'].includes(id))).toEqual(['decode', 'resize', 'mux']);
  expect(videoOf(state, 'save').byteLength).toBeGreaterThan(10_000);
  expect(temporaryFiles(server.dataFolder)).toEqual([]);
}, 180_000);

it('leaves nothing when it is cancelled meanwhile, and is made by the next run', async () => {
  const begun = new Set<string>();
  let isAsked = false;
  const { state } = await runToEnd(client, throughTheModel(4), {
    onEvent: (event) => {
      if (isAsked || !isBesideDecode(event, begun)) return;
      isAsked = true;
      void client.cancelRun(event.runId);
    },
  });
  expect([isAsked, state.status]).toEqual([true, 'cancelled']);
  await vi.waitFor(() => expect(temporaryFiles(server.dataFolder)).toEqual([]), { timeout: 10_000 });
  expect(processesMarked(mark).filter(({ command }) => command.includes('ffmpeg'))).toEqual([]);
  const again = await runToEnd(client, throughTheModel(4));
  expect(again.state.status).toBe('succeeded');
  expect(again.state.nodes['mux']?.status).toBe('finished');
}, 180_000);

it('is made by the next attempt when the runner is killed meanwhile', async () => {
  const begun = new Set<string>();
  let isKilled = false;
  const { pid } = (await client.call('getHealth', { params: {} })).runner;
  const { state } = await runToEnd(client, throughTheModel(8), {
    onEvent: (event) => {
      if (isKilled || pid === null || !isBesideDecode(event, begun)) return;
      isKilled = true;
      process.kill(pid, 'SIGKILL');
    },
  });
  expect(isKilled).toBe(true);
  expect(state).toMatchObject({ status: 'succeeded', attempt: 2 });
  expect(videoOf(state, 'save').byteLength).toBeGreaterThan(10_000);
  await vi.waitFor(() => expect(temporaryFiles(server.dataFolder)).toEqual([]), { timeout: 10_000 });
}, 180_000);
