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
export function systemMemoryKills(): number | undefined {
  try {
    const [, count] = /^oom_kill (\d+)$/m.exec(readFileSync('/proc/vmstat', 'utf8')) ?? [];
    return count === undefined ? undefined : Number(count);
  } catch {
    return undefined;
  }
}
