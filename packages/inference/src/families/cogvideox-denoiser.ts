/**
 * Inputs and output of CogVideoX' transformer: frames before channels, and the places of tokens as rotary tables.
 *
 * @see diffusers CogVideoXPipeline, `get_3d_rotary_pos_embed` (the formulas)
 */
import { indexView, reshapeView, type Tensor, zeros } from '@reelgraph/tensor';
import { z } from 'zod';
import { batchText } from '../text-batch.ts';
import type { OpenDenoiser } from './denoiser.ts';
import { output } from './output.ts';

const settingsSchema = z.object({
  patchSize: z.number(),
  headSize: z.number(),
  /** Latent places of the clips it was trained on. */
  sampleHeight: z.number(),
  sampleWidth: z.number(),
});
export type CogVideoXClipSettings = z.infer<typeof settingsSchema>;

/** Swaps the second and the third axis: [1, A, B, h, w] -> [1, B, A, h, w]. */
export function swapFrames({ shape, data }: Tensor<'float32'>): Tensor<'float32'> {
  const [batch = 1, first = 0, second = 0, height = 0, width = 0] = shape;
  const plane = height * width;
  const swapped = new Float32Array(data.length);
  for (let b = 0; b < batch; b++)
    for (let i = 0; i < first; i++)
      for (let j = 0; j < second; j++) {
        const from = ((b * first + i) * second + j) * plane;
        swapped.set(data.subarray(from, from + plane), ((b * second + j) * first + i) * plane);
      }
  return { dtype: 'float32', shape: [batch, second, first, height, width], data: swapped };
}

/** To the nearest whole number; of two equally near the even one, as Python rounds. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** `count` positions of the middle part of the trained grid that has the shape of this one. */
function positionsOf(start: number, stop: number, count: number): number[] {
  const last = (stop * (count - 1)) / count;
  return Array.from({ length: count }, (_, i) =>
    count === 1 ? start : start + ((last - start) / (count - 1)) * i,
  );
}

/** Cosines and sines [T·h·w, D]: D/4 of them for time, 3 D/8 for rows and 3 D/8 for columns, each written twice. */
export function rotaryTables(
  [frames, rows, columns]: readonly [number, number, number],
  { patchSize, headSize, sampleHeight, sampleWidth }: CogVideoXClipSettings,
): { cos: Float32Array; sin: Float32Array } {
  const baseRows = Math.floor(sampleHeight / patchSize);
  const baseColumns = Math.floor(sampleWidth / patchSize);
  const isTall = rows / columns > baseRows / baseColumns;
  const height = isTall ? baseRows : roundHalfEven((baseColumns / columns) * rows);
  const width = isTall ? roundHalfEven((baseRows / rows) * columns) : baseColumns;
  const top = roundHalfEven((baseRows - height) / 2);
  const left = roundHalfEven((baseColumns - width) / 2);
  const axes = [
    { positions: positionsOf(0, frames, frames), size: Math.floor(headSize / 4) },
    { positions: positionsOf(top, top + height, rows), size: Math.floor(headSize / 8) * 3 },
    { positions: positionsOf(left, left + width, columns), size: Math.floor(headSize / 8) * 3 },
  ];
  const cos = new Float32Array(frames * rows * columns * headSize);
  const sin = new Float32Array(cos.length);
  let at = 0;
  for (let t = 0; t < frames; t++)
    for (let y = 0; y < rows; y++)
      for (let x = 0; x < columns; x++)
        for (const [axis, { positions, size }] of axes.entries())
          for (let i = 0; i < size; i++) {
            const frequency = 1 / 10_000 ** ((2 * Math.floor(i / 2)) / size);
            const angle = (positions[[t, y, x][axis]!] ?? 0) * frequency;
            cos[at] = Math.cos(angle);
            sin[at] = Math.sin(angle);
            at += 1;
          }
  return { cos, sin };
}

export const openCogVideoXDenoiser: OpenDenoiser = ({ shape, branches, settings }) => {
  const about = settingsSchema.parse(settings);
  const count = branches.length;
  const { embeds } = batchText(branches);
  const [, channels = 0, frames = 0, height = 0, width = 0] = shape;
  const grid = [frames, height / about.patchSize, width / about.patchSize] as const;
  const { cos, sin } = rotaryTables(grid, about);
  const table = [cos.length / about.headSize, about.headSize];
  const samples = zeros('float32', [count, frames, channels, height, width]);
  const timestep = zeros('float32', [count]);
  const constant = {
    encoder_hidden_states: embeds,
    rope_cos: { dtype: 'float32', shape: table, data: cos } as const,
    rope_sin: { dtype: 'float32', shape: table, data: sin } as const,
  };
  return {
    feedsAt(sample, _, time) {
      const { data } = swapFrames(sample);
      for (let branch = 0; branch < count; branch++) samples.data.set(data, branch * data.length);
      timestep.data.fill(time);
      return { hidden_states: samples, timestep, ...constant };
    },
    velocitiesOf(outputs) {
      const answers = output(outputs, 'sample');
      return branches.map((_, branch) =>
        swapFrames(reshapeView(indexView(answers, branch), [1, frames, channels, height, width])),
      );
    },
  };
};
