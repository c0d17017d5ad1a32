/**
 * Pictures for the Wan models that make clips of pictures: behind the channels of the clip stand a mask of given frames
 * and the latent of a clip that has the pictures in their places and grey everywhere else. In Wan 2.1 an image encoder
 * tells of each picture besides.
 *
 * @see diffusers WanImageToVideoPipeline.prepare_latents, encode_image (the layout)
 */
import { type ModelFacts, NodeError, type PictureGuide, type PlacedStill } from '@reelgraph/node-api';
import { concatAxis, type Tensor, zeros } from '@reelgraph/tensor';
import { z } from 'zod';
import { damagedModel, hasComponent, type ModelPackage, readPartConfig } from '../model-package.ts';
import { clipPixels, clipProcessorSchema } from './clip-pixels.ts';
import type { FamilyModel } from './family.ts';
import { output } from './output.ts';

export type PictureNeed = NonNullable<ModelFacts['needsPictures']>;

interface VaeScales {
  readonly z_dim: number;
  readonly scale_factor_temporal: number;
}

/** How many pictures its image encoder tells the transformer of. */
const imageSchema = z.object({ pictures: z.literal([1, 2]).default(1) });

/**
 * Which pictures the model is made for; undefined where it makes clips of text.
 *
 * @throws NodeError 'model/not-yet' where the transformer has channels for something else
 */
export async function pictureNeedOf(
  modelPackage: ModelPackage,
  channels: number,
  { z_dim: latent, scale_factor_temporal: mask }: VaeScales,
): Promise<PictureNeed | undefined> {
  const { name, manifest } = modelPackage;
  if (channels === latent) return undefined;
  if (channels < latent) {
    throw damagedModel(
      name,
      manifest === undefined ? 'transformer/config.json' : 'manifest.json',
      `has a transformer of ${channels} channels and a VAE of ${latent}; text to video needs as many`,
    );
  }
  if (channels !== 2 * latent + mask) {
    throw new NodeError(
      'model/not-yet',
      `Model "${name}" is of a kind of Wan that reads more than pictures beside the clip (${channels} channels), which Reelgraph does not run yet.`,
      { hint: 'Choose a Wan package that makes clips of text, or of a first or a first and last picture.' },
    );
  }
  const readsTokens = manifest?.components.transformer?.inputs.some(
    (input) => input.name === 'encoder_hidden_states_image',
  );
  if (!(await hasComponent(modelPackage, 'image_encoder'))) {
    if (readsTokens === true) throw damagedModel(name, 'image_encoder', 'is missing');
    return 'first-or-both';
  }
  if (manifest?.config.image === undefined) return 'first';
  const { pictures } = await readPartConfig(modelPackage, 'image', [], imageSchema);
  return pictures === 2 ? 'both' : 'first';
}

/** @param encodeFrames frames to the mean of their latent, normalised */
export async function openPicturePlacing(
  modelPackage: ModelPackage,
  need: PictureNeed,
  { z_dim: latentChannels, scale_factor_temporal: temporal }: VaeScales,
  encodeFrames: FamilyModel['encodeFrames'],
): Promise<NonNullable<FamilyModel['placePicture']>> {
  const { name } = modelPackage;
  const processor = (await hasComponent(modelPackage, 'image_encoder'))
    ? await readPartConfig(
        modelPackage,
        'image_processor',
        ['image_processor/preprocessor_config.json'],
        clipProcessorSchema,
      )
    : undefined;

  return async (run, { picture, still, frame, frameCount, guide }, signal): Promise<PictureGuide> => {
    const isPlace = frame === 0 || (frame === frameCount - 1 && need !== 'first');
    if (!isPlace) throw picturesNeeded(name, need);
    const placed: PlacedStill = {
      pixels: still,
      frame,
      ...(processor === undefined
        ? {}
        : {
            tokens: output(
              await run('image_encoder', { pixel_values: clipPixels(picture, processor) }, signal),
              'hidden_states',
            ),
          }),
    };
    const others = (guide?.stills ?? []).filter((other) => other.frame !== frame);
    const stills = [...others, placed].sort((a, b) => a.frame - b.frame);
    const isComplete = stills[0]?.frame === 0 && (need !== 'both' || stills.length === 2);
    if (!isComplete) return { stills };

    const clip = zeros('float32', still.shape.with(2, frameCount));
    for (const { pixels, frame: at } of stills) setFrame(clip, pixels, at);
    const latent = await encodeFrames(run, clip, signal);
    const mask = zeros('float32', latent.shape.with(1, temporal));
    const plane = latent.data.length / (latentChannels * (latent.shape[2] ?? 1));
    for (const { frame: at } of stills) markFrame(mask, at, plane);
    const tokens = stills.flatMap((each) => each.tokens ?? []);
    return {
      channels: concatAxis([mask, latent], 1),
      ...(tokens.length === 0 ? {} : { tokens: concatAxis(tokens, 0) }),
      stills,
    };
  };
}

function setFrame({ shape, data }: Tensor<'float32'>, picture: Tensor<'float32'>, at: number): void {
  const [, channels = 0, frames = 0] = shape;
  const plane = picture.data.length / channels;
  for (let channel = 0; channel < channels; channel++) {
    const from = picture.data.subarray(channel * plane, (channel + 1) * plane);
    data.set(from, (channel * frames + at) * plane);
  }
}

/**
 * A channel for every frame that a latent frame stands for. The first frame, alone in its latent frame, has all of them.
 *
 * @param mask [1, n, T, H, W]
 */
function markFrame({ shape, data }: Tensor<'float32'>, frame: number, plane: number): void {
  const [, perLatent = 1, frames = 0] = shape;
  const place = frame === 0 ? 0 : Math.floor((frame - 1) / perLatent) + 1;
  const channels = frame === 0 ? Array.from({ length: perLatent }, (_, i) => i) : [(frame - 1) % perLatent];
  for (const channel of channels) {
    const start = (channel * frames + place) * plane;
    data.fill(1, start, start + plane);
  }
}

const needs: Readonly<Record<PictureNeed, string>> = {
  first: 'a picture as its first frame, and takes no other',
  both: 'two pictures, as its first and its last frame',
  'first-or-both': 'a picture as its first frame, and may have another as its last',
};

export function picturesNeeded(name: string, need: PictureNeed): NodeError {
  return new NodeError(
    'model/no-picture',
    `Model "${name}" makes clips of pictures: it needs ${needs[need]}.`,
    { hint: 'Place them with "Image to clip" between the prompt and "Denoise".' },
  );
}
