/**
 * CogVideoX from text, with rotary places (5B): a model of constant variance that says v. Its noise is drawn frame by
 * frame, and its VAE decodes two latent frames at a time, the first time with the odd one.
 *
 * @see diffusers CogVideoXPipeline, AutoencoderKLCogVideoX (the formulas)
 */
import { addNoise, createLatentPreview, denormaliseLatent, sigmaToTimestep } from '@reelgraph/diffusion';
import { type Conditioning, type ModelFacts, NodeError } from '@reelgraph/node-api';
import { concatAxis, NoiseGenerator, sliceAxis, type Tensor, tensor } from '@reelgraph/tensor';
import { z } from 'zod';
import { damagedModel, type ModelPackage, readPartConfig } from '../model-package.ts';
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
    readsFrames: false,
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
      caches = Object.fromEntries(
        Object.entries(outputs).flatMap(([part, value]) =>
          part.startsWith('new_') ? [[part.slice('new_'.length), value]] : [],
        ),
      );
      const frames = output(outputs, 'video');
      for (let i = 0; i < frames.data.length; i++)
        frames.data[i] = Math.min(1, Math.max(-1, frames.data[i]!));
      const count = Math.min(left, frames.shape[2] ?? 0);
      yield count === frames.shape[2] ? frames : sliceAxis(frames, 2, 0, count);
      left -= count;
      start = end;
    }
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

    begin({ clip, noise: { seed }, sigma, conditioning: { known } }) {
      const [, channels = 0, frames = 0, height = 0, width = 0] = clip.shape;
      const drawn = [1, frames, channels, height, width];
      const samples = swapFrames(new NoiseGenerator(seed).normal(drawn));
      const noise = { samples, seed, drawn: [drawn], framesFirst: true as const };
      return {
        from: addNoise('v', clip, samples, sigma),
        noise,
        ...(known === undefined ? {} : { known }),
      };
    },

    async encodeFrames() {
      throw new NodeError('model/no-encoder', `Model "${name}" makes clips of text only here.`, {
        hint: 'Choose a model that can read pictures.',
      });
    },

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

/** CogVideoX, from text. */
export const cogVideoX: ModelFamily = {
  name: 'cogvideox',
  pipelineClasses: ['CogVideoXPipeline'],
  components: [
    'text_encoder',
    'transformer',
    'vae_decoder_first',
    'vae_decoder_first_even',
    'vae_decoder_next',
  ],
  open,
};
