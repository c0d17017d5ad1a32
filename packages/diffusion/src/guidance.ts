/** Classifier-free guidance: exaggerating what the prompt changes. */
import type { Tensor } from '@reelgraph/tensor';
import { weightedSum } from './arithmetic.ts';

/** True when a guidance scale changes anything; at 1 the unconditional branch need not be computed. */
export function usesGuidance(guidanceScale: number): boolean {
  return guidanceScale !== 1;
}

/**
 * v = v_uncond + g (v_cond - v_uncond).
 *
 * @param conditional   model output with the prompt, [B, C, T, H, W] float32
 * @param unconditional model output with the negative or empty prompt, same shape
 * @param guidanceScale g; 1 returns `conditional` as it is
 * @throws TensorError 'tensor/shape-mismatch'
 * @see Ho & Salimans 2022, arXiv:2207.12598, eq. 6 with g = 1 + w
 */
export function guide(
  conditional: Tensor<'float32'>,
  unconditional: Tensor<'float32'>,
  guidanceScale: number,
): Tensor<'float32'> {
  if (!usesGuidance(guidanceScale)) return conditional;
  return weightedSum(guidanceScale, conditional, 1 - guidanceScale, unconditional);
}
