import {
  addKnownFrames,
  DiffusionError,
  type ExtensionPlan,
  type ExtensionRequest,
  fewestFramesAfter,
  givenLatents,
  latentShape,
  nothingKnown,
  planExtension,
} from '@reelgraph/diffusion';
import { defineNode, type Frames, type InferIssue, NodeError, sizeOfClip } from '@reelgraph/node-api';
import { sliceAxis, zeros } from '@reelgraph/tensor';
import { faultIssue, rateIssues, resizeAt, sizeFault } from '../../latent/clip-fault.ts';
import { onlyPicturesIssues } from '../../model/needs-pictures.ts';
import { noEncoderIssues } from '../../model/no-encoder.ts';
import { modelOf, wrongModelIssues } from '../../model/wrong-model.ts';
import { sizeFacts } from '../../video/frames-facts.ts';
import { pictureIssues } from '../picture-placed.ts';

/**
 * Fixes the end of one clip at the beginning of a strip, the beginning of another at its end, or both; see
 * `planExtension` for the frames.
 *
 * ```text
 *   clip ──→ extend-clip ─latent→ noise → denoise → decode → new-frames ←lead, tail─ extend-clip
 *     └───────────────────────────────────────────────────────→ join ←┘
 * ```
 */
export const extendClip = defineNode({
  type: 'extend-clip',
  version: 1,
  title: 'Extend clip',
  description:
    'Goes on from a clip, leads up to one, or fills the gap between two: the model sees the given frames and makes the missing ones. Keep new frames then cuts the made clip by Lead and Tail, and Join clips puts all together.',
  category: 'Conditioning',
  synonyms: [
    'continue video',
    'extend forward',
    'extend backward',
    'interpolate',
    'in-between',
    'bridge',
    'gap',
    'loop',
    'outpaint time',
  ],
  inputs: {
    model: { type: 'model', label: 'Model', description: 'The model that will make the new frames.' },
    conditioning: {
      type: 'conditioning',
      label: 'Conditioning',
      description: 'What should be seen in the new frames.',
    },
    before: {
      type: 'frames',
      label: 'Clip before',
      description: 'The clip to go on from: its last frames are fixed at the start.',
      optional: true,
    },
    after: {
      type: 'frames',
      label: 'Clip after',
      description:
        'The clip to lead up to: its first frames are fixed at the end. For a loop, the same clip.',
      optional: true,
    },
  },
  outputs: {
    conditioning: {
      type: 'conditioning',
      label: 'Conditioning',
      description: 'The prompt together with the frames given.',
    },
    latent: {
      type: 'latent',
      label: 'Latent',
      description: 'A blank strip as long as the new frames and those given.',
    },
    lead: {
      type: 'integer',
      label: 'Lead',
      description: 'How many frames at the start of the made clip are not new; for Keep new frames.',
    },
    tail: {
      type: 'integer',
      label: 'Tail',
      description: 'How many frames at the end of the made clip are not new; for Keep new frames.',
    },
  },
  params: {
    newFrames: {
      kind: 'integer',
      label: 'New frames',
      description: 'How many frames to make; any number.',
      default: 8,
      min: 1,
      max: 1024,
      unit: 'frames',
    },
    contextFrames: {
      kind: 'integer',
      label: 'Frames to look at',
      description:
        'How many frames of each clip the model sees. More of them tell it more of the motion, and take more time.',
      default: 9,
      min: 1,
      max: 1024,
      unit: 'frames',
    },
  },
  cache: 'disk',
  lane: 'inference',
  infer({ inputs, params, context }) {
    const { model, before, after, conditioning } = inputs;
    const issues: InferIssue[] = [
      ...noEncoderIssues(model, context),
      ...onlyPicturesIssues(model, context),
      ...pictureIssues('extend-clip/picture-placed', conditioning),
      ...wrongModelIssues(
        'extend-clip/wrong-model',
        'conditioning',
        conditioning,
        model,
        (of, here) =>
          `The prompt was read by the model ${of}, but the clips would be read by ${here}. Connect one model to both.`,
        conditioning?.model === undefined ? [] : [modelOf(conditioning.model)],
      ),
    ];
    if (!('before' in inputs) && !('after' in inputs)) {
      issues.push({
        code: 'extend-clip/no-clip',
        severity: 'error',
        message: 'There is no clip to extend. Connect one to "Clip before", "Clip after" or both.',
        port: 'before',
        fix: { kind: 'connect', label: 'Connect a clip', port: 'before' },
      });
    }
    for (const [port, facts] of [
      ['before', before],
      ['after', after],
    ] as const) {
      const fault = facts === undefined ? undefined : sizeFault(facts, model ?? {});
      if (fault !== undefined) issues.push(faultIssue(port, fault));
      issues.push(...rateIssues(port, facts, model, context));
    }
    const otherSize = (['widthPx', 'heightPx'] as const).some(
      (side) => before?.[side] !== undefined && after?.[side] !== undefined && before[side] !== after[side],
    );
    if (otherSize) {
      const { widthPx, heightPx } = before ?? {};
      issues.push({
        ...otherSizeFault,
        severity: 'error',
        port: 'after',
        ...(widthPx === undefined || heightPx === undefined
          ? {}
          : { fix: resizeAt('after', { widthPx, heightPx }) }),
      });
    }
    const { widthPx, heightPx } = before ?? after ?? {};
    const { frameRule } = model ?? {};
    const clips = { beforeFrames: before?.frameCount, afterFrames: after?.frameCount };
    const isKnown =
      frameRule !== undefined &&
      ('before' in inputs || 'after' in inputs) &&
      (!('before' in inputs) || clips.beforeFrames !== undefined) &&
      (!('after' in inputs) || clips.afterFrames !== undefined);
    const plan = isKnown ? planOrMessage({ ...params, ...clips }, frameRule) : undefined;
    if (typeof plan === 'string' && frameRule !== undefined) {
      const other = newFramesThatFit({ ...params, ...clips }, frameRule);
      issues.push({
        code: 'extend-clip/too-short',
        severity: 'error',
        message: `${plan} ${longerClip(frameRule)}`,
        port: 'after',
        ...(other === undefined
          ? {}
          : { fix: { label: `Make ${other} new frames`, param: 'newFrames', value: other } }),
      });
    }
    const made = typeof plan === 'object' ? plan : undefined;
    const size = sizeFacts({ widthPx, heightPx, frameCount: made?.frameCount });
    return {
      outputs: {
        conditioning: { ...conditioning, ...size, hasKnownFrames: true },
        latent: { ...model, ...size },
        lead: made === undefined ? {} : { value: made.leadFrames },
        tail: made === undefined ? {} : { value: made.tailFrames },
      },
      issues,
    };
  },
  async run({ inputs, params, ctx }) {
    const { model, conditioning, before, after } = inputs;
    const facts = ctx.models.facts(model);
    const rule = facts.frameRule;
    const size = expectClips(before, after, facts);
    const plan = planOrFail(params, { before, after }, rule);
    const clip = { frameCount: plan.frameCount, widthPx: size.widthPx, heightPx: size.heightPx };
    const shape = latentShape(clip, facts);
    if (conditioning.known !== undefined) {
      throw new NodeError(
        'extend-clip/picture-placed',
        'The conditioning already has a picture placed in a clip of another length.',
        { hint: 'Place pictures after this node, with its latent.' },
      );
    }
    const encode = async (clip: Frames, { start, count }: { start: number; count: number }) => {
      const pixels = await ctx.frames.whole(clip, ctx.signal, { start, frameCount: count });
      return ctx.models.encodeFrames(model, pixels, ctx.signal);
    };
    const given = givenLatents(plan, rule);
    const total = shape[2];
    let known = nothingKnown(shape);
    if (before !== undefined && plan.before !== undefined)
      known = addKnownFrames(known, await encode(before, plan.before), 0);
    if (after !== undefined && plan.after !== undefined) {
      const encoded = await encode(after, plan.after);
      const { dropLatents } = plan.after;
      const last = sliceAxis(encoded, 2, dropLatents, dropLatents + given.after);
      known = addKnownFrames(known, last, total - given.after);
    }
    return {
      conditioning: { ...conditioning, known },
      latent: { ...clip, samples: zeros('float32', shape), model: facts.name },
      lead: plan.leadFrames,
      tail: plan.tailFrames,
    };
  },
});

const otherSizeFault = {
  code: 'extend-clip/other-size',
  message: 'The two clips have different sizes. Put a Resize clip before one of them.',
};

function longerClip(rule: { multiple: number; plus: number }): string {
  return `Use a clip after of ${fewestFramesAfter(rule)} or more frames.`;
}

/** The plan, or why there is none. */
function planOrMessage(
  request: ExtensionRequest,
  rule: { multiple: number; plus: number },
): ExtensionPlan | string {
  try {
    return planExtension(request, rule);
  } catch (error) {
    if (!(error instanceof DiffusionError)) throw error;
    return error.message;
  }
}

/** The number of new frames nearest to the one wanted for which the clip after is long enough. */
function newFramesThatFit(
  request: ExtensionRequest,
  rule: { multiple: number; plus: number },
): number | undefined {
  for (let step = 1; step <= rule.multiple; step++) {
    for (const newFrames of [request.newFrames + step, request.newFrames - step]) {
      if (newFrames >= 1 && typeof planOrMessage({ ...request, newFrames }, rule) === 'object')
        return newFrames;
    }
  }
  return undefined;
}

function expectClips(
  before: Frames | undefined,
  after: Frames | undefined,
  rules: { sizeMultiple: number },
): { widthPx: number; heightPx: number } {
  const given = before ?? after;
  if (given === undefined) {
    throw new NodeError('extend-clip/no-clip', 'There is no clip to extend.', {
      hint: 'Connect one to "Clip before", "Clip after" or both.',
    });
  }
  const size = sizeOfClip(given);
  const fault = sizeFault(size, rules);
  if (fault !== undefined) throw new NodeError(fault.code, fault.message, { hint: fault.hint });
  const other = sizeOfClip(after ?? given);
  if (other.widthPx !== size.widthPx || other.heightPx !== size.heightPx)
    throw new NodeError(otherSizeFault.code, otherSizeFault.message);
  return size;
}

function planOrFail(
  params: { newFrames: number; contextFrames: number },
  clips: { before: Frames | undefined; after: Frames | undefined },
  rule: { multiple: number; plus: number },
): ExtensionPlan {
  try {
    return planExtension(
      {
        newFrames: params.newFrames,
        contextFrames: params.contextFrames,
        beforeFrames: clips.before && sizeOfClip(clips.before).frameCount,
        afterFrames: clips.after && sizeOfClip(clips.after).frameCount,
      },
      rule,
    );
  } catch (error) {
    if (!(error instanceof DiffusionError)) throw error;
    throw new NodeError('extend-clip/too-short', error.message, { hint: longerClip(rule), cause: error });
  }
}
