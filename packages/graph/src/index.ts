export {
  formatActionLog,
  maxLoggedActions,
  type ParsedActionLog,
  parseActionLog,
} from './action-log.ts';
export { bytesText, durationText } from './amount-text.ts';
export { applyFix } from './apply-fix.ts';
export {
  type BudgetRefusal,
  type Excess,
  excessesOf,
  type FittingSettings,
  isLimited,
  type RunBudget,
  refusalOf,
  runBudgetSchema,
} from './budget.ts';
export {
  type ConnectRefusal,
  type ConnectResult,
  canConnect,
  connectionRule,
  type EdgeScope,
} from './connect.ts';
export { diffWorkflows, semanticEqual, semanticText, type WorkflowChange } from './diff.ts';
export {
  documentLimits,
  type Endpoint,
  type ExposedInput,
  type ExposedOutput,
  identifierSchema,
  type ParamValue,
  paramValueSchema,
  type Subgraph,
  type Workflow,
  type WorkflowEdge,
  type WorkflowLayout,
  type WorkflowNode,
  workflowFormat,
  workflowSchema,
} from './document.ts';
export { emptyWorkflow } from './empty-workflow.ts';
export { createFixFinder, type FactsByOutput, type FixFinder } from './find-fixes.ts';
export {
  type ActiveGraph,
  type FlatEdge,
  type FlatEndpoint,
  type FlatGraph,
  type FlatId,
  type FlattenResult,
  flattenSubgraphs,
  resolveModes,
} from './flatten.ts';
export { createRunFold, failuresOf, type RunFold, reduceRun, reduceRunEvents } from './fold-run.ts';
export {
  type Expected,
  expectedText,
  forecastText,
  isAllCached,
  type NodeForecast,
  type RunForecast,
  runForecastSchema,
} from './forecast.ts';
export { type ApplyInputsResult, applyInputs } from './inputs.ts';
export { type GraphFix, type GraphIssue, graphFixSchema, graphIssueSchema } from './issues.ts';
export { type JsonProblem, scanJson } from './json-scan.ts';
export { workflowJsonSchema } from './json-schema.ts';
export { documentMigrations, type Migration, type MigrationResult, migrateDocument } from './migrations.ts';
export { freshNodeId, nearestName } from './names.ts';
export type { Converter, NodeFix, SetOwnParam } from './node-fix.ts';
export {
  type LivePlayInfo,
  livePlayInfoSchema,
  type NodeCatalogue,
  type NodeTypeInfo,
  nodeTypeInfoSchema,
  type ParamInfo,
  type PortInfo,
} from './node-type.ts';
export { checkParam, isSeed, maxSeed, type ParamProblem, parseParamText } from './params.ts';
export { type ParseOptions, type ParseResult, parseWorkflow, parseWorkflowValue } from './parse.ts';
export { type PortFacts, type PortType, portFactsSchema, portTypeSchema, portTypes } from './port-types.ts';
export {
  type AttemptOf,
  type Decision,
  decideQueue,
  type MoveTarget,
  maxDeaths,
  maxInterruptions,
  type QueueCommand,
  type RefusalCode,
  type SubmittedRun,
} from './queue/decide-queue.ts';
export {
  type EventDraft,
  isQueueEvent,
  type JournalEvent,
  type QueueEvent,
  queueEventSchema,
} from './queue/queue-events.ts';
export {
  type AssignedRun,
  type EndStatus,
  emptyQueue,
  goesBefore,
  type QueueState,
  reduceQueue,
  reduceQueueEvents,
  type WaitingRun,
} from './queue/reduce-queue.ts';
export { type ReasonLabels, reasonText, runSummary } from './reasons.ts';
export {
  type FileSummary,
  type NodeFailure,
  type NodeRunState,
  nodeFailureSchema,
  type OutputSummary,
  outputSummarySchema,
  prioritySchema,
  type RanBecause,
  type RunError,
  type RunEvent,
  type RunEventBody,
  type RunState,
  type RunStatus,
  runErrorSchema,
  runEventSchema,
  runStateSchema,
  runStatuses,
} from './run-events.ts';
export { type ScoreTable, scoreTableSchema } from './score-table.ts';
export { stringifyWorkflow } from './stringify.ts';
export { own, subgraphOf, subgraphType, withSubgraphs } from './subgraph-types.ts';
export {
  ancestorsOf,
  descendantsOf,
  findCycles,
  type TopologyEdge,
  type TopologyResult,
  topologicalOrder,
} from './topology.ts';
export {
  createTraceBuilder,
  type RunTrace,
  runTraceSchema,
  type TraceBuilder,
  type TraceEvent,
  traceRun,
  traceText,
} from './trace.ts';
export { paramIssues, validateWorkflow } from './validate.ts';
