/**
 * Reading what a video file says about itself, by a parser in JavaScript: a file from a stranger never
 * reaches ffmpeg.
 */
import { NodeError } from '@reelgraph/node-api';
import { Input, MP4, QTFF } from 'mediabunny';
import { type FileBytes, sourceOf } from './file-bytes.ts';

/**
 * The key-value tags of an mp4 or mov file.
 *
 * @throws NodeError 'media/not-a-video'
 */
export async function readVideoMetadata(file: FileBytes): Promise<ReadonlyMap<string, string>> {
  try {
    const input = new Input({ source: sourceOf(file), formats: [MP4, QTFF] });
    try {
      const tags = await input.getMetadataTags();
      const found = new Map<string, string>();
      for (const [key, value] of Object.entries(tags.raw ?? {})) {
        if (typeof value === 'string') found.set(key, value);
      }
      return found;
    } finally {
      input.dispose();
    }
  } catch (cause) {
    throw new NodeError('media/not-a-video', 'The file is not an mp4 video.', {
      hint: 'Choose a video that Reelgraph made.',
      cause,
    });
  }
}

/** Tag that holds the workflow a video was made by. */
export const workflowTag = 'workflow';

/** The workflow's JSON that a video carries, or undefined. @throws NodeError 'media/not-a-video' */
export async function readWorkflowFromVideo(file: FileBytes): Promise<string | undefined> {
  return (await readVideoMetadata(file)).get(workflowTag);
}
