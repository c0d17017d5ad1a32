import { knownPlaces, placesToKeep } from '@reelgraph/diffusion';
import { defineNode, type InferIssue, NodeError, sizeOfClip } from '@reelgraph/node-api';
import { formatShape, sameShape } from '@reelgraph/tensor';
import { clipFault, clipFaultIssues, rateIssues } from '../../latent/clip-fault.ts';
import { fitMaskAt, maskOfClip } from '../../mask/mask-fixes.ts';
import { onlyPicturesIssues } from '../../model/needs-pictures.ts';
import { noEncoderIssues } from '../../model/no-encoder.ts';
import { modelOf, wrongModelIssues } from '../../model/wrong-model.ts';
import { differ, sizeFacts } from '../../video/frames-facts.ts';
import { pictureIssues } from '../picture-placed.ts';

/** Fixes everything of a clip that lies outside a mask. */
export const inpaint = defineNode({
  type: 'inpaint',
  version: 1,
  title: 'Inpaint',
  description:
    'Lets the model make anew what lies inside a mask, in place and time, and see the rest of the clip as it is. Put the result back with Put back, so that the rest stays pixel for pixel.',
  category: 'Conditioning',
  synonyms: ['inpainting', 'replace', 'remove object', 'erase', 'repaint', 'masked edit'],
  inputs: {
    model: { type: 'model', label: 'Model', description: 'The model that will fill the mask.' },
    conditioning: {
      type: 'conditioning',
      label: 'Conditioning',
      description: 'What should be seen: the whole scene, not only what is inside the mask.',
    },
    frames: { type: 'frames', label: 'Frames', description: 'The clip to change.' },
    mask: { type: 'mask', label: 'Mask', description: 'Where it changes.' },
  },
  outputs: {
    conditioning: {
      type: 'conditioning',
      label: 'Conditioning',
      description: 'The prompt together with what stays of the clip.',
    },
    latent: {
      type: 'latent',
      label: 'Latent',
      description:
        'The whole clip in compressed form; with a strength below 1 the inside of the mask begins from it too.',
    },
  },
  params: {},
  cache: 'disk',
  lane: 'inference',
  infer({ inputs, context }) {
    const { model, frames, mask, conditioning } = inputs;
    const issues: InferIssue[] = [
      ...noEncoderIssues(model, context),
      ...onlyPicturesIssues(model, context),
      ...clipFaultIssues('frames', frames ?? {}, model ?? {}),
      ...rateIssues('frames', frames, model, context),
      ...pictureIssues('inpaint/picture-placed', conditioning),
      ...wrongModelIssues(
        'inpaint/wrong-model',
        'conditioning',
        conditioning,
        model,
        (of, here) =>
          `The prompt was read by the model ${of}, but the clip would be read by ${here}. Connect one model to both.`,
        conditioning?.model === undefined ? [] : [modelOf(conditioning.model)],
      ),
    ];
    if (differ(frames, mask, ['frameCount', 'widthPx', 'heightPx'])) {
      issues.push({
        code: 'inpaint/other-size',
        severity: 'error',
        message: 'The mask was made for a clip of another size or length. Connect the same clip to both.',
        port: 'mask',
        fix: maskOfClip('mask', 'frames'),
        otherFixes: [fitMaskAt('mask', 'frames')],
      });
    }
    const size = sizeFacts(frames ?? {});
    return {
      outputs: {
        conditioning: { ...conditioning, ...size, hasKnownFrames: true },
        latent: { ...model, ...size },
      },
      issues,
    };
  },
  async run({ inputs, ctx }) {
    const { model, conditioning, frames, mask } = inputs;
    const facts = ctx.models.facts(model);
    const size = sizeOfClip(frames);
    const fault = clipFault(size, facts);
    if (fault !== undefined) throw new NodeError(fault.code, fault.message, { hint: fault.hint });
    const maskShape = [1, 1, size.frameCount, size.heightPx, size.widthPx];
    if (!sameShape(mask.weights.shape, maskShape)) {
      throw new NodeError(
        'inpaint/other-size',
        `The mask ${formatShape(mask.weights.shape)} was made for another clip than one of ${formatShape(maskShape)}.`,
        { hint: 'Connect the same clip to both.' },
      );
    }
    if (conditioning.known !== undefined) {
      throw new NodeError(
        'inpaint/picture-placed',
        'The conditioning already has a picture placed; the clip itself is what is given here.',
        { hint: 'Connect the prompt directly.' },
      );
    }
    const pixels = await ctx.frames.whole(frames, ctx.signal);
    const samples = await ctx.models.encodeFrames(model, pixels, ctx.signal);
    const keep = placesToKeep(mask.weights, facts.vaeScale.spatial, facts.frameRule);
    return {
      conditioning: { ...conditioning, known: knownPlaces(samples, keep) },
      latent: { samples, model: facts.name, ...size },
    };
  },
});
