/** Why a model cannot read a clip: the one rule behind every node that encodes frames. */
import { fitsFrameRule, nearestSize } from '@reelgraph/diffusion';

/** Of a clip, what is known. */
export interface ClipSize {
  readonly frameCount?: number | undefined;
  readonly widthPx?: number | undefined;
  readonly heightPx?: number | undefined;
}

/** Of a model, what is known. */
export interface ClipRules {
  readonly frameRule?: { readonly multiple: number; readonly plus: number } | undefined;
  readonly sizeMultiple?: number | undefined;
}

/** What is wrong and what to do, for an issue or an error. */
export interface ClipFault {
  readonly code: 'clip/size' | 'clip/frame-count';
  readonly message: string;
  readonly hint: string;
}

/** The size of a clip by its pixels [1, C, T, H, W]. */
export function clipSizeOf({ shape }: { readonly shape: readonly number[] }) {
  const [, , frameCount = 0, heightPx = 0, widthPx = 0] = shape;
  return { frameCount, widthPx, heightPx };
}

/** Why frames of this size cannot be read; undefined when they can, or too little is known. */
export function sizeFault(
  { widthPx, heightPx }: ClipSize,
  { sizeMultiple }: ClipRules,
): ClipFault | undefined {
  if (sizeMultiple === undefined || widthPx === undefined || heightPx === undefined) return undefined;
  if (widthPx % sizeMultiple === 0 && heightPx % sizeMultiple === 0) return undefined;
  const nearest = `${nearestSize(widthPx, sizeMultiple)}×${nearestSize(heightPx, sizeMultiple)}`;
  return {
    code: 'clip/size',
    message: `This model needs sides in multiples of ${sizeMultiple}; the clip is ${widthPx}×${heightPx}.`,
    hint: `Put a Resize clip to ${nearest} before it.`,
  };
}

/** Why a clip of this size and length cannot be read whole; undefined when it can, or too little is known. */
export function clipFault(clip: ClipSize, rules: ClipRules): ClipFault | undefined {
  const { frameRule } = rules;
  const { frameCount } = clip;
  if (frameRule !== undefined && frameCount !== undefined && !fitsFrameRule(frameCount, frameRule)) {
    const { multiple, plus } = frameRule;
    const below = Math.floor((frameCount - plus) / multiple) * multiple + plus;
    return {
      code: 'clip/frame-count',
      message: `This model reads clips of ${plus}, ${multiple + plus}, ${2 * multiple + plus} … frames; this one has ${frameCount}.`,
      hint: below > 0 ? `Trim it to ${below} frames.` : `Use a clip of at least ${plus} frames.`,
    };
  }
  return sizeFault(clip, rules);
}
