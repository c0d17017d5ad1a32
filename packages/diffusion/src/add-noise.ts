/** Noise put on a clean latent along the path of any parametrisation. */
import type { Tensor } from '@reelgraph/tensor';
import { weightedSum } from './arithmetic.ts';
import { type Parametrisation, signalAt } from './parametrisation.ts';

/**
 * alpha x0 + sigma eps: for a flow the straight path of {@link addFlowNoise}, else the one of constant variance.
 *
 * @param clean [B, C, T, H, W] float32, normalised
 * @param noise standard normal, same shape
 * @param sigma 0 … 1
 * @throws TensorError 'tensor/shape-mismatch'
 */
export function addNoise(
  parametrisation: Parametrisation,
  clean: Tensor<'float32'>,
  noise: Tensor<'float32'>,
  sigma: number,
): Tensor<'float32'> {
  return weightedSum(signalAt(parametrisation, sigma), clean, sigma, noise);
}
