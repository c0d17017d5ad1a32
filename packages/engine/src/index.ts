export { blockingIssues, checkWorkflow, type WorkflowCheck } from './check.ts';
export { createEngine } from './engine.ts';
export type {
  Clock,
  EncodedPreview,
  Engine,
  EngineOptions,
  EnginePreview,
  RunRequest,
  RunResult,
} from './engine-types.ts';
export { type FixedWorkflow, fixWorkflow } from './fix-workflow.ts';
