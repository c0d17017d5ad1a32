import { defineNode } from '@reelgraph/node-api';

/** Names a model package; what follows asks it for everything. */
export const loadModel = defineNode({
  type: 'load-model',
  version: 1,
  title: 'Load model',
  description:
    'Chooses the video model. Connect it to every node that needs one, so that text, noise and pictures all speak the same language.',
  category: 'Model',
  synonyms: ['checkpoint', 'load checkpoint', 'diffusion model', 'unet loader'],
  inputs: {},
  outputs: {
    model: {
      type: 'model',
      label: 'Model',
      description: 'The chosen model: text reader, video maker and picture codec in one.',
    },
  },
  params: {
    model: {
      kind: 'model',
      label: 'Model',
      description: 'One of the installed models. Toybox comes with Reelgraph.',
      default: 'toybox',
    },
  },
  // The engine puts the package's digest, looked up for every run, into the key of a `model` param: a changed
  // file is another key.
  cache: 'memory',
  lane: 'cpu',
  infer({ params, context }) {
    const facts = context.models.get(params.model);
    if (facts !== undefined) {
      return {
        outputs: {
          model: {
            family: facts.family,
            model: facts.name,
            channels: facts.latentChannels,
            frameRule: facts.frameRule,
            sizeMultiple: facts.sizeMultiple,
          },
        },
        issues: [],
      };
    }
    const damaged = context.damagedModels?.get(params.model);
    if (damaged !== undefined) {
      return {
        outputs: {},
        issues: [{ code: 'model/damaged', severity: 'error', message: damaged, param: 'model' }],
      };
    }
    const names = [...context.models.keys()];
    const [first] = names;
    return {
      outputs: {},
      issues: [
        {
          code: 'model/not-found',
          severity: 'error',
          message: `No model named "${params.model}" is installed${names.length === 0 ? '' : `; there is ${names.join(', ')}`}.`,
          param: 'model',
          ...(first === undefined ? {} : { fix: { label: `Use ${first}`, param: 'model', value: first } }),
        },
      ],
    };
  },
  async run({ params, ctx }) {
    return { model: await ctx.models.resolve(params.model, ctx.signal) };
  },
});
