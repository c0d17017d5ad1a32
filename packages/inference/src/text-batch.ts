/** Branches of guidance side by side in one batch: texts of different length padded to the longest. */
import type { Conditioning } from '@reelgraph/node-api';
import { formatShape, type Tensor, TensorError } from '@reelgraph/tensor';

/**
 * Pads with zeros under a zero mask.
 *
 * @param branches each [1, L_i, D] with mask [1, L_i]
 * @returns embeds [B, max L, D] float32 and mask [B, max L] int64, in the order given
 * @throws TensorError 'tensor/shape-mismatch' when widths differ or a mask has not the length of its text
 */
export function batchText(branches: readonly Conditioning[]): {
  embeds: Tensor<'float32'>;
  mask: Tensor<'int64'>;
} {
  const width = branches[0]?.promptEmbeds.shape[2] ?? 0;
  const length = Math.max(0, ...branches.map((branch) => branch.promptEmbeds.shape[1] ?? 0));
  const embeds = new Float32Array(branches.length * length * width);
  const mask = new BigInt64Array(branches.length * length);
  for (const [i, { promptEmbeds, promptMask }] of branches.entries()) {
    if (promptEmbeds.shape[2] !== width || promptMask.data.length !== promptEmbeds.shape[1]) {
      throw new TensorError(
        'tensor/shape-mismatch',
        `Texts of one batch need one width and a mask each; got ${formatShape(promptEmbeds.shape)} with mask ${formatShape(promptMask.shape)}.`,
      );
    }
    embeds.set(promptEmbeds.data, i * length * width);
    mask.set(promptMask.data, i * length);
  }
  return {
    embeds: { dtype: 'float32', shape: [branches.length, length, width], data: embeds },
    mask: { dtype: 'int64', shape: [branches.length, length], data: mask },
  };
}
