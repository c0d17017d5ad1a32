/** Clips for an engine whose host has no place for long ones: all of them are in memory. */
import {
  chunkOfPixels,
  concatChunks,
  createFrameService,
  type FrameChunk,
  type FrameService,
  type MediaService,
  NodeError,
  sliceChunk,
} from '@reelgraph/node-api';

export function createMemoryFrames(media: MediaService): FrameService {
  return createFrameService({
    decode() {
      throw new NodeError('frames/no-videos', 'Long videos cannot be read here.', {
        hint: 'Read fewer frames, or scale it down while reading.',
      });
    },
    async resize(chunk, size) {
      const resized: FrameChunk[] = [];
      for (let i = 0; i < chunk.frameCount; i++) {
        const { pixels } = await media.resizeImage({ pixels: sliceChunk(chunk, i, i + 1).pixels }, size);
        resized.push(chunkOfPixels(pixels));
      }
      return concatChunks(resized);
    },
  });
}
