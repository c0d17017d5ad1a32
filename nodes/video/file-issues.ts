/** What is wrong with the file that a loading node names, as far as a look at it tells. */
import type { FileFacts, InferIssue } from '@reelgraph/node-api';

const words = {
  image: { none: 'No picture is chosen. Drop one onto the node.', other: 'is a video and not a picture' },
  video: { none: 'No video is chosen. Drop one onto the node.', other: 'is a picture and not a video' },
} as const;

/** @param facts undefined when nothing is known of the file */
export function fileIssues(
  file: string,
  facts: FileFacts | undefined,
  wanted: keyof typeof words,
): InferIssue[] {
  if (file === '')
    return [{ code: 'file/none-chosen', severity: 'error', message: words[wanted].none, param: 'file' }];
  if (facts === undefined || facts.kind === wanted) return [];
  if (facts.kind === 'unusable')
    return [{ code: facts.code, severity: 'error', message: facts.message, param: 'file' }];
  return [
    {
      code: `media/not-${wanted === 'image' ? 'an-image' : 'a-video'}`,
      severity: 'error',
      message: `"${file}" ${words[wanted].other}. Choose another file, or load it with the other node.`,
      param: 'file',
    },
  ];
}
