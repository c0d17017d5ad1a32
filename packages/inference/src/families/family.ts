/**
 * What a model family must know: which files its package has, and how our words (text, sample, sigma, frames)
 * become the inputs of its graphs. Everything else is the same for all.
 */
import type {
  BeginRequest,
  Conditioning,
  DecodeSettings,
  DenoiseRequest,
  EncodedClip,
  ModelChoice,
  ModelFacts,
  PictureGuide,
  PlacePictureRequest,
  SamplingStart,
  WorldFacts,
  WorldFrame,
  WorldState,
} from '@reelgraph/node-api';
import type { Tensor } from '@reelgraph/tensor';
import type { PackageManifest } from '../model-config.ts';
import type { ModelPackage } from '../model-package.ts';
import type { ClipSettings } from './denoiser.ts';

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
  /** Ways of working besides the base one: another graph for a role, or only other arithmetic around the graphs. */
  readonly variantRoles?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  encodeText(
    run: RunComponent,
    text: string,
    signal: AbortSignal,
    choice: ModelChoice,
  ): Promise<Conditioning>;
  denoise(
    run: RunComponent,
    request: DenoiseRequest,
    signal: AbortSignal,
    choice: ModelChoice,
  ): Promise<readonly Tensor<'float32'>[]>;
  /** What the denoiser of the family has to know of a clip besides its values. Plain data. */
  clipSettings?(
    choice: ModelChoice,
    about: { readonly frameRate?: number | undefined; readonly guidance?: number | undefined },
  ): ClipSettings;
  /** See `ModelService.begin`; absent where a sampling begins from the noised clip. */
  begin?(request: BeginRequest, choice: ModelChoice): SamplingStart;
  /** See `ModelService.encodePicture`. */
  encodePicture?(
    run: RunComponent,
    pixels: Tensor<'float32'>,
    signal: AbortSignal,
  ): Promise<Tensor<'float32'>>;
  /** See `ModelService.placePicture`. */
  placePicture?(run: RunComponent, request: PlacePictureRequest, signal: AbortSignal): Promise<PictureGuide>;
  encodeFrames(run: RunComponent, pixels: Tensor<'float32'>, signal: AbortSignal): Promise<Tensor<'float32'>>;
  /** See `ModelService.encodeClip`; absent where a clip is taken as its mean. */
  encodeClip?(run: RunComponent, pixels: Tensor<'float32'>, signal: AbortSignal): Promise<EncodedClip>;
  decodeLatent(
    run: RunComponent,
    latent: Tensor<'float32'>,
    signal: AbortSignal,
    settings?: DecodeSettings,
  ): Promise<Tensor<'float32'>>;
  /** Decodes frames as they come, with what the graph remembers of those before; absent where the package has no such graphs. */
  decodeStream?(
    run: RunComponent,
    latent: Tensor<'float32'>,
    signal: AbortSignal,
  ): AsyncIterable<Tensor<'float32'>>;
  /**
   * What a place of the latent is drawn from: so many latent frames before it, and places around it. Absent where
   * a place is drawn from all of the clip: it is decoded whole.
   */
  readonly decodeContext?: { readonly temporal: number; readonly spatial: number };
  previewLatent(latent: Tensor<'float32'>): Tensor<'float32'>;
  /** Absent when the package has no world to play. */
  readonly world?: WorldGraphs;
}

export interface ModelFamily {
  /** As in `reelgraph.family` of the index. */
  readonly name: string;
  /** As in `_class_name` of the index, for packages that another tool exported. */
  readonly pipelineClasses: readonly string[];
  /** Whether the graphs of a manifest are those of this family, for packages that do not name theirs. */
  isFamilyOf?(manifest: PackageManifest): boolean;
  /** Graphs that every package has: a folder each with `model.onnx`, or the files that their `config.json` lists. */
  readonly components: readonly string[];
  /** Graphs that a package may have besides. */
  readonly optionalComponents?: readonly string[];
  /** @throws NodeError 'model/damaged' when a config is missing or does not fit */
  open(modelPackage: ModelPackage): Promise<FamilyModel>;
}
