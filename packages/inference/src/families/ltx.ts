/**
 * LTX-Video: latents packed to tokens, each with a place and a timestep of its own; a decoder that takes some noise.
 * Two ways of working on the same weights: that of LTXPipeline and LTXImageToVideoPipeline (versions 0.9.0 and 0.9.1),
 * and that of LTXConditionPipeline (0.9.5 and later), which holds pictures at any frame by a strength.
 *
 * @see diffusers LTXPipeline, LTXImageToVideoPipeline, LTXConditionPipeline (the formulas)
 */
import {
  addNoise,
  createLatentPreview,
  denormaliseLatent,
  disturbKeyframes,
  keepKnown,
  keyframeNoise,
  normaliseLatent,
  sigmaToTimestep,
} from '@reelgraph/diffusion';
import {
  type BeginRequest,
  type Conditioning,
  type KnownLatent,
  type ModelChoice,
  type ModelFacts,
  NodeError,
  type PlacedPicture,
  type SamplingStart,
} from '@reelgraph/node-api';
import { concatAxis, NoiseGenerator, sliceAxis, type Tensor, tensor, zeros } from '@reelgraph/tensor';
import { z } from 'zod';
import type { PackageManifest } from '../model-config.ts';
import { damagedModel, hasComponent, type ModelPackage, readPartConfig } from '../model-package.ts';
import { TextTokenizer } from '../text-tokenizer.ts';
import type { FamilyModel, ModelFamily } from './family.ts';
import { openLtxDenoiser } from './ltx-denoiser.ts';
import { output } from './output.ts';
import { previewFit } from './preview-fit.ts';
import { readSchedulerConfig, type SchedulerConfig } from './scheduler-config.ts';

const positiveInt = z.number().int().positive();

const transformerSchema = z.object({
  in_channels: positiveInt,
  patch_size: positiveInt.default(1),
  patch_size_t: positiveInt.default(1),
});

const vaeSchema = z
  .object({
    spatial_compression_ratio: positiveInt.nullish(),
    temporal_compression_ratio: positiveInt.nullish(),
    scaling_factor: z.number().positive().default(1),
    latents_mean: z.array(z.number()),
    latents_std: z.array(z.number().positive()),
    timestep_conditioning: z.boolean().default(false),
  })
  .refine(({ latents_mean: mean, latents_std: std }) => mean.length === std.length, {
    message: 'latents_mean and latents_std need one number per latent channel each',
  });

const textSchema = z.object({
  max_sequence_length: positiveInt.max(4096).optional(),
  /** By pipeline: whether the text encoder is told which tokens are none. */
  text_encoder_gets_mask: z.record(z.string(), z.boolean()).default({}),
});

/** What the checkpoints of 0.9.0 and 0.9.1 have: more tokens, more of the steps at high noise. */
const dynamicScheduler: SchedulerConfig = {
  _class_name: 'FlowMatchEulerDiscreteScheduler',
  use_dynamic_shifting: true,
  base_shift: 0.95,
  max_shift: 2.05,
  base_image_seq_len: 1024,
  max_image_seq_len: 4096,
  shift_terminal: 0.1,
};
/** What those from 0.9.5 on have. */
const plainScheduler: SchedulerConfig = { _class_name: 'FlowMatchEulerDiscreteScheduler', shift: 1 };

/** Latent frames of a given clip that stand in front of ours; what it has more is put into ours. */
const prefixFrames = 2;

const conditionClass = 'LTXConditionPipeline';

async function open(modelPackage: ModelPackage): Promise<FamilyModel> {
  const { name, index, manifest } = modelPackage;
  const transformer = await readPartConfig(
    modelPackage,
    'transformer',
    ['transformer/config.json'],
    transformerSchema,
  );
  const vae = await readPartConfig(
    modelPackage,
    'vae',
    ['vae/config.json', 'vae_decoder/config.json'],
    vaeSchema,
  );
  const text =
    manifest?.config.text === undefined
      ? textSchema.parse({})
      : await readPartConfig(modelPackage, 'text', [], textSchema);
  const channels = vae.latents_mean.length;
  const depth = channels * transformer.patch_size ** 2 * transformer.patch_size_t;
  if (transformer.in_channels !== depth) {
    throw damagedModel(
      name,
      manifest === undefined ? 'transformer/config.json' : 'manifest.json',
      `has a transformer of ${transformer.in_channels} channels where the VAE makes tokens of ${depth}`,
    );
  }
  const spatial = vae.spatial_compression_ratio ?? 32;
  const temporal = vae.temporal_compression_ratio ?? 8;
  const isOnlyKeyframes = index._class_name === conditionClass;
  const isKeyframes = ({ variant }: ModelChoice): boolean => isOnlyKeyframes || variant === 'keyframes';
  const maxTokens = text.max_sequence_length ?? (isOnlyKeyframes ? 256 : 128);
  const tokenizer = await TextTokenizer.open(modelPackage, maxTokens);
  const reads = await hasComponent(modelPackage, 'vae_encoder');
  const scheduler = await readSchedulerConfig(modelPackage);

  const recommended = index.reelgraph?.recommended;
  const base = {
    steps: recommended?.steps ?? 50,
    guidanceScale: recommended?.guidanceScale ?? 3,
    ...(recommended?.sampler === undefined ? {} : { sampler: recommended.sampler }),
    scheduler: scheduler ?? dynamicScheduler,
    levels: 'even' as const,
    fps: recommended?.fps ?? 25,
    frameCount: recommended?.frames ?? 161,
    widthPx: recommended?.width ?? 704,
    heightPx: recommended?.height ?? 512,
  };
  // The pipeline gives the levels itself, for which a shift that follows the size has no rule.
  const ofKeyframes = scheduler?.use_dynamic_shifting === true ? undefined : scheduler;
  const keyframes = {
    ...base,
    scheduler: ofKeyframes ?? plainScheduler,
    levels: 'linear_quadratic' as const,
  };
  const patchSize = [transformer.patch_size_t, transformer.patch_size, transformer.patch_size] as const;
  const facts: ModelFacts = {
    name,
    family: 'ltx',
    latentChannels: channels,
    vaeScale: { spatial, temporal },
    sizeMultiple: spatial * transformer.patch_size,
    frameRule: { multiple: temporal * transformer.patch_size_t, plus: 1 },
    maxTextTokens: maxTokens,
    cutsText: true,
    parametrisation: 'flow',
    defaultShift: recommended?.shift ?? 0,
    recommended: isOnlyKeyframes ? keyframes : base,
    patchSize,
    placesPictures: isOnlyKeyframes ? 'anywhere' : 'first',
    ...(reads ? {} : { readsFrames: false as const }),
    ...(vae.timestep_conditioning ? { decoderNoise: true as const } : {}),
    ...(isOnlyKeyframes ? {} : { variants: { keyframes } }),
  };
  const statistics = { mean: vae.latents_mean, std: vae.latents_std };
  const decoderStatistics = {
    mean: vae.latents_mean,
    std: vae.latents_std.map((value) => value / vae.scaling_factor),
  };
  const telling = text.text_encoder_gets_mask;

  function clipSettings(choice: ModelChoice, { frameRate = base.fps }: { frameRate?: number | undefined }) {
    return { temporal, spatial, patchSize, frameRate, fromFirstPicture: isKeyframes(choice) };
  }

  return {
    facts,
    ...(isOnlyKeyframes ? {} : { variantRoles: { keyframes: {} } }),
    clipSettings,

    async encodeText(run, prompt, signal, choice): Promise<Conditioning> {
      const { ids, mask } = tokenizer.tokenizePadded(prompt);
      const isTold = isKeyframes(choice) ? (telling[conditionClass] ?? true) : (telling.LTXPipeline ?? false);
      const seen = isTold ? mask : tensor('int64', mask.shape, new BigInt64Array(maxTokens).fill(1n));
      const outputs = await run('text_encoder', { input_ids: ids, attention_mask: seen }, signal);
      return { promptEmbeds: output(outputs, 'last_hidden_state'), promptMask: mask };
    },

    async denoise(run, request, signal, choice) {
      const { sample, sigma, timestep = sigmaToTimestep(sigma), branches, known, frameRate } = request;
      const settings = clipSettings(choice, { frameRate });
      const denoiser = openLtxDenoiser({ shape: sample.shape, branches, known, settings });
      return denoiser.velocitiesOf(
        await run('transformer', denoiser.feedsAt(sample, sigma, timestep), signal),
      );
    },

    begin: (request, choice) =>
      request.conditioning.known !== undefined
        ? beginWithKnown(name, request)
        : isKeyframes(choice)
          ? beginWithKeyframes(request, { statistics, patchSize, temporal })
          : beginWithFirstPicture(name, request, statistics),

    async encodePicture(run, pixels, signal) {
      if (!reads) throw noEncoder(name);
      return output(await run('vae_encoder', { video: pixels }, signal), 'moments');
    },

    async encodeFrames(run, pixels, signal) {
      if (!reads) throw noEncoder(name);
      const moments = output(await run('vae_encoder', { video: pixels }, signal), 'moments');
      return normaliseLatent(sliceAxis(moments, 1, 0, channels), statistics);
    },

    async decodeLatent(run, latent, signal, settings) {
      const clean = denormaliseLatent(latent, decoderStatistics);
      const { timestep = 0.05, noiseScale = 0.025, grain = { seed: '0', drawn: [] } } = settings ?? {};
      let feeds: Readonly<Record<string, Tensor>> = { latents: clean };
      if (vae.timestep_conditioning) {
        const generator = new NoiseGenerator(grain.seed);
        for (const shape of grain.drawn) generator.normal(shape);
        feeds = {
          latents: addNoise('flow', clean, generator.normal(clean.shape), noiseScale),
          timestep: tensor('float32', [1], Float32Array.of(timestep)),
        };
      }
      const frames = output(await run('vae_decoder', feeds, signal), 'video');
      for (let i = 0; i < frames.data.length; i++)
        frames.data[i] = Math.min(1, Math.max(-1, frames.data[i]!));
      return frames;
    },

    previewLatent: createLatentPreview(previewFit({ z_dim: channels, latent_rgb_patch: [1, 1, 1] })),
  };
}

interface Statistics {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** A stream that remembers what was drawn from it. */
class DrawnNoise {
  readonly seed: string;
  readonly drawn: (readonly number[])[] = [];
  readonly #generator: NoiseGenerator;

  constructor(seed: string) {
    this.seed = seed;
    this.#generator = new NoiseGenerator(seed);
  }

  normal(shape: readonly number[]): Tensor<'float32'> {
    this.drawn.push(shape);
    return this.#generator.normal(shape);
  }
}

/** A latent from what the encoder says of a picture: mean + exp(logvar / 2) noise, with logvar from -30 to 20. */
function drawLatent(
  { moments }: PlacedPicture,
  noise: DrawnNoise,
  statistics: Statistics,
): Tensor<'float32'> {
  const channels = statistics.mean.length;
  const mean = sliceAxis(moments, 1, 0, channels);
  const spread = sliceAxis(moments, 1, channels, 2 * channels);
  const drawn = noise.normal(mean.shape);
  for (let i = 0; i < mean.data.length; i++) {
    const deviation = Math.exp(0.5 * Math.min(20, Math.max(-30, spread.data[i]!)));
    mean.data[i] = mean.data[i]! + deviation * drawn.data[i]!;
  }
  return normaliseLatent(mean, statistics);
}

/** Latent frames or places that are given as they are: told to be clean, they stay so, as a first picture does. */
function beginWithKnown(name: string, { clip, conditioning, noise, sigma }: BeginRequest): SamplingStart {
  const { known, pictures } = conditioning;
  if (known === undefined || pictures !== undefined) {
    throw new NodeError(
      'model/no-picture',
      `Model "${name}" is given pictures and a part of a clip at once; it takes one of both.`,
      { hint: 'Connect the prompt directly to one of them.' },
    );
  }
  const held = { ...known, hold: { kind: 'clean' } as const };
  const drawn = noise.drawn ?? [clip.shape];
  const from = keepKnown(addNoise('flow', clip, noise.samples, sigma), held, noise.samples, 0);
  return { from, noise: { ...noise, drawn }, known: held };
}

/** A picture as the first latent frame, which stays as it is; drawn before the noise of the clip. */
function beginWithFirstPicture(name: string, request: BeginRequest, statistics: Statistics): SamplingStart {
  const { clip, conditioning, sigma } = request;
  const [picture, second] = conditioning.pictures ?? [];
  if (picture === undefined) {
    const drawn = request.noise.drawn ?? [clip.shape];
    const noise = { ...request.noise, drawn };
    return { from: addNoise('flow', clip, noise.samples, sigma), noise };
  }
  if (second !== undefined || picture.frame !== 0 || picture.strength !== 1) {
    throw new NodeError(
      'model/no-picture',
      `Model "${name}" takes one picture, as the first frame, at strength 1.`,
      { hint: 'Choose the variant "keyframes" in Load model: it takes several, at any frame.' },
    );
  }
  const stream = new DrawnNoise(request.noise.seed);
  const first = drawLatent(picture, stream, statistics);
  const samples = stream.normal(clip.shape);
  const known: KnownLatent = { ...placedFrames(clip.shape, first, 1), hold: { kind: 'clean' } };
  return {
    from: keepKnown(addNoise('flow', clip, samples, sigma), known, samples, 0),
    noise: { samples, seed: stream.seed, drawn: stream.drawn },
    known,
  };
}

/** Zeros with `frames` at the beginning, and a mask of `strength` where they are. */
function placedFrames(shape: readonly number[], frames: Tensor<'float32'>, strength: number): KnownLatent {
  const [, , total = 0, height = 0, width = 0] = shape;
  const count = frames.shape[2] ?? 0;
  const rest = total - count;
  const latent = rest === 0 ? frames : concatAxis([frames, zeros('float32', shape.with(2, rest))], 2);
  const mask = zeros('float32', shape.with(1, 1));
  mask.data.fill(strength, 0, count * height * width);
  return { latent, mask };
}

/**
 * Pictures at any frame. The one at frame 0 is laid over the clip by its strength, the others become frames of their
 * own in front of it. The noise of the clip is drawn first, then what each picture needs, then what every step puts on
 * places that are held altogether.
 */
function beginWithKeyframes(
  { clip, noise: { seed, ...given }, conditioning, sigma, timestep, pictureNoise }: BeginRequest,
  {
    statistics,
    patchSize,
    temporal,
  }: {
    readonly statistics: Statistics;
    readonly patchSize: readonly [number, number, number];
    readonly temporal: number;
  },
): SamplingStart {
  const { pictures = [] } = conditioning;
  if (pictures.length === 0) {
    const noise = { samples: given.samples, seed, drawn: given.drawn ?? [clip.shape] };
    return { from: addNoise('flow', clip, noise.samples, sigma), noise };
  }
  const stream = new DrawnNoise(seed);
  const samples = stream.normal(clip.shape);
  const sample = addNoise('flow', clip, samples, sigma);
  const strengths = zeros('float32', clip.shape.with(1, 1));
  const guides: { frame: Tensor<'float32'>; strength: number; at: number }[] = [];
  const [, , , height = 0, width = 0] = clip.shape;
  for (const picture of pictures) {
    const { frame, strength } = picture;
    const latent = drawLatent(picture, stream, statistics);
    const count = latent.shape[2] ?? 0;
    if (frame === 0) {
      lerpFrames(sample, latent, 0, strength);
      strengths.data.fill(strength, 0, count * height * width);
      continue;
    }
    const front = sliceAxis(latent, 2, 0, Math.min(count, prefixFrames));
    if (count > prefixFrames) {
      const start = Math.floor(frame / temporal) + prefixFrames;
      const rest = sliceAxis(latent, 2, prefixFrames, count);
      lerpFrames(sample, rest, start, strength);
      strengths.data.fill(strength, start * height * width, (start + count - prefixFrames) * height * width);
    }
    const drawn = stream.normal(front.shape);
    lerpFrames(drawn, front, 0, strength);
    for (let i = 0; i < (front.shape[2] ?? 0); i++) {
      // As the frames of a clip count: the first picture is alone in its latent frame.
      const at = frame + Math.max(temporal * i - (temporal - 1), 0);
      guides.push({ frame: sliceAxis(drawn, 2, i, i + 1), strength, at });
    }
  }
  const plane = height * width;
  const mask = concatAxis(
    [...guides.map(({ strength }) => filled([1, 1, 1, height, width], strength, plane)), strengths],
    2,
  );
  const latent = concatAxis([...guides.map(({ frame }) => frame), sample], 2);
  const hold = {
    kind: 'by-strength',
    noiseScale: pictureNoise,
    guideFrames: guides.map(({ at }) => at),
    patchSize,
  } as const;
  const known: KnownLatent = { latent, mask, hold };
  const noise = { samples, seed, drawn: stream.drawn };
  const first = keyframeNoise(noise, latent.shape, patchSize)(0);
  return { from: disturbKeyframes(latent, known, first, timestep), noise, known };
}

function filled(shape: readonly number[], value: number, length: number): Tensor<'float32'> {
  return { dtype: 'float32', shape, data: new Float32Array(length).fill(value) };
}

/** Frames of `clip` from `at` on moved towards `frames` by `strength`, in place. */
function lerpFrames(clip: Tensor<'float32'>, frames: Tensor<'float32'>, at: number, strength: number): void {
  const [, channels = 0, total = 0, height = 0, width = 0] = clip.shape;
  const count = frames.shape[2] ?? 0;
  const plane = height * width;
  for (let channel = 0; channel < channels; channel++) {
    for (let i = 0; i < count * plane; i++) {
      const to = (channel * total + at) * plane + i;
      const was = clip.data[to]!;
      clip.data[to] = was + strength * (frames.data[channel * count * plane + i]! - was);
    }
  }
}

function noEncoder(name: string): NodeError {
  return new NodeError(
    'model/no-picture',
    `Model "${name}" has no vae_encoder, so it cannot read pictures.`,
    {
      hint: 'Export the model again with its encoder.',
    },
  );
}

function isLtx({ components: { transformer } }: PackageManifest): boolean {
  return transformer?.inputs.some(({ name }) => name === 'video_coords') === true;
}

/** LTX-Video. */
export const ltx: ModelFamily = {
  name: 'ltx',
  pipelineClasses: ['LTXPipeline', 'LTXImageToVideoPipeline', conditionClass],
  isFamilyOf: isLtx,
  components: ['text_encoder', 'transformer', 'vae_decoder'],
  optionalComponents: ['vae_encoder'],
  open,
};
