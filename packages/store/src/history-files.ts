/**
 * Files that the history of runs shows. Read from the journal as texts and numbers, without its rules: whatever is
 * written there about a file, in any table, is a reason to keep it.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { z } from 'zod';

const tableRow = z.object({ name: z.string() });
const textRow = z.object({ text: z.string() });

/**
 * Digests that the journal in `folder` mentions; none when there is no journal. A server may be writing to it.
 * Undefined when it cannot be read: then nobody knows what the history needs.
 */
export function filesOfHistory(folder: string): ReadonlySet<string> | undefined {
  const path = join(folder, 'journal.sqlite');
  if (!existsSync(path)) return new Set();
  let database: Database.Database | undefined;
  try {
    database = new Database(path, { readonly: true, fileMustExist: true, timeout: 2000 });
    const found = new Set<string>();
    const tables = database.prepare(`SELECT name FROM sqlite_schema WHERE type = 'table'`).all();
    for (const { name } of tables.map((row) => tableRow.parse(row))) {
      const columns = database.prepare(`SELECT name FROM pragma_table_info(?)`).all(name);
      for (const column of columns.map((row) => tableRow.parse(row).name)) {
        const texts = database.prepare(
          `SELECT ${quoted(column)} AS text FROM ${quoted(name)}
           WHERE typeof(${quoted(column)}) = 'text' AND ${quoted(column)} LIKE '%"digest":"%'`,
        );
        for (const row of texts.iterate()) {
          for (const [, digest = ''] of textRow.parse(row).text.matchAll(/"digest":"([0-9a-f]{64})"/g))
            found.add(digest);
        }
      }
    }
    return found;
  } catch {
    return undefined;
  } finally {
    database?.close();
  }
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
