/**
 * Results in memory under a budget of bytes. What is cheap to make again for its size goes first, by
 * GreedyDual-Size-Frequency: `priority = L + uses × cost ÷ bytes`, `L` being the priority of the last that went.
 *
 * @see Cherkasova 1998, HPL-98-69R1
 */
import type { OutputSummary } from '@reelgraph/graph';
import { createMinHeap, type MinHeap } from './min-heap.ts';

/** Port -> value. */
export type Outputs = Readonly<Record<string, unknown>>;

/** A result in memory. */
export interface CachedResult {
  readonly outputs: Outputs;
  readonly summaries: Readonly<Record<string, OutputSummary>>;
  /** Digests of files the outputs refer to; they must still be on disk when the result is used. */
  readonly files: readonly string[];
}

export interface MemoryCache {
  /** Looks without counting as use. */
  peek(key: string): CachedResult | undefined;
  /** Counts a use. */
  touch(key: string): void;
  /** Keeps a result that took `costMs` to compute, unless it is larger than the budget. */
  set(key: string, result: CachedResult, costMs: number): void;
  delete(key: string): void;
  clear(): void;
  /** Whether this result had to make room and was not kept again since. */
  wasEvicted(key: string): boolean;
  /** Bytes held, as estimated by `valueBytes`. */
  readonly bytes: number;
}

interface Entry {
  readonly key: string;
  readonly result: CachedResult;
  readonly bytes: number;
  /** Cost per byte; what took no time at all still beats having to make it again. */
  readonly worth: number;
  uses: number;
  priority: number;
}

/** Evictions remembered; the oldest are forgotten first. */
const maxEvicted = 100_000;
const leastCostMs = 0.01;
/** A clip made of clips goes two levels down with each; more nodes in a row than people draw. */
const deepest = 2000;

export function createMemoryCache(budgetBytes: number): MemoryCache {
  const entries = new Map<string, Entry>();
  const evicted = new Set<string>();
  let held = 0;
  let inflation = 0;
  /** Made when something first has to go; an entry whose priority changed stands in it more than once. */
  let order: MinHeap<{ readonly entry: Entry; readonly priority: number }> | undefined;

  const rank = (entry: Entry): void => {
    entry.priority = inflation + entry.uses * entry.worth;
    order?.push({ entry, priority: entry.priority });
  };
  const remove = (key: string): void => {
    held -= entries.get(key)?.bytes ?? 0;
    entries.delete(key);
  };
  const remember = (key: string): void => {
    evicted.delete(key);
    evicted.add(key);
    for (const oldest of evicted) {
      if (evicted.size <= maxEvicted) break;
      evicted.delete(oldest);
    }
  };
  const makeRoom = (): void => {
    // Stale places cost memory; when they are most of the heap it is made anew.
    if (order === undefined || order.size > 4 * entries.size + 64) {
      order = createMinHeap(({ priority }) => priority);
      for (const entry of entries.values()) order.push({ entry, priority: entry.priority });
    }
    while (held > budgetBytes) {
      const next = order.pop();
      if (next === undefined) return;
      const { entry, priority } = next;
      if (entries.get(entry.key) !== entry || entry.priority !== priority) continue;
      inflation = Math.max(inflation, priority);
      remove(entry.key);
      remember(entry.key);
    }
  };
  return {
    get bytes() {
      return held;
    },
    peek: (key) => entries.get(key)?.result,
    touch(key) {
      const entry = entries.get(key);
      if (entry === undefined) return;
      entry.uses += 1;
      rank(entry);
    },
    set(key, result, costMs) {
      const uses = (entries.get(key)?.uses ?? 0) + 1;
      remove(key);
      const bytes = valueBytes(result.outputs);
      if (bytes > budgetBytes) {
        remember(key);
        return;
      }
      if (evicted.size > 0) evicted.delete(key);
      const entry = { key, result, bytes, worth: Math.max(costMs, leastCostMs) / bytes, uses, priority: 0 };
      entries.set(key, entry);
      held += bytes;
      rank(entry);
      if (held > budgetBytes) makeRoom();
    },
    delete: remove,
    clear() {
      entries.clear();
      order = undefined;
      held = 0;
    },
    wasEvicted: (key) => evicted.has(key),
  };
}

/** Every entry costs at least this, so that a million empty ones do not count as nothing. */
const entryBytes = 256;

/**
 * About how much memory a value takes: exact for tensors, a guess for the rest. What stands in several places of it, as
 * a clip that is made of another twice, counts once.
 */
export function valueBytes(value: unknown, depth = 0, seen: Set<object> = new Set()): number {
  if (typeof value === 'string') return 2 * value.length;
  if (typeof value !== 'object' || value === null || seen.has(value)) return 8;
  seen.add(value);
  if (ArrayBuffer.isView(value)) return value.byteLength;
  if (depth > deepest) return 8;
  let bytes = depth === 0 ? entryBytes : 16;
  for (const part of Object.values(value)) bytes += valueBytes(part, depth + 1, seen);
  return bytes;
}

/** Digests of the files that a value refers to, each once. */
export function filesIn(value: unknown): string[] {
  const found = new Set<string>();
  const seen = new Set<object>();
  const walk = (part: unknown, depth: number): void => {
    if (typeof part !== 'object' || part === null || ArrayBuffer.isView(part)) return;
    if (depth > deepest || seen.has(part)) return;
    seen.add(part);
    if ('kind' in part && part.kind === 'file' && 'digest' in part && typeof part.digest === 'string')
      found.add(part.digest);
    else for (const inner of Object.values(part)) walk(inner, depth + 1);
  };
  walk(value, 0);
  return [...found];
}
