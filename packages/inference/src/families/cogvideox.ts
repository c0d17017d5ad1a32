/**
 * CogVideoX from text or from a clip, with rotary places (5B): a model of constant variance that says v. Its noise is
 * drawn frame by frame, after the clip it begins from, if there is one. Its VAE decodes two latent frames at a time, the
 * first time with the odd one, and encodes eight frames at a time, the first time with those beyond a multiple of eight:
 * its norms look at what is encoded at once, so that another division is another latent.
 *
 * @see diffusers CogVideoXPipeline, CogVideoXVideoToVideoPipeline, AutoencoderKLCogVideoX (the formulas)
 */
import {
  addNoise,
  createLatentPreview,
  denormaliseLatent,
  normaliseLatent,
  sigmaToTimestep,
} from '@reelgraph/diffusion';
import { type Conditioning, type EncodedClip, type ModelFacts, NodeError } from '@reelgraph/node-api';
import { concatAxis, NoiseGenerator, sliceAxis, type Tensor, tensor } from '@reelgraph/tensor';
import { z } from 'zod';
import { damagedModel, hasComponent, type ModelPackage, readPartConfig } from '../model-package.ts';
import { TextTokenizer } from '../text-tokenizer.ts';
import { openCogVideoXDenoiser, swapFrames } from './cogvideox-denoiser.ts';
import type { FamilyModel, ModelFamily, RunComponent } from './family.ts';
import { output } from './output.ts';
import { previewFit } from './preview-fit.ts';
import { readSchedulerConfig } from './scheduler-config.ts';

const positiveInt = z.number().int().positive();

const transformerSchema = z.object({
  in_channels: positiveInt,
  patch_size: positiveInt.default(2),
  patch_size_t: positiveInt.nullish(),
  sample_height: positiveInt,
  sample_width: positiveInt,
  attention_head_dim: positiveInt,
  positions: z.string().default('rope'),
});

const vaeSchema = z.object({
  latent_channels: positiveInt,
  scale_factor_temporal: positiveInt.default(4),
  scale_factor_spatial: positiveInt.default(8),
  scaling_factor: z.number().positive(),
  decode_chunk: positiveInt.default(2),
  encode_chunk: positiveInt.default(8),
});

const textSchema = z.object({ max_sequence_length: positiveInt.max(4096).default(226) });

async function open(modelPackage: ModelPackage): Promise<FamilyModel> {
  const { name, index } = modelPackage;
  const transformer = await readPartConfig(
    modelPackage,
    'transformer',
    ['transformer/config.json'],
    transformerSchema,
  );
  const vae = await readPartConfig(modelPackage, 'vae', ['vae/config.json'], vaeSchema);
  const text = await readPartConfig(modelPackage, 'text', [], textSchema);
  if (transformer.in_channels === 2 * vae.latent_channels) {
    throw new NodeError(
      'model/not-yet',
      `Model "${name}" is an image-to-video model of CogVideoX, which Reelgraph does not run yet.`,
      {
        hint: 'Choose a CogVideoX package that makes clips of text, or a Wan package that makes them of pictures.',
      },
    );
  }
  const isOther =
    transformer.in_channels !== vae.latent_channels ||
    transformer.positions !== 'rope' ||
    (transformer.patch_size_t ?? undefined) !== undefined;
  if (isOther)
    throw damagedModel(
      name,
      'manifest.json',
      'is of a CogVideoX that is not known here; those with rotary places that make clips of text are',
    );
  const tokenizer = await TextTokenizer.open(modelPackage, text.max_sequence_length);
  const scheduler = await readSchedulerConfig(modelPackage);
  const own = index.reelgraph?.recommended;
  const reads =
    (await hasComponent(modelPackage, 'vae_encoder_first')) &&
    (await hasComponent(modelPackage, 'vae_encoder_next'));
  const facts: ModelFacts = {
    name,
    family: 'cogvideox',
    latentChannels: vae.latent_channels,
    vaeScale: { spatial: vae.scale_factor_spatial, temporal: vae.scale_factor_temporal },
    sizeMultiple: vae.scale_factor_spatial * transformer.patch_size,
    frameRule: { multiple: vae.scale_factor_temporal, plus: 1 },
    maxTextTokens: text.max_sequence_length,
    cutsText: true,
    parametrisation: 'v',
    defaultShift: 0,
    ...(reads ? {} : { readsFrames: false as const }),
    recommended: {
      steps: own?.steps ?? 50,
      guidanceScale: own?.guidanceScale ?? 6,
      scheduler: scheduler ?? {
        _class_name: 'CogVideoXDPMScheduler',
        prediction_type: 'v_prediction',
        rescale_betas_zero_snr: true,
        snr_shift_scale: 1,
        timestep_spacing: 'trailing',
      },
      fps: own?.fps ?? 8,
      frameCount: own?.frames ?? 49,
      widthPx: own?.width ?? 720,
      heightPx: own?.height ?? 480,
    },
  };
  const settingsOfClip = {
    patchSize: transformer.patch_size,
    headSize: transformer.attention_head_dim,
    sampleHeight: transformer.sample_height,
    sampleWidth: transformer.sample_width,
  };
  const statistics = {
    mean: Array<number>(vae.latent_channels).fill(0),
    std: Array<number>(vae.latent_channels).fill(1 / vae.scaling_factor),
  };

  async function* decodeStream(
    run: RunComponent,
    latent: Tensor<'float32'>,
    signal: AbortSignal,
  ): AsyncGenerator<Tensor<'float32'>> {
    const all = denormaliseLatent(latent, statistics);
    const total = all.shape[2] ?? 0;
    // An even number of latent frames gives three pictures more than the clip has.
    let left = (total - 1) * vae.scale_factor_temporal + 1;
    let caches: Readonly<Record<string, Tensor>> = {};
    for (let start = 0; start < total; ) {
      const end = Math.min(total, start + vae.decode_chunk + (start === 0 ? total % vae.decode_chunk : 0));
      const latents = sliceAxis(all, 2, start, end);
      const first = end % 2 === 0 ? 'vae_decoder_first_even' : 'vae_decoder_first';
      const outputs = await run(start === 0 ? first : 'vae_decoder_next', { latents, ...caches }, signal);
      caches = cachesOf(outputs);
      const frames = output(outputs, 'video');
      for (let i = 0; i < frames.data.length; i++)
        frames.data[i] = Math.min(1, Math.max(-1, frames.data[i]!));
      const count = Math.min(left, frames.shape[2] ?? 0);
      yield count === frames.shape[2] ? frames : sliceAxis(frames, 2, 0, count);
      left -= count;
      start = end;
    }
  }

  async function encode(
    run: RunComponent,
    pixels: Tensor<'float32'>,
    signal: AbortSignal,
  ): Promise<Required<EncodedClip>> {
    if (!reads) {
      throw new NodeError('model/no-encoder', `Model "${name}" cannot read pictures or clips.`, {
        hint: 'Choose a model that can, or export this one again with its encoder.',
      });
    }
    const total = pixels.shape[2] ?? 0;
    const moments: Tensor<'float32'>[] = [];
    let caches: Readonly<Record<string, Tensor>> = {};
    for (let start = 0; start < total; ) {
      const end = Math.min(total, start + vae.encode_chunk + (start === 0 ? total % vae.encode_chunk : 0));
      const video = sliceAxis(pixels, 2, start, end);
      const role = start === 0 ? 'vae_encoder_first' : 'vae_encoder_next';
      const outputs = await run(role, { video, ...caches }, signal);
      caches = cachesOf(outputs);
      moments.push(output(outputs, 'moments'));
      start = end;
    }
    const all = concatAxis(moments, 2);
    const channels = vae.latent_channels;
    const spread = sliceAxis(all, 1, channels, 2 * channels);
    for (let i = 0; i < spread.data.length; i++) {
      const logVariance = Math.min(20, Math.max(-30, spread.data[i]!));
      spread.data[i] = Math.exp(0.5 * logVariance) * vae.scaling_factor;
    }
    return { samples: normaliseLatent(sliceAxis(all, 1, 0, channels), statistics), spread };
  }

  return {
    facts,
    clipSettings: () => settingsOfClip,

    async encodeText(run, prompt, signal): Promise<Conditioning> {
      const { ids, mask } = tokenizer.tokenizePadded(prompt);
      // The text encoder is not told where the text ends.
      const seen = tensor('int64', mask.shape, new BigInt64Array(mask.data.length).fill(1n));
      const outputs = await run('text_encoder', { input_ids: ids, attention_mask: seen }, signal);
      return { promptEmbeds: output(outputs, 'last_hidden_state'), promptMask: mask };
    },

    async denoise(run, request, signal) {
      const { sample, sigma, timestep = sigmaToTimestep(sigma), branches } = request;
      const denoiser = openCogVideoXDenoiser({ shape: sample.shape, branches, settings: settingsOfClip });
      return denoiser.velocitiesOf(
        await run('transformer', denoiser.feedsAt(sample, sigma, timestep), signal),
      );
    },

    begin({ clip, spread, noise: { seed }, sigma, conditioning: { known } }) {
      const [, channels = 0, frames = 0, height = 0, width = 0] = clip.shape;
      const framesFirst = [1, frames, channels, height, width];
      const generator = new NoiseGenerator(seed);
      const drawnClip = spread === undefined ? clip : around(clip, spread, generator.normal(clip.shape));
      const samples = swapFrames(generator.normal(framesFirst));
      const drawn = spread === undefined ? [framesFirst] : [clip.shape, framesFirst];
      const noise = { samples, seed, drawn, framesFirst: true as const };
      return {
        from: addNoise('v', drawnClip, samples, sigma),
        noise,
        ...(known === undefined ? {} : { known }),
      };
    },

    encodeFrames: async (run, pixels, signal) => (await encode(run, pixels, signal)).samples,
    encodeClip: encode,

    async decodeLatent(run, latent, signal) {
      const chunks: Tensor<'float32'>[] = [];
      for await (const chunk of decodeStream(run, latent, signal)) chunks.push(chunk);
      return concatAxis(chunks, 2);
    },
    decodeStream,
    previewLatent: createLatentPreview(
      previewFit({ z_dim: vae.latent_channels, latent_rgb_patch: [1, 1, 1] }),
    ),
  };
}

/** `new_cache_3` of one run is `cache_3` of the next. */
function cachesOf(outputs: Readonly<Record<string, Tensor>>): Readonly<Record<string, Tensor>> {
  return Object.fromEntries(
    Object.entries(outputs).flatMap(([part, value]) =>
      part.startsWith('new_') ? [[part.slice('new_'.length), value]] : [],
    ),
  );
}

/** mean + spread noise, all of one shape. */
function around(
  mean: Tensor<'float32'>,
  spread: Tensor<'float32'>,
  noise: Tensor<'float32'>,
): Tensor<'float32'> {
  const data = mean.data.map((value, i) => value + spread.data[i]! * noise.data[i]!);
  return { dtype: 'float32', shape: mean.shape, data };
}

/** CogVideoX, from text or from a clip. */
export const cogVideoX: ModelFamily = {
  name: 'cogvideox',
  pipelineClasses: ['CogVideoXPipeline', 'CogVideoXVideoToVideoPipeline'],
  components: [
    'text_encoder',
    'transformer',
    'vae_decoder_first',
    'vae_decoder_first_even',
    'vae_decoder_next',
  ],
  optionalComponents: ['vae_encoder_first', 'vae_encoder_next'],
  open,
};
