/**
 * Scores a folder of raw clips as `training/evaluate.py` writes it: `clips.json`
 * ({ width, height, frameCount, captions }) beside `clips.u8`, RGB bytes [clips, T, H, W, 3].
 *
 *     node packages/toybox/bench/score-clips.ts FOLDER [--list]
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  attributeNames,
  compareWithCaption,
  formatScoreTable,
  readClip,
  scoreReadings,
} from '../src/index.ts';
import { isHeldOut, parseCaption } from '../src/world.ts';

const folder = process.argv[2];
if (folder === undefined) throw new Error('Usage: score-clips.ts FOLDER [--list]');
const { width, height, frameCount, captions } = JSON.parse(
  readFileSync(join(folder, 'clips.json'), 'utf8'),
) as {
  width: number;
  height: number;
  frameCount: number;
  captions: string[];
};
const bytes = readFileSync(join(folder, 'clips.u8'));
const stride = frameCount * height * width * 3;
const readings = captions.map((_, i) =>
  readClip({ frames: bytes.subarray(i * stride, (i + 1) * stride), frameCount, width, height }),
);

const table = (title: string, keep: (caption: string) => boolean) => {
  const kept = captions.map((_, i) => i).filter((i) => keep(captions[i]!));
  if (kept.length === 0) return;
  const rows = scoreReadings(
    kept.map((i) => readings[i]!),
    kept.map((i) => captions[i]!),
  );
  console.log(`\n${title}\n\n${formatScoreTable(rows)}`);
};
table('All prompts', () => true);
table('Triples never trained', (caption) => isHeldOut(parseCaption(caption)!));
table('Triples trained', (caption) => !isHeldOut(parseCaption(caption)!));

if (process.argv.includes('--list')) {
  console.log();
  captions.forEach((caption, i) => {
    const reading = readings[i]!;
    const agreement = compareWithCaption(reading, caption);
    const wrong = attributeNames
      .filter((name) => !agreement[name])
      .map((name) => `${name}=${reading[name] ?? '?'}`);
    console.log(`${String(i).padStart(3)} ${caption}${wrong.length > 0 ? `  ✗ ${wrong.join(', ')}` : ''}`);
  });
}
