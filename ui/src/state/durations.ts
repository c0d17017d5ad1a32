/** Times as people read them. */

/** `< 1 ms`, `340 ms`, `1.2 s`, `2 min 05 s`, `1 h 20 min`. */
export function formatDuration(ms: number): string {
  if (ms < 1) return '< 1 ms';
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 59.95) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
  return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, '0')} min`;
}

export interface StepProgress {
  readonly step?: number | undefined;
  readonly totalSteps?: number | undefined;
  readonly secondsPerStep?: number | undefined;
  readonly etaSeconds?: number | undefined;
  readonly message?: string | undefined;
}

/** `12/20 · 0.3 s/it · 2.4 s left`; what is not known is left out. */
export function formatProgress(progress: StepProgress): string {
  const parts: string[] = [];
  if (progress.totalSteps !== undefined && progress.totalSteps > 0) {
    parts.push(`${progress.step ?? 0}/${progress.totalSteps}`);
  }
  const rate = progress.secondsPerStep;
  if (rate !== undefined && rate > 0)
    parts.push(rate < 0.1 ? `${(1 / rate).toFixed(0)} it/s` : `${rate.toFixed(rate < 10 ? 1 : 0)} s/it`);
  const eta = progress.etaSeconds;
  // It is an estimate: its milliseconds would only flicker.
  if (eta !== undefined && eta > 0) parts.push(`${eta < 1 ? '< 1 s' : formatDuration(eta * 1000)} left`);
  if (progress.message && parts.length === 0) parts.push(progress.message);
  return parts.join(' · ');
}

/** That a node did not begin at its first step, as a sentence; undefined when it did. */
export function continuedText({
  continuedFrom,
}: {
  readonly continuedFrom?: number | undefined;
}): string | undefined {
  if (continuedFrom === undefined) return undefined;
  return `Continued from step ${continuedFrom} of an interrupted run.`;
}

/** 0..1, or undefined while it is not known. */
export function progressFraction(progress: StepProgress): number | undefined {
  if (progress.totalSteps === undefined || progress.totalSteps <= 0) return undefined;
  return Math.min(1, (progress.step ?? 0) / progress.totalSteps);
}

/** How long ago, coarsely: `just now`, `5 min ago`, `3 h ago`, or the date. */
export function formatAgo(atMs: number, nowMs: number): string {
  const minutes = Math.floor((nowMs - atMs) / 60_000);
  if (minutes < 1) return 'just now';
  if (minutes < 60) return `${minutes} min ago`;
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ago`;
  return new Date(atMs).toLocaleDateString();
}
