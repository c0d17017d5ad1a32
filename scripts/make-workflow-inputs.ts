/**
 * Draws the pictures and clips that the shipped workflows load, from the world whose truth is known.
 * Run it with `npx node scripts/make-workflow-inputs.ts`; the same pictures come out every time, and the same
 * videos with the same ffmpeg.
 */
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createMediaService } from '@reelgraph/media';
import { asChunks } from '@reelgraph/node-api';
import { fromFunction, type Tensor } from '@reelgraph/tensor';
import { type Body, framesPerSecond, renderScene, type Scene } from '@reelgraph/toybox';
import sharp from 'sharp';

const folder = join(dirname(dirname(fileURLToPath(import.meta.url))), 'workflows', 'inputs');
const size = { width: 64, height: 64 };

/** One shape on a plain background; what is not said is a still circle in the middle. */
function sceneOf(background: Scene['background'], frameCount: number, shape: Partial<Body>): Scene {
  const body: Body = {
    shape: 'circle',
    colour: 'red',
    size: 'large',
    radius: 0.2,
    motion: 'stays still',
    x: 0.5,
    y: 0.5,
    vx: 0,
    vy: 0,
    angle: 0,
    spin: 0,
    amount: 0,
    phase: 0,
    ...shape,
  };
  return {
    kind: 'single',
    style: 'flat',
    background,
    camera: 'still',
    relation: null,
    frameCount,
    objects: [body],
    wall: null,
    box: null,
  };
}

/** Goes on to the right for frames before and after those shown. */
const circleMovesRight = sceneOf('navy', 17, { motion: 'moves right', x: 0.4, vx: 0.016 });
const squareMovesLeft = sceneOf('sand', 17, {
  shape: 'square',
  colour: 'blue',
  motion: 'moves left',
  x: 0.72,
  y: 0.45,
  vx: -0.026,
});
const triangleMovesDown = sceneOf('gray', 25, {
  shape: 'triangle',
  colour: 'green',
  motion: 'moves down',
  x: 0.4,
  y: 0.3,
  vy: 0.016,
});
/** Comes round in 16 frames, of which the clip has 13: a bridge of 3 closes the circle. */
const ballOrbits = sceneOf('black', 17, {
  colour: 'yellow',
  size: 'medium',
  radius: 0.15,
  motion: 'orbits',
  amount: 0.26,
});
const squareSwings = sceneOf('sand', 17, {
  shape: 'square',
  colour: 'blue',
  size: 'medium',
  radius: 0.15,
  motion: 'swings',
  x: 0.5,
  y: 0.45,
  amount: 0.2,
});
const circle = { shape: 'circle', colour: 'red', size: 'medium', radius: 0.15, x: 0.27, y: 0.5 } as const;
const pair: Scene = {
  ...sceneOf('gray', 17, circle),
  kind: 'pair',
  relation: 'left',
  objects: [
    ...sceneOf('gray', 17, circle).objects,
    ...sceneOf('gray', 17, { ...circle, shape: 'square', colour: 'blue', x: 0.73 }).objects,
  ],
};

/** Frames `first` to `last` of a scene: [1, 3, T, H, W] in [-1, 1]. */
function pixelsOf(scene: Scene, first: number, last: number): Tensor<'float32'> {
  const clip = renderScene(scene, size);
  const plane = size.width * size.height;
  const count = last - first + 1;
  return fromFunction([1, 3, count, size.height, size.width], (i) => {
    const channel = Math.floor(i / (count * plane));
    const frame = first + (Math.floor(i / plane) % count);
    return clip.frames[(frame * plane + (i % plane)) * 3 + channel]! / 127.5 - 1;
  });
}

async function writePicture(file: string, scene: Scene, frame: number): Promise<void> {
  const clip = renderScene(scene, size);
  const bytes = size.width * size.height * 3;
  await sharp(clip.frames.subarray(frame * bytes, (frame + 1) * bytes), { raw: { ...size, channels: 3 } })
    .png()
    .toFile(join(folder, file));
  console.log(`${file}: frame ${frame}`);
}

async function writeClip(name: string, scene: Scene, first: number, last: number): Promise<void> {
  const tempFolder = await mkdtemp(join(tmpdir(), 'reelgraph-inputs-'));
  try {
    const media = createMediaService({
      tempFolder,
      async putFile(path, about) {
        await rename(path, join(folder, about.name));
        return { kind: 'file', digest: '0'.repeat(64), byteLength: 0, ...about };
      },
    });
    await media.muxVideo(
      { ...asChunks(pixelsOf(scene, first, last)), fps: framesPerSecond, quality: 90, metadata: {}, name },
      AbortSignal.timeout(60_000),
    );
  } finally {
    await rm(tempFolder, { recursive: true, force: true });
  }
  console.log(`${name}.mp4: frames ${first} to ${last}`);
}

await writePicture('blue-square.png', squareMovesLeft, 0);
await writePicture('blue-square-later.png', squareMovesLeft, 16);
await writeClip('red-circle', circleMovesRight, 0, 16);
await writeClip('green-triangle-above', triangleMovesDown, 0, 8);
await writeClip('green-triangle-below', triangleMovesDown, 16, 24);
await writePicture('swinging-square.png', squareSwings, 0);
await writeClip('orbiting-ball', ballOrbits, 0, 12);
await writeClip('circle-and-square', pair, 0, 16);
