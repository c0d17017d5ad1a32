/**
 * Decodes a latent and makes a video of it, in a process of its own: `overlapped|sequential T h w`. In sequence the
 * encoder begins when decode has ended. Prints how long it took without the loading of the model, and the video's digest.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunEvent, Workflow } from '@reelgraph/graph';
import { createRunHost } from '@reelgraph/host';
import { builtinNodes } from '@reelgraph/nodes';
import { modelFolder } from '@reelgraph/toybox';

const [how = 'overlapped', ...sides] = process.argv.slice(2);
const [frames = 17, rows = 64, columns = 64] = sides.map(Number);
const mux = builtinNodes.get('video-mux');
if (mux === undefined) throw new Error('There is no node that makes videos.');
if (how === 'sequential') Object.assign(mux, { growing: [] });

const workflow = (size: { frames: number; rows: number; columns: number }): Workflow => ({
  reelgraph: 1,
  name: 'Decode and make a video',
  description: '',
  inputs: {},
  outputs: { video: { node: 'mux', port: 'video', label: 'Video' } },
  nodes: {
    decode: { type: 'vae-decode', version: 2, params: {} },
    latent: { type: 'bench-latent', version: 1, params: size },
    model: { type: 'load-model', version: 1, params: { model: 'toybox' } },
    mux: { type: 'video-mux', version: 1, params: {} },
  },
  edges: [
    { from: ['decode', 'frames'], to: ['mux', 'frames'] },
    { from: ['latent', 'latent'], to: ['decode', 'latent'] },
    { from: ['model', 'model'], to: ['decode', 'model'] },
  ],
  subgraphs: {},
  groups: {},
  comments: {},
  layout: { nodes: {} },
});

const folder = await mkdtemp(join(tmpdir(), 'reelgraph-bench-'));
try {
  const host = await createRunHost({
    dataFolder: folder,
    inputRoots: [],
    modelRoots: [modelFolder],
    nodeModules: [join(import.meta.dirname, 'bench-latent.ts')],
  });
  const { signal } = new AbortController();
  await host.run({
    workflow: workflow({ frames: 1, rows: 8, columns: 8 }),
    signal,
    onEvent: () => undefined,
  });
  const events: RunEvent[] = [];
  const result = await host.run({
    workflow: workflow({ frames, rows, columns }),
    signal,
    onEvent: (event) => events.push(event),
  });
  if (result.status !== 'succeeded')
    throw new Error(`The run has ${result.status}: ${result.error?.message}`);
  const took = Object.fromEntries(
    events.flatMap((event) => (event.type === 'node.finished' ? [[event.nodeId, event.durationMs]] : [])),
  );
  console.log(
    JSON.stringify({
      runMs: result.durationMs,
      decodeMs: took['decode'],
      muxMs: took['mux'],
      digest: result.exposed.get('video')?.file?.digest,
    }),
  );
  await host.close();
} finally {
  await rm(folder, { recursive: true, force: true });
}
