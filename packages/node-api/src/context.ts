/**
 * What a node's `run` may reach. Nodes get inference, media and files from here and import none of them, so
 * a test runs them with fakes and loads no native code.
 */

import type { PortFacts } from '@reelgraph/graph';
import type { Tensor } from '@reelgraph/tensor';
import type { ClipSize, FrameChunk } from './frame-chunk.ts';
import type {
  Conditioning,
  FileRef,
  Fit,
  FrameSource,
  Frames,
  GrainPosition,
  ImageValue,
  KnownLatent,
  Latent,
  ModelRef,
  Noise,
  PictureGuide,
  SamplingRules,
  UnfinishedSampling,
} from './values.ts';

/** Settings that a model, or a variant of it, was measured with. */
export interface RecommendedSettings {
  readonly steps: number;
  /** Shift of the noise schedule; the model's `defaultShift` where a variant names none. */
  readonly shift?: number;
  readonly guidanceScale: number;
  /** Name of the sampler it looks best with. */
  readonly sampler?: string;
  /** Its `scheduler_config.json`, as diffusers writes it: steps and sampler are laid by it where nothing else is asked. */
  readonly scheduler?: Readonly<Record<string, unknown>>;
  /** Levels that its pipeline gives the scheduler instead of leaving them to it, n of them: evenly from 1 to 1 / n, or by a line and a parabola. */
  readonly levels?: 'even' | 'linear_quadratic';
  readonly fps: number;
  readonly frameCount: number;
  readonly widthPx: number;
  readonly heightPx: number;
}

/** What is known of a model's world before it is played. */
export interface WorldFacts {
  /** What can be done in a frame, the one that does nothing first. */
  readonly actions: readonly string[];
  /** Sides of a frame are multiples of this. */
  readonly tilePx: number;
  readonly fps: number;
}

/** All that the next frame follows from, besides the action. Immutable: a world can be gone on with from any frame. */
export interface WorldState {
  /** [1, rows, columns] */
  readonly codes: Tensor<'int64'>;
}

/** One frame of a world. */
export interface WorldFrame {
  readonly state: WorldState;
  /** [1, 3, 1, H, W] in [-1, 1], at the 256 levels of a byte: sent as bytes it is still the same. */
  readonly pixels: Tensor<'float32'>;
  /** 0 … 1: how sure the model is of the tile that it is least sure of. */
  readonly certainty: number;
}

/** What is known of an installed model package without loading it. */
export interface ModelFacts {
  readonly name: string;
  readonly family: string;
  readonly latentChannels: number;
  readonly vaeScale: { readonly spatial: number; readonly temporal: number };
  /** Width and height in pixels must be multiples of this (VAE scale × patch size). */
  readonly sizeMultiple: number;
  readonly frameRule: { readonly multiple: number; readonly plus: number };
  readonly maxTextTokens: number;
  /** A longer text is cut, as the pipelines of diffusers do, and not refused. */
  readonly cutsText?: true;
  /** What a small model can be asked for; absent where a model reads any text. */
  readonly vocabulary?: {
    /** Names per topic, for people: colour -> red, green … */
    readonly topics: Readonly<Record<string, readonly string[]>>;
    /** Every word that means something to it, in lower case. */
    readonly words: readonly string[];
  };
  /** What its denoiser says: the velocity of a flow when absent. Samplers that do not walk for it are refused. */
  readonly parametrisation?: 'flow' | 'v' | 'epsilon' | 'x0';
  readonly defaultShift: number;
  readonly recommended: RecommendedSettings;
  /** Latent places of a token: [frames, rows, columns]. Absent where nothing asks. */
  readonly patchSize?: readonly [number, number, number];
  /** Pictures are placed by the model when a sampling begins, and not as known latent frames. */
  readonly placesPictures?: 'first' | 'anywhere';
  /**
   * It makes clips of pictures only, which it reads on channels of their own: one as the first frame, one there and one
   * as the last, or either.
   */
  readonly needsPictures?: 'first' | 'both' | 'first-or-both';
  /** It takes the guidance scale as an input; steering away from another text is a second scale. */
  readonly embedsGuidance?: true;
  /** It has no encoder: pictures and clips cannot be given to it. */
  readonly readsFrames?: false;
  /** Its decoder puts noise on what it decodes and is told how much. */
  readonly decoderNoise?: true;
  /** It has a second network for low noise; `boundary` is the share of the way where it takes over, where it is known. */
  readonly secondExpert?: { readonly boundary?: number };
  /** The world that the model can be played in; absent when it has none. */
  readonly world?: WorldFacts;
  /** Denoisers that the package has besides its base one, for example `fast`, each with its own settings. */
  readonly variants?: Readonly<Record<string, RecommendedSettings>>;
  /** Number formats that some component can be had in, besides what it is by default: `int8`, `fp32`. */
  readonly precisions?: readonly string[];
}

/** Which of a package's files to use; what it has by default where nothing is said. */
export interface ModelChoice {
  /** A name from `ModelFacts.variants`, or `base`. */
  readonly variant?: string;
  /** A name from `ModelFacts.precisions`, or `auto`. */
  readonly precision?: string;
}

/** One denoise call: everything at one sigma. */
export interface DenoiseRequest {
  /** [1, C, T, H, W] at `sigma` */
  readonly sample: Tensor<'float32'>;
  readonly sigma: number;
  /** What the model is fed for `sigma`; 1000 times it when absent. */
  readonly timestep?: number;
  /** One or more branches evaluated on the same sample (conditional, unconditional), batched in this order. */
  readonly branches: readonly Conditioning[];
  /** Clean frames to keep; given to every branch. */
  readonly known?: KnownLatent;
  /** Which of two networks is asked; the first when absent. */
  readonly expert?: 'first' | 'second';
  /** Frames a second that the model takes the clip to have. */
  readonly frameRate?: number | undefined;
  /** Guidance that the model takes as an input. */
  readonly guidance?: number | undefined;
}

/** What a sampling is to begin from. */
export interface BeginRequest {
  /** [1, C, T, H, W]: the clip that noise is put on. */
  readonly clip: Tensor<'float32'>;
  /** See `Latent.spread`. */
  readonly spread?: Tensor<'float32'> | undefined;
  readonly noise: Noise;
  readonly conditioning: Conditioning;
  /** First level, and what the model is fed there. */
  readonly sigma: number;
  readonly timestep: number;
  /** Noise put on given pictures in every step, where the model has such a thing. */
  readonly pictureNoise: number;
}

/** A picture to be placed. */
export interface PlacePictureRequest {
  /** [1, 3, 1, h, w] in [-1, 1]: all of it, in its own size. */
  readonly picture: Tensor<'float32'>;
  /** [1, 3, 1, H, W] in [-1, 1]: as it stands in the clip. */
  readonly still: Tensor<'float32'>;
  /** Frame that it stands at, from 0, of so many. */
  readonly frame: number;
  readonly frameCount: number;
  /** Those placed before. */
  readonly guide?: PictureGuide | undefined;
}

/** A clip as a latent, normalised, [1, C, T, h, w]; see `Latent`. */
export type EncodedClip = Pick<Latent, 'samples' | 'spread'>;

/** What a sampling begins from. */
export interface SamplingStart {
  /** [1, C, T, H, W] at the first level; with frames in front of it that stand for pictures, where `known` says so. */
  readonly from: Tensor<'float32'>;
  /** The noise in it: that of the request, or drawn anew where the model draws other things of the seed before. */
  readonly noise: Noise;
  readonly known?: KnownLatent | undefined;
}

/** How a decoder is told to add noise; see `ModelFacts.decoderNoise`. */
export interface DecodeSettings {
  /** 0 … 1: the level that the decoder takes the latent to have. */
  readonly timestep: number;
  /** 0 … 1: the share of noise put on it. */
  readonly noiseScale: number;
  /** Where the noise comes from; the beginning of seed 0 when absent. */
  readonly grain?: GrainPosition | undefined;
}

/** A whole sampling, as plain data. */
export interface SamplingRequest {
  /** Name of the sampler. */
  readonly sampler: string;
  /** Descending, `steps + 1` values, the last is 0. */
  readonly sigmas: readonly number[];
  /** g in `uncond + g * (cond - uncond)`; 1 means off. */
  readonly guidanceScale: number;
  readonly rules?: SamplingRules | undefined;
  /** The conditional and, with guidance, the unconditional branch. */
  readonly branches: readonly Conditioning[];
  /** Clean frames to keep. */
  readonly known?: KnownLatent | undefined;
  /** What the clip began from. */
  readonly noise: Noise;
  /** [1, C, T, H, W] at `sigmas[0]`, or the state after a step. */
  readonly from: Tensor<'float32'> | SamplingState;
  /** Stops after this many steps, counted from the first; goes to the end when absent. */
  readonly stopAfter?: number | undefined;
}

/** Sampling between two steps. */
export interface SamplingState {
  /** Steps done. */
  readonly step: number;
  /** Latent at `sigmas[step]`, [1, C, T, H, W] */
  readonly sample: Tensor<'float32'>;
  /** What the sampler carries from step to step besides. */
  readonly memory: UnfinishedSampling['memory'];
}

/** What is seen after each step. */
export interface SamplingStep extends SamplingState {
  /** The clean latent the model sees at this point, same shape. */
  estimateClean(): Tensor<'float32'>;
}

export interface ModelService {
  /**
   * @throws NodeError 'model/not-found' | 'model/damaged' when the package is missing, incomplete or altered;
   *   'model/no-variant' | 'model/no-precision' when it has not what `choice` asks for
   */
  resolve(name: string, signal: AbortSignal, choice?: ModelChoice): Promise<ModelRef>;
  /** `recommended` and `defaultShift` are those of the chosen variant. */
  facts(model: ModelRef): ModelFacts;
  encodeText(model: ModelRef, text: string, signal: AbortSignal): Promise<Conditioning>;
  /** Velocity per branch, each [1, C, T, H, W]. */
  denoise(
    model: ModelRef,
    request: DenoiseRequest,
    signal: AbortSignal,
  ): Promise<readonly Tensor<'float32'>[]>;
  /**
   * Takes all steps where the model runs, so that none of them waits for this thread. It gives the bits that the same
   * sampling gives step by step through `denoise`. Absent where there is no such place.
   *
   * @param onStep told of each step, in order and beside the next one, which does not end before its promise resolves;
   *   what it throws ends the sampling
   * @throws the signal's reason at once on abort, while the step at work goes to its end
   */
  sample?(
    model: ModelRef,
    request: SamplingRequest,
    onStep: (step: SamplingStep) => void | Promise<void>,
    signal: AbortSignal,
  ): Promise<SamplingState>;
  /**
   * What a sampling begins from, for models that place pictures themselves. The random numbers of pictures and clip
   * come from one stream, in the order of the model's pipeline, so that a seed means the same clip as there.
   *
   * @throws NodeError 'model/no-picture' when it has no place for a picture
   */
  begin?(model: ModelRef, request: BeginRequest): SamplingStart;
  /**
   * frames [1, 3, F, H, W] in [-1, 1] -> [1, 2 C, T, h, w], the distribution of the encoder, for `PlacedPicture`.
   *
   * @throws NodeError 'model/no-picture' when the package cannot read pictures
   */
  encodePicture?(model: ModelRef, pixels: Tensor<'float32'>, signal: AbortSignal): Promise<Tensor<'float32'>>;
  /**
   * One more picture for a model with `ModelFacts.needsPictures`; one at the same frame gives way to it.
   *
   * @throws NodeError 'model/no-picture' where the model takes none at that frame
   */
  placePicture?(model: ModelRef, request: PlacePictureRequest, signal: AbortSignal): Promise<PictureGuide>;
  /** frames [1, 3, F, H, W] in [-1, 1] -> normalised latent [1, C, T, h, w] */
  encodeFrames(model: ModelRef, pixels: Tensor<'float32'>, signal: AbortSignal): Promise<Tensor<'float32'>>;
  /** As `encodeFrames`, for a clip that a sampling begins from. Absent where no model draws it. */
  encodeClip?(model: ModelRef, pixels: Tensor<'float32'>, signal: AbortSignal): Promise<EncodedClip>;
  /** normalised latent [1, C, T, h, w] -> frames [1, 3, F, H, W] in [-1, 1] */
  decodeLatent(
    model: ModelRef,
    latent: Tensor<'float32'>,
    signal: AbortSignal,
    settings?: DecodeSettings,
  ): Promise<Tensor<'float32'>>;
  /**
   * As `decodeLatent`, by chunk [1, 3, n, H, W] in order, and in tiles where a frame is large: memory depends neither
   * on the length nor, but for the chunk itself, on the size. Equal to it up to rounding; a short and small clip is one
   * chunk, and the same bytes.
   */
  decodeByChunk(
    model: ModelRef,
    latent: Tensor<'float32'>,
    signal: AbortSignal,
    settings?: DecodeSettings,
  ): AsyncIterable<Tensor<'float32'>>;
  /**
   * The first frame of a world, as the model sees it.
   *
   * @param pixels [1, 3, 1, H, W] in [-1, 1]
   * @throws NodeError 'model/no-world' | 'model/world-size'
   */
  openWorld(model: ModelRef, pixels: Tensor<'float32'>, signal: AbortSignal): Promise<WorldFrame>;
  /** The frame that follows from an action of `WorldFacts.actions`. @throws NodeError 'model/no-action' */
  stepWorld(model: ModelRef, state: WorldState, action: string, signal: AbortSignal): Promise<WorldFrame>;
  /** A cheap linear look at a latent: [1, 3, frames, height, width] in [-1, 1], as fine as the package allows; synchronous, no session. */
  previewLatent(model: ModelRef, latent: Tensor<'float32'>): Tensor<'float32'>;
}

export interface MuxRequest {
  /** The pictures, taken as they come: only as many as the encoder has room for are asked for ahead. */
  readonly chunks: AsyncIterable<FrameChunk>;
  /** Told when no more of them are wanted, so that who waits for a picture can leave off. */
  readonly stop?: () => void;
  readonly size: ClipSize;
  readonly fps: number;
  /** 0 (smallest file) … 100 (visually lossless) */
  readonly quality: number;
  /** Key-value metadata stored in the file. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Suggested file name without ending. */
  readonly name: string;
}

/** Which part of a video to read, and how; everything as it is where nothing is said. */
export interface VideoSelection {
  /** First frame to read, from 0. */
  readonly startFrame?: number;
  /** Most frames to read; those beyond are left out. */
  readonly frameCount?: number;
  /** Frames are left out or repeated to reach this rate. */
  readonly fps?: number;
  /** Longer sides are scaled down to this, in proportion. */
  readonly longestSidePx?: number;
}

/** A video file: whole, or piece by piece, as large ones are read. */
export type VideoBytes = Uint8Array | AsyncIterable<Uint8Array>;

export interface MediaService {
  /** Decodes a PNG, JPEG or WebP. @throws NodeError 'media/not-an-image' | 'media/too-large' */
  decodeImage(bytes: Uint8Array, signal: AbortSignal): Promise<ImageValue>;
  /** Resizes to exactly this size; `cover` crops what sticks out, `contain` pads with black, `stretch` distorts. */
  resizeImage(image: ImageValue, size: { widthPx: number; heightPx: number; fit: Fit }): Promise<ImageValue>;
  /**
   * The pictures of an MP4, MOV, WebM or Matroska file, upright, with square pixels. A short clip is decoded at once;
   * a longer one is looked through, its file is kept in the artifact store, and its frames are decoded when they are
   * read.
   *
   * @throws NodeError 'media/not-a-video' | 'media/too-large' | 'media/no-frames' | 'media/disk-full'; what `video` throws
   */
  decodeVideo(video: VideoBytes, selection: VideoSelection, signal: AbortSignal): Promise<Frames>;
  /** H.264 mp4, yuv420p, faststart. */
  muxVideo(request: MuxRequest, signal: AbortSignal): Promise<FileRef>;
}

/**
 * Reads clips and makes new ones without holding more of them than a chunk. What is small is made at once and stays
 * in memory; what is not is made when it is read.
 */
export interface FrameService {
  /**
   * Frames of a clip in order, by chunk. Each call begins anew, so a clip can be read by several at the same time; who
   * stops early, or aborts, ends what was started for the reading.
   *
   * @param part.start      first frame, 0 when absent
   * @param part.frameCount how many; to the end when absent
   * @throws ClipReadError when a frame cannot be made; the signal's reason on abort
   */
  read(
    frames: Frames,
    signal: AbortSignal,
    part?: { readonly start?: number; readonly frameCount?: number },
  ): AsyncIterable<FrameChunk>;
  /** All frames, or a part of them, [1, 3, T, H, W]. @throws NodeError 'frames/too-large'; as `read` */
  whole(
    frames: Frames,
    signal: AbortSignal,
    part?: { readonly start?: number; readonly frameCount?: number },
  ): Promise<Tensor<'float32'>>;
  /** A clip made of others. */
  make(
    clip: ClipSize & { readonly fps: number; readonly source: FrameSource },
    signal: AbortSignal,
  ): Promise<Frames>;
  /**
   * Keeps frames that a node computes, as they come: in memory while they are few, else in the artifact store. The
   * node's result is what holds them there, so its cache policy must be `disk`.
   *
   * @param chunks [1, 3, n, H, W] each, in order, `frameCount` frames in all
   * @param onGrowing given the clip with the first chunk, unless that is all of it: it can be read from then on, and
   *   who reads waits for what is not there yet. It is to be handed out (`RunContext.handOut`), as it is or in a clip
   *   made of it, which is also how its readers hear that it is whole; it is no result.
   * @throws StoreError 'store/disk-full' | 'store/not-writable'; what `chunks` throws
   */
  keep(
    clip: ClipSize & { readonly fps: number },
    chunks: AsyncIterable<Tensor<'float32'>>,
    signal: AbortSignal,
    onGrowing?: (frames: Frames) => void,
  ): Promise<Frames>;
}

export interface InputFiles {
  /** Bytes of a file that a `file` param names, at most 64 MiB. @throws NodeError 'file/not-found' | 'file/too-large' */
  read(name: string): Promise<Uint8Array>;
  /**
   * The same piece by piece, for files that may be larger than what fits into memory. They are to be believed only
   * once all of them were read: the last thing it does is to throw where the file is not the one that was planned.
   *
   * @throws as `read`; NodeError 'file/changed'
   */
  stream(name: string): AsyncIterable<Uint8Array>;
}

/** Files that a node makes itself; those of media come from `MediaService`. */
export interface ResultFiles {
  /**
   * Keeps bytes in the artifact store, under their content's digest.
   *
   * @param about.name suggested file name, with ending
   * @throws StoreError 'store/disk-full' | 'store/not-writable'; NodeError 'store/none' where nothing is kept
   */
  write(bytes: Uint8Array, about: { readonly name: string; readonly mediaType: string }): Promise<FileRef>;
}

export interface ProgressUpdate {
  readonly step: number;
  readonly totalSteps: number;
  readonly message?: string;
}

/** Where an earlier run of the same computation got to. */
export interface Checkpoint<T> {
  /** Steps done; the rest is to do. */
  readonly step: number;
  readonly state: T;
}

/**
 * Progress of long work that a later run can go on from when this one is interrupted. Kept under the node's
 * cache key: whoever computes the same again, in any process, is given it; once the result is there it is
 * forgotten. For nodes whose result is never kept nothing is saved.
 */
export interface Checkpoints {
  /**
   * What an interrupted run saved last; undefined when there is nothing. Call it before the first step.
   *
   * @param read turns what was saved into a state to go on from; undefined when it does not fit, which is
   *   reported as a warning, and the work begins anew. Damaged ones do not get here.
   */
  load<T>(read: (state: unknown) => T | undefined): Promise<Checkpoint<T> | undefined>;
  /**
   * Offers the state after `step` steps (at least 1). `produce` is called at once, or when the save before has ended;
   * of several that wait the newest is taken, and of steps that are shorter than ten saves not every one. It returns
   * plain data with tensors, from which the very bytes of an undisturbed run can be made.
   *
   * @returns when the state is safe from the end of the process, or is given up: a full disk costs only the
   *   checkpoint. Never rejects. End no step before it resolves of the one before, and no more than one is done twice.
   */
  save(step: number, produce: () => unknown): Promise<void>;
}

export interface RunContext {
  readonly runId: string;
  readonly nodeId: string;
  /** Aborted on cancel; check between steps. Throw `signal.reason` when it is. */
  readonly signal: AbortSignal;
  readonly models: ModelService;
  readonly media: MediaService;
  readonly frames: FrameService;
  readonly files: InputFiles;
  readonly results: ResultFiles;
  readonly checkpoints: Checkpoints;
  /** Canonical JSON of the document being run, for nodes that declare `usesWorkflow`. */
  readonly workflowJson: string;
  progress(update: ProgressUpdate): void;
  /**
   * Gives outputs, by port, before the node has ended: nodes that take such inputs (`growing`) begin. What they make of
   * them counts only when this node ends well. At most once, or it throws.
   */
  handOut(outputs: Readonly<Record<string, unknown>>): void;
  /**
   * Offers a moving picture of work in progress. `produce` is called only when the host wants one (it limits
   * the rate), and a turn later, so offering costs nothing; it returns [1, 3, T, H, W] in [-1, 1].
   */
  preview(produce: () => { pixels: Tensor<'float32'>; fps: number }): void;
}

/** What is known of an input file from a look at its head. Sizes are as it is meant to be seen: upright, square pixels. */
export type FileFacts =
  | {
      readonly kind: 'image';
      readonly mediaType: string;
      readonly widthPx: number;
      readonly heightPx: number;
      readonly hasAlpha: boolean;
    }
  | {
      readonly kind: 'video';
      readonly mediaType: string;
      readonly widthPx: number;
      readonly heightPx: number;
      readonly fps: number;
      /** Pictures in it; absent where only reading it whole would tell. */
      readonly frameCount?: number;
      /** Every picture is shown as long as the others. */
      readonly hasEvenRate: boolean;
      /** Of its sound, where it has any. */
      readonly sampleRateHz?: number;
    }
  /** A latent that was saved, with what its head says of it. */
  | { readonly kind: 'latent'; readonly facts: PortFacts }
  /** Missing, or nothing that can be read. */
  | { readonly kind: 'unusable'; readonly code: string; readonly message: string };

/** What `infer` may look at besides facts and params. */
export interface InferContext {
  /** Installed model packages by name. */
  readonly models: ReadonlyMap<string, ModelFacts>;
  /** Packages that are there but cannot be used: name -> what is wrong, in a sentence. */
  readonly damagedModels?: ReadonlyMap<string, string>;
  /** Models that are whole but whose licence the profile of this process does not allow, and why, in a sentence. */
  readonly refusedModels?: ReadonlyMap<string, string>;
  /** What is known of the files that `file` params name; of one that is not in it nothing is known. */
  readonly files?: ReadonlyMap<string, FileFacts>;
}
