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
export { type GraphFix, type GraphIssue, graphFixSchema, graphIssueSchema } from './issues.ts';
export { type NodeCatalogue, type NodeTypeInfo, nodeTypeInfoSchema, type ParamInfo, type PortInfo } from './node-type.ts';
export { type PortFacts, type PortType, portFactsSchema, portTypeSchema, portTypes } from './port-types.ts';
export {
  type FileSummary,
  type NodeRunState,
  type OutputSummary,
  outputSummarySchema,
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
