/**
 * The engine with the shipped nodes, the embedded model and one node more: `capture`, which hands the frames
 * it receives to the bench before any video codec has touched them.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEngine, type Engine } from '@reelgraph/engine';
import { createModelService, type ModelServiceHandle } from '@reelgraph/inference';
import { createMediaService } from '@reelgraph/media';
import { defineNode, type Frames } from '@reelgraph/node-api';
import { builtinNodes } from '@reelgraph/nodes';
import { openStore } from '@reelgraph/store';
import { modelFolder } from '@reelgraph/toybox';

export interface CapturingEngine {
  readonly engine: Engine;
  readonly models: ModelServiceHandle;
  /** Frames that reached `capture` since the last call, in order. */
  taken(): Frames[];
  close(): Promise<void>;
}

export async function createCapturingEngine(): Promise<CapturingEngine> {
  const scratch = await mkdtemp(join(tmpdir(), 'reelgraph-bench-'));
  const store = await openStore(join(scratch, 'artifacts'));
  const models = await createModelService({ roots: [modelFolder] });
  const frames: Frames[] = [];
  const capture = defineNode({
    type: 'capture',
    version: 1,
    title: 'Capture',
    description: 'Hands frames to the bench.',
    category: 'Output',
    inputs: { frames: { type: 'frames', label: 'Frames', description: 'What to hand over.' } },
    outputs: {},
    params: {},
    isOutput: true,
    cache: 'none',
    lane: 'cpu',
    run({ inputs }) {
      frames.push(inputs.frames);
      return {};
    },
  });
  const engine = createEngine({
    registry: new Map([...builtinNodes, [capture.type, capture]]),
    store,
    models,
    media: createMediaService({
      tempFolder: join(scratch, 'tmp'),
      putFile: async (path, about) => ({
        kind: 'file',
        ...about,
        ...(await store.putFile(path, { move: true })),
      }),
    }),
    files: {
      read: async (name) => {
        throw new Error(`the bench has no input file ${name}`);
      },
    },
    // Previews are made as they are for a person who watches, and thrown away.
    encodePreview: async (pixels) => {
      const { encodePreview } = await import('@reelgraph/media');
      const { bytes, ...strip } = await encodePreview(pixels, 1);
      return { ...strip, data: Buffer.from(bytes).toString('base64') };
    },
  });
  return {
    engine,
    models,
    taken: () => frames.splice(0),
    close: async () => {
      await models.dispose();
      await rm(scratch, { recursive: true, force: true });
    },
  };
}
