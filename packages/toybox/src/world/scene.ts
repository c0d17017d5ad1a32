/**
 * A scene says everything about a clip of the world, as plain JSON: the trainer, the renderer, the scorer
 * and the nodes exchange it.
 *
 * Units: lengths along x are fractions of the frame's width, along y of its height, radii of its shorter
 * side; time is counted in frames (8 per second); angles in radians, clockwise on screen.
 */
import { z } from 'zod';
import {
  backgroundNames,
  cameras,
  colourNames,
  motions,
  relations,
  sceneKinds,
  shapes,
  sizes,
  straightDirections,
  styles,
} from './words.ts';

const number = z.number();
const colour = z.enum(colourNames);

const moveEventSchema = z.strictObject({
  what: z.literal('move'),
  direction: z.enum(straightDirections),
  /** First and last frame of the move, not rounded. */
  from: number,
  to: number,
  /** Whole travel. */
  dx: number,
  dy: number,
});

const turnEventSchema = z.strictObject({
  what: z.literal('turn'),
  /** The colour from frame `from` on; `from` equals `to`. */
  colour,
  from: number,
  to: number,
  dx: number,
  dy: number,
});

const bodySchema = z.strictObject({
  shape: z.enum(shapes),
  colour,
  /** Null when the shape grows or shrinks. */
  size: z.enum(sizes).nullable(),
  radius: number.positive(),
  motion: z.enum([...motions, 'collides']),
  /** Centre in frame 0; on the ground for a shape that bounces, at the middle for one that orbits or swings. */
  x: number,
  y: number,
  /** Travel per frame. */
  vx: number,
  vy: number,
  angle: number,
  /** Turn per frame. */
  spin: number,
  /** Height a shape falls from, radius of an orbit, width of a swing, growth as a factor, way out of the frame. */
  amount: number,
  /** Angle at which an orbit or swing starts; for a shape that collides, the frame of the touch. */
  phase: number,
  /** What happens to the shape, in order. */
  events: z.array(z.discriminatedUnion('what', [moveEventSchema, turnEventSchema])).exactOptional(),
  /** A bite taken out from frame `from` on, at an angle seen from the centre. */
  bite: z.strictObject({ from: number, angle: number }).exactOptional(),
  /** Colour of the line that the shape leaves behind. */
  paint: colour.exactOptional(),
});

const boxSchema = z.strictObject({
  colour,
  /** Half the side of the square it stands on, and its height, in shorter sides of the frame. */
  side: number.positive(),
  height: number.positive(),
  angle: number,
  /** Turn per frame. */
  turn: number,
});

/** Checks that unknown data is a scene; messages say where it is not. */
export const sceneSchema = z.strictObject({
  kind: z.enum(sceneKinds),
  style: z.enum(styles),
  background: z.enum(backgroundNames),
  camera: z.enum(cameras),
  /** How `objects[0]` lies to `objects[1]`. */
  relation: z.enum(relations).nullable(),
  frameCount: number.int().positive(),
  /** In drawing order: a later one hides an earlier one. */
  objects: z.array(bodySchema).max(3),
  /** Left and right edge of a wall from top to bottom that hides what is behind it; null without one. */
  wall: z.tuple([number, number]).nullable(),
  /** The box of a box scene; null in all others. */
  box: boxSchema.nullable(),
});

/** One clip of the world, fully determined. */
export type Scene = z.infer<typeof sceneSchema>;
/** One shape of a scene. */
export type Body = z.infer<typeof bodySchema>;
/** What happens to a shape at a time. */
export type BodyEvent = NonNullable<Body['events']>[number];
/** The solid box that a camera orbits. */
export type Box = z.infer<typeof boxSchema>;
