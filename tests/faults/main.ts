/**
 * `npm run faults [-- NAME …] [--count N] [--seed N]`: damages, kills and overloads the system on purpose and prints
 * what became of it, and on stderr what it is at. Each file beside this one is a kind of fault. The seed is printed, and
 * repeats a run; the exit code is 1 when something was not withstood, and 2 for what was asked wrongly.
 */
import { randomInt } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { FaultPiece, FaultRow } from './piece.ts';

const names = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
  .map((name) => name.slice(0, -'.ts'.length))
  .filter((name) => name !== 'main' && name !== 'piece')
  .sort();
const { values, positionals: asked } = parseArgs({
  allowPositionals: true,
  options: { count: { type: 'string' }, seed: { type: 'string' } },
});
const unknown = asked.filter((name) => !names.includes(name));
if (unknown.length > 0) {
  console.error(`no fault named ${unknown.join(', ')}; there are ${names.join(', ')}`);
  process.exit(2);
}
const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);
const options = {
  seed,
  ...(values.count === undefined ? {} : { count: Number(values.count) }),
  progress: (text: string) => console.error(`  … ${text}`),
};
console.log(`seed ${seed}\n`);

const widths = { fault: 52, cases: 7, outcome: 52 };
const line = (fault: string, cases: string, outcome: string, wanted: string): string =>
  `${fault.padEnd(widths.fault)}${cases.padStart(widths.cases)}  ${outcome.padEnd(widths.outcome)}${wanted}`;
console.log(line('fault', 'cases', 'outcome', 'wanted'));
let missed = 0;
for (const name of asked.length > 0 ? asked : names) {
  const piece: { default: FaultPiece } = await import(`./${name}.ts`);
  await piece.default(({ fault, cases, outcome, wanted, met }: FaultRow) => {
    if (!met) missed += 1;
    console.log(line(fault, String(cases), outcome, `${wanted}: ${met ? 'met' : 'MISSED'}`));
  }, options);
}
console.log(
  missed === 0 ? '\neverything was withstood' : `\n${missed} line(s) missed; repeat with --seed ${seed}`,
);
process.exit(missed === 0 ? 0 : 1);
