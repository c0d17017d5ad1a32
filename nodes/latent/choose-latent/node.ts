import { defineNode, NodeError } from '@reelgraph/node-api';

const ports = ['first', 'second', 'third', 'fourth'] as const;

/** One of several takes. */
export const chooseLatent = defineNode({
  type: 'choose-latent',
  version: 1,
  title: 'Choose take',
  description:
    'Lets one of up to four clips through: look at the drafts, then set the number of the one to finish.',
  category: 'Latent',
  synonyms: ['switch', 'select', 'pick latent', 'draft', 'variant'],
  inputs: {
    first: { type: 'latent', label: 'First', description: 'The clip that is take 1.' },
    second: { type: 'latent', label: 'Second', description: 'The clip that is take 2.', optional: true },
    third: { type: 'latent', label: 'Third', description: 'The clip that is take 3.', optional: true },
    fourth: { type: 'latent', label: 'Fourth', description: 'The clip that is take 4.', optional: true },
  },
  outputs: {
    latent: { type: 'latent', label: 'Latent', description: 'The chosen one, as it is.' },
  },
  params: {
    take: {
      kind: 'integer',
      label: 'Take',
      description: 'Which one goes on, from 1.',
      default: 1,
      min: 1,
      max: ports.length,
    },
  },
  cache: 'memory',
  lane: 'cpu',
  infer({ inputs, params }) {
    const port = ports[params.take - 1] ?? 'first';
    return {
      outputs: { latent: { ...inputs[port] } },
      // A wire whose facts are not known is there without them.
      issues: Object.hasOwn(inputs, port)
        ? []
        : [
            {
              code: 'choose-latent/none',
              severity: 'error',
              message: `Take ${params.take} is chosen, but nothing is connected there.`,
              param: 'take',
              fix: { label: 'Choose take 1', param: 'take', value: 1 },
            },
          ],
    };
  },
  run({ inputs, params }) {
    const latent = inputs[ports[params.take - 1] ?? 'first'];
    if (latent === undefined) {
      throw new NodeError(
        'choose-latent/none',
        `Take ${params.take} is chosen, but nothing is connected there.`,
        {
          hint: 'Choose a take that is connected.',
        },
      );
    }
    return { latent };
  },
});
