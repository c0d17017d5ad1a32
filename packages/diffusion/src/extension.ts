/**
 * Going on from given clips: how many frames a model makes, which of them repeat the clips, and which frames of
 * the clips it is shown.
 *
 * A causal VAE (rule 4n + 1) keeps its first frame apart, so the two ends differ. Shown here for the rule 4n + 1,
 * with k and m the latent frames of four that are given:
 *
 * ```text
 *   strip made     |0 .. 4k| 4k+1 .....................| last 4m     |
 *   it repeats      the last           the new          frames s+1 ..
 *                   4k+1 frames        frames           s+4m of the
 *                   of the clip                         clip after
 *                   before
 * ```
 *
 * The clip before ends the frames that latent frames 0 to k stand for, exactly. The clip after is read as a clip
 * of its own from its frame s on; its first latent frame holds frame s alone and has no place inside another clip,
 * so it is left out, and the m others become the last of the strip. What the strip has for frames 0 to s of the
 * clip after is made by the model too, and replaced by the frames given when the clips are joined.
 */
import { DiffusionError } from './errors.ts';
import { type FrameRule, fitsFrameRule, latentFrameCount } from './frame-rule.ts';

/** Part of a given clip: frames `start` to `start + count - 1`. */
export interface GivenPart {
  readonly start: number;
  readonly count: number;
}

/** What to make and what to show the model of the clips at either end. */
export interface ExtensionPlan {
  /** Frames of the strip that the model makes; fits the frame rule. */
  readonly frameCount: number;
  /** Frames at the beginning of the strip that are not new: the end of the clip before, or cut to reach a length. */
  readonly leadFrames: number;
  /** Frames at the end of the strip that are not new: the beginning of the clip after, or cut to reach a length. */
  readonly tailFrames: number;
  /** Part of the clip before to encode; all its latent frames are given, from the strip's first on. */
  readonly before?: GivenPart;
  /** Part of the clip after to encode; all its latent frames but the first `dropLatents` are the strip's last. */
  readonly after?: GivenPart & { readonly dropLatents: number };
}

export interface ExtensionRequest {
  /** Frames wanted between or beside the clips; any number above 0. */
  readonly newFrames: number;
  /** Most frames of each clip that are shown to the model. */
  readonly contextFrames: number;
  /** Frames that the clip before has, when there is one. */
  readonly beforeFrames?: number | undefined;
  /** Frames that the clip after has, when there is one. */
  readonly afterFrames?: number | undefined;
}

/** Fewest frames that a clip after must have, whatever number of new frames is wanted. */
export function fewestFramesAfter({ multiple, plus }: FrameRule): number {
  return plus + 2 * multiple - 1;
}

/**
 * Plans the strip between or beside given clips, for any number of new frames.
 *
 * Where the strip cannot have exactly the frames wanted, it is made longer: by frames beyond the wanted ones that
 * are cut (one clip given), or by beginning the known part `s < multiple` frames later in the clip after (two).
 *
 * @throws DiffusionError 'diffusion/bad-extension' when no clip is given, a number is below 1, or the clip after is
 *   too short to show one latent frame of it
 */
export function planExtension(request: ExtensionRequest, rule: FrameRule): ExtensionPlan {
  const { newFrames, contextFrames, beforeFrames, afterFrames } = request;
  const { multiple, plus } = rule;
  if (beforeFrames === undefined && afterFrames === undefined)
    throw new DiffusionError('diffusion/bad-extension', 'There is no clip to go on from.');
  for (const count of [newFrames, contextFrames, beforeFrames ?? 1, afterFrames ?? 1]) {
    if (!Number.isInteger(count) || count < 1)
      throw new DiffusionError('diffusion/bad-extension', `Frames are counted from 1 on, got ${count}.`);
  }
  const lead = beforeFrames === undefined ? 0 : leadOf(Math.min(beforeFrames, contextFrames), rule);
  if (afterFrames === undefined) {
    const frameCount = roundUp(lead + newFrames, rule);
    return {
      frameCount,
      leadFrames: lead,
      tailFrames: frameCount - lead - newFrames,
      ...partBefore(beforeFrames, lead),
    };
  }
  // Frames by which the strip misses the rule: made at its beginning and cut, or read off the clip after.
  const missing = roundUp(lead + newFrames + plus + multiple, rule) - (lead + newFrames + plus + multiple);
  const skipped = beforeFrames === undefined ? 0 : missing;
  const shown = Math.max(multiple, Math.min(afterFrames, contextFrames) - skipped - plus);
  const known = Math.floor(shown / multiple) * multiple;
  if (skipped + plus + known > afterFrames) {
    throw new DiffusionError(
      'diffusion/bad-extension',
      `The clip after has ${afterFrames} frames; ${skipped + plus + multiple} are needed to lead to it over ${newFrames} new ones.`,
    );
  }
  const tailFrames = skipped + plus + known;
  return {
    frameCount: lead + newFrames + missing + plus + known,
    leadFrames: beforeFrames === undefined ? missing : lead,
    tailFrames,
    ...partBefore(beforeFrames, lead),
    after: { start: skipped, count: plus + known, dropLatents: plus > 0 ? 1 : 0 },
  };
}

/** The longest count that fits the rule, at least the shortest clip there is. */
function leadOf(available: number, { multiple, plus }: FrameRule): number {
  return Math.floor((available - plus) / multiple) * multiple + plus;
}

function partBefore(frames: number | undefined, lead: number): Pick<ExtensionPlan, 'before'> {
  return frames === undefined || lead === 0 ? {} : { before: { start: frames - lead, count: lead } };
}

/** The next count at or above `frames` that fits the rule. */
function roundUp(frames: number, rule: FrameRule): number {
  let count = Math.max(frames, rule.plus);
  while (!fitsFrameRule(count, rule)) count++;
  return count;
}

/** Latent frames given at each end of the strip. */
export function givenLatents(plan: ExtensionPlan, rule: FrameRule): { before: number; after: number } {
  return {
    before: plan.before === undefined ? 0 : latentFrameCount(plan.before.count, rule),
    after: plan.after === undefined ? 0 : latentFrameCount(plan.after.count, rule) - plan.after.dropLatents,
  };
}
