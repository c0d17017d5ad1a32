/**
 * Inputs and output of LTX-Video's transformer. It takes tokens with the place and the timestep of each: given places
 * are told to be cleaner than the rest.
 */
import { type PatchSize, patchify, placeTimestep, unpatchify } from '@reelgraph/diffusion';
import type { KnownLatent } from '@reelgraph/node-api';
import { indexView, reshapeView, type Tensor, zeros } from '@reelgraph/tensor';
import { z } from 'zod';
import { batchText } from '../text-batch.ts';
import type { OpenDenoiser } from './denoiser.ts';
import { output } from './output.ts';

const settingsSchema = z.object({
  temporal: z.number(),
  spatial: z.number(),
  patchSize: z.tuple([z.number(), z.number(), z.number()]),
  frameRate: z.number().positive(),
  /** Frames count from the first picture, not from the first latent frame: LTXConditionPipeline. */
  fromFirstPicture: z.boolean(),
});
export type LtxClipSettings = z.infer<typeof settingsSchema>;

/**
 * Where each token stands: seconds, and pixels from the top and the left; [3, N] row by row.
 *
 * Latent frame f is (f temporal) / rate seconds in; counted from the first picture, which is alone in its latent frame,
 * max(f temporal - (temporal - 1), 0) / rate. Frames in front of the clip stand where they are said to.
 *
 * @see diffusers LTXPipeline (`rope_interpolation_scale`) and LTXConditionPipeline (`_scale_video_ids`)
 */
export function tokenCoordinates(
  shape: readonly number[],
  settings: LtxClipSettings,
  guideFrames: readonly number[] = [],
): Float32Array {
  const { temporal, spatial, patchSize, frameRate, fromFirstPicture } = settings;
  const [, , frames = 0, height = 0, width = 0] = shape;
  const [pt, ph, pw] = patchSize;
  const tokens = (frames / pt) * (height / ph) * (width / pw);
  const coordinates = new Float32Array(3 * tokens);
  let token = 0;
  for (let frame = 0; frame < frames; frame += pt) {
    const own = (frame - guideFrames.length) * temporal;
    const picture = guideFrames[frame] ?? (fromFirstPicture ? Math.max(own - (temporal - 1), 0) : own);
    for (let y = 0; y < height; y += ph) {
      for (let x = 0; x < width; x += pw) {
        coordinates[token] = picture / frameRate;
        coordinates[tokens + token] = y * spatial;
        coordinates[2 * tokens + token] = x * spatial;
        token += 1;
      }
    }
  }
  return coordinates;
}

/** Strength of each token, [N]; undefined where nothing is given. */
function tokenStrengths(known: KnownLatent | undefined, [pt, ph, pw]: PatchSize): Float32Array | undefined {
  const isTold = known?.hold?.kind === 'clean' || known?.hold?.kind === 'by-strength';
  if (known === undefined || !isTold) return undefined;
  const [, , frames = 0, height = 0, width = 0] = known.mask.shape;
  const strengths: number[] = [];
  for (let t = 0; t < frames; t += pt)
    for (let y = 0; y < height; y += ph)
      for (let x = 0; x < width; x += pw) strengths.push(known.mask.data[(t * height + y) * width + x]!);
  return Float32Array.from(strengths);
}

export const openLtxDenoiser: OpenDenoiser = ({ shape, branches, known, settings }) => {
  const about = settingsSchema.parse(settings);
  const { patchSize } = about;
  const count = branches.length;
  const { embeds, mask } = batchText(branches);
  const isByStrength = known?.hold?.kind === 'by-strength';
  const guideFrames = known?.hold?.kind === 'by-strength' ? known.hold.guideFrames : [];
  const coordinates = repeated(tokenCoordinates(shape, about, guideFrames), count);
  const strengths = tokenStrengths(known, patchSize);
  const tokenCount = coordinates.length / (3 * count);
  const timestep = zeros('float32', [count, tokenCount]);
  const constant = {
    encoder_hidden_states: embeds,
    encoder_attention_mask: mask,
    video_coords: { dtype: 'float32', shape: [count, 3, tokenCount], data: coordinates } as const,
  };
  const timeOf = (strength: number, time: number): number =>
    isByStrength ? placeTimestep(time, strength) : time * (1 - strength);
  return {
    feedsAt(sample, _, time) {
      const { data, shape: packed } = patchify(sample, patchSize);
      for (let i = 0; i < timestep.data.length; i++)
        timestep.data[i] = strengths === undefined ? time : timeOf(strengths[i % tokenCount]!, time);
      const hidden: Tensor<'float32'> = {
        dtype: 'float32',
        shape: packed.with(0, count),
        data: repeated(data, count),
      };
      return { hidden_states: hidden, timestep, ...constant };
    },
    velocitiesOf(outputs) {
      const velocities = output(outputs, 'sample');
      return branches.map((_, branch) => {
        const tokens = indexView(velocities, branch);
        return unpatchify(reshapeView(tokens, [1, ...tokens.shape]), shape, patchSize);
      });
    },
  };
};

function repeated(data: Float32Array, count: number): Float32Array {
  const all = new Float32Array(count * data.length);
  for (let i = 0; i < count; i++) all.set(data, i * data.length);
  return all;
}
