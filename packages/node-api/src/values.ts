/** What a port of each type carries while a run goes on. Values are immutable. */
import type { PortType, ScoreTable } from '@reelgraph/graph';
import type { Tensor } from '@reelgraph/tensor';
import type { GrowingClip } from './growing-clip.ts';

/** A model package as a value: a name and what identifies its bytes; sessions are opened by the host. */
export interface ModelRef {
  readonly name: string;
  readonly family: string;
  /** SHA-256 over the package's files; part of every cache key downstream. */
  readonly digest: string;
  /** The denoiser chosen among the package's own; the base one when absent. */
  readonly variant?: string;
  /** The number format chosen; what the package has by default when absent. */
  readonly precision?: string;
}

/** What steers the denoiser. */
export interface Conditioning {
  /** [1, L, D] float32 */
  readonly promptEmbeds: Tensor<'float32'>;
  /** [1, L] int64; 1 where a token is real */
  readonly promptMask: Tensor<'int64'>;
  /** [1, D] float32: the text as one vector, where the model reads it so as well */
  readonly pooled?: Tensor<'float32'>;
  /** Clean frames to keep, in normalised latent space; present after image conditioning. */
  readonly known?: KnownLatent;
  /** Pictures that the model places itself when the sampling begins, in the order they were given. */
  readonly pictures?: readonly PlacedPicture[];
  /** Pictures as the denoiser reads them beside the clip, where it has channels for them. */
  readonly guide?: PictureGuide;
}

/** Pictures on channels of their own, which stay the same from the first step to the last. */
export interface PictureGuide {
  /** [1, E, T, H, W] float32; absent until all pictures are placed that the model needs */
  readonly channels?: Tensor<'float32'>;
  /** [n, L, D] float32: what an image encoder says of each picture, where the model has one */
  readonly tokens?: Tensor<'float32'>;
  /** What it was made of, in the order of the clip, so that another can be placed; gone once a sampling begins. */
  readonly stills?: readonly PlacedStill[];
}

export interface PlacedStill {
  /** [1, 3, 1, H, W] float32 in [-1, 1], as large as the clip */
  readonly pixels: Tensor<'float32'>;
  /** [1, L, D] float32 */
  readonly tokens?: Tensor<'float32'>;
  /** Frame of the clip that it stands at, from 0. */
  readonly frame: number;
}

export interface KnownLatent {
  /** [1, C, T, H, W] float32, zeros where unknown */
  readonly latent: Tensor<'float32'>;
  /** [1, 1, T, H, W] float32; 1 where `latent` is given; held by strength, the strength of each place */
  readonly mask: Tensor<'float32'>;
  /** How they are held; with as much noise as the rest when absent. */
  readonly hold?: KnownHold | undefined;
}

/** The same as `Hold` of the diffusion package, which says what each means. */
export type KnownHold =
  | { readonly kind: 'noised' }
  | { readonly kind: 'clean' }
  | {
      readonly kind: 'by-strength';
      readonly noiseScale: number;
      readonly guideFrames: readonly number[];
      readonly patchSize: readonly [number, number, number];
    };

/** A picture as the encoder of a model sees it: a distribution that is drawn from when a clip begins. */
export interface PlacedPicture {
  /** [1, 2 C, n, H, W] float32, mean and logarithm of the variance, in the space of the encoder */
  readonly moments: Tensor<'float32'>;
  /** Frame of the clip that it stands at, from 0. */
  readonly frame: number;
  /** 0 … 1: how firmly the clip is held to it. */
  readonly strength: number;
}

/** What a sampling follows besides levels, sampler and guidance scale. Plain data; each plain where absent. */
export interface SamplingRules {
  /** What the model is fed in each step; sigma × 1000 when absent. */
  readonly timesteps?: readonly number[];
  /** The level each step leads to, where it is not the one that the next begins at. */
  readonly targets?: readonly number[];
  /** The levels end above 0, or rise. */
  readonly partial?: true;
  /** Settings of the sampler by name, as in `SamplerSettings` of the diffusion package. */
  readonly settings?: SamplerSettingValues;
  readonly guidance?: GuidanceSettings;
  /** Two networks share the way: below this timestep the second takes over, with a scale of its own. */
  readonly experts?: { readonly below: number; readonly guidanceScale: number };
  /** Frames a second that the model takes the clip to have. */
  readonly frameRate?: number;
  /**
   * Calls of the model are left out while its answer is expected to change by less than this share of its mean
   * absolute value; see `CallSkipping` of the diffusion package.
   */
  readonly skipping?: number;
}

export interface SamplerSettingValues {
  readonly order?: number;
  readonly solver?: 'midpoint' | 'heun' | 'bh1' | 'bh2';
  readonly follows?: 'clean' | 'noise';
  readonly lowerOrderFinal?: boolean;
  readonly eulerAtFinal?: boolean;
  readonly skipCorrector?: readonly number[];
  readonly eta?: number;
  readonly noiseScale?: number;
  readonly clip?: number;
  readonly churn?: number;
  readonly timestepScaling?: number;
}

/** What changes plain guidance; see `GuidanceRules` of the diffusion package. */
export interface GuidanceSettings {
  readonly zeroStar?: { readonly zeroSteps: number };
  readonly rescale?: number;
  readonly interval?: { readonly from: number; readonly to: number };
  /** The scale that the model takes as an input. */
  readonly embedded?: number;
  /** The scale rises over the walk. */
  readonly ramp?: 'cogvideox';
}

/** Where in the stream of a seed a decoder goes on that puts noise on what it decodes. */
export interface GrainPosition {
  readonly seed: string;
  /** Shapes that were drawn before, in order. */
  readonly drawn: readonly (readonly number[])[];
}

/** A latent in normalised VAE space with what is needed to decode it. */
export interface Latent {
  /** [1, C, T, H, W] float32; H, W, T already divided by the VAE scales */
  readonly samples: Tensor<'float32'>;
  /**
   * Standard deviation around `samples`, same shape, as the encoder gave it; present where the pipeline of the model
   * draws the clip it begins from by the seed.
   */
  readonly spread?: Tensor<'float32'>;
  /** Name of the model package whose VAE space this is. */
  readonly model: string;
  /** What it decodes to. */
  readonly frameCount: number;
  readonly widthPx: number;
  readonly heightPx: number;
  /** Present when sampling was stopped on its way: `samples` then still hold noise. */
  readonly unfinished?: UnfinishedSampling;
  /** Frames a second that it was sampled for; the model's own when absent. */
  readonly fps?: number;
  /** Present where the decoder of its model needs noise. */
  readonly grain?: GrainPosition;
  /** Where it was saved, once it was. */
  readonly file?: FileRef;
}

/**
 * Sampling between two steps, with all that the rest follows from besides the weights of the model: whoever goes
 * on from it, in whatever run, gives the very bytes that were given had it not been stopped.
 */
export interface UnfinishedSampling {
  /** Steps done: 1 … `sigmas.length - 2`. `samples` of the latent are at `sigmas[step]`. */
  readonly step: number;
  /** The whole schedule, descending, the last is 0. */
  readonly sigmas: readonly number[];
  /** Name of the sampler, and what it carries from step to step besides the samples. */
  readonly sampler: string;
  readonly memory: Readonly<Record<string, Tensor | number | string>>;
  /** g in `uncond + g * (cond - uncond)`; 1 means off. */
  readonly guidanceScale: number;
  readonly rules?: SamplingRules | undefined;
  /** The conditional and, with guidance, the unconditional branch. */
  readonly branches: readonly Conditioning[];
  /** What sampling began from, with its seed; known frames are held with it. */
  readonly noise: Noise;
  /** The model that took the steps. */
  readonly model: ModelRef;
  /** [1, C, T, H, W] float32: the clean latent as the model saw it in the last step. */
  readonly estimate: Tensor<'float32'>;
}

export interface Noise {
  /** Same shape as the latent it was drawn for; standard normal */
  readonly samples: Tensor<'float32'>;
  /** Decimal string of the 64-bit seed that determines it. */
  readonly seed: string;
  /** Shapes drawn from the stream of the seed by now, in order; only that of `samples` when absent. */
  readonly drawn?: readonly (readonly number[])[];
  /** It was drawn frame by frame, and noise of the steps is so, on in the same stream. */
  readonly framesFirst?: true;
}

export interface Sigmas {
  /** Descending, `steps + 1` values, the last is 0. */
  readonly values: readonly number[];
  /** Sampling stops after this many steps and leaves a draft: 1 … steps - 1. It goes to the end when absent. */
  readonly stopAfter?: number;
  /** Where the levels were laid for one: what goes with them. */
  readonly plan?: SigmaPlan;
}

/** A scheduler of the model as its makers set it up, besides the levels. */
export interface SigmaPlan {
  /** Name of the sampler that the levels were laid for. */
  readonly sampler: string;
  readonly settings: SamplerSettingValues;
  readonly timesteps: readonly number[];
  readonly targets?: readonly number[];
  /** The levels end above 0, or rise. */
  readonly partial?: true;
  /** A clip made from nothing begins with the noise times this. */
  readonly startScale: number;
}

/**
 * A clip: pixel frames, whole in memory or as data that says how they are read. Nodes read either with `ctx.frames`,
 * chunk by chunk, as often as they like.
 */
export type Frames = WholeFrames | StreamedFrames;

/** A clip in memory; what is small is kept like this. */
export interface WholeFrames {
  /** [1, 3, T, H, W] float32 in [-1, 1] */
  readonly pixels: Tensor<'float32'>;
  readonly fps: number;
}

/**
 * A clip that is made when it is read. Plain data, like every value: it can be kept, its bytes are counted, and the
 * files it is read from are found in it, so that it is never used without them. Only while a clip is still being made
 * it is not; see `settledClip`.
 */
export interface StreamedFrames {
  readonly frameCount: number;
  readonly widthPx: number;
  readonly heightPx: number;
  readonly fps: number;
  readonly source: FrameSource;
}

/** Where the frames of a clip come from. */
export type FrameSource =
  | VideoSource
  | StoredSource
  /** Still being made, in this run; it is never kept. */
  | { readonly kind: 'growing'; readonly clip: GrowingClip }
  /** Every frame of `clip` in the size of the new clip. */
  | { readonly kind: 'resized'; readonly clip: Frames; readonly fit: Fit }
  /** The frames of `clip` from `start` on. */
  | { readonly kind: 'cut'; readonly clip: Frames; readonly start: number }
  /** The frames of `clip`, last first. */
  | { readonly kind: 'reversed'; readonly clip: Frames }
  /** Frames of `clip` left out or repeated, so that at the rate of the new clip it lasts as long. */
  | { readonly kind: 'retimed'; readonly clip: Frames }
  /** `second` after `first`; over `crossfade` frames one turns into the other. */
  | { readonly kind: 'joined'; readonly first: Frames; readonly second: Frames; readonly crossfade: number }
  /** `frames` where the mask is 1, `original` where it is 0, blended between. */
  | { readonly kind: 'composite'; readonly original: Frames; readonly frames: Frames; readonly mask: Mask };

/** How frames meet another shape: `cover` crops what sticks out, `contain` pads with black, `stretch` distorts. */
export type Fit = 'cover' | 'contain' | 'stretch';

/** A video file, decoded while it is read. */
export interface VideoSource {
  readonly kind: 'video';
  readonly file: FileRef;
  /** Name of the reader for its container. */
  readonly reader: 'mov' | 'matroska';
  /** Rate that frames are left out or repeated for while they are decoded; absent where every frame is taken. */
  readonly atFps?: number;
  /** Frames of the file, at that rate, before the first of the clip. */
  readonly startFrame: number;
  /**
   * Seconds to begin decoding at for the frames `every`, 2 × `every` … of the file; empty where they are not known,
   * and decoding begins at the beginning.
   */
  readonly entries: { readonly every: number; readonly seconds: readonly number[] };
}

/**
 * Frames that a node computed, in one file: frame after frame [3, H, W] float32 in [-1, 1], little endian.
 */
export interface StoredSource {
  readonly kind: 'stored';
  readonly file: FileRef;
  /** Frames in a block; the last one may have fewer. */
  readonly blockFrames: number;
  /** SHA-256 of each block, so that a part can be trusted without reading the whole. */
  readonly blocks: readonly string[];
}

export interface ImageValue {
  /** [1, 3, 1, H, W] float32 in [-1, 1]; a still is a clip of one frame */
  readonly pixels: Tensor<'float32'>;
}

/** Where a clip changes. */
export interface Mask {
  /** [1, 1, T, H, W] float32 in 0 … 1, as large as the frames it is for; 0 stays, 1 changes, between is blended */
  readonly weights: Tensor<'float32'>;
}

/** Bytes in the artifact store, addressed by content. */
export interface FileRef {
  readonly kind: 'file';
  /** SHA-256 of the bytes, lower-case hex */
  readonly digest: string;
  readonly byteLength: number;
  readonly mediaType: string;
  /** Suggested file name, for example `clip.mp4` */
  readonly name: string;
}

export interface VideoValue {
  readonly file: FileRef;
  readonly widthPx: number;
  readonly heightPx: number;
  readonly frameCount: number;
  readonly fps: number;
}

export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

export interface PortValues {
  text: string;
  number: number;
  integer: number;
  boolean: boolean;
  seed: string;
  choice: string;
  model: ModelRef;
  conditioning: Conditioning;
  noise: Noise;
  sigmas: Sigmas;
  latent: Latent;
  frames: Frames;
  image: ImageValue;
  mask: Mask;
  /** Samples and rate; carried as data until sound has nodes of its own. */
  audio: JsonValue;
  video: VideoValue;
  shots: JsonValue;
  actions: JsonValue;
  score: ScoreTable;
  /** A scene of the Toybox world, from which every truth about its clip follows; read with its schema. */
  scene: JsonValue;
}

/**
 * Anything a node may output: JSON with tensors and file references as leaves. The store encodes it without
 * knowing which node made it.
 */
export type Value = PortValues[PortType];
