/** Measures how long the event loop was held up: everything that a client waits for waits for it too. */
import { monitorEventLoopDelay } from 'node:perf_hooks';

const resolutionMs = 10;

export interface LoopMonitor {
  read(): { maxBlockedMs: number; p99BlockedMs: number };
  /** Forgets what was measured so far. */
  reset(): void;
  stop(): void;
}

export function startLoopMonitor(): LoopMonitor {
  const histogram = monitorEventLoopDelay({ resolution: resolutionMs });
  histogram.enable();
  // The histogram holds the time between two ticks; what exceeds the tick is what somebody blocked.
  const blockedMs = (nanoseconds: number) =>
    Number.isFinite(nanoseconds) ? Math.max(0, nanoseconds / 1e6 - resolutionMs) : 0;
  return {
    read: () =>
      histogram.count === 0
        ? { maxBlockedMs: 0, p99BlockedMs: 0 }
        : { maxBlockedMs: blockedMs(histogram.max), p99BlockedMs: blockedMs(histogram.percentile(99)) },
    reset: () => histogram.reset(),
    stop: () => {
      histogram.disable();
    },
  };
}
