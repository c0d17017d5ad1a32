/** Noise for methods that draw some with every step. */
import { NoiseGenerator, parseSeed, type Tensor } from '@reelgraph/tensor';

/** Standard-normal noise of one shape for a step, counted from 0; the same whatever was asked for before. */
export type FreshNoise = (step: number) => Tensor<'float32'>;

/** Where the noise of the steps comes from. */
export interface NoiseOrder {
  /** Which draw of the stream a step takes, counted from 0, rising with the step; the step itself when absent. */
  readonly drawOf?: ((step: number) => number) | undefined;
  /**
   * Shapes that were drawn from the stream of the seed before: the steps then go on in it, as pipelines of diffusers
   * do with one generator for all. When absent they have a stream of their own.
   */
  readonly after?: readonly (readonly number[])[] | undefined;
}

/**
 * Noise of the steps of a run that began with the noise of `seed`. It comes from the stream of `seed` + 1, one draw
 * after the other, as ComfyUI's samplers on a CPU have it; so the first step does not draw the noise again that
 * the run began with. Or it goes on in the stream of `seed`, see {@link NoiseOrder}.
 *
 * @param seed decimal string of 64 bits
 * @throws TensorError 'tensor/bad-seed'
 */
export function freshNoiseFrom(seed: string, shape: readonly number[], order: NoiseOrder = {}): FreshNoise {
  const { drawOf = (step: number) => step, after } = order;
  const parsed = parseSeed(seed);
  const stream = String(after === undefined ? (parsed + 1n) & 0xffff_ffff_ffff_ffffn : parsed);
  const begin = (): NoiseGenerator => {
    const fresh = new NoiseGenerator(stream);
    for (const before of after ?? []) fresh.normal(before);
    return fresh;
  };
  let generator = begin();
  let drawn = 0;
  return (step) => {
    const draw = drawOf(step);
    if (draw < drawn) {
      generator = begin();
      drawn = 0;
    }
    for (; drawn < draw; drawn++) generator.normal(shape);
    drawn++;
    return generator.normal(shape);
  };
}
