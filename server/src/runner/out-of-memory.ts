/** How a process that ran out of memory is told from one that was killed or crashed for another reason. */
import { readFileSync } from 'node:fs';

/** What V8, the allocator of C++ and the inference runtime write before they give up. */
const lastWords = /heap out of memory|std::bad_alloc|Cannot allocate memory|failed to allocate memory/i;

/** Whether the last lines of a process say that it had no memory left. */
export function saysOutOfMemory(stderrTail: string): boolean {
  return lastWords.test(stderrTail);
}

/**
 * How many processes the system has killed since its start because memory ran out, its own or that of a group;
 * undefined where it does not count them. Linux does since 4.13.
 */
function systemMemoryKills(): number | undefined {
  try {
    const [, count] = /^oom_kill (\d+)$/m.exec(readFileSync('/proc/vmstat', 'utf8')) ?? [];
    return count === undefined ? undefined : Number(count);
  } catch {
    return undefined;
  }
}

/** Whether the system has lately killed a process for want of memory. */
export interface MemoryKillWatch {
  /** Called again and again while the process that is watched lives; cheap when it was called just before. */
  look(): void;
  /** Whether it has since the look before the last. */
  hasKilled(): boolean;
}

/** Far enough apart that looks in one burst, at what was told before the end and is read after it, count as one. */
const lookEveryMs = 5000;

/** Kills of long ago were others': a runner may live for days. */
export function watchMemoryKills(
  countKills: () => number | undefined = systemMemoryKills,
  now: () => number = () => performance.now(),
): MemoryKillWatch {
  let latest = countKills() ?? 0;
  let before = latest;
  let lookedAtMs = now();
  return {
    look() {
      if (now() - lookedAtMs < lookEveryMs) return;
      lookedAtMs = now();
      before = latest;
      latest = countKills() ?? 0;
    },
    hasKilled: () => (countKills() ?? 0) > before,
  };
}
