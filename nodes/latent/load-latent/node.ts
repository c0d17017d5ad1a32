import { defineNode, NodeError } from '@reelgraph/node-api';
import { fileIssues } from '../../video/file-issues.ts';
import { decodeLatentFile } from '../latent-file.ts';

/** Brings a saved latent back. */
export const loadLatent = defineNode({
  type: 'load-latent',
  version: 1,
  title: 'Load latent',
  description: 'Brings back a clip or draft that "Save latent" kept, whole or not at all.',
  category: 'Latent',
  synonyms: ['open latent', 'import latent', 'draft', 'safetensors'],
  inputs: {},
  outputs: {
    latent: { type: 'latent', label: 'Latent', description: 'The clip or draft as it was saved.' },
  },
  params: {
    file: {
      kind: 'file',
      label: 'File',
      description: 'The file to use. Drop one here or choose a file.',
      default: '',
      accept: 'latent',
    },
  },
  cache: 'memory',
  lane: 'cpu',
  infer({ params, context }) {
    const facts = context.files?.get(params.file);
    return {
      outputs: { latent: facts?.kind === 'latent' ? facts.facts : {} },
      issues: fileIssues(params.file, facts, 'latent'),
    };
  },
  async run({ params, ctx }) {
    if (params.file === '') {
      throw new NodeError('file/none-chosen', 'No latent is chosen.', {
        hint: 'Drop a file that "Save latent" made onto the node.',
      });
    }
    return { latent: decodeLatentFile(await ctx.files.read(params.file)) };
  },
});
