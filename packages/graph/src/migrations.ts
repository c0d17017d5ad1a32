/** Brings documents of older formats to the one this code reads, one format at a time. */

/** Rewrites a document of format n as one of format n + 1; pure, and sets `reelgraph` itself to nothing else. */
export type Migration = (document: Readonly<Record<string, unknown>>) => Record<string, unknown>;

/** Steps by the format they start from. Format 1 is the first there is, so no step exists yet. */
export const documentMigrations: ReadonlyMap<number, Migration> = new Map();

/** Result of `migrateDocument`; `stuckAt` is the first format that no step leads away from. */
export type MigrationResult =
  | { readonly ok: true; readonly document: Record<string, unknown> }
  | { readonly ok: false; readonly stuckAt: number };

/** Applies the steps `from`, `from + 1` … in order until the document has format `to`. */
export function migrateDocument(
  document: Readonly<Record<string, unknown>>,
  options: { from: number; to: number; migrations: ReadonlyMap<number, Migration> },
): MigrationResult {
  let current: Record<string, unknown> = { ...document };
  for (let format = options.from; format < options.to; format += 1) {
    const step = options.migrations.get(format);
    if (step === undefined) return { ok: false, stuckAt: format };
    current = { ...step(current), reelgraph: format + 1 };
  }
  return { ok: true, document: current };
}
