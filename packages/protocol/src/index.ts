export {
  type CallAnswer,
  type CallAnswerInput,
  type CallBody,
  type CallBodyInput,
  type CallParams,
  type CallSpec,
  callPath,
  callSpecs,
  type PathParamNames,
} from './call-types.ts';
export { ProtocolError, type ProtocolErrorCode } from './errors.ts';
export {
  type ClientMessage,
  clientMessageSchema,
  eventsPath,
  type Preview,
  previewSchema,
  type ServerMessage,
  serverMessageSchema,
} from './events.ts';
export {
  byteRoutes,
  type CheckAnswer,
  checkAnswerSchema,
  type ErrorBody,
  type EstimateAnswer,
  errorBodySchema,
  estimateAnswerSchema,
  type Health,
  type HttpApi,
  type HttpCall,
  healthSchema,
  httpApi,
  type ModelSummary,
  modelSummarySchema,
  protocolVersion,
  type UploadAnswer,
  uploadAnswerSchema,
  type WorkflowSummary,
  workflowSummarySchema,
} from './http.ts';
export { type LiveAnswer, type LiveFrame, type LiveRequest, liveFrameSchema } from './live.ts';
export {
  encodeClientMessage,
  encodeServerMessage,
  parseClientMessage,
  parseFromRunner,
  parseServerMessage,
  parseToRunner,
} from './messages.ts';
export {
  inputValuesSchema,
  maxNamedRuns,
  maxRunsPerCall,
  moveBodySchema,
  type QueueSummary,
  queueSummarySchema,
} from './queue.ts';
export { type FromRunner, fromRunnerSchema, type ToRunner, toRunnerSchema } from './runner.ts';
