/** Generators of noise by name: the one that an existing seed was drawn with gives the same clip again. */
import { CudaNoiseGenerator } from './cuda-noise.ts';
import { NoiseGenerator } from './noise.ts';
import type { Tensor } from './tensor.ts';

/** A stream of standard-normal numbers; each call goes on where the last one stopped. */
export interface NoiseStream {
  normal(shape: readonly number[]): Tensor<'float32'>;
}

const makers = {
  /** What ComfyUI draws on every machine, and diffusers with a generator on the CPU; to the bit. */
  'torch-cpu': (seed: string): NoiseStream => new NoiseGenerator(seed),
  /** What diffusers draws with a generator on a GPU; up to rounding. */
  'torch-cuda': (seed: string): NoiseStream => new CudaNoiseGenerator(seed),
} as const;

export type NoiseStreamName = keyof typeof makers;
export const noiseStreamNames: readonly NoiseStreamName[] = ['torch-cpu', 'torch-cuda'];

/**
 * @param seed decimal string of 64 bits
 * @throws TensorError 'tensor/bad-seed'
 */
export function openNoiseStream(name: NoiseStreamName, seed: string): NoiseStream {
  return makers[name](seed);
}
