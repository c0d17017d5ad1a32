/**
 * Wan 2.1 and 2.2: a causal VAE that decodes and encodes frame after frame, UMT5 whose embeddings are zero behind the
 * text; in 2.2 A14B a second transformer for low noise, in 2.2 TI2V a timestep for every token, so that a first picture
 * is given as a clean latent frame. The others that make clips of pictures read them on channels of their own.
 *
 * @see diffusers WanPipeline, WanImageToVideoPipeline, AutoencoderKLWan (the formulas)
 */
import {
  addNoise,
  createLatentPreview,
  denormaliseLatent,
  keepKnown,
  normaliseLatent,
  sigmaToTimestep,
} from '@reelgraph/diffusion';
import { type Conditioning, type ModelFacts, NodeError } from '@reelgraph/node-api';
import { concatAxis, sliceAxis, type Tensor } from '@reelgraph/tensor';
import { z } from 'zod';
import type { PackageManifest } from '../model-config.ts';
import { damagedModel, hasComponent, type ModelPackage, readPartConfig } from '../model-package.ts';
import { TextTokenizer } from '../text-tokenizer.ts';
import type { FamilyModel, ModelFamily, RunComponent } from './family.ts';
import { output } from './output.ts';
import { previewFit } from './preview-fit.ts';
import { cleanPrompt } from './prompt-text.ts';
import { readSchedulerConfig, type SchedulerConfig } from './scheduler-config.ts';
import { openWanDenoiser } from './wan-denoiser.ts';
import { openPicturePlacing, pictureNeedOf, picturesNeeded } from './wan-pictures.ts';

const positiveInt = z.number().int().positive();

const transformerSchema = z.object({
  in_channels: positiveInt,
  patch_size: z.tuple([positiveInt, positiveInt, positiveInt]).default([1, 2, 2]),
});

const vaeSchema = z
  .object({
    z_dim: positiveInt,
    scale_factor_temporal: positiveInt.default(4),
    scale_factor_spatial: positiveInt.default(8),
    latents_mean: z.array(z.number()),
    latents_std: z.array(z.number().positive()),
  })
  .refine(
    ({ z_dim, latents_mean: mean, latents_std: std }) => mean.length === z_dim && std.length === z_dim,
    {
      message: 'latents_mean and latents_std need one number per latent channel',
    },
  );

const textSchema = z.object({
  max_sequence_length: positiveInt.max(4096).default(512),
  zero_embeddings_after_mask: z.boolean().default(true),
});

/** What the converted checkpoints have. */
const ownScheduler: SchedulerConfig = {
  _class_name: 'UniPCMultistepScheduler',
  prediction_type: 'flow_prediction',
  use_flow_sigmas: true,
  flow_shift: 3,
};

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
    ['vae/config.json', 'vae_decoder/config.json', 'vae_decoder_first/config.json'],
    vaeSchema,
  );
  const text =
    manifest?.config.text === undefined
      ? textSchema.parse({})
      : await readPartConfig(modelPackage, 'text', [], textSchema);
  const needsPictures = await pictureNeedOf(modelPackage, transformer.in_channels, vae);
  const hasWhole = await hasComponent(modelPackage, 'vae_decoder');
  const isStreamed =
    (await hasComponent(modelPackage, 'vae_decoder_first')) &&
    (await hasComponent(modelPackage, 'vae_decoder_next'));
  if (!hasWhole && !isStreamed)
    throw damagedModel(
      name,
      'vae_decoder',
      'is missing, and so is the pair vae_decoder_first, vae_decoder_next',
    );

  const tokenizer = await TextTokenizer.open(modelPackage, text.max_sequence_length);
  const scheduler = (await readSchedulerConfig(modelPackage)) ?? ownScheduler;
  const recommended = index.reelgraph?.recommended;
  const settings = {
    steps: recommended?.steps ?? 50,
    guidanceScale: recommended?.guidanceScale ?? 5,
    ...(recommended?.sampler === undefined ? {} : { sampler: recommended.sampler }),
    scheduler,
    fps: recommended?.fps ?? 16,
    frameCount: recommended?.frames ?? 81,
    widthPx: recommended?.width ?? 832,
    heightPx: recommended?.height ?? 480,
  };
  const encoding = (await hasComponent(modelPackage, 'vae_encoder'))
    ? 'whole'
    : (await hasComponent(modelPackage, 'vae_encoder_first')) &&
        (await hasComponent(modelPackage, 'vae_encoder_next'))
      ? 'streamed'
      : 'none';
  const [patchFrames, patchRows, patchColumns] = transformer.patch_size;
  const timestepPerToken = hasTimestepPerToken(modelPackage);
  const settingsOfClip = { patchSize: transformer.patch_size, timestepPerToken };
  const boundary = boundaryOf(modelPackage);
  const fused = (await hasComponent(modelPackage, 'transformer_mha')) ? { mha: settings } : undefined;
  const hasSecond = await hasComponent(modelPackage, 'transformer_2');
  const facts: ModelFacts = {
    name,
    family: 'wan',
    latentChannels: vae.z_dim,
    vaeScale: { spatial: vae.scale_factor_spatial, temporal: vae.scale_factor_temporal },
    sizeMultiple: vae.scale_factor_spatial * Math.max(patchRows, patchColumns),
    frameRule: { multiple: vae.scale_factor_temporal * patchFrames, plus: 1 },
    maxTextTokens: text.max_sequence_length,
    cutsText: true,
    parametrisation: 'flow',
    defaultShift: recommended?.shift ?? 0,
    recommended: settings,
    ...(encoding === 'none' ? { readsFrames: false as const } : {}),
    ...(needsPictures === undefined ? {} : { needsPictures }),
    ...(hasSecond ? { secondExpert: boundary === undefined ? {} : { boundary } } : {}),
    ...(fused === undefined ? {} : { variants: fused }),
  };
  const statistics = { mean: vae.latents_mean, std: vae.latents_std };
  const placePicture =
    needsPictures === undefined
      ? undefined
      : await openPicturePlacing(modelPackage, needsPictures, vae, encodeFrames);

  /** Latent frame after latent frame: what the convolutions saw of the frames before goes from run to run. */
  async function* decodeStream(
    run: RunComponent,
    latent: Tensor<'float32'>,
    signal: AbortSignal,
  ): AsyncGenerator<Tensor<'float32'>> {
    const all = denormaliseLatent(latent, statistics);
    let caches: Readonly<Record<string, Tensor>> = {};
    for (let frame = 0; frame < (all.shape[2] ?? 0); frame++) {
      const latents = sliceAxis(all, 2, frame, frame + 1);
      const outputs =
        frame === 0
          ? await run('vae_decoder_first', { latents }, signal)
          : await run('vae_decoder_next', { latents, ...caches }, signal);
      caches = cachesOf(outputs);
      yield clamped(output(outputs, 'video'));
    }
  }

  /** The first picture alone, then as many as a latent frame stands for. */
  async function* encodeStream(
    run: RunComponent,
    pixels: Tensor<'float32'>,
    signal: AbortSignal,
  ): AsyncGenerator<Tensor<'float32'>> {
    if (encoding === 'none') {
      throw new NodeError('model/no-encoder', `Model "${name}" cannot read pictures or clips.`, {
        hint: 'Choose a model that can, or leave the picture out.',
      });
    }
    if (encoding === 'whole') {
      yield momentsOf(await run('vae_encoder', { video: pixels }, signal));
      return;
    }
    const total = pixels.shape[2] ?? 0;
    let caches: Readonly<Record<string, Tensor>> = {};
    for (let frame = 0; frame < total; ) {
      const end = frame === 0 ? 1 : Math.min(total, frame + vae.scale_factor_temporal);
      const video = sliceAxis(pixels, 2, frame, end);
      const outputs =
        frame === 0
          ? await run('vae_encoder_first', { video }, signal)
          : await run('vae_encoder_next', { video, ...caches }, signal);
      caches = cachesOf(outputs);
      yield momentsOf(outputs);
      frame = end;
    }
  }

  async function encodeFrames(run: RunComponent, pixels: Tensor<'float32'>, signal: AbortSignal) {
    const frames: Tensor<'float32'>[] = [];
    for await (const moments of encodeStream(run, pixels, signal))
      frames.push(sliceAxis(moments, 1, 0, vae.z_dim));
    return normaliseLatent(concatAxis(frames, 2), statistics);
  }

  return {
    facts,
    ...(placePicture === undefined ? {} : { placePicture }),
    encodeFrames,
    ...(fused === undefined ? {} : { variantRoles: { mha: { transformer: 'transformer_mha' } } }),

    async encodeText(run, prompt, signal): Promise<Conditioning> {
      const { ids, mask } = tokenizer.tokenizePadded(cleanPrompt(prompt));
      const outputs = await run('text_encoder', { input_ids: ids, attention_mask: mask }, signal);
      const embeds = output(outputs, 'last_hidden_state');
      if (text.zero_embeddings_after_mask) {
        const width = embeds.shape[2] ?? 0;
        for (const [token, isReal] of mask.data.entries())
          if (isReal === 0n) embeds.data.fill(0, token * width, (token + 1) * width);
      }
      return { promptEmbeds: embeds, promptMask: mask };
    },

    clipSettings: () => settingsOfClip,

    async denoise(run, request, signal) {
      const { sample, sigma, timestep = sigmaToTimestep(sigma), branches, known, expert } = request;
      const denoiser = openWanDenoiser({ shape: sample.shape, branches, known, settings: settingsOfClip });
      const role = expert === 'second' ? 'transformer_2' : 'transformer';
      return denoiser.velocitiesOf(await run(role, denoiser.feedsAt(sample, sigma, timestep), signal));
    },

    begin({ clip, noise, sigma, conditioning: { known, guide } }) {
      if (needsPictures !== undefined) {
        if (guide?.channels === undefined || known !== undefined) throw picturesNeeded(name, needsPictures);
        return { from: addNoise('flow', clip, noise.samples, sigma), noise };
      }
      const from = addNoise('flow', clip, noise.samples, sigma);
      if (known === undefined) return { from, noise };
      // Places that are told to be clean have to be; a model that cannot be told expects noise on them.
      if (!timestepPerToken) return { from, noise, known };
      const held = { ...known, hold: { kind: 'clean' } as const };
      return { from: keepKnown(from, held, noise.samples, 0), noise, known: held };
    },

    async decodeLatent(run, latent, signal) {
      if (!hasWhole) {
        const frames: Tensor<'float32'>[] = [];
        for await (const chunk of decodeStream(run, latent, signal)) frames.push(chunk);
        return concatAxis(frames, 2);
      }
      return clamped(
        output(await run('vae_decoder', { latents: denormaliseLatent(latent, statistics) }, signal), 'video'),
      );
    },
    ...(isStreamed ? { decodeStream } : {}),
    previewLatent: createLatentPreview(previewFit({ z_dim: vae.z_dim, latent_rgb_patch: [1, 1, 1] })),
  };
}

/** Where the second transformer takes over, as a share of the way. */
function boundaryOf({ index, manifest }: ModelPackage): number | undefined {
  const own = z.number().min(0).max(1).safeParse(manifest?.config.boundary_ratio);
  return own.success ? own.data : (index.boundary_ratio ?? undefined);
}

/** Whether every token has a timestep: the manifest says so, or the index as diffusers writes it, or the graph. */
function hasTimestepPerToken({ index, manifest }: ModelPackage): boolean {
  const own = manifest?.config.expand_timesteps ?? index.expand_timesteps;
  if (typeof own === 'boolean') return own;
  const timestep = manifest?.components.transformer?.inputs.find((input) => input.name === 'timestep');
  return timestep?.shape.length === 2;
}

/** Mean and logarithm of the variance, or the mean alone. */
function momentsOf(outputs: Readonly<Record<string, Tensor>>): Tensor<'float32'> {
  return output(outputs, 'moments');
}

/** `new_cache_3` of one run is `cache_3` of the next. */
function cachesOf(outputs: Readonly<Record<string, Tensor>>): Readonly<Record<string, Tensor>> {
  return Object.fromEntries(
    Object.entries(outputs).flatMap(([name, value]) =>
      name.startsWith('new_') ? [[name.slice('new_'.length), value]] : [],
    ),
  );
}

/** Nobody else has it: what a run gives is handed over. */
function clamped(frames: Tensor<'float32'>): Tensor<'float32'> {
  for (let i = 0; i < frames.data.length; i++) frames.data[i] = Math.min(1, Math.max(-1, frames.data[i]!));
  return frames;
}

function isWan({ components: { transformer } }: PackageManifest): boolean {
  const inputs = transformer?.inputs ?? [];
  const names = inputs.map(({ name }) => name).sort();
  const hidden = inputs.find(({ name }) => name === 'hidden_states');
  return (
    ['', ',encoder_hidden_states_image'].some(
      (images) => names.join() === `encoder_hidden_states${images},hidden_states,timestep`,
    ) && hidden?.shape.length === 5
  );
}

/** Wan, from text, and from pictures: where tokens have a timestep each, or where channels are for them. */
export const wan: ModelFamily = {
  name: 'wan',
  pipelineClasses: ['WanPipeline', 'WanVideoToVideoPipeline', 'WanImageToVideoPipeline'],
  isFamilyOf: isWan,
  components: ['text_encoder', 'transformer'],
  optionalComponents: [
    'image_encoder',
    'transformer_2',
    'vae_decoder',
    'vae_decoder_first',
    'vae_decoder_next',
    'vae_encoder',
    'vae_encoder_first',
    'vae_encoder_next',
  ],
  open,
};
