/** Frames to an encoder's input: the next ones are asked for when it has taken those before. */
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import type { FrameChunk } from '@reelgraph/node-api';
import { paddedRgb } from './pixels.ts';

export interface FramePump {
  /** Begins; `onFailure` is told when there are no frames where some should be. */
  start(onFailure: () => void): void;
  /** Asks for no more frames, and waits until whoever makes them has ended. */
  stop(): Promise<void>;
  /** Throws what the frames threw. */
  throwIfFailed(): void;
}

/** @param size of the pictures that are written; see `paddedRgb` */
export function createFramePump(
  { chunks, stop }: { readonly chunks: AsyncIterable<FrameChunk>; readonly stop?: () => void },
  input: Writable,
  size: { readonly widthPx: number; readonly heightPx: number },
): FramePump {
  const stopped = new AbortController();
  let pumping: Promise<void> | undefined;
  let failure: { readonly error: unknown } | undefined;

  const takeAll = async (): Promise<void> => {
    for await (const chunk of chunks) {
      const { rgb } = chunk;
      for (let frame = 0; frame < chunk.frameCount; frame++) {
        if (stopped.signal.aborted) return;
        if (!input.write(paddedRgb(chunk, rgb, frame, size)))
          await once(input, 'drain', { signal: stopped.signal });
      }
    }
  };
  return {
    start(onFailure) {
      pumping = takeAll()
        .catch((error: unknown) => {
          if (stopped.signal.aborted) return;
          failure = { error };
          onFailure();
        })
        .finally(() => input.end());
    },
    async stop() {
      stopped.abort();
      stop?.();
      await pumping;
    },
    throwIfFailed() {
      if (failure !== undefined) throw failure.error;
    },
  };
}
