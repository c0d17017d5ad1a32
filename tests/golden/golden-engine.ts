/** The engine with the shipped nodes, the packages of the cases and a node that hands over what reaches it. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { blockingIssues, checkWorkflow, createEngine, type RunResult } from '@reelgraph/engine';
import type { Workflow } from '@reelgraph/graph';
import { createModelService, type ModelServiceHandle } from '@reelgraph/inference';
import { createMediaService } from '@reelgraph/media';
import { defineNode, type Latent, type ModelService, type WholeFrames } from '@reelgraph/node-api';
import { createFakeFiles, inMemory } from '@reelgraph/node-api/testing';
import { builtinNodes } from '@reelgraph/nodes';
import { openStore } from '@reelgraph/store';
import { concatAxis } from '@reelgraph/tensor';
import { goldenFolders } from './golden-case.ts';

export interface CapturedClip {
  readonly latent: Latent;
  readonly frames: WholeFrames;
}

export interface GoldenEngine {
  readonly models: ModelServiceHandle;
  /** What a check of the workflow says, in sentences. */
  check(workflow: Workflow): readonly string[];
  /** Runs it and gives what reached `capture`. @throws Error when the run did not succeed */
  run(workflow: Workflow, pictureFolder: string): Promise<CapturedClip>;
  /** The same, however it ends. */
  tryRun(
    workflow: Workflow,
    signal: AbortSignal,
    onStep?: (step: number, node: string) => void,
  ): Promise<RunResult>;
  close(): Promise<void>;
}

/** @param withModels what the engine is given in place of the service */
export async function createGoldenEngine(
  withModels: (models: ModelService) => ModelService = (models) => models,
): Promise<GoldenEngine> {
  const scratch = await mkdtemp(join(tmpdir(), 'reelgraph-golden-'));
  const store = await openStore(join(scratch, 'artifacts'));
  const models = await createModelService({ roots: goldenFolders, threads: 1 });
  let captured: CapturedClip | undefined;
  let pictures = scratch;
  const capture = defineNode({
    type: 'capture',
    version: 1,
    title: 'Capture',
    description: 'Hands a clip to the test.',
    category: 'Output',
    inputs: {
      frames: { type: 'frames', label: 'Frames', description: 'The decoded clip.' },
      latent: { type: 'latent', label: 'Latent', description: 'The same before it was decoded.' },
    },
    outputs: {},
    params: {},
    isOutput: true,
    cache: 'none',
    lane: 'cpu',
    run({ inputs }) {
      captured = { latent: inputs.latent, frames: inMemory(inputs.frames) };
      return {};
    },
  });
  const givenClip = defineNode({
    type: 'given-clip',
    version: 1,
    title: 'Given clip',
    description: 'The pictures of a case as a clip, without the loss of a video file.',
    category: 'Video',
    inputs: {},
    outputs: { frames: { type: 'frames', label: 'Frames', description: 'One after the other.' } },
    params: {
      files: {
        kind: 'text',
        label: 'Files',
        description: 'Names, apart by spaces.',
        default: '',
        multiline: false,
        maxLength: 4000,
      },
    },
    cache: 'none',
    lane: 'cpu',
    async run({ params, ctx }) {
      const read = async (name: string) =>
        (await ctx.media.decodeImage(await readFile(join(pictures, name)), ctx.signal)).pixels;
      return {
        frames: { pixels: concatAxis(await Promise.all(params.files.split(' ').map(read)), 2), fps: 8 },
      };
    },
  });
  const registry = new Map([...builtinNodes, [capture.type, capture], [givenClip.type, givenClip]]);
  const engine = createEngine({
    registry,
    store,
    models: withModels(models),
    inferContext: () => models.inferContext(),
    media: createMediaService({
      tempFolder: join(scratch, 'tmp'),
      putFile: async (path, about) => ({
        kind: 'file',
        ...about,
        ...(await store.putFile(path, { move: true })),
      }),
    }),
    files: createFakeFiles(async (name) => readFile(join(pictures, name))),
  });
  const tryRun: GoldenEngine['tryRun'] = (workflow, signal, onStep) =>
    engine.run({
      runId: crypto.randomUUID(),
      workflow,
      signal,
      onEvent(event) {
        if (event.type === 'node.progress') onStep?.(event.step, event.nodeId);
      },
    });
  return {
    models,
    check: (workflow) =>
      blockingIssues(workflow, registry, checkWorkflow(workflow, registry, models.inferContext()).issues).map(
        ({ message }) => message,
      ),
    tryRun,
    async run(workflow, pictureFolder) {
      captured = undefined;
      pictures = pictureFolder;
      const result = await tryRun(workflow, new AbortController().signal);
      if (result.status !== 'succeeded' || captured === undefined)
        throw new Error(`The run ${result.status}: ${JSON.stringify(result.error)}`);
      return captured;
    },
    async close() {
      await models.dispose();
      store.close();
      await rm(scratch, { recursive: true, force: true });
    },
  };
}
