/**
 * Inputs and output of HunyuanVideo's transformer: all branches in one run, each with a text, its mask and a second
 * text as one vector. A model that was distilled with guidance takes the scale as an input.
 */
import { concatAxis, indexView, reshapeView, type Tensor, zeros } from '@reelgraph/tensor';
import { z } from 'zod';
import { batchText } from '../text-batch.ts';
import type { OpenDenoiser } from './denoiser.ts';
import { output } from './output.ts';

const settingsSchema = z.object({ embedsGuidance: z.boolean(), guidance: z.number() });

/** The scale is fed as timesteps are. */
const guidanceUnit = 1000;

export const openHunyuanDenoiser: OpenDenoiser = ({ shape, branches, settings }) => {
  const { embedsGuidance, guidance } = settingsSchema.parse(settings);
  const count = branches.length;
  const { embeds, mask } = batchText(branches);
  const pooled = branches.map((branch): Tensor<'float32'> => {
    if (branch.pooled === undefined) throw new Error('A text of HunyuanVideo has a second one beside it.');
    return branch.pooled;
  });
  const constant = {
    encoder_hidden_states: embeds,
    encoder_attention_mask: mask,
    pooled_projections: concatAxis(pooled, 0),
    ...(embedsGuidance
      ? {
          guidance: {
            dtype: 'float32',
            shape: [count],
            data: new Float32Array(count).fill(guidance * guidanceUnit),
          } as const,
        }
      : {}),
  };
  const samples = zeros('float32', shape.with(0, count));
  const timestep = zeros('float32', [count]);
  return {
    feedsAt({ data }, _, time) {
      for (let branch = 0; branch < count; branch++) samples.data.set(data, branch * data.length);
      timestep.data.fill(time);
      return { hidden_states: samples, timestep, ...constant };
    },
    velocitiesOf(outputs) {
      const velocities = output(outputs, 'sample');
      return branches.map((_, branch) => reshapeView(indexView(velocities, branch), shape));
    },
  };
};
