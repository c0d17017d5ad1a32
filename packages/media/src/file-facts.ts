/** What is known of an input file before it is decoded: what a check of a workflow looks at. */
import { type FileFacts, NodeError } from '@reelgraph/node-api';
import { ALL_FORMATS, EncodedPacketSink, Input } from 'mediabunny';
import { type FileBytes, readPart, sourceOf } from './file-bytes.ts';
import { inspectImage } from './image-files.ts';
import { probeVideo, sniffedBytes, sniffVideo } from './video-probe.ts';

/** Half an hour at 60 pictures a second; the count of a longer video is not told. */
const mostPackets = 108_000;

/** Reads heads and tables of contents, never a picture. What cannot be read is an answer, not an error. */
export async function fileFactsOf(file: FileBytes): Promise<FileFacts> {
  try {
    const mediaType = sniffVideo(await readPart(file, 0, sniffedBytes));
    if (mediaType === undefined)
      return { kind: 'image', ...(await inspectImage(await readPart(file, 0, file.byteLength))) };
    const { widthPx, heightPx, fps } = await probeVideo(file);
    return { kind: 'video', mediaType, widthPx, heightPx, fps, ...(await timesOf(file)) };
  } catch (error) {
    if (error instanceof NodeError) return { kind: 'unusable', code: error.code, message: error.message };
    throw error;
  }
}

async function timesOf(
  file: FileBytes,
): Promise<Pick<Extract<FileFacts, { kind: 'video' }>, 'frameCount' | 'hasEvenRate' | 'sampleRateHz'>> {
  const input = new Input({ source: sourceOf(file), formats: ALL_FORMATS });
  try {
    const video = await input.getPrimaryVideoTrack();
    const sampleRateHz = await (await input.getPrimaryAudioTrack())?.getSampleRate();
    const sound = sampleRateHz === undefined ? {} : { sampleRateHz };
    if (video === null) return { hasEvenRate: false, ...sound };
    const times: number[] = [];
    for await (const packet of new EncodedPacketSink(video).packets(undefined, undefined, {
      metadataOnly: true,
    })) {
      // Pictures before the start are there for others to be decoded from, and are not shown.
      if (packet.timestamp >= 0) times.push(packet.timestamp);
      if (times.length > mostPackets) return { hasEvenRate: false, ...sound };
    }
    if (times.length === 0) return { hasEvenRate: false, ...sound };
    return { frameCount: times.length, hasEvenRate: isEven(times), ...sound };
  } catch {
    // The head was read; a damaged table is for the decoder to complain of.
    return { hasEvenRate: false };
  } finally {
    input.dispose();
  }
}

/** Whether all steps between times are alike, but for the rounding of containers that count in milliseconds. */
function isEven(times: readonly number[]): boolean {
  const sorted = [...times].sort((a, b) => a - b);
  const steps = sorted.slice(1).map((time, i) => time - sorted[i]!);
  return steps.length === 0 || Math.max(...steps) - Math.min(...steps) <= 0.0021;
}
