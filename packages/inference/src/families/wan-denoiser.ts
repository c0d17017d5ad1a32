/**
 * Inputs and output of Wan's transformers: all branches in one run. The text has no mask, only zeros after its end. Where
 * every token has a timestep of its own (Wan 2.2 TI2V), given places are told to be clean. Pictures of the first branch
 * stand behind the channels of the clip, and what an image encoder says of them beside the text, in all branches.
 */
import type { KnownLatent } from '@reelgraph/node-api';
import {
  concatAxis,
  formatShape,
  indexView,
  reshapeView,
  type Tensor,
  TensorError,
  zeros,
} from '@reelgraph/tensor';
import { z } from 'zod';
import { batchText } from '../text-batch.ts';
import type { OpenDenoiser } from './denoiser.ts';
import { output } from './output.ts';

const settingsSchema = z.object({
  patchSize: z.tuple([z.number(), z.number(), z.number()]),
  timestepPerToken: z.boolean(),
});
export type WanClipSettings = z.infer<typeof settingsSchema>;

/** 1 where a token is to be made, 0 where it is given, [N]; the place of its first row and column counts. */
function tokensToMake(
  shape: readonly number[],
  known: KnownLatent | undefined,
  { patchSize: [pt, ph, pw] }: WanClipSettings,
): Float32Array {
  const [, , frames = 0, height = 0, width = 0] = shape;
  const toMake: number[] = [];
  for (let t = 0; t < frames; t += pt)
    for (let y = 0; y < height; y += ph)
      for (let x = 0; x < width; x += pw)
        toMake.push(1 - (known?.mask.data[(t * height + y) * width + x] ?? 0));
  return Float32Array.from(toMake);
}

/** @throws TensorError 'tensor/shape-mismatch' when the pictures were placed in a clip of another size */
function channelsOf(
  channels: Tensor<'float32'> | undefined,
  shape: readonly number[],
): Tensor<'float32'> | undefined {
  if (channels?.shape.every((size, axis) => axis === 1 || size === shape[axis]) !== false) return channels;
  throw new TensorError(
    'tensor/shape-mismatch',
    `Pictures ${formatShape(channels.shape)} were placed in a clip of another size than ${formatShape(shape)}.`,
  );
}

export const openWanDenoiser: OpenDenoiser = ({ shape, branches, known, settings }) => {
  const about = settingsSchema.parse(settings);
  const count = branches.length;
  const toMake = about.timestepPerToken ? tokensToMake(shape, known, about) : undefined;
  const { embeds } = batchText(branches);
  const guide = branches[0]?.guide;
  const channels = channelsOf(guide?.channels, shape);
  const whole = shape.with(0, count).with(1, (shape[1] ?? 0) + (channels?.shape[1] ?? 0));
  const samples = zeros('float32', whole);
  const stride = samples.data.length / count;
  if (channels !== undefined)
    for (let branch = 1; branch <= count; branch++)
      samples.data.set(channels.data, branch * stride - channels.data.length);
  const images =
    guide?.tokens === undefined
      ? {}
      : { encoder_hidden_states_image: concatAxis(Array<Tensor<'float32'>>(count).fill(guide.tokens), 0) };
  const timestep = zeros('float32', toMake === undefined ? [count] : [count, toMake.length]);
  return {
    feedsAt({ data }, _, time) {
      for (let branch = 0; branch < count; branch++) samples.data.set(data, branch * stride);
      if (toMake === undefined) timestep.data.fill(time);
      else
        for (let i = 0; i < timestep.data.length; i++) timestep.data[i] = time * toMake[i % toMake.length]!;
      return { hidden_states: samples, timestep, encoder_hidden_states: embeds, ...images };
    },
    velocitiesOf(outputs) {
      const velocities = output(outputs, 'sample');
      return branches.map((_, branch) => reshapeView(indexView(velocities, branch), shape));
    },
  };
};
