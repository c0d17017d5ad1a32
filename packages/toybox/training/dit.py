"""The denoiser: a spacetime diffusion transformer (arXiv:2212.09748) over latent patches, trained by flow matching.

Every token of a clip attends to every other, with rotary positions over (frame, row, column). Text
comes in by cross-attention and, pooled, beside the timestep in the modulation of each block. Clean
frames are given by a mask: a token sees [noisy latent | clean latent * mask | mask], so one network
does text to video, image to video, first and last frame, and extension.

Flow matching (arXiv:2209.03003, arXiv:2210.02747): x_sigma = (1 - sigma) * x0 + sigma * noise, the
network predicts the velocity noise - x0, and is fed timestep = 1000 * sigma.
"""

import copy
import math
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import nn

from text import pooled, sinusoids

NUM_TRAIN_TIMESTEPS = 1000


@dataclass
class DitConfig:
    channels: int = 16
    text_width: int = 128
    width: int = 192
    depth: int = 8
    heads: int = 4
    mlp_ratio: int = 4
    patch: int = 2


def rotary_tables(t, h, w, head_width, device):
    """cos and sin [T*h*w, head_width / 2] of the 3D rotary positions: a third of the pairs for each axis.

    Frequencies fall from one radian per token to a thirtieth: the grids are small (arXiv:2104.09864, axial form).
    """
    pairs = head_width // 6
    rates = 30.0 ** (-torch.arange(pairs, device=device, dtype=torch.float32) / (pairs - 1))
    axis = lambda size: torch.arange(size, device=device, dtype=torch.float32)[:, None] * rates
    angles = torch.cat([
        axis(t)[:, None, None].expand(t, h, w, pairs),
        axis(h)[None, :, None].expand(t, h, w, pairs),
        axis(w)[None, None, :].expand(t, h, w, pairs),
    ], dim=-1).reshape(t * h * w, 3 * pairs)
    return angles.cos(), angles.sin()


def rotate(x, cos, sin):
    """Rotate the halves of the last axis of [B, heads, N, head_width] against each other."""
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], dim=-1)


def unit_rms(x):
    """Scale the last axis to root mean square 1, so that attention logits stay bounded (QK-norm, arXiv:2302.05442)."""
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6)


def attend(q, k, v, bias=None):
    """Plain softmax attention on [B, heads, N, head_width]; at these lengths faster on a CPU, backwards too, than the fused one."""
    logits = (q * q.shape[-1] ** -0.5).to(v.dtype) @ k.to(v.dtype).transpose(-1, -2)
    if bias is not None:
        logits = logits + bias
    return logits.softmax(-1).to(v.dtype) @ v


class DitBlock(nn.Module):
    def __init__(self, config, cross):
        super().__init__()
        d = config.width
        self.width, self.heads = d, config.heads
        self.modulation = nn.Linear(d, 6 * d)
        self.qkv, self.out = nn.Linear(d, 3 * d, bias=False), nn.Linear(d, d)
        self.q_scale = nn.Parameter(torch.ones(d // config.heads))
        self.up, self.down = nn.Linear(d, config.mlp_ratio * d), nn.Linear(config.mlp_ratio * d, d)
        self.cross = cross
        if cross:
            self.cross_q, self.cross_kv = nn.Linear(d, d, bias=False), nn.Linear(config.text_width, 2 * d, bias=False)
            self.cross_out = nn.Linear(d, d)
            nn.init.zeros_(self.cross_out.weight)
            nn.init.zeros_(self.cross_out.bias)
        # Zero gates: every block starts as the identity (adaLN-Zero, arXiv:2212.09748).
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)

    def split(self, x):
        return x.reshape(x.shape[0], -1, self.heads, self.width // self.heads).transpose(1, 2)

    def merge(self, x):
        return x.transpose(1, 2).reshape(x.shape[0], -1, self.width)

    def normalise(self, x):
        return F.layer_norm(x, (self.width,))

    def forward(self, x, condition, text, text_bias, cos, sin):
        shift1, scale1, gate1, shift2, scale2, gate2 = self.modulation(condition)[:, None].chunk(6, dim=-1)
        y = self.normalise(x) * (1 + scale1) + shift1
        q, k, v = (self.split(part) for part in self.qkv(y).chunk(3, dim=-1))
        q, k = rotate(unit_rms(q) * self.q_scale, cos, sin), rotate(unit_rms(k), cos, sin)
        x = x + gate1 * self.out(self.merge(attend(q, k, v)))
        if self.cross:
            q = unit_rms(self.split(self.cross_q(self.normalise(x))))
            k, v = (self.split(part) for part in self.cross_kv(text).chunk(2, dim=-1))
            x = x + self.cross_out(self.merge(attend(q, unit_rms(k), v, text_bias)))
        y = self.normalise(x) * (1 + scale2) + shift2
        return x + gate2 * self.down(F.gelu(self.up(y), approximate="tanh"))


class Dit(nn.Module):
    """Velocity of a noisy latent; see `forward` for the inputs, which are those of the exported graph."""

    def __init__(self, config=None):
        super().__init__()
        self.config = config = config or DitConfig()
        d, p = config.width, config.patch
        self.embed = nn.Linear((2 * config.channels + 1) * p * p, d)
        # Where a token lies in the whole frame, which rotary positions (differences only) cannot say.
        self.place = nn.Linear(5 * 16, d)
        self.time = nn.Sequential(nn.Linear(128, d), nn.SiLU(), nn.Linear(d, d))
        self.text = nn.Sequential(nn.Linear(config.text_width, d), nn.SiLU(), nn.Linear(d, d))
        # Every second block reads the words; the pooled text reaches all of them.
        self.blocks = nn.ModuleList(DitBlock(config, cross=i % 2 == 0) for i in range(config.depth))
        self.final_modulation = nn.Linear(d, 2 * d)
        self.final = nn.Linear(d, config.channels * p * p)
        for layer in (self.final_modulation, self.final):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def places(self, t, h, w, device):
        """Features [T*h*w, 80]: distances (in tokens) from the first frame and from the four borders."""
        axis = lambda size: torch.arange(size, device=device, dtype=torch.float32)
        back = lambda size: size - 1 - axis(size)
        feature = lambda values: sinusoids(values, 16, longest=30.0)
        full = lambda values, dim: values.reshape([-1 if i == dim else 1 for i in range(3)] + [16]).expand(t, h, w, 16)
        return torch.cat([full(feature(axis(t)), 0), full(feature(axis(h)), 1), full(feature(back(h)), 1),
                          full(feature(axis(w)), 2), full(feature(back(w)), 2)], dim=-1).reshape(t * h * w, 80)

    def forward(self, hidden_states, timestep, encoder_hidden_states, encoder_attention_mask, condition_latents, condition_mask):
        """
        hidden_states          noisy normalised latent [B, C, T, h, w], h and w even
        timestep               [B], 1000 * sigma
        encoder_hidden_states  [B, L, D]; encoder_attention_mask int64 [B, L]
        condition_latents      clean normalised latent [B, C, T, h, w], anything where unknown
        condition_mask         [B, 1, T, h, w], 1 where the clean latent is given
        returns the velocity [B, C, T, h, w]
        """
        b, c, t, h, w = hidden_states.shape
        p = self.config.patch
        x = torch.cat([hidden_states, condition_latents * condition_mask, condition_mask], dim=1)
        x = x.reshape(b, 2 * c + 1, t, h // p, p, w // p, p).permute(0, 2, 3, 5, 1, 4, 6)
        x = self.embed(x.reshape(b, t * (h // p) * (w // p), (2 * c + 1) * p * p))
        x = x + self.place(self.places(t, h // p, w // p, x.device))
        cos, sin = rotary_tables(t, h // p, w // p, self.config.width // self.config.heads, x.device)
        vector = pooled(encoder_hidden_states, encoder_attention_mask)
        condition = F.silu(self.time(sinusoids(timestep * 0.1, 128, longest=1000.0)) + self.text(vector))
        text_bias = (1.0 - encoder_attention_mask[:, None, None, :].float()) * -1e4
        for block in self.blocks:
            x = block(x, condition, encoder_hidden_states, text_bias, cos, sin)
        shift, scale = self.final_modulation(condition)[:, None].chunk(2, dim=-1)
        x = self.final(F.layer_norm(x, (self.config.width,)) * (1 + scale) + shift)
        x = x.reshape(b, t, h // p, w // p, c, p, p).permute(0, 4, 1, 2, 5, 3, 6)
        return x.reshape(b, c, t, h, w)


def random_condition_mask(count, frames, generator=None):
    """Which latent frames are given clean, [B, T] float: none mostly, the first often, other useful subsets rarely."""
    choice = torch.rand(count, generator=generator)
    mask = torch.zeros(count, frames)
    first = (choice < 0.30) | ((choice >= 0.33) & (choice < 0.39))
    last = (choice >= 0.30) & (choice < 0.36)
    first_two = (choice >= 0.36) & (choice < 0.39)
    last_two = (choice >= 0.39) & (choice < 0.41)
    mask[:, 0] = first.float()
    mask[:, -1] = torch.maximum(mask[:, -1], (last | last_two).float())
    if frames > 2:
        mask[:, 1] = torch.maximum(mask[:, 1], first_two.float())
        mask[:, -2] = torch.maximum(mask[:, -2], last_two.float())
    return mask


def random_sigmas(count, shift, generator=None):
    """Logit-normal sigmas (arXiv:2403.03206), moved towards noise by `shift`; a tenth uniform, so that no level is forgotten."""
    sigma = torch.sigmoid(torch.randn(count, generator=generator))
    sigma = torch.where(torch.rand(count, generator=generator) < 0.1, torch.rand(count, generator=generator), sigma)
    return shift * sigma / (1 + (shift - 1) * sigma)


def flow_loss(model, latents, hidden, text_mask, shift):
    """Mean squared velocity error over the frames that are not given. `latents` normalised [B, C, T, h, w]."""
    b, _, t, h, w = latents.shape
    mask = random_condition_mask(b, t).to(latents.device)[:, None, :, None, None].expand(b, 1, t, h, w)
    sigma = random_sigmas(b, shift).to(latents.device)
    noise = torch.randn_like(latents)
    mixed = latents + sigma[:, None, None, None, None] * (noise - latents)
    velocity = model(mixed, sigma * NUM_TRAIN_TIMESTEPS, hidden, text_mask, latents * mask, mask)
    open_ = 1 - mask
    error = (velocity.float() - (noise - latents)).square() * open_
    # Per clip first, so that a clip with few open frames counts as much as any other.
    return (error.sum((1, 2, 3, 4)) / (open_.sum((1, 2, 3, 4)) * latents.shape[1])).mean()


def sigmas(steps, shift):
    """Descending sigmas, steps + 1 of them, the last 0; spaced evenly and then shifted towards noise."""
    s = torch.linspace(1, 0, steps + 1)
    return shift * s / (1 + (shift - 1) * s)


@torch.no_grad()
def sample(model, hidden, text_mask, empty_hidden, empty_mask, noise, steps, shift, guidance, condition=None, mask=None):
    """Euler steps from noise to a clean normalised latent, with classifier-free guidance (arXiv:2207.12598)."""
    x = noise  # sigma 1: given frames, too, begin as noise
    condition = torch.zeros_like(x) if condition is None else condition
    mask = torch.zeros_like(x[:, :1]) if mask is None else mask
    schedule = sigmas(steps, shift)
    empty_hidden, empty_mask = empty_hidden.expand(len(x), -1, -1), empty_mask.expand(len(x), -1)
    for now, after in zip(schedule[:-1], schedule[1:]):
        timestep = (now * NUM_TRAIN_TIMESTEPS).expand(len(x)).to(x.device)
        velocity = model(x, timestep, hidden, text_mask, condition, mask)
        if guidance != 1:
            base = model(x, timestep, empty_hidden, empty_mask, condition, mask)
            velocity = base + guidance * (velocity - base)
        x = x + (after - now) * velocity
        # Given frames carry the noise of the level, as in training, and none at the end.
        x = x * (1 - mask) + ((1 - after) * condition + after * noise) * mask
    return x


class Ema:
    """Exponential moving average of weights, warmed up so that early weights are soon forgotten."""

    def __init__(self, model, decay=0.999):
        self.model, self.decay, self.steps = copy.deepcopy(model).eval().requires_grad_(False), decay, 0

    @torch.no_grad()
    def update(self, model):
        self.steps += 1
        weight = 1 - min(self.decay, (1 + self.steps) / (10 + self.steps))
        torch._foreach_lerp_(list(self.model.parameters()), list(model.parameters()), weight)


def split_parameters(model):
    """(matrices inside the blocks, all the rest)."""
    inside = lambda name, p: name.startswith("blocks.") and p.ndim == 2 and "modulation" not in name
    named = list(model.named_parameters())
    return [p for name, p in named if inside(name, p)], [p for name, p in named if not inside(name, p)]


def muon(matrices, rate):
    """Orthogonalised momentum (arXiv:2502.16982 for the scaling): learns these matrices from far fewer samples than Adam."""
    return torch.optim.Muon(matrices, lr=rate, momentum=0.95, weight_decay=0.01, adjust_lr_fn="match_rms_adamw")


def adam(parameters, rate):
    return torch.optim.AdamW(parameters, lr=rate, betas=(0.9, 0.98), weight_decay=0.0, fused=True)


def load(path, device="cpu", ema=True):
    saved = torch.load(path, map_location=device, weights_only=True)
    model = Dit(DitConfig(**saved["config"])).to(device)
    model.load_state_dict(saved["ema" if ema else "state"])
    return model.eval().requires_grad_(False), saved


def add_arguments(parser):
    parser.add_argument("--width", type=int, default=192)
    parser.add_argument("--depth", type=int, default=8)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--shift", type=float, default=2.0, help="moves training noise levels, and the recommended sampling, towards noise")
    parser.add_argument("--muon-lr", type=float, default=2e-3)
    parser.add_argument("--adam-lr", type=float, default=1e-3)
