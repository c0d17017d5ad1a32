/**
 * Scores a folder of raw clips as `training/evaluate.py` writes it: `clips.json`
 * ({ width, height, frameCount, captions }) beside `clips.u8`, RGB bytes [clips, T, H, W, 3].
 *
 *     node packages/toybox/bench/score-clips.ts FOLDER [--list] [--count N]
 *
 * Prints a table over all clips and one for each kind of scene; `--list` says of each clip what was read wrong.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { type Agreement, compareWithSaid } from '../src/scorer/compare.ts';
import { describeReading } from '../src/scorer/describe.ts';
import { readClip } from '../src/scorer/reading.ts';
import { formatScoreTable, tally } from '../src/scorer/table.ts';
import { isHeldOut, parseCaption, type Said, sceneKinds } from '../src/world/index.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { list: { type: 'boolean' }, count: { type: 'string' } },
});
const folder = positionals[0];
if (folder === undefined) throw new Error('Usage: score-clips.ts FOLDER [--list] [--count N]');
const facts = z
  .object({
    width: z.number().int().positive(),
    height: z.number().int().positive(),
    frameCount: z.number().int().positive(),
    captions: z.array(z.string()),
  })
  .parse(JSON.parse(readFileSync(join(folder, 'clips.json'), 'utf8')));
const { width, height, frameCount, captions } = facts;
const bytes = readFileSync(join(folder, 'clips.u8'));
const stride = frameCount * height * width * 3;
const count = Math.min(captions.length, values.count === undefined ? captions.length : Number(values.count));
if (bytes.length < count * stride) {
  throw new Error(
    `clips.u8 holds ${Math.floor(bytes.length / stride)} clips of this size, clips.json names ${count}`,
  );
}

const scored: { said: Said; agreement: Agreement }[] = [];
for (let i = 0; i < count; i++) {
  const caption = captions[i]!;
  const said = parseCaption(caption);
  if (said === undefined) {
    console.log(`not a canonical caption, left out: "${caption}"`);
    continue;
  }
  const reading = readClip({
    frames: bytes.subarray(i * stride, (i + 1) * stride),
    frameCount,
    width,
    height,
  });
  const agreement = compareWithSaid(reading, said);
  scored.push({ said, agreement });
  if (values.list) {
    const wrong = Object.entries(agreement).flatMap(([name, isRight]) =>
      isRight || name === 'all' ? [] : [name],
    );
    console.log(`${String(i).padStart(3)} ${caption}`);
    if (wrong.length > 0) console.log(`      ✗ ${wrong.join(', ')}; read: ${describeReading(reading)}`);
  }
}

function print(title: string, keep: (said: Said) => boolean): void {
  const kept = scored.filter(({ said }) => keep(said)).map(({ agreement }) => agreement);
  if (kept.length > 0) console.log(`\n${title} (${kept.length})\n\n${formatScoreTable(tally(kept))}`);
}

function isNovel({ kind, objects: [object] }: Said): boolean {
  if (kind !== 'single' || object?.motion === undefined || object.motion === 'collides') return false;
  return isHeldOut({ colour: object.colour, shape: object.shape, motion: object.motion });
}

print('All clips', () => true);
print('Single shapes whose triple was never trained', isNovel);
for (const kind of sceneKinds) print(`Kind: ${kind}`, (said) => said.kind === kind);
const motions = new Set(
  scored.flatMap(({ said }) => (said.kind === 'single' ? [said.objects[0]?.motion] : [])),
);
if (motions.size > 1) {
  console.log('\nSingle shapes, motion read right\n');
  for (const motion of [...motions].sort()) {
    const of = scored.filter(({ said }) => said.kind === 'single' && said.objects[0]?.motion === motion);
    const right = of.filter(({ agreement }) => agreement.motion === true).length;
    console.log(`| ${motion} | ${right}/${of.length} |`);
  }
}
