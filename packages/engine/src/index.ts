export { catalogueOf } from './catalogue.ts';
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
export { describeError, EngineError } from './errors.ts';
export {
  type PlannedInput,
  type PlannedNode,
  type PlanOptions,
  type PlanResult,
  planRun,
  type RunPlan,
} from './plan.ts';
