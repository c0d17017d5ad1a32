/** Classifier-free guidance: exaggerating what the prompt changes. */
import { type Tensor, zeros } from '@reelgraph/tensor';
import { expectSameShape, sumOf, weightedSum } from './arithmetic.ts';
import { DiffusionError } from './errors.ts';
import type { ModelCall } from './sampler.ts';

type Float = Tensor<'float32'>;

/**
 * What changes plain guidance; each rule alone or together with others. Plain data.
 *
 * A model that was distilled with guidance takes the scale as an input instead: that is `embedded`, which its family
 * feeds and which changes nothing here.
 */
export interface GuidanceRules {
  /** The unconditional answer is scaled to fit the conditional one, and the first `zeroSteps` steps stand still. */
  readonly zeroStar?: { readonly zeroSteps: number };
  /** 0 … 1: how far the spread of the guided answer is brought back to that of the conditional one. */
  readonly rescale?: number;
  /** Guidance is on from this share of the steps to that one: the rest needs one model call instead of two. */
  readonly interval?: { readonly from: number; readonly to: number };
  /** Weight of a third branch, the negative prompt, of which only what is not along the prompt counts. */
  readonly perpendicular?: number;
  /** The scale rises from 1 over the walk, as in CogVideoX. */
  readonly ramp?: 'cogvideox';
  /** Guidance that the model takes as an input. */
  readonly embedded?: number;
}

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
export function guide(conditional: Float, unconditional: Float, guidanceScale: number): Float {
  if (!usesGuidance(guidanceScale)) return conditional;
  return weightedSum(guidanceScale, conditional, 1 - guidanceScale, unconditional);
}

/**
 * The same with the unconditional answer scaled to lie as near to the conditional one as it can:
 * a = <v_cond, v_uncond> / (|v_uncond|^2 + 1e-8), v = a v_uncond + g (v_cond - a v_uncond).
 *
 * @see Fan et al. 2025, arXiv:2503.18886 (CFG-Zero*), algorithm 1
 */
export function guideZeroStar(conditional: Float, unconditional: Float, guidanceScale: number): Float {
  const scale = dot(conditional, unconditional) / (dot(unconditional, unconditional) + 1e-8);
  return weightedSum(guidanceScale, conditional, (1 - guidanceScale) * scale, unconditional);
}

/**
 * Steers away from a negative prompt only by what it has across the prompt, so that the prompt is not weakened where
 * both agree. With p = v_cond - v_uncond and n = v_negative - v_uncond:
 * v = v_uncond + g (p - w (n - <n, p> / |p|^2 p)).
 *
 * @param unconditional with the empty prompt
 * @param weight        w of the negative prompt
 * @see Armandpour et al. 2023, arXiv:2304.04968 (Perp-Neg), eq. 7 for one negative prompt
 */
export function guidePerpendicular(
  conditional: Float,
  unconditional: Float,
  negative: Float,
  guidanceScale: number,
  weight: number,
): Float {
  const prompt = weightedSum(1, conditional, -1, unconditional);
  const away = weightedSum(1, negative, -1, unconditional);
  const length = dot(prompt, prompt);
  const along = length === 0 ? 0 : dot(away, prompt) / length;
  return sumOf([
    [1, unconditional],
    [guidanceScale * (1 + weight * along), prompt],
    [-guidanceScale * weight, away],
  ]);
}

/**
 * Brings the spread of a guided answer back: v phi s_cond / s + (1 - phi) v with s the standard deviations over the
 * whole sample. Against the burnt look of high scales.
 *
 * @param share phi, 0 … 1
 * @see Lin et al. 2023, arXiv:2305.08891, eq. 15 and 16
 */
export function rescaleGuidance(guided: Float, conditional: Float, share: number): Float {
  const spread = deviation(guided);
  if (share === 0 || spread === 0) return guided;
  return sumOf([[(share * deviation(conditional)) / spread + (1 - share), guided]]);
}

/**
 * The scale that rises over the walk: 1 + g (1 - cos(pi ((n - t) / n)^5)) / 2 with t the timestep itself. Its power is
 * of a number far from 1, so that it swings; CogVideoX has it so.
 *
 * @see diffusers CogVideoXPipeline with `use_dynamic_cfg` (the formula)
 */
export function rampedScale(guidanceScale: number, timestep: number, totalSteps: number): number {
  return 1 + (guidanceScale * (1 - Math.cos(Math.PI * ((totalSteps - timestep) / totalSteps) ** 5))) / 2;
}

/** Whether guidance is on in a step: from int(from × steps) to before int(to × steps). */
function isOn({ interval }: GuidanceRules, { step, totalSteps }: ModelCall): boolean {
  if (interval === undefined) return true;
  return step >= Math.trunc(interval.from * totalSteps) && step < Math.trunc(interval.to * totalSteps);
}

/**
 * How many branches a call needs, in the order conditional, unconditional, negative.
 *
 * @see Kynkäänniemi et al. 2024, arXiv:2404.07724 (guidance in an interval)
 */
export function branchesNeeded(guidanceScale: number, rules: GuidanceRules, call: ModelCall): 1 | 2 | 3 {
  if (!usesGuidance(guidanceScale) || !isOn(rules, call)) return 1;
  if (call.step < (rules.zeroStar?.zeroSteps ?? 0)) return 1;
  return rules.perpendicular === undefined ? 2 : 3;
}

/**
 * The guided answer of the model.
 *
 * @param answers of the branches in the order conditional, unconditional, negative: as many as `branchesNeeded`
 * @throws DiffusionError 'diffusion/no-answer' when one is missing; TensorError 'tensor/shape-mismatch'
 */
export function applyGuidance(
  guidanceScale: number,
  rules: GuidanceRules,
  answers: readonly Float[],
  call: ModelCall,
): Float {
  const [conditional, unconditional, negative] = answers;
  if (conditional === undefined) throw new DiffusionError('diffusion/no-answer', 'The model gave no answer.');
  if (call.step < (rules.zeroStar?.zeroSteps ?? 0)) return zeros('float32', conditional.shape);
  if (unconditional === undefined || !isOn(rules, call)) return conditional;
  const scale =
    rules.ramp === undefined ? guidanceScale : rampedScale(guidanceScale, call.timestep, call.totalSteps);
  const guided = (): Float => {
    if (rules.perpendicular !== undefined) {
      if (negative === undefined)
        throw new DiffusionError('diffusion/no-answer', 'The model gave no answer to the negative prompt.');
      return guidePerpendicular(conditional, unconditional, negative, scale, rules.perpendicular);
    }
    return rules.zeroStar === undefined
      ? guide(conditional, unconditional, scale)
      : guideZeroStar(conditional, unconditional, scale);
  };
  return rules.rescale === undefined ? guided() : rescaleGuidance(guided(), conditional, rules.rescale);
}

/** @throws DiffusionError 'diffusion/bad-guidance' for numbers that mean nothing, or rules that exclude each other */
export function checkGuidance(rules: GuidanceRules): void {
  const { zeroStar, rescale, interval, perpendicular } = rules;
  const refuse = (message: string): never => {
    throw new DiffusionError('diffusion/bad-guidance', message);
  };
  const isShare = (value: number): boolean => value >= 0 && value <= 1;
  if (rescale !== undefined && !isShare(rescale)) refuse(`Guidance is rescaled by 0 to 1, got ${rescale}.`);
  if (zeroStar !== undefined && !(Number.isInteger(zeroStar.zeroSteps) && zeroStar.zeroSteps >= 0))
    refuse(`Guidance stands still for a whole number of steps, got ${zeroStar.zeroSteps}.`);
  if (
    interval !== undefined &&
    !(isShare(interval.from) && isShare(interval.to) && interval.from <= interval.to)
  )
    refuse(
      `Guidance is on from a share of the steps to a later one, got ${interval.from} to ${interval.to}.`,
    );
  if (perpendicular !== undefined && !Number.isFinite(perpendicular))
    refuse(`The weight of a negative prompt is a number, got ${perpendicular}.`);
  if (perpendicular !== undefined && zeroStar !== undefined)
    refuse('Perpendicular guidance and CFG-Zero* are two ways to use the unconditional answer; choose one.');
}

/** In doubles. */
function dot(a: Float, b: Float): number {
  expectSameShape(a, b);
  let sum = 0;
  for (let i = 0; i < a.data.length; i++) sum += a.data[i]! * b.data[i]!;
  return sum;
}

/** Standard deviation over all elements, with n - 1. */
function deviation({ data }: Float): number {
  let mean = 0;
  for (const value of data) mean += value;
  mean /= data.length;
  let squares = 0;
  for (const value of data) squares += (value - mean) ** 2;
  return Math.sqrt(squares / (data.length - 1));
}
