export type {
  DenoiseRequest,
  InferContext,
  InputFiles,
  MediaService,
  ModelFacts,
  ModelService,
  MuxRequest,
  ProgressUpdate,
  RunContext,
} from './context.ts';
export {
  type AnyNodeDefinition,
  type CachePolicy,
  defineNode,
  describeNode,
  type InferIssue,
  type InferResult,
  type Lane,
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
  ModelRef,
  Noise,
  PortValues,
  Sigmas,
  Value,
  VideoValue,
} from './values.ts';
