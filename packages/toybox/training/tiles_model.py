"""The networks of the interactive world: a learnt codebook of 8x8-pixel patches, and a network that takes one
action and gives the codes of the next frame.

Both are matrix products over small grids, so that a frame takes milliseconds on a CPU. Codes are
discrete: what the network says becomes a picture exactly as if it had been seen, so small errors are rounded
away in every frame and a rollout cannot slowly blur.
"""

from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import nn

TILE = 8
PATCH_VALUES = 3 * TILE * TILE


@dataclass
class TilesConfig:
    codes: int = 256
    code_width: int = 32
    codec_width: int = 192
    width: int = 112
    depth: int = 4
    actions: int = 6


def patchify(frames):
    """[B, 3, H, W] -> [B, H / 8, W / 8, 192]."""
    b, c, h, w = frames.shape
    x = frames.reshape(b, c, h // TILE, TILE, w // TILE, TILE)
    return x.permute(0, 2, 4, 1, 3, 5).reshape(b, h // TILE, w // TILE, PATCH_VALUES)


def unpatchify(patches):
    """[B, R, C, 192] -> [B, 3, R * 8, C * 8]."""
    b, r, c, _ = patches.shape
    return patches.reshape(b, r, c, 3, TILE, TILE).permute(0, 3, 1, 4, 2, 5).reshape(b, 3, r * TILE, c * TILE)


class Encoder(nn.Module):
    """frames [B, 3, H, W] in [-1, 1] -> codes int64 [B, H / 8, W / 8]: the nearest entry of the codebook."""

    def __init__(self, config):
        super().__init__()
        self.up = nn.Linear(PATCH_VALUES, config.codec_width)
        self.down = nn.Linear(config.codec_width, config.code_width)
        self.register_buffer("codebook", torch.randn(config.codes, config.code_width))

    def features(self, patches):
        return self.down(F.gelu(self.up(patches), approximate="tanh"))

    def nearest(self, features):
        # |f - c|^2 without |f|^2, which is the same for every code.
        distance = (self.codebook ** 2).sum(1) - 2 * features @ self.codebook.T
        return distance.argmin(-1)

    def forward(self, frames):
        return self.nearest(self.features(patchify(frames)))


class Decoder(nn.Module):
    """codes int64 [B, R, C] -> frames [B, 3, R * 8, C * 8] in [-1, 1]."""

    def __init__(self, config):
        super().__init__()
        self.register_buffer("codebook", torch.randn(config.codes, config.code_width))
        self.up = nn.Linear(config.code_width, config.codec_width)
        self.down = nn.Linear(config.codec_width, PATCH_VALUES)

    def draw(self, vectors):
        return self.down(F.gelu(self.up(vectors), approximate="tanh"))

    def forward(self, codes):
        return unpatchify(self.draw(self.codebook[codes])).clamp(-1, 1)


class Block(nn.Module):
    """Residual block on [B, D, R, C]: a tile and its eight neighbours, widened, narrowed.

    Beyond the edge of the board there are zeros, which no tile inside looks like: so the edge can be seen.
    """

    def __init__(self, width):
        super().__init__()
        self.norm = nn.GroupNorm(1, width)
        self.near = nn.Conv2d(width, 2 * width, 3, padding=1)
        self.down = nn.Conv2d(2 * width, width, 1)
        nn.init.zeros_(self.down.weight)
        nn.init.zeros_(self.down.bias)

    def forward(self, x):
        # Layer norm over the channels of each tile.
        mean = x.mean(1, keepdim=True)
        y = (x - mean) * torch.rsqrt(((x - mean) ** 2).mean(1, keepdim=True) + 1e-5)
        y = y * self.norm.weight.view(1, -1, 1, 1) + self.norm.bias.view(1, -1, 1, 1)
        return x + self.down(F.gelu(self.near(y), approximate="tanh"))


class Dynamics(nn.Module):
    """(codes [B, R, C], action [B]) -> for each tile the score of every code in the next frame, [B, R, C, codes]."""

    def __init__(self, config):
        super().__init__()
        self.config = config
        self.embed = nn.Embedding(config.codes, config.width)
        self.action = nn.Embedding(config.actions, config.width)
        self.blocks = nn.ModuleList(Block(config.width) for _ in range(config.depth))
        self.out = nn.Linear(config.width, config.codes)

    def forward(self, codes, action):
        x = self.embed(codes) + self.action(action)[:, None, None]
        x = x.permute(0, 3, 1, 2)
        for block in self.blocks:
            x = block(x)
        return self.out(x.permute(0, 2, 3, 1))


class NextCodes(nn.Module):
    """What is exported: the most likely codes of the next frame, and how sure the network is of the least sure tile."""

    def __init__(self, dynamics):
        super().__init__()
        self.dynamics = dynamics

    def forward(self, codes, action):
        likelihood, next_codes = torch.softmax(self.dynamics(codes, action), dim=-1).max(-1)
        return next_codes, likelihood.amin(dim=(1, 2))


class Tiles(nn.Module):
    def __init__(self, config=None):
        super().__init__()
        self.config = config or TilesConfig()
        self.encoder, self.decoder, self.dynamics = Encoder(self.config), Decoder(self.config), Dynamics(self.config)


def checkpoint_of(model, **extra):
    """What a checkpoint holds, for `load`."""
    return {"config": asdict(model.config), "state": model.state_dict(), **extra}


def load(path):
    """(model, the other things saved with it)."""
    saved = torch.load(path, map_location="cpu", weights_only=True)
    model = Tiles(TilesConfig(**saved.pop("config")))
    model.load_state_dict(saved.pop("state"))
    return model.eval(), saved
