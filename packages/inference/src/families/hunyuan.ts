/**
 * HunyuanVideo from text: a language model reads the prompt within a template, CLIP reads it as one vector, guidance is
 * an input of the transformer, and the VAE decodes long clips in pieces of time that are blended.
 *
 * @see diffusers HunyuanVideoPipeline, AutoencoderKLHunyuanVideo (the formulas)
 */
import { addNoise, createLatentPreview, denormaliseLatent, sigmaToTimestep } from '@reelgraph/diffusion';
import { type Conditioning, type ModelFacts, NodeError } from '@reelgraph/node-api';
import { concatAxis, sliceAxis, type Tensor, tensor } from '@reelgraph/tensor';
import { z } from 'zod';
import { damagedModel, type ModelPackage, readPartConfig } from '../model-package.ts';
import { TextTokenizer } from '../text-tokenizer.ts';
import type { FamilyModel, ModelFamily } from './family.ts';
import { openHunyuanDenoiser } from './hunyuan-denoiser.ts';
import { output } from './output.ts';
import { previewFit } from './preview-fit.ts';
import { readSchedulerConfig } from './scheduler-config.ts';

const positiveInt = z.number().int().positive();

const transformerSchema = z.object({
  in_channels: positiveInt,
  patch_size: positiveInt.default(2),
  patch_size_t: positiveInt.default(1),
  guidance_embeds: z.boolean().default(true),
});

const vaeSchema = z.object({
  latent_channels: positiveInt,
  scale_factor_temporal: positiveInt.default(4),
  scale_factor_spatial: positiveInt.default(8),
  scaling_factor: z.number().positive().default(0.476986),
  tile_frames: positiveInt.default(16),
  tile_frames_stride: positiveInt.default(12),
});

const textSchema = z.object({
  template: z.string().refine((text) => text.includes('{}'), 'has no place for the prompt'),
  crop_start: z.number().int().min(0),
  max_sequence_length: positiveInt.max(4096).default(256),
  clip_max_length: positiveInt.max(4096).default(77),
});

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
  if (transformer.in_channels !== vae.latent_channels)
    throw damagedModel(
      name,
      'manifest.json',
      `has a transformer of ${transformer.in_channels} channels and a VAE of ${vae.latent_channels}; text to video needs as many`,
    );
  const tokenizer = await TextTokenizer.open(modelPackage, text.max_sequence_length + text.crop_start);
  const clipTokenizer = await TextTokenizer.open(modelPackage, text.clip_max_length, 'tokenizer_2');
  const own = index.reelgraph?.recommended;
  const facts: ModelFacts = {
    name,
    family: 'hunyuanvideo',
    latentChannels: vae.latent_channels,
    vaeScale: { spatial: vae.scale_factor_spatial, temporal: vae.scale_factor_temporal },
    sizeMultiple: vae.scale_factor_spatial * transformer.patch_size,
    frameRule: { multiple: vae.scale_factor_temporal * transformer.patch_size_t, plus: 1 },
    maxTextTokens: text.max_sequence_length,
    cutsText: true,
    parametrisation: 'flow',
    defaultShift: own?.shift ?? 0,
    ...(transformer.guidance_embeds ? { embedsGuidance: true as const } : {}),
    readsFrames: false,
    recommended: {
      steps: own?.steps ?? 50,
      guidanceScale: own?.guidanceScale ?? 6,
      scheduler: (await readSchedulerConfig(modelPackage)) ?? {
        _class_name: 'FlowMatchEulerDiscreteScheduler',
        shift: 7,
      },
      levels: 'even',
      fps: own?.fps ?? 24,
      frameCount: own?.frames ?? 129,
      widthPx: own?.width ?? 1280,
      heightPx: own?.height ?? 720,
    },
  };
  const statistics = {
    mean: Array<number>(vae.latent_channels).fill(0),
    std: Array<number>(vae.latent_channels).fill(1 / vae.scaling_factor),
  };
  const settingsFor = (guidance: number | undefined) => ({
    embedsGuidance: transformer.guidance_embeds,
    guidance: guidance ?? facts.recommended.guidanceScale,
  });

  return {
    facts,
    clipSettings: (_, { guidance }) => settingsFor(guidance),

    async encodeText(run, prompt, signal): Promise<Conditioning> {
      const { ids, mask } = tokenizer.tokenizePadded(text.template.replace('{}', () => prompt));
      const outputs = await run('text_encoder', { input_ids: ids, attention_mask: mask }, signal);
      const length = mask.data.length;
      // The words of the template in front of the prompt are read, and dropped.
      const embeds = sliceAxis(output(outputs, 'hidden_states'), 1, text.crop_start, length);
      const kept = mask.data.slice(text.crop_start);
      const clip = clipTokenizer.tokenizePadded(prompt);
      const second = await run('text_encoder_2', { input_ids: clip.ids }, signal);
      return {
        promptEmbeds: embeds,
        promptMask: tensor('int64', [1, kept.length], kept),
        pooled: output(second, 'pooled'),
      };
    },

    async denoise(run, request, signal) {
      const { sample, sigma, timestep = sigmaToTimestep(sigma), branches, guidance } = request;
      const settings = settingsFor(guidance);
      const denoiser = openHunyuanDenoiser({ shape: sample.shape, branches, settings });
      return denoiser.velocitiesOf(
        await run('transformer', denoiser.feedsAt(sample, sigma, timestep), signal),
      );
    },

    begin: ({ clip, noise, sigma, conditioning: { known } }) => ({
      from: addNoise('flow', clip, noise.samples, sigma),
      noise,
      ...(known === undefined ? {} : { known }),
    }),

    async encodeFrames() {
      throw new NodeError('model/no-encoder', `Model "${name}" makes clips of text only.`, {
        hint: 'Choose a model that can read pictures.',
      });
    },

    async decodeLatent(run, latent, signal) {
      const latents = denormaliseLatent(latent, statistics);
      const decode = async (piece: Tensor<'float32'>) =>
        output(await run('vae_decoder', { latents: piece }, signal), 'video');
      const frames = await decodeInPieces(latents, decode, {
        frames: vae.tile_frames,
        stride: vae.tile_frames_stride,
        temporal: vae.scale_factor_temporal,
      });
      for (let i = 0; i < frames.data.length; i++)
        frames.data[i] = Math.min(1, Math.max(-1, frames.data[i]!));
      return frames;
    },
    previewLatent: createLatentPreview(
      previewFit({ z_dim: vae.latent_channels, latent_rgb_patch: [1, 1, 1] }),
    ),
  };
}

/**
 * Pieces of `frames` pictures every `stride`, each later one without its first picture; where two meet, one turns into
 * the other in equal steps. Short clips are one piece.
 */
async function decodeInPieces(
  latents: Tensor<'float32'>,
  decode: (piece: Tensor<'float32'>) => Promise<Tensor<'float32'>>,
  piece: { readonly frames: number; readonly stride: number; readonly temporal: number },
): Promise<Tensor<'float32'>> {
  const total = latents.shape[2] ?? 0;
  const length = Math.floor(piece.frames / piece.temporal);
  if (total <= length) return decode(latents);
  const step = Math.floor(piece.stride / piece.temporal);
  const kept: Tensor<'float32'>[] = [];
  let before: Tensor<'float32'> | undefined;
  for (let start = 0; start < total; start += step) {
    const whole = await decode(sliceAxis(latents, 2, start, Math.min(total, start + length + 1)));
    const count = whole.shape[2] ?? 0;
    // Of a single picture nothing is left.
    if (before !== undefined && count === 1) break;
    const frames = before === undefined ? whole : sliceAxis(whole, 2, 1, count);
    if (before !== undefined) blendInto(frames, before, piece.frames - piece.stride);
    const most = before === undefined ? piece.stride + 1 : piece.stride;
    kept.push(sliceAxis(frames, 2, 0, Math.min(most, frames.shape[2] ?? 0)));
    before = frames;
  }
  const all = concatAxis(kept, 2);
  return sliceAxis(all, 2, 0, Math.min(all.shape[2] ?? 0, (total - 1) * piece.temporal + 1));
}

/** The first frames of `frames` from the last ones of `before`: before (1 - k / n) + frames k / n, in place. */
function blendInto(frames: Tensor<'float32'>, before: Tensor<'float32'>, most: number): void {
  const [, channels = 0, count = 0, height = 0, width = 0] = frames.shape;
  const earlier = before.shape[2] ?? 0;
  const n = Math.min(most, count, earlier);
  const plane = height * width;
  for (let channel = 0; channel < channels; channel++) {
    for (let k = 0; k < n; k++) {
      const from = (channel * earlier + earlier - n + k) * plane;
      const to = (channel * count + k) * plane;
      for (let i = 0; i < plane; i++)
        frames.data[to + i] = before.data[from + i]! * (1 - k / n) + frames.data[to + i]! * (k / n);
    }
  }
}

/** HunyuanVideo, from text. */
export const hunyuanVideo: ModelFamily = {
  name: 'hunyuanvideo',
  pipelineClasses: ['HunyuanVideoPipeline'],
  components: ['text_encoder', 'text_encoder_2', 'transformer', 'vae_decoder'],
  open,
};
