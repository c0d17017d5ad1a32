/** Messages between the server and its runner, a child process that executes one run at a time. */
import { runErrorSchema, runEventSchema, workflowSchema } from '@reelgraph/graph';
import { z } from 'zod';
import { previewSchema } from './events.ts';
import { liveAnswerSchemas, liveRequestSchemas } from './live.ts';

export const toRunnerSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('run'),
    runId: z.string(),
    workflow: workflowSchema,
    targets: z.array(z.string()).optional(),
  }),
  z.strictObject({ type: z.literal('cancel'), runId: z.string() }),
  z.strictObject({ type: z.literal('shutdown') }),
  /** Played beside the run that goes on; the server has made `liveId` unique among all clients. */
  ...liveRequestSchemas,
]);
export type ToRunner = z.infer<typeof toRunnerSchema>;

export const fromRunnerSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('ready') }),
  /** Told again and again: the thread that executes runs is not held up. */
  z.strictObject({ type: z.literal('alive') }),
  /** Told before the end of a run that leaves something behind that cannot be stopped: take another runner. */
  z.strictObject({ type: z.literal('spent') }),
  z.strictObject({ type: z.literal('event'), event: runEventSchema }),
  z.strictObject({ type: z.literal('preview'), preview: previewSchema }),
  /** The run goes on in spite of it: a result that could not be kept on a full disk. */
  z.strictObject({
    type: z.literal('warning'),
    runId: z.string(),
    nodeId: z.string(),
    problem: runErrorSchema,
  }),
  ...liveAnswerSchemas,
]);
export type FromRunner = z.infer<typeof fromRunnerSchema>;
