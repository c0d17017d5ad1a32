export { addNoise } from './add-noise.ts';
export { isFiniteTensor, sumOf, weightedSum } from './arithmetic.ts';
export { CallSkipping, callsSaved, type SkippableCall } from './call-skipping.ts';
export type { ConstantVarianceRecipe } from './constant-variance-schedule.ts';
export {
  createChunkCanvas,
  type DecodePlan,
  framesOfLatents,
  type LatentExtent,
  latentPiece,
  planDecode,
  type TileSpan,
  type TilingRules,
} from './decode-tiles.ts';
export {
  knownSchedulerClasses,
  parseSchedulerConfig,
  type SamplingSetup,
  samplingFromDiffusers,
  withShift,
} from './diffusers-config.ts';
export { DiffusionError, type DiffusionErrorCode } from './errors.ts';
export { deterministicStep, eulerStep, eulerStepByPlace, sampleEuler } from './euler.ts';
export {
  type ExtensionPlan,
  type ExtensionRequest,
  fewestFramesAfter,
  type GivenPart,
  givenLatents,
  planExtension,
} from './extension.ts';
export { addFlowNoise, estimateClean } from './flow.ts';
export { dynamicShiftOf, type FlowRecipe } from './flow-schedule.ts';
export {
  type FrameRule,
  fitsFrameRule,
  latentFrameCount,
  latentFrameOfPixel,
  latentShape,
  nearestFrameCount,
  nearestSize,
  pixelFramesOfLatent,
} from './frame-rule.ts';
export { type FreshNoise, freshNoiseFrom, type NoiseOrder } from './fresh-noise.ts';
export {
  applyGuidance,
  branchesNeeded,
  type GuidanceRules,
  guide,
  guidePerpendicular,
  guideZeroStar,
  rampedScale,
  rescaleGuidance,
  usesGuidance,
} from './guidance.ts';
export { sampleHeun } from './heun.ts';
export {
  disturbKeyframes,
  keyframeNoise,
  keyframeNoiseShape,
  placeTimestep,
  sampleByPlace,
  withoutGuides,
} from './keyframes.ts';
export {
  addKnownFrames,
  type Hold,
  type KeyframeHold,
  type KnownFrames,
  keepKnown,
  nothingKnown,
} from './known-frames.ts';
export { knownPlaces, placesToKeep } from './latent-mask.ts';
export {
  createLatentPreview,
  denormaliseLatent,
  type LatentPreview,
  type LatentStatistics,
  normaliseLatent,
  type PreviewFit,
} from './latent-scaling.ts';
export { type Parametrisation, signalAt } from './parametrisation.ts';
export { type PatchSize, patchify, unpatchify } from './patchify.ts';
export { type BranchCall, runSampling, type SamplingHost, type SamplingJob } from './run-sampling.ts';
export type {
  ModelCall,
  Sampler,
  SamplerMemory,
  SamplerOptions,
  SamplerSettings,
  SamplerState,
  SamplerStep,
} from './sampler.ts';
export { parseSamplerState } from './sampler-state.ts';
export { byPlaceSampler, findSampler, noiseEnd, type SamplerEntry, samplers, walksFor } from './samplers.ts';
export { makeSchedule, type Schedule, type ScheduleRecipe, type ScheduleRequest } from './schedule.ts';
export {
  checkSigmas,
  findSpacing,
  flowSigmas,
  type SigmaSpacing,
  shiftSigma,
  sigmaSpacings,
  sigmaToTimestep,
  trainTimesteps,
} from './sigmas.ts';
export { betaSigmas, exponentialSigmas, karrasSigmas, linearQuadraticSigmas } from './spacings.ts';
export type { TrainNoise } from './train-noise.ts';
