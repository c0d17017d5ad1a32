/**
 * `npm run bench [-- NAME …] [--count N] [--variant fast] [--precision fp32] [--only PART] [--out FOLDER]`. Every figure is a ratio, or a bound on one event, taken in one run on one
 * machine; a line says what was wanted and whether it is met. The exit code tells only whether it ran.
 */
import { parseArgs } from 'node:util';
import type { BenchOptions, BenchSection } from './section.ts';

const sections: Record<string, () => Promise<{ default: BenchSection }>> = {
  engine: () => import('./engine.ts'),
  media: () => import('./media.ts'),
  sampling: () => import('./sampling.ts'),
  skipping: () => import('./skipping.ts'),
  server: () => import('./server.ts'),
  start: () => import('./start.ts'),
  editor: () => import('./editor.ts'),
  estimate: () => import('./estimate.ts'),
  toybox: () => import('./toybox.ts'),
};

const { values, positionals: asked } = parseArgs({
  allowPositionals: true,
  options: {
    count: { type: 'string' },
    variant: { type: 'string' },
    precision: { type: 'string' },
    only: { type: 'string' },
    out: { type: 'string' },
  },
});
const { count, ...texts } = values;
const options: BenchOptions = { ...texts, ...(count === undefined ? {} : { count: Number(count) }) };
const unknown = asked.filter((name) => !Object.hasOwn(sections, name));
if (unknown.length > 0) {
  console.error(`no bench named ${unknown.join(', ')}; there are ${Object.keys(sections).join(', ')}`);
  process.exit(2);
}

let missed = 0;
for (const name of asked.length > 0 ? asked : Object.keys(sections)) {
  const load = sections[name];
  if (!load) continue;
  console.log(`\n# ${name}`);
  await (await load()).default((figure) => {
    const verdict =
      figure.wanted === undefined
        ? ''
        : figure.met
          ? `  (wanted ${figure.wanted}: met)`
          : `  (wanted ${figure.wanted}: MISSED)`;
    if (figure.met === false) missed += 1;
    console.log(`${figure.name}: ${figure.value}${verdict}`);
  }, options);
}
console.log(missed === 0 ? '\nevery figure met' : `\n${missed} figure(s) missed`);
process.exit(0);
