/** Results in memory under a budget of bytes; the least recently used go first. */
import type { OutputSummary } from '@reelgraph/graph';

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
  /** Marks a result as used just now. */
  touch(key: string): void;
  set(key: string, result: CachedResult): void;
  delete(key: string): void;
  clear(): void;
  /** Bytes held, as estimated by `valueBytes`. */
  readonly bytes: number;
}

export function createMemoryCache(budgetBytes: number): MemoryCache {
  /** A Map remembers the order of insertion: the first entry is the least recently used. */
  const entries = new Map<string, { readonly result: CachedResult; readonly bytes: number }>();
  let held = 0;
  const remove = (key: string): void => {
    held -= entries.get(key)?.bytes ?? 0;
    entries.delete(key);
  };
  return {
    get bytes() {
      return held;
    },
    peek: (key) => entries.get(key)?.result,
    touch(key) {
      const entry = entries.get(key);
      if (entry === undefined) return;
      entries.delete(key);
      entries.set(key, entry);
    },
    set(key, result) {
      remove(key);
      const bytes = valueBytes(result.outputs);
      if (bytes > budgetBytes) return;
      entries.set(key, { result, bytes });
      held += bytes;
      for (const oldest of entries.keys()) {
        if (held <= budgetBytes) break;
        remove(oldest);
      }
    },
    delete: remove,
    clear() {
      entries.clear();
      held = 0;
    },
  };
}

/** Every entry costs at least this, so that a million empty ones do not count as nothing. */
const entryBytes = 256;

/** About how much memory a value takes: exact for tensors, a guess for the rest. */
export function valueBytes(value: unknown, depth = 0): number {
  if (typeof value === 'string') return 2 * value.length;
  if (typeof value !== 'object' || value === null) return 8;
  if (ArrayBuffer.isView(value)) return value.byteLength;
  if (depth > 64) return 8;
  let bytes = depth === 0 ? entryBytes : 16;
  for (const part of Object.values(value)) bytes += valueBytes(part, depth + 1);
  return bytes;
}

/** Digests of the files that a value refers to. */
export function filesIn(value: unknown, found: string[] = [], depth = 0): string[] {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || depth > 64) return found;
  if ('kind' in value && value.kind === 'file' && 'digest' in value && typeof value.digest === 'string')
    found.push(value.digest);
  else for (const part of Object.values(value)) filesIn(part, found, depth + 1);
  return found;
}
