/**
 * What a model family must know: which files its package has, and how our words (text, sample, sigma, frames)
 * become the inputs of its graphs. Everything else is the same for all.
 */
import type {
  Conditioning,
  DenoiseRequest,
  ModelFacts,
  WorldFacts,
  WorldFrame,
  WorldState,
} from '@reelgraph/node-api';
import type { Tensor } from '@reelgraph/tensor';
import type { ModelPackage } from '../model-package.ts';

/**
 * Runs one graph of the package, named by its role, for example `transformer`: the file that stands for it follows
 * from the variant and precision chosen.
 */
export type RunComponent = (
  component: string,
  feeds: Readonly<Record<string, Tensor>>,
  signal: AbortSignal,
) => Promise<Readonly<Record<string, Tensor>>>;

/** Graphs of a package that play a world: frame after frame, an action each. */
export interface WorldGraphs {
  readonly facts: WorldFacts;
  /** Folders with a graph each, besides those of the family. */
  readonly components: readonly string[];
  open(run: RunComponent, pixels: Tensor<'float32'>, signal: AbortSignal): Promise<WorldFrame>;
  step(run: RunComponent, state: WorldState, action: string, signal: AbortSignal): Promise<WorldFrame>;
}

/** A package with its configs and tokenizer read; holds no session. */
export interface FamilyModel {
  readonly facts: ModelFacts;
  encodeText(run: RunComponent, text: string, signal: AbortSignal): Promise<Conditioning>;
  denoise(
    run: RunComponent,
    request: DenoiseRequest,
    signal: AbortSignal,
  ): Promise<readonly Tensor<'float32'>[]>;
  encodeFrames(run: RunComponent, pixels: Tensor<'float32'>, signal: AbortSignal): Promise<Tensor<'float32'>>;
  decodeLatent(run: RunComponent, latent: Tensor<'float32'>, signal: AbortSignal): Promise<Tensor<'float32'>>;
  /** What a place of the latent is drawn from: so many latent frames before it, and places around it. */
  readonly decodeContext: { readonly temporal: number; readonly spatial: number };
  previewLatent(latent: Tensor<'float32'>): Tensor<'float32'>;
  /** Absent when the package has no world to play. */
  readonly world?: WorldGraphs;
}

export interface ModelFamily {
  /** As in `reelgraph.family` of the index. */
  readonly name: string;
  /** As in `_class_name` of the index, for packages that another tool exported. */
  readonly pipelineClass: string;
  /** Folders with a graph each: `model.onnx`, or the files that their `config.json` lists. */
  readonly components: readonly string[];
  /** @throws NodeError 'model/damaged' when a config is missing or does not fit */
  open(modelPackage: ModelPackage): Promise<FamilyModel>;
}
