/**
 * A clip that is read while it is still being made. Readers wait for frames that are not there yet; a reading ends only
 * when the node that makes the clip has ended well, so that nobody has finished with what comes to nothing.
 */
import type { FrameChunk } from './frame-chunk.ts';
import type { Frames } from './values.ts';

/** Frames of a part in order, in chunks of `perChunk` of which only the last may have fewer. */
type ReadPart = (
  part: { readonly start: number; readonly frameCount: number },
  perChunk: number,
  signal: AbortSignal,
) => AsyncIterable<FrameChunk>;

/** As those who read it see it. It is never kept: what is kept is what it became. */
export interface GrowingClip {
  /** @throws what the node that makes it failed with; the signal's reason on abort */
  readonly read: ReadPart;
  /** What it became; undefined until all of it is kept. */
  readonly whole: Frames | undefined;
  /** Says that the node that makes it is over, once: well, or with what it failed with. */
  settle(failure?: { readonly error: unknown }): void;
}

/** As the one who makes it sees it. */
export interface ClipInTheMaking {
  readonly clip: GrowingClip;
  /** So many frames can be read by now. */
  reach(frameCount: number): void;
  /** From now on nothing is read from where it is written; who wants more waits for what it becomes. */
  seal(): void;
  /** All of it is kept, and read from there. */
  become(whole: Frames, readWhole: ReadPart): void;
}

/** @param readWritten frames `start` … `end`, of those that were reached */
export function growClip(
  readWritten: (start: number, end: number) => FrameChunk | Promise<FrameChunk>,
): ClipInTheMaking {
  let reached = 0;
  let isSealed = false;
  let kept: { readonly whole: Frames; readonly read: ReadPart } | undefined;
  let outcome: { readonly failure: { readonly error: unknown } | undefined } | undefined;
  const waiting = new Set<() => void>();
  const tell = (): void => {
    for (const goOn of [...waiting]) goOn();
  };
  /** The next change of any kind. */
  const change = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const leave = (): void => {
        waiting.delete(goOn);
        signal.removeEventListener('abort', onAbort);
      };
      const goOn = (): void => {
        leave();
        resolve();
      };
      const onAbort = (): void => {
        leave();
        reject(signal.reason);
      };
      waiting.add(goOn);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  const throwIfFailed = (): void => {
    if (outcome?.failure !== undefined) throw outcome.failure.error;
  };

  const clip: GrowingClip = {
    get whole() {
      return kept?.whole;
    },
    async *read({ start, frameCount }, perChunk, signal) {
      const end = start + frameCount;
      for (let at = start; at < end; at += perChunk) {
        const next = Math.min(end, at + perChunk);
        throwIfFailed();
        while (kept === undefined && (isSealed || reached < next)) {
          await change(signal);
          throwIfFailed();
        }
        if (kept !== undefined) {
          yield* kept.read({ start: at, frameCount: end - at }, perChunk, signal);
          break;
        }
        yield await readWritten(at, next);
      }
      while (outcome === undefined) await change(signal);
      throwIfFailed();
    },
    settle(failure) {
      outcome ??= { failure };
      tell();
    },
  };
  return {
    clip,
    reach(frameCount) {
      reached = frameCount;
      tell();
    },
    seal() {
      isSealed = true;
    },
    become(whole, read) {
      kept = { whole, read };
      tell();
    },
  };
}
