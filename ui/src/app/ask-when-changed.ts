/** Asks the server again, a moment after the last change of what the answer depends on. */

interface Watched {
  subscribe(listener: () => void): unknown;
}

export interface AskWhenChanged {
  readonly delayMs: number;
  readonly sources: readonly Watched[];
  /** What the answer depends on; compared one by one by identity. */
  readonly parts: () => readonly unknown[];
  /** Whether there is anybody to ask, and something to ask about. */
  readonly isReady: () => boolean;
  /** Instead of asking, where it is not ready; what was asked before is aborted. */
  readonly forget?: () => void;
  /** Aborted when the next question is asked. */
  readonly ask: (signal: AbortSignal) => Promise<void>;
}

export function askWhenChanged({ delayMs, sources, parts, isReady, forget, ask }: AskWhenChanged): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asked: AbortController | undefined;
  let seen: readonly unknown[] = [];
  const later = (): void => {
    const now = parts();
    if (now.every((part, index) => part === seen[index])) return;
    seen = now;
    clearTimeout(timer);
    if (!isReady()) {
      if (forget !== undefined) asked?.abort();
      forget?.();
      return;
    }
    timer = setTimeout(() => {
      asked?.abort();
      asked = new AbortController();
      void ask(asked.signal);
    }, delayMs);
  };
  for (const source of sources) source.subscribe(later);
}
