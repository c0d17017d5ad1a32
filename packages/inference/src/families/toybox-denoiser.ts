/** Inputs and output of the Toybox transformer: all branches in one run, so that the weights pass the cache once. */
import { concatAxis, indexView, reshapeView, type Tensor, zeros } from '@reelgraph/tensor';
import { batchText } from '../text-batch.ts';
import type { OpenDenoiser } from './denoiser.ts';
import { output } from './output.ts';

function repeatBatch(value: Tensor<'float32'>, count: number): Tensor<'float32'> {
  return count === 1 ? value : concatAxis(Array<Tensor<'float32'>>(count).fill(value), 0);
}

export const openToyboxDenoiser: OpenDenoiser = ({ shape, branches, known }) => {
  const count = branches.length;
  const { embeds, mask } = batchText(branches);
  const constant = {
    encoder_hidden_states: embeds,
    encoder_attention_mask: mask,
    condition_latents: repeatBatch(known?.latent ?? zeros('float32', shape), count),
    condition_mask: repeatBatch(known?.mask ?? zeros('float32', shape.with(1, 1)), count),
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
