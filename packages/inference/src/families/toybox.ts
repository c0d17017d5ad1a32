/**
 * Toybox, the model that ships with Reelgraph. Its graphs speak our words almost literally: velocity of a
 * straight flow, timestep = sigma * 1000, clean frames by a latent and a mask.
 */
import {
  createLatentPreview,
  denormaliseLatent,
  normaliseLatent,
  sigmaToTimestep,
} from '@reelgraph/diffusion';
import type { Conditioning, DenoiseRequest, ModelFacts } from '@reelgraph/node-api';
import { schedulerConfigSchema, transformerConfigSchema, vaeConfigSchema } from '../model-config.ts';
import { damagedModel, type ModelPackage, readModelJson } from '../model-package.ts';
import { TextTokenizer } from '../text-tokenizer.ts';
import type { FamilyModel, ModelFamily } from './family.ts';
import { output } from './output.ts';
import { previewFit } from './preview-fit.ts';
import { openToyboxDenoiser } from './toybox-denoiser.ts';
import { openWorldGraphs } from './toybox-world.ts';

async function open(modelPackage: ModelPackage): Promise<FamilyModel> {
  const { name, folder, index } = modelPackage;
  const transformer = await readModelJson(name, folder, 'transformer/config.json', transformerConfigSchema);
  const encoder = await readModelJson(name, folder, 'vae_encoder/config.json', vaeConfigSchema);
  const decoder = await readModelJson(name, folder, 'vae_decoder/config.json', vaeConfigSchema);
  const scheduler = await readModelJson(
    name,
    folder,
    'scheduler/scheduler_config.json',
    schedulerConfigSchema,
  );
  const tokenizer = await TextTokenizer.open(modelPackage, transformer.max_text_length);
  if (transformer.in_channels !== decoder.z_dim) {
    throw damagedModel(
      name,
      'transformer/config.json',
      `has ${transformer.in_channels} latent channels where vae_decoder/config.json has ${decoder.z_dim}`,
    );
  }

  const world = await openWorldGraphs(modelPackage);
  const spatial = decoder.scale_factor_spatial;
  const temporal = decoder.scale_factor_temporal;
  const recommended = index.reelgraph?.recommended;
  const facts: ModelFacts = {
    name,
    family: 'toybox',
    latentChannels: decoder.z_dim,
    vaeScale: { spatial, temporal },
    sizeMultiple: spatial * Math.max(transformer.patch_size[1], transformer.patch_size[2]),
    frameRule: { multiple: temporal * transformer.patch_size[0], plus: 1 },
    maxTextTokens: transformer.max_text_length,
    ...(index.reelgraph?.vocabulary === undefined ? {} : { vocabulary: index.reelgraph.vocabulary }),
    ...(world === undefined ? {} : { world: world.facts }),
    defaultShift: recommended?.shift ?? scheduler.shift,
    recommended: {
      steps: recommended?.steps ?? 20,
      guidanceScale: recommended?.guidanceScale ?? 4,
      ...(recommended?.sampler === undefined ? {} : { sampler: recommended.sampler }),
      fps: recommended?.fps ?? 8,
      frameCount: recommended?.frames ?? 17,
      widthPx: recommended?.width ?? 64,
      heightPx: recommended?.height ?? 64,
    },
  };
  const encoderStatistics = { mean: encoder.latents_mean, std: encoder.latents_std };
  const previewLatent = createLatentPreview(previewFit(decoder));
  const decoderStatistics = { mean: decoder.latents_mean, std: decoder.latents_std };

  return {
    facts,

    async encodeText(run, text, signal): Promise<Conditioning> {
      const { ids, mask } = tokenizer.tokenize(text);
      const outputs = await run('text_encoder', { input_ids: ids, attention_mask: mask }, signal);
      return { promptEmbeds: output(outputs, 'last_hidden_state'), promptMask: mask };
    },

    async denoise(run, request: DenoiseRequest, signal) {
      const { sample, sigma, timestep = sigmaToTimestep(sigma), branches, known } = request;
      const denoiser = openToyboxDenoiser({ shape: sample.shape, branches, known });
      return denoiser.velocitiesOf(
        await run('transformer', denoiser.feedsAt(sample, sigma, timestep), signal),
      );
    },

    async encodeFrames(run, pixels, signal) {
      const outputs = await run('vae_encoder', { sample: pixels }, signal);
      return normaliseLatent(output(outputs, 'latent_mean'), encoderStatistics);
    },

    async decodeLatent(run, latent, signal) {
      const outputs = await run(
        'vae_decoder',
        { latent_sample: denormaliseLatent(latent, decoderStatistics) },
        signal,
      );
      // Nobody else has it: what a run gives is handed over.
      const frames = output(outputs, 'sample');
      for (let i = 0; i < frames.data.length; i++)
        frames.data[i] = Math.min(1, Math.max(-1, frames.data[i]!));
      return frames;
    },

    decodeContext: { temporal: decoder.decoder_blocks, spatial: decoder.decoder_blocks },
    previewLatent,
    ...(world === undefined ? {} : { world }),
  };
}

/** See `packages/toybox` for the model itself. */
export const toybox: ModelFamily = {
  name: 'toybox',
  pipelineClasses: ['ToyboxPipeline'],
  components: ['text_encoder', 'transformer', 'vae_encoder', 'vae_decoder'],
  open,
};
