/** How a latent is looked at while it is sampled. */
import type { PreviewFit } from '@reelgraph/diffusion';
import type { VaeConfig } from '../model-config.ts';

type PreviewConfig = Pick<VaeConfig, 'z_dim' | 'latent_rgb_patch'> &
  Partial<Pick<VaeConfig, 'latent_rgb_factors' | 'latent_rgb_factors_bias'>>;

/** What the package fitted; without it the first channel as brightness. */
export function previewFit({
  z_dim,
  latent_rgb_patch,
  latent_rgb_factors,
  latent_rgb_factors_bias,
}: PreviewConfig): PreviewFit {
  if (latent_rgb_factors !== undefined) {
    const bias = latent_rgb_factors_bias ?? latent_rgb_factors[0]?.map(() => 0) ?? [];
    return { patch: latent_rgb_patch, factors: latent_rgb_factors, bias };
  }
  const factors = Array.from({ length: z_dim }, (_, channel) =>
    channel === 0 ? [0.5, 0.5, 0.5] : [0, 0, 0],
  );
  return { patch: [1, 1, 1], factors, bias: [0, 0, 0] };
}
