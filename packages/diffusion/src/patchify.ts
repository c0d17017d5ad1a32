/** Latent to tokens and back, for models whose graph takes tokens. */
import { elementCount, formatShape, type Tensor } from '@reelgraph/tensor';
import { DiffusionError } from './errors.ts';

/** Latent pixels per token along time, height and width. */
export type PatchSize = readonly [t: number, h: number, w: number];

/** Index in the latent of every element of the token array, [B, T/t, H/h, W/w, C, t, h, w] flattened. */
function* latentIndices(shape: readonly number[], [pt, ph, pw]: PatchSize): Generator<number> {
  const [batch = 0, channels = 0, frames = 0, height = 0, width = 0] = shape;
  for (let b = 0; b < batch; b++)
    for (let t = 0; t < frames; t += pt)
      for (let y = 0; y < height; y += ph)
        for (let x = 0; x < width; x += pw)
          for (let c = 0; c < channels; c++)
            for (let dt = 0; dt < pt; dt++)
              for (let dy = 0; dy < ph; dy++)
                for (let dx = 0; dx < pw; dx++)
                  yield (((b * channels + c) * frames + t + dt) * height + y + dy) * width + x + dx;
}

function expectPatches(shape: readonly number[], [t, h, w]: PatchSize): void {
  const [, , frames = 0, height = 0, width = 0] = shape;
  if (shape.length !== 5 || frames % t !== 0 || height % h !== 0 || width % w !== 0) {
    throw new DiffusionError(
      'diffusion/bad-patch',
      `A latent ${formatShape(shape)} cannot be cut into patches of ${t}×${h}×${w} (frames × height × width).`,
    );
  }
}

/**
 * [B, C, T, H, W] -> [B, N, D] with N = (T/t)(H/h)(W/w), frame-major, and D = C t h w, channel-major.
 *
 * @throws DiffusionError 'diffusion/bad-patch' when a size is no multiple of its patch
 */
export function patchify(latent: Tensor<'float32'>, patchSize: PatchSize): Tensor<'float32'> {
  expectPatches(latent.shape, patchSize);
  const data = new Float32Array(latent.data.length);
  let i = 0;
  for (const index of latentIndices(latent.shape, patchSize)) data[i++] = latent.data[index]!;
  const batch = latent.shape[0] ?? 0;
  const depth = (latent.shape[1] ?? 0) * elementCount(patchSize);
  return { dtype: 'float32', shape: [batch, data.length / (batch * depth), depth], data };
}

/** Tokens [B, N, D] back to a latent of `shape` [B, C, T, H, W]: the inverse of {@link patchify}. */
export function unpatchify(
  tokens: Tensor<'float32'>,
  shape: readonly number[],
  patchSize: PatchSize,
): Tensor<'float32'> {
  expectPatches(shape, patchSize);
  if (tokens.data.length !== elementCount(shape)) {
    throw new DiffusionError(
      'diffusion/bad-patch',
      `Tokens ${formatShape(tokens.shape)} do not fill a latent ${formatShape(shape)}.`,
    );
  }
  const data = new Float32Array(tokens.data.length);
  let i = 0;
  for (const index of latentIndices(shape, patchSize)) data[index] = tokens.data[i++]!;
  return { dtype: 'float32', shape: [...shape], data };
}
