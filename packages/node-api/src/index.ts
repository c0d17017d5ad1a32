// Nodes that can be played keep their log in this form.
export { formatActionLog, maxLoggedActions, parseActionLog, type ScoreTable } from '@reelgraph/graph';
export type {
  Checkpoint,
  Checkpoints,
  DenoiseRequest,
  FileFacts,
  InferContext,
  InputFiles,
  MediaService,
  ModelChoice,
  ModelFacts,
  ModelService,
  MuxRequest,
  ProgressUpdate,
  RecommendedSettings,
  RunContext,
  VideoSelection,
  WorldFacts,
  WorldFrame,
  WorldState,
} from './context.ts';
export {
  type AnyNodeDefinition,
  type CachePolicy,
  defineNode,
  describeNode,
  type InferFix,
  type InferIssue,
  type InferResult,
  type Lane,
  type LiveDefinition,
  type LivePlay,
  type NodeDefinition,
  type NodeRegistry,
  type ParamMap,
  type ParamsOf,
  type PortMap,
  type ValuesOf,
} from './define-node.ts';
export { NodeError } from './errors.ts';
export { maxTextCharacters, safeFileName } from './limits.ts';
export type {
  Conditioning,
  FileRef,
  Frames,
  ImageValue,
  JsonValue,
  KnownLatent,
  Latent,
  Mask,
  ModelRef,
  Noise,
  PortValues,
  Sigmas,
  Value,
  VideoValue,
} from './values.ts';
export { selectedFrames, selectedSize } from './video-selection.ts';
