/**
 * Draws `packages/toybox/world.png`: held-out scenes of every kind and style, frames side by side
 * with the caption under them. Run it with `npx node scripts/draw-toybox-world.ts`.
 */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type HeldOutPrompt,
  heldOutPrompts,
  renderScene,
  type SceneKind,
  type Style,
  sceneKinds,
  styles,
} from '@reelgraph/toybox';
import sharp from 'sharp';

const file = join(dirname(dirname(fileURLToPath(import.meta.url))), 'packages', 'toybox', 'world.png');
const side = 64;
const framesShown = 6;
const columns = 3;
const cellWidth = framesShown * (side + 2) + 12;
const captionHeight = 30;
const cellHeight = side + captionHeight;
/** Letters of a caption line that fit under a clip. */
const lineLength = 68;

const shown: Readonly<Record<SceneKind, number>> = {
  single: 9,
  pair: 5,
  trio: 1,
  events: 3,
  wall: 2,
  bite: 1,
  paint: 1,
  collide: 1,
  camera: 2,
  box: 1,
};

/** `count` of a list, evenly spaced, so that nobody picked them. */
function spread<T>(list: readonly T[], count: number): T[] {
  return Array.from({ length: count }, (_, i) => list[Math.floor((i * list.length) / count)]!);
}

function shownPrompts(): HeldOutPrompt[] {
  const prompts = heldOutPrompts();
  const inStyle = (style: Style) => prompts.filter((prompt) => prompt.scene.style === style);
  const ofKinds = sceneKinds.flatMap((kind) =>
    spread(
      inStyle('flat').filter((prompt) => prompt.kind === kind),
      shown[kind],
    ),
  );
  return [...ofKinds, ...styles.slice(1).flatMap((style) => spread(inStyle(style), 1))];
}

/** Breaks a caption between words into lines that fit. */
function linesOf(caption: string): string[] {
  const lines = [''];
  for (const word of caption.split(' ')) {
    if (`${lines.at(-1)} ${word}`.length > lineLength) lines.push(word);
    else lines[lines.length - 1] = `${lines.at(-1)} ${word}`.trim();
  }
  return lines;
}

const prompts = shownPrompts();
const rows = Math.ceil(prompts.length / columns);
const layers = prompts.flatMap((prompt, i) => {
  const left = (i % columns) * cellWidth + 8;
  const top = Math.floor(i / columns) * cellHeight + 6;
  const clip = renderScene(prompt.scene, { width: side, height: side });
  const stride = side * side * 3;
  return Array.from({ length: framesShown }, (_, shownFrame) => {
    const frame = Math.round((shownFrame * (clip.frameCount - 1)) / (framesShown - 1));
    return {
      input: Buffer.from(clip.frames.subarray(frame * stride, (frame + 1) * stride)),
      raw: { width: side, height: side, channels: 3 as const },
      left: left + shownFrame * (side + 2),
      top,
    };
  });
});
const texts = prompts.flatMap(({ caption }, i) => {
  const x = (i % columns) * cellWidth + 8;
  const y = Math.floor(i / columns) * cellHeight + 6 + side;
  return linesOf(caption).map((line, k) => `<text x="${x}" y="${y + 11 + 11 * k}">${line}</text>`);
});
const [width, height] = [columns * cellWidth + 4, rows * cellHeight + 6];
const captions = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="10.5" fill="#222">${texts.join('')}</svg>`;
await sharp({ create: { width, height, channels: 3, background: '#fff' } })
  .composite([...layers, { input: Buffer.from(captions), left: 0, top: 0 }])
  .png({ palette: true, colours: 128 })
  .toFile(file);
console.log(`${file}: ${prompts.length} scenes`);
