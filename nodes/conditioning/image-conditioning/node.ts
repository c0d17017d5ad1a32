import {
  addKnownFrames,
  latentFrameCount,
  latentFrameOfPixel,
  nothingKnown,
  pixelFramesOfLatent,
} from '@reelgraph/diffusion';
import { defineNode, type InferIssue, NodeError } from '@reelgraph/node-api';
import { concatAxis, sameShape, sliceAxis, type Tensor } from '@reelgraph/tensor';
import { pictureFrameIssues } from '../../model/needs-pictures.ts';
import { noEncoderIssues } from '../../model/no-encoder.ts';
import { encodedAnew, modelOf, wrongModelIssues } from '../../model/wrong-model.ts';
import { differ, sizeFacts } from '../../video/frames-facts.ts';

/** Fixes a picture at a place of the clip. */
export const imageConditioning = defineNode({
  type: 'image-conditioning',
  version: 1,
  title: 'Image to clip',
  description:
    'Fixes a picture as a frame of the clip: the model moves on from it, or towards it. Chain two of these for a first and a last frame.',
  category: 'Conditioning',
  synonyms: ['image to video', 'i2v', 'first frame', 'last frame', 'start image', 'end image', 'keyframe'],
  inputs: {
    model: { type: 'model', label: 'Model', description: 'The model that will make the clip.' },
    conditioning: {
      type: 'conditioning',
      label: 'Conditioning',
      description: 'What should be seen: a prompt, or another picture already placed.',
    },
    image: { type: 'image', label: 'Image', description: 'The picture to fix.' },
    latent: {
      type: 'latent',
      label: 'Latent',
      description: 'The strip it is placed into; decides size and length.',
    },
  },
  outputs: {
    conditioning: {
      type: 'conditioning',
      label: 'Conditioning',
      description: 'The prompt together with the placed picture.',
    },
  },
  params: {
    frame: {
      kind: 'choice',
      label: 'Frame',
      description: 'Where in the clip the picture stands.',
      default: 'first',
      options: [
        { value: 'first', label: 'First frame' },
        { value: 'last', label: 'Last frame' },
        { value: 'index', label: 'At a frame number' },
      ],
    },
    frameIndex: {
      kind: 'integer',
      label: 'Frame number',
      description:
        'Used with "At a frame number"; 0 is the first. The model holds the picture for the few frames it packs together.',
      default: 0,
      min: 0,
      max: 1024,
    },
    strength: {
      kind: 'number',
      label: 'Strength',
      description:
        'How firmly the clip is held to the picture: 1 shows it as it is. Less is only for models that can (LTX-Video keyframes).',
      default: 1,
      min: 0.05,
      max: 1,
      step: 0.05,
    },
    fit: {
      kind: 'choice',
      label: 'Fit',
      description: 'What to do when picture and clip have different shapes.',
      default: 'cover',
      options: [
        { value: 'cover', label: 'Fill the frame, crop what sticks out' },
        { value: 'contain', label: 'Show all of it, black bars' },
        { value: 'stretch', label: 'Stretch to the frame' },
      ],
    },
  },
  cache: 'disk',
  lane: 'inference',
  infer({ inputs, params, context }) {
    const { model, latent, conditioning } = inputs;
    const issues: InferIssue[] = [...noEncoderIssues(model, context)];
    const facts = context.models.get(model?.model ?? '');
    if (params.strength !== 1 && facts !== undefined && facts.placesPictures === undefined) {
      issues.push({
        code: 'image-conditioning/no-strength',
        severity: 'warning',
        message: `${facts.name} shows pictures as they are; a strength of ${params.strength} has no effect.`,
        param: 'strength',
        fix: { label: 'Use 1', param: 'strength', value: 1 },
      });
    }
    const isFirst = params.frame === 'first' || (params.frame === 'index' && params.frameIndex === 0);
    if (facts?.placesPictures === 'first' && model?.variant === undefined && !isFirst) {
      issues.push({
        code: 'image-conditioning/first-only',
        severity: 'error',
        message: `${facts.name} takes a picture as its first frame only. A variant of it that holds pictures anywhere is chosen in Load model, where it has one.`,
        param: 'frame',
        fix: { label: 'Use the first frame', param: 'frame', value: 'first' },
      });
    }
    const frames = latent?.frameCount;
    const place = placeOf(params, frames);
    issues.push(...pictureFrameIssues(facts, place));
    if (params.frame === 'index' && frames !== undefined && params.frameIndex >= frames) {
      issues.push({
        code: 'image-conditioning/outside-clip',
        severity: 'error',
        message: `The clip has frames 0 to ${frames - 1}; there is no frame ${params.frameIndex}.`,
        param: 'frameIndex',
        fix: { label: `Use frame ${frames - 1}`, param: 'frameIndex', value: frames - 1 },
      });
    }
    issues.push(
      ...wrongModelIssues(
        'image-conditioning/wrong-model',
        'latent',
        latent,
        model,
        (of, here) =>
          `The latent is for the model ${of}, but the picture would be read by ${here}. Connect one model to both.`,
        latent?.model === undefined ? [] : [modelOf(latent.model), encodedAnew('latent', latent.model)],
      ),
      ...wrongModelIssues(
        'image-conditioning/wrong-model',
        'conditioning',
        conditioning,
        model,
        (of, here) =>
          `The prompt was read by the model ${of}, but the picture would be read by ${here}. Connect one model to both.`,
        conditioning?.model === undefined ? [] : [modelOf(conditioning.model)],
      ),
    );
    const isOfOtherClip =
      conditioning?.hasKnownFrames === true &&
      differ(conditioning, latent, ['frameCount', 'widthPx', 'heightPx']);
    if (isOfOtherClip) {
      issues.push({
        code: 'image-conditioning/wrong-size',
        severity: 'error',
        message:
          'The picture placed before this one belongs to a clip of another size. Connect both to the same latent.',
        port: 'conditioning',
        fix: {
          kind: 'same-source',
          label: 'Place both in this latent',
          port: 'conditioning',
          type: 'latent',
          from: 'latent',
        },
        otherFixes: [
          {
            kind: 'connect',
            label: 'Use the latent of the other picture',
            port: 'latent',
            facts: sizeFacts(conditioning),
          },
        ],
      });
    }
    const isEnd = place === 'first' || place === 'last';
    const pictureFrames = [...(conditioning?.pictureFrames ?? []), ...(isEnd ? [place] : [])];
    return {
      outputs: {
        conditioning: {
          ...conditioning,
          ...sizeFacts(latent ?? {}),
          hasKnownFrames: true,
          ...(facts?.needsPictures === undefined ? {} : { pictureFrames }),
        },
      },
      issues,
    };
  },
  async run({ inputs, params, ctx }) {
    const { model, conditioning, latent } = inputs;
    const { frameRule, placesPictures, needsPictures } = ctx.models.facts(model);
    if (latent.model !== model.name) {
      throw new NodeError(
        'image-conditioning/wrong-model',
        `The latent was made for the model ${latent.model}, but the picture would be read by ${model.name}.`,
        {
          hint: 'Connect the same model to both.',
        },
      );
    }
    const index = frameIndexOf(params, latent.frameCount);
    if (index >= latent.frameCount) {
      throw new NodeError(
        'image-conditioning/outside-clip',
        `The clip has frames 0 to ${latent.frameCount - 1}; there is no frame ${index}.`,
        {
          hint: 'Choose a frame inside the clip.',
        },
      );
    }
    const shape = latent.samples.shape;
    const before = conditioning.known ?? nothingKnown(shape);
    if (!sameShape(before.latent.shape, shape)) {
      throw new NodeError(
        'image-conditioning/wrong-size',
        'The picture placed before this one belongs to a clip of another size.',
        {
          hint: 'Connect both to the same latent.',
        },
      );
    }

    const fit = fits.find((known) => known === params.fit) ?? 'cover';
    const size = { widthPx: latent.widthPx, heightPx: latent.heightPx, fit };
    const still = (await ctx.media.resizeImage(inputs.image, size)).pixels;
    if (placesPictures !== undefined && ctx.models.encodePicture !== undefined) {
      const moments = await ctx.models.encodePicture(model, still, ctx.signal);
      const picture = { moments, frame: index, strength: params.strength };
      return { conditioning: { ...conditioning, pictures: [...(conditioning.pictures ?? []), picture] } };
    }
    if (needsPictures !== undefined && ctx.models.placePicture !== undefined) {
      const { frameCount } = latent;
      const picture = inputs.image.pixels;
      const request = { picture, still, frame: index, frameCount, guide: conditioning.guide };
      const guide = await ctx.models.placePicture(model, request, ctx.signal);
      return { conditioning: { ...conditioning, guide } };
    }
    const place = latentFrameOfPixel(index, frameRule);
    // A later latent frame stands for several pictures after others, so the picture is read as a still shot of
    // that length and the last latent frame of it is taken.
    const stillFrames = pixelFramesOfLatent(Math.min(place, 1), frameRule)[1] + 1;
    const encoded = await ctx.models.encodeFrames(model, stillShot(still, stillFrames), ctx.signal);
    const count = latentFrameCount(stillFrames, frameRule);
    const known = addKnownFrames(before, sliceAxis(encoded, 2, count - 1, count), place);
    return { conditioning: { ...conditioning, known } };
  },
});

const fits = ['cover', 'contain', 'stretch'] as const;

/** Whether a picture stands at an end of the clip, as far as its length is known. */
function placeOf(
  { frame, frameIndex }: { frame: string; frameIndex: number },
  frames: number | undefined,
): 'first' | 'last' | 'between' | 'not-first' {
  if (frame === 'first' || (frame === 'index' && frameIndex === 0)) return 'first';
  if (frame === 'last') return 'last';
  if (frames === undefined) return 'not-first';
  return frameIndex >= frames - 1 ? 'last' : 'between';
}

function frameIndexOf(params: { frame: string; frameIndex: number }, frameCount: number): number {
  if (params.frame === 'first') return 0;
  return params.frame === 'last' ? frameCount - 1 : params.frameIndex;
}

/** The same picture over several frames: [1, 3, 1, H, W] -> [1, 3, n, H, W]. */
function stillShot(still: Tensor<'float32'>, frameCount: number): Tensor<'float32'> {
  return concatAxis(
    Array.from({ length: frameCount }, () => still),
    2,
  );
}
