/**
 * Draws scenes. Everything is anti-aliased by the signed distance d (pixels, negative inside) of a pixel's
 * centre to an outline: its coverage is clamp(0.5 - d, 0, 1). `training/pictures.py` draws the same.
 */
import { drawBackground } from './background.ts';
import { drawBox } from './box-drawing.ts';
import { type Canvas, coverageAt, createCanvas, layOver } from './canvas.ts';
import { type Clip, defaultClipSize, type FrameSize } from './clip.ts';
import { colourAt, poseAt, timingOf, viewAt } from './pose.ts';
import type { Body, Scene } from './scene.ts';
import { type Drawn, drawShape } from './shape-drawing.ts';
import { colours, wallColour } from './words.ts';

/** A shape as it looks in frame `f` of a scene. */
export function drawnAt(scene: Scene, body: Body, f: number, size: FrameSize): Drawn {
  const { bite, paint } = body;
  return {
    shape: body.shape,
    style: scene.style,
    colour: colours[colourAt(body, f)],
    pose: poseAt(scene, body, f, size),
    biteAngle: bite !== undefined && f >= bite.from ? bite.angle : undefined,
    paint:
      paint !== undefined && bite === undefined
        ? { from: poseAt(scene, body, 0, size), colour: colours[paint] }
        : undefined,
  };
}

/** How much of a pixel in a column the wall hides, 0-1. */
export function wallCoverage(wall: readonly [left: number, right: number], column: number, width: number) {
  const x = column + 0.5;
  return coverageAt(-Math.min(x - wall[0] * width, wall[1] * width - x));
}

function drawWall(canvas: Canvas, wall: readonly [left: number, right: number]): void {
  for (let column = 0; column < canvas.width; column++) {
    const coverage = wallCoverage(wall, column, canvas.width);
    if (coverage === 0) continue;
    for (let row = 0; row < canvas.height; row++) {
      layOver(canvas.pixels, (row * canvas.width + column) * 3, wallColour, coverage);
    }
  }
}

/** Draws all frames of a scene, `scene.frameCount` of them, at any size of frame. */
export function renderScene(scene: Scene, size: FrameSize = defaultClipSize): Clip {
  const { frameCount, camera } = scene;
  const { width, height } = size;
  const stride = height * width * 3;
  const frames = new Uint8Array(frameCount * stride);
  const behind = createCanvas(size);
  const canvas = createCanvas(size);
  const timing = timingOf(frameCount);
  for (let f = 0; f < frameCount; f++) {
    if (f === 0 || camera !== 'still') {
      drawBackground(behind, scene.background, scene.style, viewAt(camera, f, timing));
    }
    canvas.pixels.set(behind.pixels);
    for (const body of scene.objects) drawShape(canvas, drawnAt(scene, body, f, size));
    if (scene.wall !== null) drawWall(canvas, scene.wall);
    if (scene.box !== null) drawBox(canvas, scene.box, f);
    const start = f * stride;
    for (let i = 0; i < stride; i++) frames[start + i] = canvas.pixels[i]! + 0.5;
  }
  return { frames, frameCount, width, height };
}
