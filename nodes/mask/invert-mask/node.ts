import { defineNode } from '@reelgraph/node-api';

/** Marks what was not marked. */
export const invertMask = defineNode({
  type: 'invert-mask',
  version: 1,
  title: 'Invert mask',
  description: 'Marks everything that was not marked: what would change stays, and the rest changes.',
  category: 'Mask',
  synonyms: ['negate', 'opposite', 'outside', 'outpaint', 'flip mask'],
  inputs: {
    mask: { type: 'mask', label: 'Mask', description: 'The mask to turn inside out.' },
  },
  outputs: {
    mask: { type: 'mask', label: 'Mask', description: 'Its opposite.' },
  },
  params: {},
  cache: 'memory',
  lane: 'cpu',
  infer: ({ inputs }) => ({ outputs: { mask: { ...inputs.mask } }, issues: [] }),
  run({ inputs }) {
    const { weights } = inputs.mask;
    return { mask: { weights: { ...weights, data: weights.data.map((weight) => 1 - weight) } } };
  },
});
