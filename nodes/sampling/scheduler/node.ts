import { flowSigmas } from '@reelgraph/diffusion';
import { defineNode } from '@reelgraph/node-api';

/** Plans the way from grain to picture. */
export const scheduler = defineNode({
  type: 'scheduler',
  version: 1,
  title: 'Steps',
  description:
    'Plans in how many steps grain becomes picture, and whether more of them go to layout or to detail.',
  category: 'Sampling',
  synonyms: ['sigmas', 'basic scheduler', 'model sampling', 'shift', 'schedule'],
  inputs: {},
  outputs: {
    sigmas: {
      type: 'sigmas',
      label: 'Sigmas',
      description: 'How much grain is left after each step, from all to none.',
    },
  },
  params: {
    steps: {
      kind: 'integer',
      label: 'Steps',
      description: 'More steps take longer and look cleaner; beyond 30 the gain is small.',
      default: 20,
      min: 1,
      max: 200,
    },
    shift: {
      kind: 'number',
      label: 'Shift',
      description: 'Above 1 more steps go to layout and motion, below 1 to fine detail.',
      default: 1,
      min: 0.1,
      max: 100,
      step: 0.1,
    },
  },
  cache: 'memory',
  lane: 'cpu',
  infer: ({ params }) => ({ outputs: { sigmas: { steps: params.steps } }, issues: [] }),
  run: ({ params }) => ({ sigmas: { values: flowSigmas({ steps: params.steps, shift: params.shift }) } }),
});
