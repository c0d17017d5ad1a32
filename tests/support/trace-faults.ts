/**
 * What a viewer would stumble over in a trace.
 * @see "Trace Event Format", Google, docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
 */
import type { RunTrace, TraceEvent } from '@reelgraph/graph';

/** Every rule of the format that a trace breaks, in words; empty for one that is sound. */
export function traceFaults({ traceEvents }: RunTrace): string[] {
  const faults: string[] = [];
  const named = new Map<number, string>();
  const lastTs = new Map<number, number>();
  /** tid -> ends of the slices that are open at the time. */
  const open = new Map<number, number[]>();
  const begun = new Map<string, TraceEvent>();
  for (const event of traceEvents) {
    const { name, ph, ts, dur = 0, tid, id, cat } = event;
    const what = `${ph} "${name}" at ${ts}`;
    if (name === '') faults.push(`${what} has no name`);
    if (!Number.isFinite(ts) || ts < 0) faults.push(`${what}: not a time`);
    if (ph === 'M') {
      const text = String(event.args?.name ?? '');
      if (text === '') faults.push(`${what} names nothing`);
      if (name === 'thread_name' && (named.has(tid) || [...named.values()].includes(text)))
        faults.push(`thread ${tid} or its name "${text}" is there twice`);
      if (name === 'thread_name') named.set(tid, text);
      continue;
    }
    if (!named.has(tid)) faults.push(`${what} is on thread ${tid}, which has no name before it`);
    if (ts < (lastTs.get(tid) ?? 0)) faults.push(`${what} is earlier than the one before it on its thread`);
    lastTs.set(tid, ts);
    switch (ph) {
      case 'X': {
        // Viewers pair begin and end by time: of a slice without length they find no end.
        if (dur <= 0) faults.push(`${what} has no duration`);
        const ends = (open.get(tid) ?? []).filter((end) => end > ts);
        if (ends.some((end) => end < ts + dur)) faults.push(`${what} overlaps with another on its thread`);
        open.set(tid, [...ends, ts + dur]);
        break;
      }
      case 'b':
        if (id === undefined || begun.has(`${cat} ${id}`))
          faults.push(`${what} begins twice, or without an id`);
        begun.set(`${cat} ${id}`, event);
        break;
      case 'e': {
        const beginning = begun.get(`${cat} ${id}`);
        if (beginning?.name !== name || beginning.tid !== tid) faults.push(`${what} ends what has not begun`);
        else if (beginning.ts > ts) faults.push(`${what} ends before it begins`);
        begun.delete(`${cat} ${id}`);
        break;
      }
      case 'i':
        if (event.s !== 't') faults.push(`${what} says not where it is drawn`);
    }
  }
  for (const { name, id } of begun.values()) faults.push(`"${name}" (${id}) has no end`);
  return faults;
}
