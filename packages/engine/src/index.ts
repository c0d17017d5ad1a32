export { blockingIssues, checkWorkflow, type WorkflowCheck } from './check.ts';
export { createEngine } from './engine.ts';
export type {
  Clock,
  DigestedFiles,
  EncodedPreview,
  Engine,
  EngineOptions,
  EnginePreview,
  RunRequest,
  RunResult,
} from './engine-types.ts';
export { type CostHistory, parseCosts, readCostsText } from './estimate/cost-samples.ts';
export { type FitOptions, findFitting } from './estimate/fit-budget.ts';
export {
  type CostBook,
  createCostBook,
  type ForecastOptions,
  type ForecastResult,
  forecastRun,
} from './estimate/forecast.ts';
export { type FixedWorkflow, fixWorkflow } from './fix-workflow.ts';
