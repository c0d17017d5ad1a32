"""A causal video autoencoder made of matrix products.

Convolutional 3D autoencoders are too slow for a CPU. Here a clip is cut into patches of
4 frames x 8 x 8 pixels (768 values); a linear map initialised with their principal components
gives the latent at once, and small residual networks on the 8x-smaller grid learn what the linear
map leaves blurred: they see the neighbouring patches, so an edge is drawn from the whole outline.

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


class VaeEncoder(nn.Module):
    """frames [B, 3, F, H, W] in [-1, 1] -> latent mean [B, C, T, h, w]."""

    def __init__(self, config):
        super().__init__()
        self.linear = nn.Linear(PATCH_VALUES, config.channels)
        self.embed = nn.Linear(PATCH_VALUES, config.width)
        self.blocks = nn.ModuleList(GridBlock(config.width) for _ in range(config.encoder_blocks))
        self.out = nn.Linear(config.width, config.channels)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, frames):
        patches = patchify(frames)
        x = self.embed(patches)
        for block in self.blocks:
            x = block(x)
        return (self.linear(patches) + self.out(x)).permute(0, 4, 1, 2, 3)


class VaeDecoder(nn.Module):
    """latent [B, C, T, h, w] -> frames [B, 3, F, H, W] in about [-1, 1]."""

    def __init__(self, config):
        super().__init__()
        self.linear = nn.Linear(config.channels, PATCH_VALUES)
        self.embed = nn.Linear(config.channels, config.width)
        self.blocks = nn.ModuleList(GridBlock(config.width) for _ in range(config.decoder_blocks))
        self.norm = nn.LayerNorm(config.width)
        self.out = nn.Linear(config.width, PATCH_VALUES)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, latent):
        x = latent.permute(0, 2, 3, 4, 1)
        y = self.embed(x)
        for block in self.blocks:
            y = block(y)
        return unpatchify(self.linear(x) + self.out(self.norm(y)))


class Vae(nn.Module):
    def __init__(self, config=None):
        super().__init__()
        self.config = config or VaeConfig()
        self.encoder = VaeEncoder(self.config)
        self.decoder = VaeDecoder(self.config)

    @torch.no_grad()
    def initialise_with_components(self, frames):
        """Set the linear maps from the principal components of the patches of `frames` (unit-variance latents)."""
        patches = patchify(frames).reshape(-1, PATCH_VALUES).double()
        mean = patches.mean(0)
        values, vectors = torch.linalg.eigh((patches - mean).T @ (patches - mean) / len(patches))
        basis = vectors[:, -self.config.channels :].flip(1)
        scale = values[-self.config.channels :].flip(0).sqrt()
        self.encoder.linear.weight.copy_((basis / scale).T)
        self.encoder.linear.bias.copy_(-(mean @ basis) / scale)
        self.decoder.linear.weight.copy_(basis * scale)
        self.decoder.linear.bias.copy_(mean)


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
