/** Why a model cannot read a clip: the one rule behind every node that encodes frames. */
import { fitsFrameRule, nearestSize } from '@reelgraph/diffusion';
import type { InferContext, InferFix, InferIssue, PortFacts } from '@reelgraph/node-api';

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
  /** Makes of the clip at an input one that can be read. */
  fixAt?(port: string): InferFix;
}

/** The size of a clip by its pixels [1, C, T, H, W]. */
export function clipSizeOf({ shape }: { readonly shape: readonly number[] }) {
  const [, , frameCount = 0, heightPx = 0, widthPx = 0] = shape;
  return { frameCount, widthPx, heightPx };
}

/** A clip of another size. */
export function resizeAt(
  port: string,
  { widthPx, heightPx }: { widthPx: number; heightPx: number },
): InferFix {
  return {
    kind: 'convert',
    label: `Resize to ${widthPx}×${heightPx}`,
    port,
    through: [{ type: 'resize-frames', params: { width: widthPx, height: heightPx } }],
  };
}

/** Only the first frames of a clip. */
export function trimAt(port: string, frameCount: number): InferFix {
  return {
    kind: 'convert',
    label: `Trim to ${frameCount} ${frameCount === 1 ? 'frame' : 'frames'}`,
    port,
    through: [{ type: 'trim-frames', params: { most: frameCount } }],
  };
}

/** A clip of another rate. */
export function rateAt(port: string, fps: number): InferFix {
  return {
    kind: 'convert',
    label: `Change to ${fps} fps`,
    port,
    through: [{ type: 'change-frame-rate', params: { fps } }],
  };
}

/** Why frames of this size cannot be read; undefined when they can, or too little is known. */
export function sizeFault(
  { widthPx, heightPx }: ClipSize,
  { sizeMultiple }: ClipRules,
): ClipFault | undefined {
  if (sizeMultiple === undefined || widthPx === undefined || heightPx === undefined) return undefined;
  if (widthPx % sizeMultiple === 0 && heightPx % sizeMultiple === 0) return undefined;
  const nearest = {
    widthPx: nearestSize(widthPx, sizeMultiple),
    heightPx: nearestSize(heightPx, sizeMultiple),
  };
  return {
    code: 'clip/size',
    message: `This model needs sides in multiples of ${sizeMultiple}; the clip is ${widthPx}×${heightPx}.`,
    hint: `Put a Resize clip to ${nearest.widthPx}×${nearest.heightPx} before it.`,
    fixAt: (port) => resizeAt(port, nearest),
  };
}

function countFault({ frameCount }: ClipSize, { frameRule }: ClipRules): ClipFault | undefined {
  if (frameRule === undefined || frameCount === undefined || fitsFrameRule(frameCount, frameRule))
    return undefined;
  const { multiple, plus } = frameRule;
  const below = Math.floor((frameCount - plus) / multiple) * multiple + plus;
  return {
    code: 'clip/frame-count',
    message: `This model reads clips of ${plus}, ${multiple + plus}, ${2 * multiple + plus} … frames; this one has ${frameCount}.`,
    hint: below > 0 ? `Trim it to ${below} frames.` : `Use a clip of at least ${plus} frames.`,
    ...(below > 0 ? { fixAt: (port: string) => trimAt(port, below) } : {}),
  };
}

/** Why a clip of this size and length cannot be read whole; undefined when it can, or too little is known. */
export function clipFault(clip: ClipSize, rules: ClipRules): ClipFault | undefined {
  return countFault(clip, rules) ?? sizeFault(clip, rules);
}

/** Everything that keeps the model from reading the clip at an input whole, each with what mends it. */
export function clipFaultIssues(port: string, clip: ClipSize, rules: ClipRules): InferIssue[] {
  return [countFault(clip, rules), sizeFault(clip, rules)].flatMap((fault) =>
    fault === undefined ? [] : [faultIssue(port, fault)],
  );
}

/** The fault as an issue at an input. */
export function faultIssue(port: string, fault: ClipFault): InferIssue {
  return {
    code: fault.code,
    severity: 'error',
    message: `${fault.message} ${fault.hint}`,
    port,
    ...(fault.fixAt === undefined ? {} : { fix: fault.fixAt(port) }),
  };
}

/** A clip that plays half as fast again as what the model has learnt moves in a way it does not know. */
const largestRateRatio = 1.5;

/** A warning where a clip is much faster or slower than the model's own. */
export function rateIssues(
  port: string,
  clip: PortFacts | undefined,
  model: PortFacts | undefined,
  context: InferContext,
): InferIssue[] {
  const fps = context.models.get(model?.model ?? '')?.recommended.fps;
  if (clip?.fps === undefined || fps === undefined) return [];
  const ratio = Math.max(clip.fps / fps, fps / clip.fps);
  if (ratio <= largestRateRatio) return [];
  return [
    {
      code: 'clip/other-rate',
      severity: 'warning',
      message: `${model?.model} was made for ${fps} frames a second, and this clip has ${Math.round(clip.fps * 100) / 100}: to the model it moves ${clip.fps > fps ? 'too slowly' : 'too fast'}.`,
      port,
      fix: rateAt(port, fps),
    },
  ];
}
