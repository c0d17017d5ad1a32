/** Noise for methods that draw some with every step. */
import { NoiseGenerator, parseSeed, type Tensor } from '@reelgraph/tensor';

/** Standard-normal noise of one shape for a step, counted from 0; the same whatever was asked for before. */
export type FreshNoise = (step: number) => Tensor<'float32'>;

/**
 * Noise of the steps of a run that began with the noise of `seed`. It comes from the stream of `seed` + 1, one draw
 * after the other, as ComfyUI's samplers on a CPU have it; so the first step does not draw the noise again that
 * the run began with.
 *
 * @param seed decimal string of 64 bits
 * @throws TensorError 'tensor/bad-seed'
 */
export function freshNoiseFrom(seed: string, shape: readonly number[]): FreshNoise {
  const next = String((parseSeed(seed) + 1n) & 0xffff_ffff_ffff_ffffn);
  let generator = new NoiseGenerator(next);
  let drawn = 0;
  return (step) => {
    if (step < drawn) {
      generator = new NoiseGenerator(next);
      drawn = 0;
    }
    for (; drawn < step; drawn++) generator.normal(shape);
    drawn++;
    return generator.normal(shape);
  };
}
