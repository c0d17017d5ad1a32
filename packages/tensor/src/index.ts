export {
  elementCount,
  expectDType,
  expectShape,
  formatShape,
  fromFunction,
  full,
  isTensor,
  sameShape,
  tensor,
  zeros,
} from './create.ts';
export { CudaNoiseGenerator, type GpuLayout, hopperLayout } from './cuda-noise.ts';
export { TensorError, type TensorErrorCode } from './errors.ts';
export { NoiseGenerator, parseSeed, randomNormal } from './noise.ts';
export {
  type NoiseStream,
  type NoiseStreamName,
  noiseStreamNames,
  openNoiseStream,
} from './noise-streams.ts';
export { decodeSafetensors, encodeSafetensors, type SafetensorsFile } from './safetensors.ts';
export type { DType, Tensor, TypedArrays } from './tensor.ts';
export { concatAxis, copyTensor, indexView, reshapeView, sliceAxis } from './views.ts';
