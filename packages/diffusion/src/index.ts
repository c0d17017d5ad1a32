export { isFiniteTensor, weightedSum } from './arithmetic.ts';
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
export { DiffusionError, type DiffusionErrorCode } from './errors.ts';
export { eulerStep, sampleEuler } from './euler.ts';
export {
  type ExtensionPlan,
  type ExtensionRequest,
  fewestFramesAfter,
  type GivenPart,
  givenLatents,
  planExtension,
} from './extension.ts';
export { addFlowNoise, estimateClean } from './flow.ts';
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
export { type FreshNoise, freshNoiseFrom } from './fresh-noise.ts';
export { guide, usesGuidance } from './guidance.ts';
export { sampleHeun } from './heun.ts';
export { addKnownFrames, type KnownFrames, keepKnown, nothingKnown } from './known-frames.ts';
export { knownPlaces, placesToKeep } from './latent-mask.ts';
export {
  createLatentPreview,
  denormaliseLatent,
  type LatentPreview,
  type LatentStatistics,
  normaliseLatent,
  type PreviewFit,
} from './latent-scaling.ts';
export { type PatchSize, patchify, unpatchify } from './patchify.ts';
export { runSampling, type SamplingHost, type SamplingJob } from './run-sampling.ts';
export type { Sampler, SamplerMemory, SamplerOptions, SamplerState, SamplerStep } from './sampler.ts';
export { parseSamplerState } from './sampler-state.ts';
export { findSampler, type SamplerEntry, samplers } from './samplers.ts';
export {
  checkSigmas,
  flowSigmas,
  type SigmaSpacing,
  shiftSigma,
  sigmaToTimestep,
  trainTimesteps,
} from './sigmas.ts';
