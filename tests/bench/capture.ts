/**
 * The engine with the shipped nodes, the embedded model and two nodes more: `capture`, which hands the frames
 * it receives to the bench before any video codec has touched them, and `given`, which feeds it some.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEngine, type Engine } from '@reelgraph/engine';
import { createModelService, type ModelServiceHandle } from '@reelgraph/inference';
import { createMediaService } from '@reelgraph/media';
import { defineNode, type ModelService, type WholeFrames } from '@reelgraph/node-api';
import { createFakeFiles, inMemory } from '@reelgraph/node-api/testing';
import { builtinNodes } from '@reelgraph/nodes';
import { openStore, type Store } from '@reelgraph/store';
import { sliceAxis } from '@reelgraph/tensor';
import { modelFolder } from '@reelgraph/toybox';

export interface CapturingEngine {
  readonly engine: Engine;
  readonly models: ModelServiceHandle;
  /** Puts frames where `given` finds them under a name. */
  give(name: string, frames: WholeFrames): void;
  /** Frames that reached `capture` since the last call, in order. */
  taken(): WholeFrames[];
  close(): Promise<void>;
}

/** @param options what the engine is given in place of its store and models, for benches that look at them */
export async function createCapturingEngine(
  options: { withStore?: (store: Store) => Store; withModels?: (models: ModelService) => ModelService } = {},
): Promise<CapturingEngine> {
  const scratch = await mkdtemp(join(tmpdir(), 'reelgraph-bench-'));
  const ownStore = await openStore(join(scratch, 'artifacts'));
  const store = options.withStore?.(ownStore) ?? ownStore;
  const models = await createModelService({ roots: [modelFolder] });
  const frames: WholeFrames[] = [];
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
      frames.push(inMemory(inputs.frames));
      return {};
    },
  });
  const given = new Map<string, WholeFrames>();
  const give = defineNode({
    type: 'given',
    version: 1,
    title: 'Given',
    description: 'Frames of the bench.',
    category: 'Video',
    inputs: {},
    outputs: {
      frames: { type: 'frames', label: 'Frames', description: 'All of them.' },
      image: { type: 'image', label: 'Image', description: 'The first of them.' },
    },
    params: {
      name: {
        kind: 'text',
        label: 'Name',
        description: 'Which frames.',
        default: '',
        multiline: false,
        maxLength: 80,
      },
    },
    cache: 'none',
    lane: 'cpu',
    run({ params }) {
      const frames = given.get(params.name);
      if (frames === undefined) throw new Error(`the bench has no frames "${params.name}"`);
      return { frames, image: { pixels: sliceAxis(frames.pixels, 2, 0, 1) } };
    },
  });
  const engine = createEngine({
    registry: new Map([...builtinNodes, [capture.type, capture], [give.type, give]]),
    store,
    models: options.withModels?.(models) ?? models,
    media: createMediaService({
      tempFolder: join(scratch, 'tmp'),
      putFile: async (path, about) => ({
        kind: 'file',
        ...about,
        ...(await store.putFile(path, { move: true })),
      }),
    }),
    files: createFakeFiles(async (name) => {
      throw new Error(`the bench has no input file ${name}`);
    }),
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
    give: (name, value) => given.set(name, value),
    taken: () => frames.splice(0),
    close: async () => {
      await models.dispose();
      await rm(scratch, { recursive: true, force: true });
    },
  };
}
