/** Inputs and output of Wan's transformers: all branches in one run. The text has no mask, only zeros after its end. */
import { indexView, reshapeView, zeros } from '@reelgraph/tensor';
import { batchText } from '../text-batch.ts';
import type { OpenDenoiser } from './denoiser.ts';
import { output } from './output.ts';

export const openWanDenoiser: OpenDenoiser = ({ shape, branches }) => {
  const count = branches.length;
  const { embeds } = batchText(branches);
  const samples = zeros('float32', shape.with(0, count));
  const timestep = zeros('float32', [count]);
  return {
    feedsAt({ data }, _, time) {
      for (let branch = 0; branch < count; branch++) samples.data.set(data, branch * data.length);
      timestep.data.fill(time);
      return { hidden_states: samples, timestep, encoder_hidden_states: embeds };
    },
    velocitiesOf(outputs) {
      const velocities = output(outputs, 'sample');
      return branches.map((_, branch) => reshapeView(indexView(velocities, branch), shape));
    },
  };
};
