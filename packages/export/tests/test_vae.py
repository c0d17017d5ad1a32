"""VAEs said anew: equal to diffusers over whole clips, and piece by piece equal to the whole."""

import pytest
import torch

from golden.tiny import make
from reelgraph_export import cogvideox_vae, wan_vae

#: Piece by piece the sums are those of diffusers; over a whole clip they are taken in another order.
TOLERANCE, WHOLE = 2e-6, 1e-4


def pieces(first, follow, x, begin, then):
    out, *kept = first(x[:, :, :begin])
    outs = [out]
    for i in range(begin, x.shape[2], then):
        out, *kept = follow(x[:, :, i : i + then], kept)
        outs.append(out)
    return torch.cat(outs, dim=2)


@pytest.mark.parametrize("kind", ["wan-t2v", "wan-ti2v"])
@torch.no_grad()
def test_wan(kind):
    vae = make(kind).vae
    scale = vae.config.scale_factor_spatial
    for frames in (1, 2, 4):
        latents = torch.randn(2, vae.config.z_dim, frames, 3, 5)
        wanted = vae.decode(latents).sample
        whole = wan_vae.WanDecoder(vae, "whole")(latents)
        streamed = pieces(wan_vae.WanDecoder(vae, "first"), wan_vae.WanDecoder(vae, "next"), latents, 1, 1)
        assert (whole - wanted).abs().max() < WHOLE and (streamed - wanted).abs().max() < TOLERANCE
        video = torch.randn(1, 3, 4 * frames - 3, 2 * scale, 3 * scale)
        wanted = vae._encode(video)
        whole = wan_vae.WanEncoder(vae, "whole")(video)
        streamed = pieces(wan_vae.WanEncoder(vae, "first"), wan_vae.WanEncoder(vae, "next"), video, 1, 4)
        assert (whole - wanted).abs().max() < WHOLE and (streamed - wanted).abs().max() < TOLERANCE


@torch.no_grad()
def test_cogvideox():
    vae = make("cogvideox-5b").vae
    for frames in (1, 2, 3, 4, 7):
        latents = torch.randn(2, 8, frames, 3, 5)
        build = lambda alone: cogvideox_vae.CogVideoXDecoder(vae, alone)
        streamed = pieces(build(frames % 2 == 1), build(False), latents, min(frames, 2 + frames % 2), 2)
        assert (streamed - vae.decode(latents).sample).abs().max() < TOLERANCE
    for frames in (1, 5, 9, 13, 17):
        video = torch.randn(1, 3, frames, 16, 24)
        build = lambda alone: cogvideox_vae.CogVideoXEncoder(vae, alone)
        streamed = pieces(build(True), build(False), video, min(frames, 8 + frames % 8), 8)
        assert (streamed - vae._encode(video)).abs().max() < TOLERANCE


@torch.no_grad()
def test_group_norms_make_chunks_part_of_cogvideox():
    """If this fails, chunks may be of any length and the note in the manifest is wrong."""
    vae = make("cogvideox-5b").vae
    latents = torch.randn(1, 8, 5, 3, 5)
    at_once = cogvideox_vae.CogVideoXDecoder(vae, True)(latents)[0]
    assert (at_once - vae.decode(latents).sample).abs().max() > 0.01
