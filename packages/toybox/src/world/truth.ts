/** What is so in every frame of a scene: the answers a scorer looks for. */
import { coverageAt } from './canvas.ts';
import { defaultClipSize, type FrameSize } from './clip.ts';
import { bounceContacts, colourAt, type Pose, poseAt, timingOf, type View, viewAt } from './pose.ts';
import { drawnAt, wallCoverage } from './render.ts';
import type { Scene } from './scene.ts';
import { distanceToDrawn } from './shape-drawing.ts';
import { type Colour, reach, type Shape, type Size, type StraightDirection } from './words.ts';

/** A shape in one frame: centre and radius in pixels of the frame (also outside it), angle in radians. */
export interface ObjectTruth extends Pose {
  readonly colour: Colour;
  /** Share of its area that is seen, 0-1: neither outside the frame, behind the wall nor behind another shape. */
  readonly visible: number;
}

/** Something that happens; times are frames, not rounded, and `to` equals `from` for a moment. */
export type TruthEvent = { readonly object: number; readonly from: number; readonly to: number } & (
  | { readonly what: 'moves'; readonly direction: StraightDirection }
  | { readonly what: 'turns'; readonly colour: Colour }
  /** A bite is taken, the ground or the other shape is touched. */
  | { readonly what: 'is bitten' | 'lands' | 'collides' }
  /** Nothing of the shape is seen, from the first whole frame to the last. */
  | { readonly what: 'is hidden' }
);

/** The camera in one frame. */
export interface CameraTruth extends View {
  /** Direction in which a box is turned, in radians; undefined without a box. */
  readonly boxAngle: number | undefined;
}

/** The truth of a clip. */
export interface Truth extends FrameSize {
  readonly frameCount: number;
  readonly objects: readonly {
    readonly shape: Shape;
    /** Null when it grows or shrinks. */
    readonly size: Size | null;
    /** One per frame. */
    readonly frames: readonly ObjectTruth[];
  }[];
  /** One per frame. */
  readonly camera: readonly CameraTruth[];
  /** In order of their start. */
  readonly events: readonly TruthEvent[];
}

/** Less than this share of a shape in sight counts as hidden. */
const hiddenBelow = 0.02;

function visibleShare(scene: Scene, index: number, f: number, size: FrameSize): number {
  const { width, height } = size;
  const drawn = scene.objects.map((body) => drawnAt(scene, body, f, size));
  const distances = drawn.map(distanceToDrawn);
  const { x, y, radius } = drawn[index]!.pose;
  const extent = reach * radius + 1;
  let whole = 0;
  let seen = 0;
  for (let row = Math.floor(y - extent); row <= y + extent; row++) {
    for (let column = Math.floor(x - extent); column <= x + extent; column++) {
      const coverage = coverageAt(distances[index]!(column + 0.5, row + 0.5));
      if (coverage === 0) continue;
      whole += coverage;
      if (row < 0 || row >= height || column < 0 || column >= width) continue;
      let open = scene.wall === null ? 1 : 1 - wallCoverage(scene.wall, column, width);
      for (let over = index + 1; over < drawn.length; over++) {
        open *= 1 - coverageAt(distances[over]!(column + 0.5, row + 0.5));
      }
      seen += coverage * open;
    }
  }
  return whole === 0 ? 0 : seen / whole;
}

function eventsOf(scene: Scene, objects: Truth['objects']): TruthEvent[] {
  const { last } = timingOf(scene.frameCount);
  const events: TruthEvent[] = [];
  scene.objects.forEach((body, object) => {
    for (const event of body.events ?? []) {
      const { from, to } = event;
      if (event.what === 'turn') events.push({ what: 'turns', colour: event.colour, object, from, to });
      else events.push({ what: 'moves', direction: event.direction, object, from, to });
    }
    const moment = (what: 'is bitten' | 'lands' | 'collides', at: number) =>
      events.push({ what, object, from: at, to: at });
    if (body.bite !== undefined) moment('is bitten', body.bite.from);
    if (body.motion === 'collides') moment('collides', body.phase);
    if (body.motion === 'bounces') for (const at of bounceContacts(body.amount, last)) moment('lands', at);
    let from: number | undefined;
    objects[object]!.frames.forEach(({ visible }, f, { length }) => {
      if (visible < hiddenBelow) from ??= f;
      const isOver = visible >= hiddenBelow || f === length - 1;
      if (from === undefined || !isOver) return;
      events.push({ what: 'is hidden', object, from, to: visible < hiddenBelow ? f : f - 1 });
      from = undefined;
    });
  });
  return events.sort((a, b) => a.from - b.from);
}

/** The truth of a scene drawn at a size. */
export function truthOf(scene: Scene, size: FrameSize = defaultClipSize): Truth {
  const { frameCount, box } = scene;
  const { width, height } = size;
  const frameIndices = Array.from({ length: frameCount }, (_, f) => f);
  const timing = timingOf(frameCount);
  const objects = scene.objects.map((body, index) => ({
    shape: body.shape,
    size: body.size,
    frames: frameIndices.map((f) => ({
      ...poseAt(scene, body, f, size),
      colour: colourAt(body, f),
      visible: visibleShare(scene, index, f, size),
    })),
  }));
  const camera = frameIndices.map((f) => ({
    ...viewAt(scene.camera, f, timing),
    boxAngle: box === null ? undefined : box.angle + box.turn * f,
  }));
  return { width, height, frameCount, objects, camera, events: eventsOf(scene, objects) };
}
