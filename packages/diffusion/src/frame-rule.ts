/**
 * Sizes that a video VAE can make. A causal VAE keeps the first frame apart and folds the others by its
 * temporal scale, so its clips have `multiple * n + plus` frames (4n + 1 for a scale of 4).
 */

export interface FrameRule {
  readonly multiple: number;
  readonly plus: number;
}

/** Whether a clip of this many frames exists for the rule. */
export function fitsFrameRule(frameCount: number, rule: FrameRule): boolean {
  return (
    Number.isInteger(frameCount) &&
    frameCount >= Math.max(1, rule.plus) &&
    (frameCount - rule.plus) % rule.multiple === 0
  );
}

/** The allowed frame count nearest to the one wanted; of two equally near the longer. */
export function nearestFrameCount(frameCount: number, rule: FrameRule): number {
  const smallest = rule.plus >= 1 ? rule.plus : rule.multiple;
  const n = Math.floor((frameCount - rule.plus) / rule.multiple + 0.5);
  return Math.max(smallest, n * rule.multiple + rule.plus);
}

/** The multiple of `multiple` nearest to `size`, at least one of it. */
export function nearestSize(size: number, multiple: number): number {
  return Math.max(multiple, Math.floor(size / multiple + 0.5) * multiple);
}

/** Latent frames of a clip: (frames - plus) / multiple + 1 (or without the 1 for rules without a first frame). */
export function latentFrameCount(frameCount: number, rule: FrameRule): number {
  return (frameCount - rule.plus) / rule.multiple + (rule.plus > 0 ? 1 : 0);
}

/** Pixel frames that latent frame `index` stands for, first and last inclusive. */
export function pixelFramesOfLatent(index: number, rule: FrameRule): readonly [first: number, last: number] {
  if (rule.plus > 0 && index === 0) return [0, rule.plus - 1];
  const first = rule.plus + (rule.plus > 0 ? index - 1 : index) * rule.multiple;
  return [first, first + rule.multiple - 1];
}

/** The latent frame in which a pixel frame lies. */
export function latentFrameOfPixel(frameIndex: number, rule: FrameRule): number {
  if (frameIndex < rule.plus) return 0;
  return Math.floor((frameIndex - rule.plus) / rule.multiple) + (rule.plus > 0 ? 1 : 0);
}

/** Shape [1, C, T, h, w] of the latent that decodes to a clip of this size. */
export function latentShape(
  clip: { frameCount: number; widthPx: number; heightPx: number },
  model: {
    latentChannels: number;
    vaeScale: { spatial: number; temporal: number };
    frameRule: FrameRule;
  },
): readonly [number, number, number, number, number] {
  return [
    1,
    model.latentChannels,
    latentFrameCount(clip.frameCount, model.frameRule),
    clip.heightPx / model.vaeScale.spatial,
    clip.widthPx / model.vaeScale.spatial,
  ];
}
