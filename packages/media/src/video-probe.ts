/**
 * What a video file is, told by a parser in JavaScript before ffmpeg sees it: the container decides how ffmpeg is
 * asked to read it, and what claims to be too large is refused unread.
 */
import { NodeError } from '@reelgraph/node-api';
import { Input, MATROSKA, MP4, QTFF, WEBM } from 'mediabunny';
import { type FileBytes, sourceOf } from './file-bytes.ts';

/** Packets looked at to tell the rate of a clip; more would read long files whole. */
const packetsForRate = 240;

export interface VideoInfo {
  /** Name of ffmpeg's reader for this container. */
  readonly reader: 'mov' | 'matroska';
  /** As it is meant to be seen: turned upright, with square pixels. */
  readonly widthPx: number;
  readonly heightPx: number;
  /** Mean rate; whole where it is so but for rounding in the file. */
  readonly fps: number;
}

/** Bytes that `sniffVideo` looks at. */
export const sniffedBytes = 8;

/** Media type of a container that is read here, told by its first bytes; undefined for any other. */
export function sniffVideo(bytes: Uint8Array): 'video/mp4' | 'video/webm' | undefined {
  const hasText = (at: number, text: string) =>
    [...text].every((letter, i) => bytes[at + i] === letter.charCodeAt(0));
  if (hasText(4, 'ftyp')) return 'video/mp4';
  return hasText(0, '\x1aE\xdf\xa3') ? 'video/webm' : undefined;
}

/** @throws NodeError 'media/not-a-video' */
export async function probeVideo(file: FileBytes): Promise<VideoInfo> {
  const input = new Input({ source: sourceOf(file), formats: [MP4, QTFF, MATROSKA, WEBM] });
  try {
    const format = await input.getFormat();
    const track = await input.getPrimaryVideoTrack();
    if (track === null) throw new Error('the file has no video track');
    const { averagePacketRate } = await track.computePacketStats(packetsForRate);
    const [widthPx, heightPx] = [await track.getDisplayWidth(), await track.getDisplayHeight()];
    const fps = wholeIfNear(averagePacketRate);
    if (!(fps > 0 && Number.isFinite(fps) && widthPx > 0 && heightPx > 0))
      throw new Error(`the track says ${widthPx}×${heightPx} at ${averagePacketRate} a second`);
    const isMatroska = format === MATROSKA || format === WEBM;
    return {
      reader: isMatroska ? 'matroska' : 'mov',
      widthPx: Math.round(widthPx),
      heightPx: Math.round(heightPx),
      fps,
    };
  } catch (cause) {
    throw notAVideo(cause);
  } finally {
    input.dispose();
  }
}

/** 23.99998 is 24; 23.976 stays. */
function wholeIfNear(rate: number): number {
  const whole = Math.round(rate);
  return Math.abs(rate - whole) < 0.005 && whole > 0 ? whole : rate;
}

/** The error for bytes that no video can be read from. */
export function notAVideo(cause: unknown): NodeError {
  return new NodeError('media/not-a-video', 'The file is not a video that can be read.', {
    hint: 'Choose an MP4, MOV or WebM file; other formats must be converted first.',
    cause,
  });
}
