/** What the engine costs: a file in `engine/` for each piece. `--only chain` runs one of them. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { BenchSection } from './section.ts';

const engine: BenchSection = async (report, options) => {
  const folder = join(import.meta.dirname, 'engine');
  const names = readdirSync(folder)
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => name.slice(0, -'.ts'.length))
    .filter((name) => options.only === undefined || options.only === name)
    .sort();
  if (names.length === 0) throw new Error(`There is no piece "${options.only ?? ''}" in ${folder}.`);
  for (const name of names) {
    const piece: { default: BenchSection } = await import(`./engine/${name}.ts`);
    await piece.default(report, options);
  }
};
export default engine;
