/** The queue as clients see it, and what they may ask of it. */
import { paramValueSchema, prioritySchema } from '@reelgraph/graph';
import { z } from 'zod';

/** Waiting runs that a summary names; what waits behind them is only counted. */
export const maxNamedRuns = 200;
/** Runs that one call may start. */
export const maxRunsPerCall = 10_000;

export const waitingRunSchema = z.strictObject({
  runId: z.string(),
  workflowName: z.string(),
  priority: z.number(),
  queuedAtMs: z.number(),
  /** How often it was given to a runner before. */
  attempts: z.number().int().min(0),
});

export const queueSummarySchema = z.strictObject({
  isPaused: z.boolean(),
  /** The run at work; null when there is none. */
  runningId: z.string().nullable(),
  waitingCount: z.number().int().min(0),
  /** The first of those that wait, in the order they will be begun. */
  next: z.array(waitingRunSchema).max(maxNamedRuns),
});
export type QueueSummary = z.infer<typeof queueSummarySchema>;

/** Where a waiting run is to go; exactly one of the four. */
export const moveBodySchema = z.union([
  z.strictObject({ to: z.enum(['front', 'back']) }),
  z.strictObject({ before: z.string() }),
  z.strictObject({ after: z.string() }),
  z.strictObject({ priority: prioritySchema }),
]);

/** Values by the names of a workflow's inputs, or `node.param`. */
export const inputValuesSchema = z.record(z.string().max(200), paramValueSchema);
