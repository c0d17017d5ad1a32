/** Everything a process needs to execute runs: engine, store, models, media and nodes put together. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { createEngine, type EnginePreview, type RunResult } from '@reelgraph/engine';
import type { RunError, RunEvent, Workflow } from '@reelgraph/graph';
import { createModelService, type DeviceChoice } from '@reelgraph/inference';
import { createFrameService, type LivePlay } from '@reelgraph/node-api';
import { filesOfHistory, openStore, type Store } from '@reelgraph/store';
import { type Catalogue, catalogueOver, modelRules } from './catalogue.ts';
import { dataFolderAt, digestFileOf } from './data-folder.ts';
import { createForecaster, type Forecaster } from './forecaster.ts';
import { createFrameFiles, pathOfKept } from './frame-files.ts';
import { createInputFiles, type InputRoot } from './input-files.ts';
import { createLiveHost, type LiveRequest } from './live-host.ts';
import { loadRegistry } from './registry.ts';
import { runLimitsOf } from './run-limits.ts';

export interface RunHostOptions {
  readonly dataFolder: string;
  readonly inputRoots: readonly InputRoot[];
  readonly modelRoots: readonly string[];
  /** Node types beside the built-in ones, see `loadRegistry`. */
  readonly nodeModules?: readonly string[];
}

export interface HostedRun {
  /** A fresh one when absent. */
  readonly runId?: string;
  readonly workflow: Workflow;
  readonly targets?: readonly string[];
  readonly signal: AbortSignal;
  onEvent(event: RunEvent): void;
  onPreview?(preview: EnginePreview): void;
  /** Something the run went on in spite of. */
  onWarning?(warning: RunError & { readonly nodeId: string }): void;
}

export interface RunHost {
  readonly store: Store;
  readonly catalogue: Catalogue;
  readonly forecaster: Forecaster;
  /** Where models run, and why not where it was asked for. */
  readonly device: DeviceChoice;
  /** Runs one workflow; rejects for nothing a workflow or node does. Runs are given one after the other. */
  run(run: HostedRun): Promise<RunResult>;
  /** Whether something of a run that has ended still goes on, which nothing in this process can stop. */
  hasLeftovers(): boolean;
  /** Opens a node to be played, also while a run goes on. @throws NodeError */
  openLive(request: LiveRequest): Promise<LivePlay>;
  /** Waits for native work in flight, then frees the models. */
  close(): Promise<void>;
}

/** Opens the data folder and finds models; nothing heavy is loaded before the first run needs it. */
export async function createRunHost(options: RunHostOptions): Promise<RunHost> {
  // Loaded here and not above: the server imports this package too and starts without it.
  const { createClipDecoder, createMediaService, encodePreview, resizeChunk } = await import(
    '@reelgraph/media'
  );
  const folder = dataFolderAt(options.dataFolder);
  const registry = await loadRegistry(options.nodeModules);
  const store = await openStore(folder.artifactsFolder);
  const limits = runLimitsOf(process.env);
  const { choice, ...rules } = await modelRules(digestFileOf(folder));
  const models = await createModelService({
    roots: options.modelRoots,
    openBytes: limits.modelBytes,
    digestFile: digestFileOf(folder),
    ...rules,
    device: choice.device,
  });
  const live = createLiveHost({
    registry,
    createModels: () =>
      createModelService({
        roots: options.modelRoots,
        threads: 1,
        openBytes: limits.modelBytes,
        digestFile: digestFileOf(folder),
        ...rules,
        device: choice.device,
      }),
  });
  const files = createInputFiles(options.inputRoots);
  const media = createMediaService({
    tempFolder: join(folder.artifactsFolder, 'tmp'),
    putFile: async (path, about) => ({
      kind: 'file',
      ...about,
      ...(await store.putFile(path, { move: true })),
    }),
  });
  const engine = createEngine({
    registry,
    store,
    memoryBytes: limits.memoryBytes,
    disk: { bytes: limits.diskBytes, pinned: () => filesOfHistory(options.dataFolder) },
    stallMs: limits.stallMs,
    deviceOf: () => choice.device,
    inferContext: () => models.inferContext(),
    models,
    media,
    frames: createFrameService({
      decode: createClipDecoder((file) => pathOfKept(store, file)),
      resize: resizeChunk,
      files: createFrameFiles(store),
    }),
    files,
    encodePreview: async (pixels) => {
      // The engine knows how fast a preview moves; here its picture becomes text that fits into a message.
      const { mediaType, frameCount, widthPx, heightPx, bytes } = await encodePreview(pixels, 1);
      return { mediaType, frameCount, widthPx, heightPx, data: Buffer.from(bytes).toString('base64') };
    },
  });
  const catalogue = catalogueOver(models, { files, registry, device: choice.device });
  return {
    store,
    catalogue,
    device: choice,
    forecaster: createForecaster({ catalogue, store, files }),
    async run({ runId = randomUUID(), ...request }) {
      // A package that was mended or exchanged since the last run is seen by this one.
      await models.refresh();
      return engine.run({ runId, ...request });
    },
    hasLeftovers: () => models.isBusy() || engine.hasStuckNodes(),
    openLive: (request) => live.open(request),
    async close() {
      await live.close();
      await models.dispose();
      store.close();
    },
  };
}
