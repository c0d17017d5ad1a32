import { defineNode } from '@reelgraph/node-api';
import { randomNormal } from '@reelgraph/tensor';

/** Draws the grain that the model turns into a picture. */
export const noise = defineNode({
  type: 'noise',
  version: 1,
  title: 'Noise',
  description:
    'Draws the random grain a clip grows from. The same seed always gives the same clip; another seed, another take.',
  category: 'Latent',
  synonyms: ['random noise', 'seed', 'take', 'variation'],
  inputs: {
    latent: {
      type: 'latent',
      label: 'Latent',
      description: 'The strip to draw grain for; only its size counts.',
    },
  },
  outputs: {
    noise: { type: 'noise', label: 'Noise', description: 'Random grain of the same size.' },
  },
  params: {
    seed: {
      kind: 'seed',
      label: 'Seed',
      description: 'The number that names this take. Note it to get the same clip again.',
      default: '0',
    },
  },
  cache: 'memory',
  lane: 'cpu',
  infer: ({ inputs }) => ({ outputs: { noise: { ...inputs.latent } }, issues: [] }),
  run: ({ inputs, params }) => ({
    noise: { samples: randomNormal(params.seed, inputs.latent.samples.shape), seed: params.seed },
  }),
});
