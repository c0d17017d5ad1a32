/**
 * Playing a node: the client opens a session over its WebSocket, sends an action for each frame, and gets the
 * frames as they are made. The runner makes them; the server passes messages on and keeps the limits.
 */
import { z } from 'zod';

/** What a client calls its session, unique on its connection. */
const liveId = z.string().min(1).max(64);
const action = z.string().min(1).max(40);

/** Largest side of a frame that is played. */
const maxLiveSidePx = 512;

/** One picture: RGB bytes, row by row, as base64. */
export const liveFrameSchema = z.strictObject({
  widthPx: z.number().int().positive().max(maxLiveSidePx),
  heightPx: z.number().int().positive().max(maxLiveSidePx),
  data: z.base64().max(4 * maxLiveSidePx * maxLiveSidePx),
});
export type LiveFrame = z.infer<typeof liveFrameSchema>;

/** Client to server. */
export const liveRequestSchemas = [
  /** Ends with `live.opened` or `live.ended`. Params that are absent have their defaults. */
  z.strictObject({
    type: z.literal('live.open'),
    liveId,
    nodeType: z.string().min(1).max(100),
    params: z.record(z.string().max(100), z.union([z.string().max(2000), z.number(), z.boolean()])),
  }),
  z.strictObject({ type: z.literal('live.act'), liveId, action }),
  z.strictObject({ type: z.literal('live.close'), liveId }),
] as const;

/** Server to client, and runner to server. After `live.ended` nothing more is said of a session. */
export const liveAnswerSchemas = [
  z.strictObject({ type: z.literal('live.opened'), liveId: z.string(), frame: liveFrameSchema }),
  z.strictObject({
    type: z.literal('live.frame'),
    liveId: z.string(),
    /** Counts actions from 1. */
    index: z.number().int().positive(),
    action,
    frame: liveFrameSchema,
    /** Time that the model took. */
    modelMs: z.number().min(0),
  }),
  z.strictObject({
    type: z.literal('live.ended'),
    liveId: z.string(),
    /** `live/closed` when the client asked for it. */
    code: z.string(),
    message: z.string(),
  }),
] as const;

export type LiveRequest = z.infer<(typeof liveRequestSchemas)[number]>;
export type LiveAnswer = z.infer<(typeof liveAnswerSchemas)[number]>;
