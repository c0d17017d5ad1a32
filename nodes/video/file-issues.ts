/** What is wrong with the file that a loading node names, as far as a look at it tells. */
import type { FileFacts, InferIssue } from '@reelgraph/node-api';

const words = {
  image: {
    none: 'No picture is chosen. Drop one onto the node.',
    is: 'a picture',
    code: 'media/not-an-image',
  },
  video: { none: 'No video is chosen. Drop one onto the node.', is: 'a video', code: 'media/not-a-video' },
  latent: {
    none: 'No latent is chosen. Drop a file onto the node.',
    is: 'a saved latent',
    code: 'latent/not-a-latent',
  },
} as const;

/** @param facts undefined when nothing is known of the file */
export function fileIssues(
  file: string,
  facts: FileFacts | undefined,
  wanted: keyof typeof words,
): InferIssue[] {
  const about = { severity: 'error', param: 'file' } as const;
  if (file === '') return [{ ...about, code: 'file/none-chosen', message: words[wanted].none }];
  if (facts === undefined || facts.kind === wanted) return [];
  const { is, code } = words[wanted];
  if (facts.kind === 'unusable') {
    // Bytes of no known kind are first of all not what is wanted here.
    const isKindUnknown = facts.code.startsWith('media/not-') && wanted === 'latent';
    if (!isKindUnknown) return [{ ...about, code: facts.code, message: facts.message }];
    return [{ ...about, code, message: `"${file}" is not ${is}. Choose another file.` }];
  }
  const message = `"${file}" is ${words[facts.kind].is} and not ${is}. Choose another file, or load it with the node for it.`;
  return [{ ...about, code, message }];
}
