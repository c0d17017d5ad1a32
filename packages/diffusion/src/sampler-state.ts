/** Sampler states that come back from a disk. */
import { isTensor, sameShape, type Tensor } from '@reelgraph/tensor';
import { isFiniteTensor } from './arithmetic.ts';
import type { SamplerMemory, SamplerState } from './sampler.ts';

/**
 * A sampler state for a latent of this shape and a schedule of this many steps, or undefined when `value` is
 * something else.
 *
 * @param shape of the sample, [1, C, T, H, W]
 */
export function parseSamplerState(
  value: unknown,
  shape: readonly number[],
  totalSteps: number,
): SamplerState | undefined {
  if (!isRecord(value)) return undefined;
  const { step, sample, memory } = value;
  if (typeof step !== 'number' || !Number.isInteger(step) || step < 0 || step > totalSteps) return undefined;
  if (!isTensor(sample) || !isFloat(sample) || !sameShape(sample.shape, shape) || !isFiniteTensor(sample))
    return undefined;
  if (!isRecord(memory) || !isMemory(memory)) return undefined;
  return { step, sample, memory };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isFloat(value: Tensor): value is Tensor<'float32'> {
  return value.dtype === 'float32';
}

function isMemory(memory: Record<string, unknown>): memory is SamplerMemory {
  return Object.values(memory).every(
    (part) => typeof part === 'number' || typeof part === 'string' || isTensor(part),
  );
}
