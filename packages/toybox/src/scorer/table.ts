/** Score tables: how often each attribute was read as said. */
import { type Agreement, type AttributeName, attributeNames } from './compare.ts';

/** One line of a score table. */
export interface ScoreRow {
  readonly attribute: AttributeName;
  readonly correct: number;
  /** Clips whose caption says something of it. */
  readonly total: number;
  readonly rate: number;
}

/** One row per attribute that any caption says something of. */
export function tally(agreements: readonly Agreement[]): ScoreRow[] {
  return attributeNames.flatMap((attribute) => {
    const said = agreements.map((agreement) => agreement[attribute]).filter((value) => value !== undefined);
    if (said.length === 0) return [];
    const correct = said.filter(Boolean).length;
    return [{ attribute, correct, total: said.length, rate: correct / said.length }];
  });
}

/** The rows as lines of a Markdown table. */
export function formatScoreTable(rows: readonly ScoreRow[]): string {
  const lines = rows.map(
    ({ attribute, correct, total, rate }) =>
      `| ${attribute.padEnd(10)} | ${`${correct}/${total}`.padStart(9)} | ${`${(100 * rate).toFixed(1)} %`.padStart(7)} |`,
  );
  return ['| attribute  |   correct |    rate |', '|---|--:|--:|', ...lines].join('\n');
}
