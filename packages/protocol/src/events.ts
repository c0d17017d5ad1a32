/** Messages of the one WebSocket, `/api/v1/events`. */
import { runEventSchema, runStateSchema } from '@reelgraph/graph';
import { z } from 'zod';
import { liveAnswerSchemas, liveRequestSchemas } from './live.ts';
import { queueSummarySchema } from './queue.ts';

export const eventsPath = '/api/v1/events';

/**
 * What a client says: `hello` first, and once; then it may play nodes. `since`: the last cursor it has seen and
 * `serverId`: who counted it; both absent on a first visit.
 */
export const clientMessageSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('hello'),
    protocol: z.number().int(),
    since: z.number().int().min(0).optional(),
    serverId: z.string().max(100).optional(),
  }),
  ...liveRequestSchemas,
]);
export type ClientMessage = z.infer<typeof clientMessageSchema>;

/**
 * A moving picture of a node at work. Not journaled; only the newest per node matters. `data` is one image
 * (base64) holding `frameCount` tiles side by side, each widthPx × heightPx.
 */
export const previewSchema = z.strictObject({
  runId: z.string(),
  nodeId: z.string(),
  step: z.number().int().min(0),
  mediaType: z.string(),
  frameCount: z.number().int().positive(),
  widthPx: z.number().int().positive(),
  heightPx: z.number().int().positive(),
  fps: z.number().positive(),
  data: z.string(),
});
export type Preview = z.infer<typeof previewSchema>;

export const serverMessageSchema = z.discriminatedUnion('type', [
  /**
   * Answer to `hello`. `runs` is the picture at `cursor`: the run at work, those that the queue names as next, and
   * the newest finished ones.
   */
  z.strictObject({
    type: z.literal('welcome'),
    protocol: z.number().int(),
    /** Changes when the data folder is another one; cursors of another server mean nothing. */
    serverId: z.string(),
    cursor: z.number().int().min(0),
    /** Present unless the events after `since` follow instead. */
    runs: z.array(runStateSchema).optional(),
    previews: z.array(previewSchema),
    queue: queueSummarySchema,
  }),
  /**
   * `cursor` counts journaled events over all runs, ascending. Progress is not journaled, since the next report
   * replaces it: it carries the cursor of the event before it, and its newer `seq` tells it from one seen already.
   * A client that comes back is told the newest of each node at work.
   */
  z.strictObject({ type: z.literal('event'), cursor: z.number().int().positive(), event: runEventSchema }),
  /** The queue is another than the last one told; comes a moment after the events that changed it. */
  z.strictObject({ type: z.literal('queue'), queue: queueSummarySchema }),
  z.strictObject({ type: z.literal('preview'), preview: previewSchema }),
  z.strictObject({ type: z.literal('error'), code: z.string(), message: z.string() }),
  ...liveAnswerSchemas,
]);
export type ServerMessage = z.infer<typeof serverMessageSchema>;
