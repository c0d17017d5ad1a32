"""A causal video autoencoder that sees a patch as a shape before a ground.

Convolutional 3D autoencoders are too slow for a CPU, so a clip is cut into patches of 4 frames x 8 x 8
pixels (768 values), and everything is matrix products and small neighbourhoods on the 8x-smaller grid.

A patch is taken for two colours and an opacity: pixel = ground + (front - ground) * opacity + a residual
(the idea of block truncation coding, DOI 10.1109/TCOM.1979.1094560, learnt). Of the latent's channels the first
three are the ground, the next three the front, the others a pattern from which the opacity follows linearly. So the
same edge has the same pattern whatever its colours, which halves what a denoiser has to learn; and 18
channels say more about one opacity than 24 say about three colours.

Causal in time: the first frame is repeated so that F = 4(T-1)+1 frames give T latent frames, and
latent frame t depends on no frame after its own. So a prefix of a clip has a prefix of its latent.
"""

from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import nn

TEMPORAL, SPATIAL = 4, 8
PATCH_VALUES = 3 * TEMPORAL * SPATIAL * SPATIAL


@dataclass
class VaeConfig:
    channels: int = 24
    width: int = 160
    encoder_blocks: int = 2
    decoder_blocks: int = 4


def patchify(frames):
    """[B, 3, F, H, W], F = 4(T-1)+1 -> [B, T, h, w, 768]."""
    frames = torch.cat([frames[:, :, :1].expand(-1, -1, TEMPORAL - 1, -1, -1), frames], dim=2)
    b, c, f, h, w = frames.shape
    x = frames.reshape(b, c, f // TEMPORAL, TEMPORAL, h // SPATIAL, SPATIAL, w // SPATIAL, SPATIAL)
    return x.permute(0, 2, 4, 6, 1, 3, 5, 7).reshape(b, f // TEMPORAL, h // SPATIAL, w // SPATIAL, PATCH_VALUES)


def unpatchify(patches):
    """[B, T, h, w, 768] -> [B, 3, F, H, W]; of the first latent frame only its last pixel frame is kept."""
    b, t, h, w, _ = patches.shape
    x = patches.reshape(b, t, h, w, 3, TEMPORAL, SPATIAL, SPATIAL).permute(0, 4, 1, 5, 2, 6, 3, 7)
    return x.reshape(b, 3, t * TEMPORAL, h * SPATIAL, w * SPATIAL)[:, :, TEMPORAL - 1 :]


class GridBlock(nn.Module):
    """Residual block on [B, T, h, w, D]: 3x3 neighbours in space, the frame before, then an MLP."""

    def __init__(self, width):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.near = nn.Conv2d(width, width, 3, padding=1, groups=8)
        self.before = nn.Linear(width, width, bias=False)
        self.up = nn.Linear(width, 3 * width)
        self.down = nn.Linear(3 * width, width)
        nn.init.zeros_(self.before.weight)
        nn.init.zeros_(self.down.weight)
        nn.init.zeros_(self.down.bias)

    def forward(self, x):
        b, t, h, w, d = x.shape
        y = self.norm(x)
        near = self.near(y.reshape(b * t, h, w, d).permute(0, 3, 1, 2)).permute(0, 2, 3, 1).reshape(b, t, h, w, d)
        # The first frame has itself as the frame before, like the repeated first frame of a patch.
        before = self.before(torch.cat([y[:, :1], y[:, :-1]], dim=1))
        return x + self.down(F.gelu(self.up(y + near + before), approximate="tanh"))


def two_colours(patches):
    """Patches [..., 768] -> (mean colour [..., 3], half the spread along the main axis [..., 3], position of each pixel on it [..., 256] in about [-1, 1])."""
    pixels = patches.reshape(*patches.shape[:-1], 3, -1)
    mean = pixels.mean(-1)
    centred = pixels - mean[..., None]
    covariance = centred @ centred.transpose(-1, -2)
    # A few products with the covariance turn any vector towards its main axis.
    axis = covariance.sum(-1) + 1e-3 * covariance[..., 0]
    for _ in range(4):
        axis = (covariance @ axis[..., None])[..., 0]
        axis = axis / (axis.abs().amax(-1, keepdim=True) + 1e-6)
    axis = axis / (axis.square().sum(-1, keepdim=True) + 1e-6).sqrt()
    along = (axis[..., None, :] @ centred)[..., 0, :]
    # A spread of less than a few levels is noise, not two colours.
    spread = along.abs().amax(-1, keepdim=True)
    return mean, axis * spread, along / (spread + 0.04)


class VaeEncoder(nn.Module):
    """frames [B, 3, F, H, W] in [-1, 1] -> latent mean [B, C, T, h, w]."""

    def __init__(self, config):
        super().__init__()
        self.embed = nn.Linear(PATCH_VALUES + PATCH_VALUES // 3 + 6, config.width)
        self.blocks = nn.ModuleList(GridBlock(config.width) for _ in range(config.encoder_blocks))
        self.norm = nn.LayerNorm(config.width)
        self.out = nn.Linear(config.width, config.channels)

    def forward(self, frames):
        patches = patchify(frames)
        mean, spread, along = two_colours(patches)
        x = self.embed(torch.cat([patches, along, mean, spread], dim=-1))
        for block in self.blocks:
            x = block(x)
        # The colours begin as the patch's mean.
        colours = torch.cat([mean, mean, mean.new_zeros(*mean.shape[:-1], self.out.out_features - 6)], dim=-1)
        return (self.out(self.norm(x)) + colours).permute(0, 4, 1, 2, 3)


class VaeDecoder(nn.Module):
    """latent [B, C, T, h, w] -> frames [B, 3, F, H, W] in about [-1, 1]."""

    def __init__(self, config):
        super().__init__()
        self.opacity = nn.Linear(config.channels - 6, PATCH_VALUES // 3)
        self.embed = nn.Linear(config.channels, config.width)
        self.blocks = nn.ModuleList(GridBlock(config.width) for _ in range(config.decoder_blocks))
        self.norm = nn.LayerNorm(config.width)
        self.sharpen = nn.Linear(config.width, PATCH_VALUES // 3)
        self.out = nn.Linear(config.width, PATCH_VALUES)
        for layer in (self.sharpen, self.out):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, latent):
        x = latent.permute(0, 2, 3, 4, 1)
        y = self.embed(x)
        for block in self.blocks:
            y = block(y)
        y = self.norm(y)
        ground, front = x[..., :3, None], x[..., 3:6, None]
        opacity = (self.opacity(x[..., 6:]) + self.sharpen(y))[..., None, :]
        return unpatchify((ground + (front - ground) * opacity).flatten(-2) + self.out(y))


class Vae(nn.Module):
    def __init__(self, config=None):
        super().__init__()
        self.config = config or VaeConfig()
        self.encoder = VaeEncoder(self.config)
        self.decoder = VaeDecoder(self.config)

    @torch.no_grad()
    def initialise_with_components(self, opacity):
        """Set the decoder's linear map to the principal components of the opacity of patches, [N, 256] (unit-variance latents)."""
        values, vectors = torch.linalg.eigh(torch.cov(opacity.double().T))
        count = self.config.channels - 6
        basis, scale = vectors[:, -count:].flip(1), values[-count:].flip(0).clamp(min=1e-8).sqrt()
        self.decoder.opacity.weight.copy_(basis * scale)
        self.decoder.opacity.bias.copy_(opacity.double().mean(0))


#: Deviation of the noise on the colour channels, whose range is [-1, 1], to that on the others.
COLOUR_NOISE = 0.3


def noise_like(latent):
    """Unit noise for a latent [B, C, T, h, w], less on the colours."""
    noise = torch.randn_like(latent)
    noise[:, :6] *= COLOUR_NOISE
    return noise


def layer_truth(ground, layer):
    """What the first channels should say, from the world's own layers (floats 0-255, [B, T, H, W, 3 or 4]).

    (ground colour [B, T', h, w, 3], front colour [..., 3], weight of the front [..., 1], opacity [..., 256]). The front's colour counts
    where something is seen, and a little beside it; elsewhere it is gray and counts next to nothing.
    """
    channels = lambda x: x.permute(0, 4, 1, 2, 3)
    to_patches = lambda x: patchify(x.contiguous()).unflatten(-1, (3, -1))
    below = to_patches(channels(ground / 127.5 - 1)).mean(-1)
    opacity = to_patches(channels(layer[..., 3:].expand(*layer.shape[:-1], 3) / 255))[..., 0, :]
    sums = torch.cat([to_patches(channels(layer[..., :3] / 255)).sum(-1), opacity.sum(-1, keepdim=True)], dim=-1)
    b, t, h, w, _ = sums.shape
    near = F.avg_pool2d(sums.flatten(0, 1).permute(0, 3, 1, 2), 3, stride=1, padding=1, count_include_pad=False)
    near = near.permute(0, 2, 3, 1).unflatten(0, (b, t))
    here, beside = sums[..., 3:] > 2, near[..., 3:] > 2
    colour = torch.where(here, sums[..., :3] / sums[..., 3:].clamp(min=1e-3), near[..., :3] / near[..., 3:].clamp(min=1e-3)) * 2 - 1
    front = torch.where(beside, colour, torch.zeros_like(colour))
    return below, front, torch.where(here, 1.0, torch.where(beside, 0.3, 0.1)), opacity


def save(vae, path, **extra):
    torch.save({"config": asdict(vae.config), "state": vae.state_dict(), **extra}, path)


def load(path, device="cpu"):
    """(vae, the other things saved with it)."""
    saved = torch.load(path, map_location=device, weights_only=True)
    vae = Vae(VaeConfig(**saved.pop("config"))).to(device)
    vae.load_state_dict(saved.pop("state"))
    return vae.eval(), saved


def psnr(a, b):
    """Peak signal-to-noise ratio in dB of frames in [-1, 1] (peak-to-peak 2), over the whole batch."""
    return float(10 * torch.log10(4 / F.mse_loss(a.clamp(-1, 1), b)))
