/**
 * Draws the images that the shipped workflows load, from the world whose truth is known.
 * Run it with `npx node scripts/make-workflow-images.ts`; the same images come out every time.
 */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { captionOf, type FixedAttributes, randomScene, renderScene } from '@reelgraph/toybox';
import sharp from 'sharp';

const folder = join(dirname(dirname(fileURLToPath(import.meta.url))), 'workflows', 'inputs');

const pictures: { file: string; seed: number; attributes: FixedAttributes }[] = [
  {
    file: 'blue-square.png',
    seed: 2026,
    attributes: { colour: 'blue', shape: 'square', size: 'large', motion: 'moves left', background: 'sand' },
  },
];

for (const { file, seed, attributes } of pictures) {
  const size = { width: 64, height: 64 };
  const scene = randomScene(seed, { kind: 'single', fixed: attributes, frameCount: 1, isStyled: false });
  const clip = renderScene(scene, size);
  await sharp(clip.frames, { raw: { width: size.width, height: size.height, channels: 3 } })
    .png()
    .toFile(join(folder, file));
  console.log(`${file}: first frame of "${captionOf(scene)}"`);
}
