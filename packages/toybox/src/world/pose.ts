/** Where shapes are, what colour they have and what the camera sees, frame by frame. */
import { defaultClipSize, type FrameSize } from './clip.ts';
import type { Body, Scene } from './scene.ts';
import { type Camera, type Colour, gravity, period, restitution } from './words.ts';

/** The frames a scene's motions are measured against. */
export interface Timing {
  /** Index of the last frame, at least 1. */
  readonly last: number;
  /** Frames over which a whole move, growth or camera move lasts; not less than the default clip's. */
  readonly span: number;
}

/** Timing of a clip of `frameCount` frames. */
export function timingOf(frameCount: number): Timing {
  return {
    last: Math.max(1, frameCount - 1),
    span: Math.max(defaultClipSize.frameCount, frameCount) - 1,
  };
}

/** A place in the world: x in widths, y in heights, radius in shorter sides of the frame; angle in radians. */
export interface Pose {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  readonly angle: number;
}

/** Slower than this at the ground (heights per frame), a shape lies still: it would rise under a thousandth. */
const leastBounceSpeed = 0.004;

/**
 * Height above the ground, in heights of the frame, `f` frames after a fall from rest at height `drop`.
 * Throws of gravity g: h = v t - g t² / 2, each as fast as the last times the restitution e; the world's, where
 * no others are given.
 */
export function bounceHeight(drop: number, f: number, g: number = gravity, e: number = restitution): number {
  const fall = Math.sqrt((2 * drop) / g);
  if (f < fall) return drop - (g * f * f) / 2;
  let t = f - fall;
  let speed = e * Math.sqrt(2 * drop * g);
  while (speed > leastBounceSpeed) {
    const flight = (2 * speed) / g;
    if (t < flight) return speed * t - (g * t * t) / 2;
    t -= flight;
    speed *= e;
  }
  return 0;
}

/** Times, in frames up to `last`, at which a shape that falls from height `drop` touches the ground. */
export function bounceContacts(drop: number, last: number): number[] {
  const contacts: number[] = [];
  let at = Math.sqrt((2 * drop) / gravity);
  let speed = restitution * Math.sqrt(2 * drop * gravity);
  for (; at <= last && speed > leastBounceSpeed; speed *= restitution) {
    contacts.push(at);
    at += (2 * speed) / gravity;
  }
  return contacts;
}

/** Pose of a shape in frame `f`, before the camera; `aspect` is width ÷ shorter side of the frame. */
export function worldPose(body: Body, f: number, { last, span }: Timing, aspect: number): Pose {
  const { motion, amount, phase } = body;
  let x = body.x + body.vx * f;
  let y = body.y + body.vy * f;
  let radius = body.radius;
  let angle = body.angle + body.spin * f;
  switch (motion) {
    case 'bounces':
      y -= bounceHeight(amount, f);
      break;
    case 'rolls right':
    case 'rolls left':
      angle += (body.vx * f * aspect) / radius;
      break;
    case 'orbits':
      x += amount * Math.cos(phase + (2 * Math.PI * f) / period);
      y += amount * Math.sin(phase + (2 * Math.PI * f) / period);
      break;
    case 'swings':
      x += amount * Math.sin(phase + (2 * Math.PI * f) / period);
      break;
    case 'grows':
    case 'shrinks':
      radius *= 1 + (amount - 1) * Math.min(1, f / span);
      break;
    case 'leaves to the right and comes back':
    case 'leaves to the left and comes back':
      x += amount * (1 - Math.abs(1 - (2 * f) / last));
      break;
    case 'collides':
      x = body.x + body.vx * (f <= phase ? f : 2 * phase - f);
      break;
  }
  for (const event of body.events ?? []) {
    if (event.what !== 'move') continue;
    const done = Math.min(1, Math.max(0, (f - event.from) / (event.to - event.from)));
    x += event.dx * done;
    y += event.dy * done;
  }
  return { x, y, radius, angle };
}

/** The colour of a shape in frame `f`. */
export function colourAt(body: Body, f: number): Colour {
  let name = body.colour;
  for (const event of body.events ?? []) {
    if (event.what === 'turn' && f >= event.from) name = event.colour;
  }
  return name;
}

/** What the camera sees: the world's (x, y) is at (0.5 + (x - 0.5 - pan) zoom, 0.5 + (y - 0.5) zoom). */
export interface View {
  readonly pan: number;
  readonly zoom: number;
}

/** View of a camera in frame `f`. */
export function viewAt(camera: Camera, f: number, { span }: Timing): View {
  const done = Math.min(1, f / span);
  switch (camera) {
    case 'pans right':
      return { pan: 0.26 * (done - 0.5), zoom: 1 };
    case 'pans left':
      return { pan: 0.26 * (0.5 - done), zoom: 1 };
    case 'zooms in':
      return { pan: 0, zoom: 1 + 0.45 * done };
    case 'zooms out':
      return { pan: 0, zoom: 1.45 - 0.45 * done };
    default:
      return { pan: 0, zoom: 1 };
  }
}

/** Where a shape is drawn in frame `f`, after the camera: centre and radius in pixels, angle in radians. */
export function poseAt(scene: Scene, body: Body, f: number, { width, height }: FrameSize): Pose {
  const timing = timingOf(scene.frameCount);
  const shorter = Math.min(width, height);
  const { x, y, radius, angle } = worldPose(body, f, timing, width / shorter);
  const { pan, zoom } = viewAt(scene.camera, f, timing);
  return {
    x: (0.5 + (x - 0.5 - pan) * zoom) * width,
    y: (0.5 + (y - 0.5) * zoom) * height,
    radius: radius * zoom * shorter,
    angle,
  };
}
