import { defineNode, sizeOfClip } from '@reelgraph/node-api';
import { emptyMask } from '../empty-mask.ts';

/** A box in place and time. */
export const boxMask = defineNode({
  type: 'box-mask',
  version: 1,
  title: 'Box mask',
  description: 'Marks a box of the picture, for all of a clip or a stretch of it; the box may move.',
  category: 'Mask',
  synonyms: ['rectangle', 'region', 'area', 'crop', 'inpaint area'],
  inputs: {
    frames: {
      type: 'frames',
      label: 'Frames',
      description: 'The clip that the mask is for; only its size counts.',
    },
  },
  outputs: {
    mask: { type: 'mask', label: 'Mask', description: 'Everything inside the box.' },
  },
  params: {
    left: percent('Left', 'Left edge of the box, from the left of the picture.', 25),
    top: percent('Top', 'Top edge of the box, from the top of the picture.', 25),
    width: percent('Width', 'Width of the box.', 50),
    height: percent('Height', 'Height of the box.', 50),
    moveRight: {
      ...percent(
        'Moves right by',
        'How far the box has moved right in its last frame; below 0 it moves left.',
        0,
      ),
      min: -100,
    },
    moveDown: {
      ...percent(
        'Moves down by',
        'How far the box has moved down in its last frame; below 0 it moves up.',
        0,
      ),
      min: -100,
    },
    firstFrame: {
      kind: 'integer',
      label: 'First frame',
      description: 'The first frame with the box; 0 is the first of the clip.',
      default: 0,
      min: 0,
      max: 100_000,
    },
    frames: {
      kind: 'integer',
      label: 'Frames',
      description: 'For how many frames the box is there; 0 is to the end of the clip.',
      zeroLabel: 'to the end',
      default: 0,
      min: 0,
      max: 100_000,
    },
  },
  cache: 'memory',
  lane: 'cpu',
  infer({ inputs, params }) {
    const { frameCount, widthPx, heightPx } = inputs.frames ?? {};
    const isOutside = frameCount !== undefined && params.firstFrame >= frameCount;
    return {
      outputs: {
        mask: {
          ...(frameCount === undefined ? {} : { frameCount }),
          ...(widthPx === undefined ? {} : { widthPx }),
          ...(heightPx === undefined ? {} : { heightPx }),
        },
      },
      issues: isOutside
        ? [
            {
              code: 'box-mask/outside-clip',
              severity: 'error',
              message: `The clip has frames 0 to ${frameCount - 1}; a box from frame ${params.firstFrame} on marks nothing.`,
              param: 'firstFrame',
              fix: { label: 'Use frame 0', param: 'firstFrame', value: 0 },
            },
          ]
        : [],
    };
  },
  run({ inputs, params }) {
    const { frameCount, widthPx, heightPx } = sizeOfClip(inputs.frames);
    const weights = emptyMask(inputs.frames);
    const end = params.frames === 0 ? frameCount : Math.min(frameCount, params.firstFrame + params.frames);
    const lastStep = Math.max(1, end - 1 - params.firstFrame);
    for (let frame = params.firstFrame; frame < end; frame++) {
      const share = (frame - params.firstFrame) / lastStep;
      const [x0, x1] = edges(params.left + share * params.moveRight, params.width, widthPx);
      const [y0, y1] = edges(params.top + share * params.moveDown, params.height, heightPx);
      for (let y = y0; y < y1; y++) {
        const row = (frame * heightPx + y) * widthPx;
        weights.data.fill(1, row + x0, row + x1);
      }
    }
    return { mask: { weights } };
  },
});

function percent(label: string, description: string, value: number) {
  return {
    kind: 'number',
    label,
    description,
    default: value,
    min: 0,
    max: 100,
    step: 1,
    unit: '%',
  } as const;
}

/** First pixel and the one after the last of a stretch in percent of a side, inside the picture. */
function edges(start: number, length: number, side: number): readonly [number, number] {
  const inside = (place: number) => Math.min(side, Math.max(0, Math.round((place / 100) * side)));
  const first = inside(start);
  return [first, Math.max(first, inside(start + length))];
}
