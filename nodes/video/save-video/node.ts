import { defineNode, safeFileName } from '@reelgraph/node-api';

/** A result to keep: shown in the node and in the gallery, and what a run is for. */
export const saveVideo = defineNode({
  type: 'save-video',
  version: 1,
  title: 'Save video',
  description: 'Keeps the video as a result of this workflow: it plays here and appears in the gallery.',
  category: 'Output',
  synonyms: ['preview', 'output', 'result', 'show video', 'export'],
  inputs: {
    video: { type: 'video', label: 'Video', description: 'The video to keep.' },
  },
  outputs: {
    video: { type: 'video', label: 'Video', description: 'The same video under its name.' },
  },
  params: {
    name: {
      kind: 'text',
      label: 'Name',
      description: 'File name for downloads, without ending.',
      default: 'clip',
      multiline: false,
      maxLength: 100,
    },
  },
  preview: 'video',
  isOutput: true,
  cache: 'memory',
  lane: 'cpu',
  infer: ({ inputs }) => ({ outputs: { video: { ...inputs.video } }, issues: [] }),
  run({ inputs, params }) {
    const { video } = inputs;
    return { video: { ...video, file: { ...video.file, name: fileName(params.name, video.file.name) } } };
  },
});

/** The name with the ending of `original`. */
function fileName(name: string, original: string): string {
  const ending = /\.[a-z0-9]+$/.exec(original)?.[0] ?? '';
  return `${safeFileName(name)}${ending}`;
}
