/** Frames that a node computed, in a file beside the store: written as they come, read by block, each block checked. */
import { createHash } from 'node:crypto';
import type { Tensor } from '@reelgraph/tensor';
import { NodeError } from './errors.ts';
import { type ClipSize, chunkOfPixels, clipSize, type FrameChunk } from './frame-chunk.ts';
import { growClip } from './growing-clip.ts';
import type { ClipPart } from './read-clip.ts';
import type { FileRef, StoredSource, StreamedFrames } from './values.ts';

/** Files of frames, on the side of the host. */
export interface FrameFiles {
  /** A new file; nobody else sees it before it is kept. */
  create(): Promise<FrameFileWriter>;
  /** @throws NodeError 'frames/gone' when it is not there any more, or not whole */
  open(file: FileRef): Promise<FrameFileReader>;
}

export interface FrameFileWriter {
  /** Appends; bytes may be used again afterwards. */
  write(bytes: Uint8Array): Promise<void>;
  /** Of what was written, beside the writing; not once it was asked to keep or to close. */
  read(at: number, byteLength: number): Promise<Uint8Array>;
  /** Takes the file into the artifact store. */
  keep(about: { readonly name: string; readonly mediaType: string }): Promise<FileRef>;
  /** Removes what was written, unless it was kept. */
  close(): Promise<void>;
}

export interface FrameFileReader {
  /** Fewer bytes only where the file ends. */
  read(at: number, byteLength: number): Promise<Uint8Array>;
  /** What was read is not what was written: the file is put away, so that it is computed again. */
  reportDamage(): Promise<void>;
  close(): Promise<void>;
}

/** @param blockBytes about this much is hashed, and read, at a time; a single frame may take more */
export function createStoredClips(
  files: FrameFiles | undefined,
  blockBytes: number,
): {
  /**
   * @param chunks all frames of the clip, in order
   * @param onGrowing given the clip when the first of several chunks is written
   */
  write(
    clip: ClipSize & { readonly fps: number },
    chunks: AsyncIterable<Tensor<'float32'>>,
    signal: AbortSignal,
    onGrowing?: (frames: StreamedFrames) => void,
  ): Promise<StreamedFrames>;
  read(
    clip: StreamedFrames,
    part: ClipPart,
    perChunk: number,
    signal: AbortSignal,
  ): AsyncGenerator<FrameChunk>;
} {
  const present = (): FrameFiles => {
    if (files !== undefined) return files;
    throw new NodeError('frames/gone', 'These frames lie in a data folder that is not there.');
  };
  const clips: ReturnType<typeof createStoredClips> = {
    async write({ frameCount, widthPx, heightPx, fps }, chunks, signal, onGrowing) {
      const frameBytes = widthPx * heightPx * 12;
      const blockFrames = Math.max(1, Math.floor(blockBytes / frameBytes));
      const writer = await present().create();
      const making = growClip(async (start, end) => {
        const bytes = await writer.read(start * frameBytes, (end - start) * frameBytes);
        return chunkOfFrames(bytes, { frameCount: end - start, widthPx, heightPx });
      });
      try {
        const blocks: string[] = [];
        let hash = createHash('sha256');
        let written = 0;
        let isHandedOut = false;
        for await (const chunk of chunks) {
          signal.throwIfAborted();
          const { frameCount: count } = clipSize(chunk);
          for (let frame = 0; frame < count; frame++) {
            const bytes = frameBytesOf(chunk, frame);
            hash.update(bytes);
            await writer.write(bytes);
            written += 1;
            if (written % blockFrames === 0 || written === frameCount) {
              blocks.push(hash.digest('hex'));
              hash = createHash('sha256');
            }
          }
          making.reach(written);
          if (!isHandedOut && written < frameCount) {
            isHandedOut = true;
            onGrowing?.({
              frameCount,
              widthPx,
              heightPx,
              fps,
              source: { kind: 'growing', clip: making.clip },
            });
          }
        }
        making.seal();
        const file = await writer.keep({ name: 'frames.f32', mediaType: 'application/octet-stream' });
        const source: StoredSource = { kind: 'stored', file, blockFrames, blocks };
        const whole = { frameCount, widthPx, heightPx, fps, source };
        making.become(whole, (...part) => clips.read(whole, ...part));
        return whole;
      } finally {
        making.seal();
        await writer.close();
      }
    },

    async *read({ widthPx, heightPx, frameCount: total, source }, { start, frameCount }, perChunk, signal) {
      if (source.kind !== 'stored') throw new TypeError('Expected a clip in the store.');
      const { blockFrames, blocks, file } = source;
      const frameBytes = widthPx * heightPx * 12;
      const reader = await present().open(file);
      try {
        let block: Uint8Array = new Uint8Array();
        let blockIndex = -1;
        const frameAt = async (frame: number): Promise<Uint8Array> => {
          const index = Math.floor(frame / blockFrames);
          if (index !== blockIndex) {
            const first = index * blockFrames;
            const byteLength = (Math.min(total, first + blockFrames) - first) * frameBytes;
            block = await reader.read(first * frameBytes, byteLength);
            if (createHash('sha256').update(block).digest('hex') !== blocks[index]) {
              await reader.reportDamage();
              throw new NodeError('frames/damaged', 'Frames that were kept on disk have changed there.', {
                hint: 'Run again: they are computed anew.',
              });
            }
            blockIndex = index;
          }
          const at = (frame % blockFrames) * frameBytes;
          return block.subarray(at, at + frameBytes);
        };
        for (let at = start; at < start + frameCount; at += perChunk) {
          const count = Math.min(perChunk, start + frameCount - at);
          const data = new Float32Array((count * frameBytes) / 4);
          for (let i = 0; i < count; i++) {
            signal.throwIfAborted();
            placeFrame(await frameAt(at + i), data, { frame: i, frameCount: count });
          }
          yield chunkOfPixels({ dtype: 'float32', shape: [1, 3, count, heightPx, widthPx], data });
        }
      } finally {
        await reader.close();
      }
    },
  };
  return clips;
}

/** Frames [3, H, W] one after the other, as bytes. @throws NodeError 'frames/damaged' when there are too few */
function chunkOfFrames(bytes: Uint8Array, { frameCount, widthPx, heightPx }: ClipSize): FrameChunk {
  const frameBytes = widthPx * heightPx * 12;
  if (bytes.byteLength !== frameCount * frameBytes)
    throw new NodeError('frames/damaged', 'Frames that were just written are not there.', {
      hint: 'Run again: they are computed anew.',
    });
  const data = new Float32Array(bytes.byteLength / 4);
  for (let frame = 0; frame < frameCount; frame++)
    placeFrame(bytes.subarray(frame * frameBytes, (frame + 1) * frameBytes), data, { frame, frameCount });
  return chunkOfPixels({ dtype: 'float32', shape: [1, 3, frameCount, heightPx, widthPx], data });
}

/** Frame `frame` of [1, 3, n, H, W] as bytes of [3, H, W]. */
function frameBytesOf(pixels: Tensor<'float32'>, frame: number): Uint8Array {
  const { frameCount, widthPx, heightPx } = clipSize(pixels);
  const plane = widthPx * heightPx;
  const data = new Float32Array(3 * plane);
  for (let channel = 0; channel < 3; channel++) {
    const from = (channel * frameCount + frame) * plane;
    data.set(pixels.data.subarray(from, from + plane), channel * plane);
  }
  return new Uint8Array(data.buffer);
}

/** Bytes of [3, H, W] into frame `frame` of [3, frameCount, H, W]. */
function placeFrame(
  bytes: Uint8Array,
  into: Float32Array,
  { frame, frameCount }: { readonly frame: number; readonly frameCount: number },
): void {
  const planeBytes = bytes.byteLength / 3;
  const target = new Uint8Array(into.buffer, into.byteOffset, into.byteLength);
  for (let channel = 0; channel < 3; channel++) {
    const plane = bytes.subarray(channel * planeBytes, (channel + 1) * planeBytes);
    target.set(plane, (channel * frameCount + frame) * planeBytes);
  }
}
