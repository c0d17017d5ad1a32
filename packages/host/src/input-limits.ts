/** How large input files may be: what is read whole must fit into memory, videos are read piece by piece. */
import { NodeError } from '@reelgraph/node-api';
import { runLimitsOf } from './run-limits.ts';

/** Of anything but a video. */
export const plainFileBytes = 64 * 1024 * 1024;
/** First bytes of a file that tell whether it is a video. */
export const headBytes = 16;

/** Whether these are the first bytes of an MP4, MOV, WebM or Matroska file. */
export function isVideoHead(head: Uint8Array): boolean {
  const text = Buffer.from(head.subarray(0, 8)).toString('latin1');
  return text.startsWith('ftyp', 4) || text.startsWith('\x1aE\xdf\xa3');
}

/** Size of the largest video; one rule for uploads, checks and runs. */
export function videoFileBytes(): number {
  // What cannot be read there is told where a process begins.
  return runLimitsOf(process.env, () => {}).videoBytes;
}

/** Size of the largest file of any kind. */
export function largestFileBytes(): number {
  return Math.max(videoFileBytes(), plainFileBytes);
}

/** Size of the largest file that begins like this. */
export function limitOf(head: Uint8Array): number {
  return isVideoHead(head) ? videoFileBytes() : plainFileBytes;
}

export function isFileTooLarge(error: unknown): error is NodeError {
  return error instanceof NodeError && error.code === 'file/too-large';
}

/** @param what the file as a sentence begins with it, for example `The input file "a.mp4"` */
export function fileTooLarge(what: string, limitBytes: number): NodeError {
  return new NodeError(
    'file/too-large',
    `${what} is larger than ${Math.floor(limitBytes / 1024 / 1024)} MiB.`,
    {
      hint:
        limitBytes === plainFileBytes
          ? 'Use a smaller file; only videos (MP4, MOV, WebM) may be larger.'
          : 'Use a shorter video, or raise REELGRAPH_INPUT_VIDEO.',
    },
  );
}
