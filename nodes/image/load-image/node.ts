import { defineNode, NodeError } from '@reelgraph/node-api';
import { fileIssues } from '../../video/file-issues.ts';

/** Brings a picture into the graph. */
export const loadImage = defineNode({
  type: 'load-image',
  version: 1,
  title: 'Load image',
  description: 'Brings in a picture: PNG, JPEG or WebP.',
  category: 'Image',
  synonyms: ['picture', 'photo', 'still', 'open image', 'upload'],
  inputs: {},
  outputs: {
    image: { type: 'image', label: 'Image', description: 'The picture, upright and in colour.' },
  },
  params: {
    file: {
      kind: 'file',
      label: 'File',
      description: 'The picture to use. Drop one here or choose a file.',
      default: '',
      accept: 'image',
    },
  },
  preview: 'image',
  cache: 'memory',
  lane: 'cpu',
  infer({ params, context }) {
    const facts = context.files?.get(params.file);
    const issues = fileIssues(params.file, facts, 'image');
    if (facts?.kind !== 'image') return { outputs: { image: {} }, issues };
    const { widthPx, heightPx, hasAlpha } = facts;
    return {
      outputs: { image: { widthPx, heightPx, hasAlpha: false } },
      issues: hasAlpha
        ? [
            {
              code: 'load-image/transparent',
              severity: 'warning',
              message: 'The picture is transparent in places; these become black.',
              param: 'file',
            },
          ]
        : issues,
    };
  },
  async run({ params, ctx }) {
    if (params.file === '') {
      throw new NodeError('file/none-chosen', 'No picture is chosen.', {
        hint: 'Drop a PNG, JPEG or WebP onto the node.',
      });
    }
    return { image: await ctx.media.decodeImage(await ctx.files.read(params.file), ctx.signal) };
  },
});
