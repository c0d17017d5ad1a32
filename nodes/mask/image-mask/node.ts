import { defineNode, sizeOfClip } from '@reelgraph/node-api';
import { emptyMask } from '../empty-mask.ts';

const fits = ['cover', 'contain', 'stretch'] as const;

/** A painted mask. */
export const imageMask = defineNode({
  type: 'image-mask',
  version: 1,
  title: 'Mask from image',
  description: 'Marks what is bright in a picture, for the whole of a clip: paint white what should change.',
  category: 'Mask',
  synonyms: ['painted mask', 'black and white', 'luminance', 'alpha', 'load mask'],
  inputs: {
    image: { type: 'image', label: 'Image', description: 'The painted picture: white changes, black stays.' },
    frames: {
      type: 'frames',
      label: 'Frames',
      description: 'The clip that the mask is for; only its size counts.',
    },
  },
  outputs: {
    mask: { type: 'mask', label: 'Mask', description: 'Everything bright, in every frame.' },
  },
  params: {
    threshold: {
      kind: 'number',
      label: 'Threshold',
      description: 'Brightness from which a place is marked, in percent; 0 marks by degrees of brightness.',
      default: 50,
      min: 0,
      max: 100,
      step: 1,
      unit: '%',
    },
    fit: {
      kind: 'choice',
      label: 'Fit',
      description: 'What to do when picture and clip have different shapes.',
      default: 'stretch',
      options: [
        { value: 'stretch', label: 'Stretch to the frame' },
        { value: 'cover', label: 'Fill the frame, crop what sticks out' },
        { value: 'contain', label: 'Show all of it, unmarked bars' },
      ],
    },
  },
  cache: 'memory',
  lane: 'cpu',
  infer({ inputs }) {
    const { frameCount, widthPx, heightPx } = inputs.frames ?? {};
    return {
      outputs: {
        mask: {
          ...(frameCount === undefined ? {} : { frameCount }),
          ...(widthPx === undefined ? {} : { widthPx }),
          ...(heightPx === undefined ? {} : { heightPx }),
        },
      },
      issues: [],
    };
  },
  async run({ inputs, params, ctx }) {
    const { frameCount, widthPx, heightPx } = sizeOfClip(inputs.frames);
    const weights = emptyMask(inputs.frames);
    const fit = fits.find((known) => known === params.fit) ?? 'stretch';
    const { pixels } = await ctx.media.resizeImage(inputs.image, { widthPx, heightPx, fit });
    const plane = widthPx * heightPx;
    const still = new Float32Array(plane);
    for (let i = 0; i < plane; i++) {
      const mean = (pixels.data[i]! + pixels.data[plane + i]! + pixels.data[2 * plane + i]!) / 3;
      const brightness = Math.min(1, Math.max(0, (mean + 1) / 2));
      still[i] = params.threshold === 0 ? brightness : brightness >= params.threshold / 100 ? 1 : 0;
    }
    for (let frame = 0; frame < frameCount; frame++) weights.data.set(still, frame * plane);
    return { mask: { weights } };
  },
});
