/**
 * Every HTTP call once, with its method, path, request and answer schemas. Server and client both derive from
 * this map, so an answer cannot have another type than the client expects.
 */
import {
  graphIssueSchema,
  nodeTypeInfoSchema,
  portFactsSchema,
  prioritySchema,
  runForecastSchema,
  runStateSchema,
  runStatuses,
  runTraceSchema,
  workflowSchema,
} from '@reelgraph/graph';
import { z } from 'zod';
import { inputValuesSchema, maxRunsPerCall, moveBodySchema, queueSummarySchema } from './queue.ts';

/** Raised when a client of the old version could misread the new. */
export const protocolVersion = 2;

/** Body of every 4xx and 5xx answer. */
export const errorBodySchema = z.strictObject({
  error: z.strictObject({
    /** Stable, for example `http/not-found`, `workflow/invalid`. */
    code: z.string(),
    message: z.string(),
    hint: z.string().optional(),
    /** Where in the request, when it can be said. */
    path: z.array(z.union([z.string(), z.number()])).optional(),
    issues: z.array(graphIssueSchema).optional(),
  }),
});
export type ErrorBody = z.infer<typeof errorBodySchema>;

/** What a licence allows; `conditions`: not everybody or everywhere. */
const commercialUseSchema = z.enum(['yes', 'conditions', 'no', 'unknown']);

export const modelSummarySchema = z.strictObject({
  name: z.string(),
  title: z.string(),
  family: z.string(),
  licence: z.string(),
  /** Total size of its files. */
  byteLength: z.number(),
  /** `refused`: whole, but the licence profile of the server does not allow it. */
  status: z.enum(['ready', 'damaged', 'refused']),
  problem: z.string().optional(),
  /** What to do about the problem. */
  hint: z.string().optional(),
  /** Files that it lacks; absent when it has all. */
  missing: z.array(z.string()).optional(),
  /** SHA-256; absent until somebody hashed it. */
  digest: z.string().optional(),
  parts: z.array(
    z.strictObject({
      part: z.string(),
      byteLength: z.number(),
      licence: z.string(),
      commercialUse: commercialUseSchema,
    }),
  ),
  /** Where it, or what it was made from, can be had. */
  source: z.string().optional(),
  /** It came with the program. */
  isEmbedded: z.boolean(),
  /** Of the last look at every byte of it since the server started; absent when there was none. */
  verification: z
    .strictObject({
      isRunning: z.boolean(),
      /** Bytes read so far. */
      done: z.number(),
      total: z.number(),
      /** What was found wrong, when it is over; none when it is whole. */
      problems: z.array(z.string()),
    })
    .optional(),
});
export type ModelSummary = z.infer<typeof modelSummarySchema>;

/** Where models run on the server, and what each device said when it was tried. */
export const devicesAnswerSchema = z.strictObject({
  device: z.string(),
  /** Why it is this one, where it is not the one asked for. */
  message: z.string().optional(),
});

export const workflowSummarySchema = z.strictObject({
  /** File name without `.json`; the id in URLs. */
  id: z.string(),
  name: z.string(),
  description: z.string(),
  /** `template`: shipped, read-only. `saved`: in the data folder. */
  source: z.enum(['template', 'saved']),
});
export type WorkflowSummary = z.infer<typeof workflowSummarySchema>;

export const checkAnswerSchema = z.strictObject({
  issues: z.array(graphIssueSchema),
  /** Facts on output ports: nodeId -> port -> facts. */
  facts: z.record(z.string(), z.record(z.string(), portFactsSchema)),
});
export type CheckAnswer = z.infer<typeof checkAnswerSchema>;

export const estimateAnswerSchema = z.strictObject({
  /** Absent when the workflow cannot run; `issues` says why. */
  forecast: runForecastSchema.optional(),
  issues: z.array(graphIssueSchema),
  /** Why the server would not start it: it is over the budget. */
  refusal: z
    .strictObject({ code: z.literal('run/over-budget'), message: z.string(), hint: z.string() })
    .optional(),
});
export type EstimateAnswer = z.infer<typeof estimateAnswerSchema>;

export const uploadAnswerSchema = z.strictObject({
  /** What a `file` param stores, for example `inputs/3f…9a.png`. */
  file: z.string(),
  mediaType: z.string(),
  byteLength: z.number(),
  widthPx: z.number().optional(),
  heightPx: z.number().optional(),
});
export type UploadAnswer = z.infer<typeof uploadAnswerSchema>;

export const healthSchema = z.strictObject({
  protocol: z.number().int(),
  serverId: z.string(),
  uptimeSeconds: z.number(),
  /** How long the event loop was held up at most, and at the 99th percentile, since the server listens. */
  eventLoop: z.strictObject({ maxBlockedMs: z.number(), p99BlockedMs: z.number() }),
  /** The process that computes runs; null while there is none. */
  runner: z.strictObject({ pid: z.number().int().nullable() }),
});
export type Health = z.infer<typeof healthSchema>;

const empty = z.undefined();

export const httpApi = {
  /** Whether the server is well, in numbers. */
  getHealth: { method: 'GET', path: '/api/v1/health', body: empty, answer: healthSchema },
  /** Node types in menu order. */
  listNodeTypes: {
    method: 'GET',
    path: '/api/v1/node-types',
    body: empty,
    answer: z.array(nodeTypeInfoSchema),
  },
  listModels: { method: 'GET', path: '/api/v1/models', body: empty, answer: z.array(modelSummarySchema) },
  getDevices: { method: 'GET', path: '/api/v1/devices', body: empty, answer: devicesAnswerSchema },
  /** Begins to read every byte of a model and to open its graphs anew; `listModels` tells how far it is. 404, 409. */
  verifyModel: {
    method: 'POST',
    path: '/api/v1/models/:name/verify',
    body: z.strictObject({}),
    answer: z.strictObject({}),
  },
  listWorkflows: {
    method: 'GET',
    path: '/api/v1/workflows',
    body: empty,
    answer: z.array(workflowSummarySchema),
  },
  getWorkflow: { method: 'GET', path: '/api/v1/workflows/:id', body: empty, answer: workflowSchema },
  /** Saves into the data folder, canonically written; templates are not overwritten (409). 422 with issues. */
  saveWorkflow: {
    method: 'PUT',
    path: '/api/v1/workflows/:id',
    body: z.unknown(),
    answer: workflowSummarySchema,
  },
  /** Everything wrong with a document, and the facts on its wires. The document may be incomplete. */
  check: { method: 'POST', path: '/api/v1/check', body: z.unknown(), answer: checkAnswerSchema },
  /** What a run would take, learnt from this machine's earlier runs; nothing is run. */
  estimate: {
    method: 'POST',
    path: '/api/v1/estimate',
    body: z.strictObject({
      workflow: z.unknown(),
      /** As for `startRun`. */
      targets: z.array(z.string()).max(1000).optional(),
      inputs: inputValuesSchema.optional(),
    }),
    answer: estimateAnswerSchema,
  },
  /** Accepts a run: answered only after it is in the journal (202). 422 with issues when it cannot run, or is expected to be over the budget. */
  startRun: {
    method: 'POST',
    path: '/api/v1/runs',
    body: z.strictObject({
      workflow: z.unknown(),
      /** Node ids to compute; all output nodes when absent. */
      targets: z.array(z.string()).max(1000).optional(),
      /** Higher goes first; 0 when absent. */
      priority: prioritySchema.optional(),
      /** An id of the client's own making: a call repeated after a lost answer then starts nothing twice. */
      runId: z.uuid().optional(),
    }),
    answer: z.strictObject({ runId: z.string() }),
  },
  /**
   * Accepts one run of the workflow per entry of `runs`, in their order: a sweep over seeds or settings. Answered
   * after all of them are in the journal (202); when one cannot be accepted, none is.
   */
  startRuns: {
    method: 'POST',
    path: '/api/v1/runs/batch',
    body: z.strictObject({
      workflow: z.unknown(),
      targets: z.array(z.string()).max(1000).optional(),
      priority: prioritySchema.optional(),
      runs: z
        .array(z.strictObject({ inputs: inputValuesSchema.optional() }))
        .min(1)
        .max(maxRunsPerCall),
    }),
    answer: z.strictObject({ runIds: z.array(z.string()) }),
  },
  /** Newest first, at most 100; `?status=` filters, `?before=` a run's id goes on behind it. */
  listRuns: { method: 'GET', path: '/api/v1/runs', body: empty, answer: z.array(runStateSchema) },
  getRun: {
    method: 'GET',
    path: '/api/v1/runs/:runId',
    body: empty,
    answer: z.strictObject({
      run: runStateSchema,
      workflow: workflowSchema,
      /** The node ids that were asked for, where not all outputs were. */
      targets: z.array(z.string()).optional(),
    }),
  },
  /** The run as a timeline, in the Chrome trace event format; of a run that goes on, as far as it has come. */
  getRunTrace: { method: 'GET', path: '/api/v1/runs/:runId/trace', body: empty, answer: runTraceSchema },
  cancelRun: {
    method: 'POST',
    path: '/api/v1/runs/:runId/cancel',
    body: z.strictObject({}),
    answer: z.strictObject({ status: z.enum(runStatuses) }),
  },
  /** The same once more, as a new run, for one that did not succeed (409 otherwise): finished nodes come from the cache. */
  retryRun: {
    method: 'POST',
    path: '/api/v1/runs/:runId/retry',
    body: z.strictObject({}),
    answer: z.strictObject({ runId: z.string() }),
  },
  /** A new run of the same workflow, with `inputs` set anew. 422 with issues when it cannot run. */
  runAgain: {
    method: 'POST',
    path: '/api/v1/runs/:runId/again',
    body: z.strictObject({ inputs: inputValuesSchema.optional(), priority: prioritySchema.optional() }),
    answer: z.strictObject({ runId: z.string() }),
  },
  /** Gives a waiting run another place; 409 when it does not wait. */
  moveRun: {
    method: 'POST',
    path: '/api/v1/runs/:runId/move',
    body: moveBodySchema,
    answer: queueSummarySchema,
  },
  getQueue: { method: 'GET', path: '/api/v1/queue', body: empty, answer: queueSummarySchema },
  /** Begins no further run; the one at work goes on. Outlives restarts. */
  pauseQueue: {
    method: 'POST',
    path: '/api/v1/queue/pause',
    body: z.strictObject({}),
    answer: queueSummarySchema,
  },
  resumeQueue: {
    method: 'POST',
    path: '/api/v1/queue/resume',
    body: z.strictObject({}),
    answer: queueSummarySchema,
  },
  /** Cancels every run that waits or is at work; answers how many. */
  cancelAllRuns: {
    method: 'POST',
    path: '/api/v1/queue/cancel-all',
    body: z.strictObject({}),
    answer: z.strictObject({ cancelled: z.number().int().min(0) }),
  },
} as const;
export type HttpApi = typeof httpApi;
export type HttpCall = keyof HttpApi;

/**
 * Calls whose bodies are bytes and not JSON:
 * - `POST /api/v1/uploads` raw image bytes (Content-Type image/*), answers `UploadAnswer`
 * - `POST /api/v1/workflows/extract` raw mp4 bytes (video/mp4), answers the workflow embedded in it
 * - `GET /api/v1/results/:digest` the bytes of an artifact file, with byte ranges; `?download=name.mp4`
 * - `GET /api/v1/files/<name>` the bytes of an uploaded or shipped input file
 */
export const byteRoutes = {
  upload: '/api/v1/uploads',
  extractWorkflow: '/api/v1/workflows/extract',
  result: (digest: string) => `/api/v1/results/${digest}`,
  file: (name: string) => `/api/v1/files/${name}`,
} as const;
