/** A latent for benches: of random places at both ends, and blends of them between, so that the clip moves and is no noise in time. */
import { defineNode, type Latent } from '@reelgraph/node-api';
import { randomNormal, type Tensor } from '@reelgraph/tensor';

const channels = 24;
const side = { kind: 'integer', label: 'Places', description: '', default: 8, min: 1, max: 4096 } as const;

const benchLatent = defineNode({
  type: 'bench-latent',
  version: 1,
  title: 'Latent for a bench',
  description: 'A latent of the Toybox model that no sampling made.',
  category: 'Bench',
  inputs: {},
  outputs: { latent: { type: 'latent', label: 'Latent', description: 'The latent.' } },
  params: { frames: side, rows: side, columns: side },
  cache: 'none',
  lane: 'cpu',
  run({ params: { frames, rows, columns } }): { latent: Latent } {
    return {
      latent: {
        samples: between(frames, rows, columns),
        model: 'toybox',
        frameCount: (frames - 1) * 4 + 1,
        widthPx: columns * 8,
        heightPx: rows * 8,
      },
    };
  },
});

/** [1, C, T, H, W] */
function between(frames: number, rows: number, columns: number): Tensor<'float32'> {
  const [first, last] = ['1', '2'].map((seed) => randomNormal(seed, [1, channels, 1, rows, columns]).data);
  const plane = rows * columns;
  const data = new Float32Array(channels * frames * plane);
  for (let i = 0; i < data.length; i++) {
    const channel = Math.floor(i / (frames * plane));
    const at = channel * plane + (i % plane);
    const share = frames === 1 ? 0 : (Math.floor(i / plane) % frames) / (frames - 1);
    data[i] = (1 - share) * (first?.[at] ?? 0) + share * (last?.[at] ?? 0);
  }
  return { dtype: 'float32', shape: [1, channels, frames, rows, columns], data };
}

export const nodes = [benchLatent];
