import { defineNode, safeFileName } from '@reelgraph/node-api';
import { encodeLatentFile, latentFileType } from '../latent-file.ts';

/** A latent to keep, for another day or another machine. */
export const saveLatent = defineNode({
  type: 'save-latent',
  version: 1,
  title: 'Save latent',
  description:
    'Keeps a clip in compressed form as a file of its own. A draft is saved with all that its remaining steps need.',
  category: 'Output',
  synonyms: ['store latent', 'export latent', 'draft', 'safetensors'],
  inputs: {
    latent: { type: 'latent', label: 'Latent', description: 'The clip or draft to keep.' },
  },
  outputs: {
    latent: { type: 'latent', label: 'Latent', description: 'The same, and the file it was saved in.' },
  },
  params: {
    name: {
      kind: 'text',
      label: 'Name',
      description: 'File name for downloads, without ending.',
      default: 'latent',
      multiline: false,
      maxLength: 100,
    },
  },
  isOutput: true,
  cache: 'disk',
  lane: 'cpu',
  infer: ({ inputs }) => ({ outputs: { latent: { ...inputs.latent } }, issues: [] }),
  async run({ inputs, params, ctx }) {
    const { mediaType, ending } = latentFileType;
    const name = `${safeFileName(params.name)}.${ending}`;
    const file = await ctx.results.write(encodeLatentFile(inputs.latent), { name, mediaType });
    return { latent: { ...inputs.latent, file } };
  },
});
