import { defineNode } from '@reelgraph/node-api';
import type { Tensor } from '@reelgraph/tensor';

/** Makes a mask larger, smaller or soft at its edge. */
export const growMask = defineNode({
  type: 'grow-mask',
  version: 1,
  title: 'Grow mask',
  description: 'Makes a mask larger or smaller, in place and in time, and softens its edge.',
  category: 'Mask',
  synonyms: ['feather', 'blur mask', 'dilate', 'erode', 'expand', 'shrink', 'soften'],
  inputs: {
    mask: { type: 'mask', label: 'Mask', description: 'The mask to change.' },
  },
  outputs: {
    mask: { type: 'mask', label: 'Mask', description: 'The changed mask.' },
  },
  params: {
    grow: {
      kind: 'integer',
      label: 'Grow',
      description: 'By how many pixels the edge moves out; below 0 it moves in.',
      default: 4,
      min: -256,
      max: 256,
      unit: 'px',
    },
    growFrames: {
      kind: 'integer',
      label: 'Grow in time',
      description: 'For how many frames before and after the mask is there too.',
      default: 0,
      min: 0,
      max: 256,
      unit: 'frames',
    },
    feather: {
      kind: 'integer',
      label: 'Feather',
      description: 'Over how many pixels beyond its edge the mask fades out.',
      default: 0,
      min: 0,
      max: 256,
      unit: 'px',
    },
  },
  cache: 'memory',
  lane: 'cpu',
  infer: ({ inputs }) => ({ outputs: { mask: { ...inputs.mask } }, issues: [] }),
  run({ inputs, params }) {
    let { weights } = inputs.mask;
    if (params.grow > 0) weights = widen(weights, params.grow);
    if (params.grow < 0) weights = inverse(widen(inverse(weights), -params.grow));
    if (params.growFrames > 0) weights = spread(weights, 2, params.growFrames);
    return { mask: { weights: feather(weights, params.feather) } };
  },
});

/** 1 - w. */
function inverse(mask: Tensor<'float32'>): Tensor<'float32'> {
  return { ...mask, data: mask.data.map((weight) => 1 - weight) };
}

/** The largest weight within `radius` pixels along rows and columns (a square). */
function widen(mask: Tensor<'float32'>, radius: number): Tensor<'float32'> {
  return spread(spread(mask, 3, radius), 4, radius);
}

/** The largest weight within `radius` places along one axis of [1, 1, T, H, W]. */
function spread(mask: Tensor<'float32'>, axis: number, radius: number): Tensor<'float32'> {
  const size = mask.shape[axis] ?? 1;
  const stride = mask.shape.slice(axis + 1).reduce((product, dimension) => product * dimension, 1);
  const data = mask.data.slice();
  for (let step = 1; step <= Math.min(radius, size - 1); step++) {
    const offset = step * stride;
    for (let i = 0; i < data.length; i++) {
      const place = Math.floor(i / stride) % size;
      if (place + step < size) data[i] = Math.max(data[i]!, mask.data[i + offset]!);
      if (place >= step) data[i] = Math.max(data[i]!, mask.data[i - offset]!);
    }
  }
  return { ...mask, data };
}

/** Weights falling evenly to 0 over the pixels beyond the edge; inside nothing changes. */
function feather(mask: Tensor<'float32'>, pixels: number): Tensor<'float32'> {
  let wide = mask;
  const data = mask.data.slice();
  for (let step = 1; step <= pixels; step++) {
    wide = widen(wide, 1);
    const share = 1 - step / (pixels + 1);
    for (let i = 0; i < data.length; i++) data[i] = Math.max(data[i]!, share * wide.data[i]!);
  }
  return { ...mask, data };
}
