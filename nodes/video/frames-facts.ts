/** Facts of clips: what is passed on of them, and what follows from the rest. */
import type { PortFacts } from '@reelgraph/node-api';

/** Of a clip only what a clip has: size, length, rate, and the duration that follows. */
export function framesFacts({ widthPx, heightPx, frameCount, fps }: PortFacts): PortFacts {
  return {
    ...sizeFacts({ widthPx, heightPx, frameCount }),
    ...(fps === undefined ? {} : { fps }),
    ...(fps === undefined || frameCount === undefined ? {} : { durationSeconds: frameCount / fps }),
  };
}

/** Width, height and frame count, those that are known. */
export function sizeFacts(facts: {
  readonly widthPx?: number | undefined;
  readonly heightPx?: number | undefined;
  readonly frameCount?: number | undefined;
}): PortFacts {
  const { widthPx, heightPx, frameCount } = facts;
  return {
    ...(widthPx === undefined ? {} : { widthPx }),
    ...(heightPx === undefined ? {} : { heightPx }),
    ...(frameCount === undefined ? {} : { frameCount }),
  };
}

/** Whether two clips are known to differ in one of these. */
export function differ(
  a: PortFacts | undefined,
  b: PortFacts | undefined,
  names: readonly ('widthPx' | 'heightPx' | 'frameCount' | 'fps' | 'channels' | 'model')[],
): boolean {
  return names.some((name) => a?.[name] !== undefined && b?.[name] !== undefined && a[name] !== b[name]);
}
