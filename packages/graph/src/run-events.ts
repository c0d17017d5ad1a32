/**
 * What happens in a run, as facts in order. The engine emits these, the server journals and streams them,
 * the editor and the command line fold them; there is one definition so that all agree.
 */
import { z } from 'zod';
import { portFactsSchema, portTypeSchema } from './port-types.ts';
import { scoreTableSchema } from './score-table.ts';

/** A failure as a user reads it: no stack, no path of the machine. */
export const runErrorSchema = z.strictObject({
  /** Stable, for example `inference/model-damaged`. */
  code: z.string(),
  message: z.string(),
  /** What lay behind it, innermost last: `out of memory; device lost`. */
  cause: z.string().optional(),
  /** What to do next, when there is something. */
  hint: z.string().optional(),
});
export type RunError = z.infer<typeof runErrorSchema>;

/** A failure and the node that failed. */
export const nodeFailureSchema = runErrorSchema.extend({ nodeId: z.string() });
export type NodeFailure = z.infer<typeof nodeFailureSchema>;

/** A file in the artifact store, addressed by content; served as `/api/v1/results/<digest>`. */
export const fileSummarySchema = z.strictObject({
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  mediaType: z.string(),
  byteLength: z.number().int().min(0),
  /** Suggested file name. */
  name: z.string(),
});
export type FileSummary = z.infer<typeof fileSummarySchema>;

export const outputSummarySchema = z.strictObject({
  type: portTypeSchema,
  facts: portFactsSchema,
  file: fileSummarySchema.optional(),
  /** Short texts and numbers are shown as they are. */
  text: z.string().optional(),
  /** A score is shown whole. */
  score: scoreTableSchema.optional(),
});
export type OutputSummary = z.infer<typeof outputSummarySchema>;

/** Why a node ran rather than being taken from the cache. */
export const ranBecauseSchema = z.strictObject({
  code: z.enum([
    'never-computed',
    'param-changed',
    'input-changed',
    /** The document, which the node saves inside its result. */
    'workflow-changed',
    'model-changed',
    'node-changed',
    'evicted',
    /** Kept in memory only, by a process that has ended. */
    'memory-only',
    /** Kept, and no longer there for a reason that nobody noted. */
    'lost',
    'damaged',
    'not-cacheable',
  ]),
  /** The param or port that changed. */
  name: z.string().optional(),
  /** What a changed param or model was before, shortened for reading. */
  from: z.string().optional(),
  /** What it is now. */
  to: z.string().optional(),
});
export type RanBecause = z.infer<typeof ranBecauseSchema>;

export const runStatuses = ['queued', 'running', 'succeeded', 'partial', 'failed', 'cancelled'] as const;
export const runStatusSchema = z.enum(runStatuses);
/** `partial`: some outputs were delivered and some failed. */
export type RunStatus = (typeof runStatuses)[number];

/**
 * From the moment its inputs were there to the moment it began, milliseconds: for room in its lane, for the event loop,
 * or to learn whether somebody else computes the same. Left out below half of one.
 */
const waitedMsSchema = z.number().positive();

/** A count of steps that did not have to be done again. */
const continuedFromSchema = z.number().int().positive();

/**
 * Most resident memory of the process that ran the node, bytes, sampled every 50 ms while the node ran. Of the whole
 * process: models that stay loaded, the cache and nodes beside it are in it; programs it starts and devices are not.
 */
const peakResidentBytesSchema = z.number().int().positive();

const base = {
  runId: z.string(),
  /** 1, 2, 3 … within the run, without gaps. */
  seq: z.number().int().positive(),
  atMs: z.number(),
};
const onNode = { ...base, nodeId: z.string() };
const outputs = z.record(z.string(), outputSummarySchema);

/** Runs of a higher priority go first; 0 unless somebody says otherwise. */
export const prioritySchema = z.number().int().min(-100).max(100);

export const runEventSchema = z.discriminatedUnion('type', [
  z.strictObject({
    ...base,
    type: z.literal('run.queued'),
    workflowName: z.string(),
    priority: prioritySchema.optional(),
    /** Place among runs of the same priority, lowest first; the order of acceptance when absent. */
    rank: z.number().optional(),
    /** The run that this one repeats. */
    from: z.string().optional(),
  }),
  /** Given another place in the queue. */
  z.strictObject({ ...base, type: z.literal('run.moved'), priority: prioritySchema, rank: z.number() }),
  /** About to be given to a runner, for the `attempt`th time (from 1). */
  z.strictObject({ ...base, type: z.literal('run.assigned'), attempt: z.number().int().positive() }),
  /** Somebody wants the run at work to end; it has not yet. */
  z.strictObject({ ...base, type: z.literal('run.cancel-requested') }),
  /** Put back by a server that ended politely. */
  z.strictObject({ ...base, type: z.literal('run.released') }),
  /** The attempt ended without an outcome; the run waits again, or `run.finished` follows. */
  z.strictObject({
    ...base,
    type: z.literal('run.interrupted'),
    by: z.enum(['runner', 'server']),
    error: runErrorSchema,
    /** Furthest step that a node at work had told of. */
    step: z.number().int().min(0).optional(),
  }),
  z.strictObject({ ...base, type: z.literal('run.started'), nodeIds: z.array(z.string()) }),
  z.strictObject({
    ...onNode,
    type: z.literal('node.started'),
    because: ranBecauseSchema.optional(),
    nodeType: z.string().optional(),
    /** The lane it runs in: the device of its inference, or `cpu` beside them. */
    lane: z.string().optional(),
    waitedMs: waitedMsSchema.optional(),
  }),
  /** Another run is computing the same; its result is taken when it is there, and else it is computed here. */
  z.strictObject({ ...onNode, type: z.literal('node.waiting'), for: z.literal('another-run') }),
  z.strictObject({
    ...onNode,
    type: z.literal('node.progress'),
    step: z.number().int().min(0),
    totalSteps: z.number().int().positive(),
    secondsPerStep: z.number().optional(),
    etaSeconds: z.number().optional(),
    /** What the node is doing, when it is not stepping: "loading model". */
    message: z.string().optional(),
    /** Steps that an earlier, interrupted run had done already; in every report of a node that went on from them. */
    continuedFrom: continuedFromSchema.optional(),
  }),
  z.strictObject({ ...onNode, type: z.literal('node.cached'), source: z.enum(['memory', 'disk']), outputs }),
  z.strictObject({
    ...onNode,
    type: z.literal('node.finished'),
    durationMs: z.number(),
    outputs,
    /** As in its reports: the time is that of the steps after it. */
    continuedFrom: continuedFromSchema.optional(),
    /** Absent for a node that was over before memory was looked at. */
    peakResidentBytes: peakResidentBytesSchema.optional(),
  }),
  z.strictObject({ ...onNode, type: z.literal('node.failed'), error: runErrorSchema }),
  /** Not run because an upstream node failed or was muted. */
  z.strictObject({ ...onNode, type: z.literal('node.skipped'), because: z.string() }),
  z.strictObject({
    ...base,
    type: z.literal('run.finished'),
    status: z.enum(['succeeded', 'partial', 'failed', 'cancelled']),
    durationMs: z.number(),
    /** The first failure. */
    error: runErrorSchema.optional(),
    /** Every node that failed, in the order it did; absent when none did. */
    failures: z.array(nodeFailureSchema).optional(),
  }),
]);
export type RunEvent = z.infer<typeof runEventSchema>;
type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
/** A run event before its run stamps `runId`, `seq` and `atMs` on it. */
export type RunEventBody = DistributiveOmit<RunEvent, 'runId' | 'seq' | 'atMs'>;

export const nodeRunStateSchema = z.strictObject({
  status: z.enum(['waiting', 'running', 'cached', 'finished', 'failed', 'skipped']),
  step: z.number().optional(),
  totalSteps: z.number().optional(),
  secondsPerStep: z.number().optional(),
  etaSeconds: z.number().optional(),
  message: z.string().optional(),
  continuedFrom: continuedFromSchema.optional(),
  durationMs: z.number().optional(),
  lane: z.string().optional(),
  waitedMs: waitedMsSchema.optional(),
  peakResidentBytes: peakResidentBytesSchema.optional(),
  because: ranBecauseSchema.optional(),
  source: z.enum(['memory', 'disk']).optional(),
  outputs: outputs.optional(),
  error: runErrorSchema.optional(),
});
export type NodeRunState = z.infer<typeof nodeRunStateSchema>;

export const runStateSchema = z.strictObject({
  runId: z.string(),
  workflowName: z.string(),
  status: runStatusSchema,
  /** `seq` of the last event folded in. */
  lastSeq: z.number().int().min(0),
  /** Left out when it is 0. */
  priority: z.number().optional(),
  /** The run that this one repeats. */
  from: z.string().optional(),
  /** How often it was given to a runner. */
  attempt: z.number().optional(),
  /** Somebody asked for its end, which has not come yet. */
  isCancelling: z.boolean().optional(),
  /** The newest attempts that ended without an outcome, oldest first. */
  interruptions: z.array(z.strictObject({ atMs: z.number(), error: runErrorSchema })).optional(),
  queuedAtMs: z.number().optional(),
  /** Of the newest attempt; absent while the run waits to be begun again, in which nothing is computed. */
  startedAtMs: z.number().optional(),
  finishedAtMs: z.number().optional(),
  error: runErrorSchema.optional(),
  nodes: z.record(z.string(), nodeRunStateSchema),
});
/** The picture of a run: the fold of its events. */
export type RunState = z.infer<typeof runStateSchema>;
