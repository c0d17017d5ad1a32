/**
 * Measures the scorer itself: true renders, mutants and the floor, over the held-out prompts.
 *
 *     node packages/toybox/bench/measure-scorer.ts [--count N] [--list]
 */
import { parseArgs } from 'node:util';
import { heldOutPrompts } from '../src/index.ts';
import { formatShare, measureScorer, passed } from './columns.ts';

const { values } = parseArgs({ options: { count: { type: 'string' }, list: { type: 'boolean' } } });
const all = heldOutPrompts();
const count = Math.min(all.length, values.count === undefined ? all.length : Number(values.count));
const prompts = Array.from({ length: count }, (_, i) => all[Math.floor((i * all.length) / count)]!);
const { lines, truth } = measureScorer(prompts, (message) => console.error(message));
console.log('| score | prompts | true renders | mutants rejected | floor: frozen | floor: another prompt |');
console.log('|---|--:|--:|--:|--:|--:|');
for (const line of lines) {
  const cells = [line.truth, line.mutants, line.frozen, line.random].map(formatShare);
  console.log(`| ${line.score.name} | ${line.truth.total} | ${cells.join(' | ')} |`);
}
if (values.list) {
  for (const { prompt, agreement } of truth) {
    const wrong = Object.entries(agreement).flatMap(([name, isRight]) => (isRight ? [] : [name]));
    if (wrong.length > 0) console.log(`truth: "${prompt.caption}": ${wrong.join(', ')}`);
  }
  for (const message of passed) console.log(`passed: ${message}`);
}
