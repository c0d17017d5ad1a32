"""The denoiser: a spacetime diffusion transformer (arXiv:2212.09748) over latent patches, trained by flow matching.

Two stages. In the first, a token is 2x2 places of a latent frame, and every token of a clip attends to every
other, with rotary positions over (frame, row, column): it settles what is where and how it moves. In the
second, narrower and shallow, each place is a token that sees its own noisy latent and what the first stage made of
it, and attends within its frame: it draws the outlines. (An hourglass as in arXiv:2401.11605; 96 noisy values
of four places do not pass through the first stage's width unharmed.)

Text comes in by cross-attention and, from its slots, beside the timestep in the modulation of each block.
What is given is said by a mask: a token sees [noisy latent | clean latent * mask | mask], so one network
does text to video, image to video, first and last frame, extension, gaps and inpainting.

In training the middle of the network also tells where each shape is (`Whereabouts`): denoisers learn
sooner when a layer is taught to understand what it denoises (arXiv:2410.06940, there from another
network's features; here the world knows the truth).

Flow matching (arXiv:2209.03003, arXiv:2210.02747): x_sigma = (1 - sigma) * x0 + sigma * noise, fed with
timestep = 1000 * sigma, gives the velocity noise - x0. Inside, the network gives F, of about unit
variance at every level, from which velocity = ((2 sigma - 1) x_sigma - F sqrt(D)) / D with
D = (1 - sigma)^2 + sigma^2: the preconditioning of arXiv:2206.00364 (table 1) in flow matching's terms.
At sigma 1, F is the clean latent, which is simple; a narrow network that had to give the velocity there
would spend its width on carrying 96 values of noise through each token (arXiv:2511.13720).
"""

import copy
import math
from dataclasses import asdict, dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from text import sinusoids, slots
from vae import TEMPORAL

NUM_TRAIN_TIMESTEPS = 1000


@dataclass
class DitConfig:
    channels: int = 24
    text_width: int = 128
    text_slots: int = 4
    width: int = 192
    depth: int = 8
    heads: int = 4
    mlp_ratio: int = 4
    patch: int = 2
    fine_width: int = 96
    fine_heads: int = 2
    fine_depth: int = 2


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
    """Self-attention, where `cross` attention to the words, and an MLP, modulated by `config.width` values of condition."""

    def __init__(self, config, width, heads, cross):
        super().__init__()
        d = width
        self.width, self.heads = d, heads
        self.modulation = nn.Linear(config.width, 6 * d)
        self.qkv, self.out = nn.Linear(d, 3 * d, bias=False), nn.Linear(d, d)
        self.q_scale = nn.Parameter(torch.ones(d // heads))
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

    def split(self, x, groups=1):
        """[B, groups * N, D] -> [B * groups, heads, N, D / heads]."""
        return x.reshape(x.shape[0] * groups, -1, self.heads, self.width // self.heads).transpose(1, 2)

    def merge(self, x, groups=1):
        return x.transpose(1, 2).reshape(x.shape[0] // groups, -1, self.width)

    def normalise(self, x):
        return F.layer_norm(x, (self.width,))

    def forward(self, x, condition, text, text_bias, cos, sin, groups=1):
        """`x` [B, groups * N, D]: tokens attend within their group. `cos`, `sin`: rotary tables of the N places of a group."""
        shift1, scale1, gate1, shift2, scale2, gate2 = self.modulation(condition)[:, None].chunk(6, dim=-1)
        y = self.normalise(x) * (1 + scale1) + shift1
        q, k, v = (self.split(part, groups) for part in self.qkv(y).chunk(3, dim=-1))
        q, k = rotate(unit_rms(q) * self.q_scale, cos, sin), rotate(unit_rms(k), cos, sin)
        x = x + gate1 * self.out(self.merge(attend(q, k, v), groups))
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
        self.text = nn.Sequential(nn.Linear(config.text_slots * config.text_width, d), nn.SiLU(), nn.Linear(d, d))
        # Every second block reads the words; the slots reach all of them.
        self.blocks = nn.ModuleList(DitBlock(config, d, config.heads, cross=i % 2 == 0) for i in range(config.depth))
        self.final_modulation = nn.Linear(d, 2 * d)
        self.final = nn.Linear(d, config.channels * p * p)
        ends = [self.final_modulation, self.final]
        if config.fine_depth:
            # The second stage: every place by itself, with what the first one thinks of it.
            self.fine_embed, self.fine_told = nn.Linear(2 * config.channels + 1, config.fine_width), nn.Linear(d, config.fine_width * p * p)
            self.fine_blocks = nn.ModuleList(DitBlock(config, config.fine_width, config.fine_heads, cross=False) for _ in range(config.fine_depth))
            self.fine_final = nn.Linear(config.fine_width, config.channels)
            ends.append(self.fine_final)
        for layer in ends:
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
        return self.velocity_and_middle(hidden_states, timestep, encoder_hidden_states, encoder_attention_mask, condition_latents, condition_mask)[0]

    def velocity_and_middle(self, hidden_states, timestep, encoder_hidden_states, encoder_attention_mask, condition_latents, condition_mask):
        """
        hidden_states          noisy normalised latent [B, C, T, h, w], h and w even
        timestep               [B], 1000 * sigma
        encoder_hidden_states  [B, L, D]; encoder_attention_mask int64 [B, L]
        condition_latents      clean normalised latent [B, C, T, h, w], anything where unknown
        condition_mask         [B, 1, T, h, w], 1 where the clean latent is given
        returns the velocity [B, C, T, h, w], and the tokens [B, N, D] half-way through the blocks
        """
        b, c, t, h, w = hidden_states.shape
        p = self.config.patch
        rows, columns = h // p, w // p
        seen = torch.cat([hidden_states, condition_latents * condition_mask, condition_mask], dim=1)
        x = seen.reshape(b, 2 * c + 1, t, rows, p, columns, p).permute(0, 2, 3, 5, 1, 4, 6)
        x = self.embed(x.reshape(b, t * rows * columns, (2 * c + 1) * p * p))
        x = x + self.place(self.places(t, rows, columns, x.device))
        tables = rotary_tables(t, rows, columns, self.config.width // self.config.heads, x.device)
        condition = F.silu(self.time(sinusoids(timestep * 0.1, 128, longest=1000.0)) + self.text(slots(encoder_hidden_states)))
        text_bias = (1.0 - encoder_attention_mask[:, None, None, :].float()) * -1e4
        for index, block in enumerate(self.blocks):
            x = block(x, condition, encoder_hidden_states, text_bias, *tables)
            if index == self.config.depth // 2 - 1:
                middle = x
        shift, scale = self.final_modulation(condition)[:, None].chunk(2, dim=-1)
        x = F.layer_norm(x, (self.config.width,)) * (1 + scale) + shift
        given = self.final(x).reshape(b, t, rows, columns, c, p, p).permute(0, 4, 1, 2, 5, 3, 6).reshape(b, c, t, h, w)
        if self.config.fine_depth:
            given = given + self.second_stage(seen, x, condition)
        sigma = (timestep / NUM_TRAIN_TIMESTEPS).reshape(b, 1, 1, 1, 1)
        spread = (1 - sigma) ** 2 + sigma**2
        return hidden_states * ((2 * sigma - 1) / spread) - given * torch.rsqrt(spread), middle

    def second_stage(self, seen, x, condition):
        """What to add to the first stage's answer, [B, C, T, h, w], from its last tokens `x` [B, N, D] and all that is `seen` [B, 2 C + 1, T, h, w]."""
        b, _, t, h, w = seen.shape
        p, d = self.config.patch, self.config.fine_width
        told = self.fine_told(x).reshape(b, t, h // p, w // p, d, p, p).permute(0, 1, 2, 5, 3, 6, 4).reshape(b, t * h * w, d)
        y = self.fine_embed(seen.permute(0, 2, 3, 4, 1).reshape(b, t * h * w, -1)) + told
        tables = rotary_tables(1, h, w, d // self.config.fine_heads, x.device)
        for block in self.fine_blocks:
            y = block(y, condition, None, None, *tables, groups=t)
        return self.fine_final(F.layer_norm(y, (d,))).reshape(b, t, h, w, -1).permute(0, 4, 1, 2, 3)


class Whereabouts(nn.Module):
    """A read-out for training only: the share of each place (8x8 pixels of one frame) that each shape covers."""

    def __init__(self, config):
        super().__init__()
        self.patch = config.patch
        self.read = nn.Sequential(nn.LayerNorm(config.width), nn.Linear(config.width, 3 * TEMPORAL * config.patch**2))
        nn.init.zeros_(self.read[1].weight)

    def loss(self, middle, coverage, weight):
        """`middle` [B, N, D]; `coverage` [B, 3, F, h, w], the shapes in the order the caption names them; `weight` [B]."""
        b, s, f, h, w = coverage.shape
        p, t = self.patch, (f - 1) // TEMPORAL + 1
        x = torch.cat([coverage[:, :, :1].expand(-1, -1, TEMPORAL - 1, -1, -1), coverage], dim=2)
        x = x.reshape(b, s, t, TEMPORAL, h // p, p, w // p, p).permute(0, 2, 4, 6, 1, 3, 5, 7).reshape(b, t * (h // p) * (w // p), -1)
        error = (self.read(middle).float() - x).square().mean((1, 2))
        # Most places are empty: relative to the spread of the truth, so that a blind guess costs about 1.
        return (error * weight).mean() / 0.02


#: What is given of a clip in training, and how often.
GIVEN = {"nothing": 0.54, "first": 0.12, "last": 0.03, "first and last": 0.05, "beginning": 0.06, "end": 0.05, "both ends": 0.05,
         "all but a box": 0.08, "only a box": 0.02}


def random_condition_mask(count, t, h, w, rng):
    """Which latent places are given clean: [B, 1, T, h, w], 1 where given. `rng`: a numpy Generator."""
    mask = torch.zeros(count, 1, t, h, w)
    kinds, shares = list(GIVEN), list(GIVEN.values())
    for row, kind in zip(mask[:, 0], rng.choice(len(kinds), count, p=shares)):
        kind = kinds[kind]
        if kind in ("first", "first and last"):
            row[0] = 1
        if kind in ("last", "first and last"):
            row[-1] = 1
        # At least one latent frame stays open.
        if kind == "beginning":
            row[: rng.integers(1, t)] = 1
        if kind == "end":
            row[rng.integers(1, t) :] = 1
        if kind == "both ends" and t > 2:
            start, end = sorted(rng.choice(np.arange(1, t), 2, replace=False))
            row[:start] = row[end:] = 1
        if kind in ("all but a box", "only a box"):
            inside = torch.zeros_like(row)
            sizes = [int(rng.integers(max(1, n // 4), n + 1)) for n in (h, w)]
            y, x = (int(rng.integers(0, n - size + 1)) for n, size in zip((h, w), sizes))
            start, end = (0, t) if rng.random() < 0.6 else sorted(int(v) for v in rng.choice(t + 1, 2, replace=False))
            inside[start:end, y : y + sizes[0], x : x + sizes[1]] = 1
            row.copy_(1 - inside if kind == "all but a box" else inside)
        if row.min() == 1:
            # Nothing left to make.
            row.zero_()
    return mask


def random_sigmas(count, shift, generator=None):
    """Logit-normal sigmas (arXiv:2403.03206), moved towards noise by `shift`; a tenth uniform, so that no level is forgotten."""
    sigma = torch.sigmoid(torch.randn(count, generator=generator))
    sigma = torch.where(torch.rand(count, generator=generator) < 0.1, torch.rand(count, generator=generator), sigma)
    return shift * sigma / (1 + (shift - 1) * sigma)


def shape_weights(coverage, emphasis):
    """Loss weights [B, 1, T, h, w] with mean 1 over each clip: 1 where no shape is, up to 1 + `emphasis` where one covers a place, and half of that beside it.

    The squared error alone spends most of itself on backgrounds; a person looks at the shapes. `coverage`
    [B, 3, F, h, w] from 0 to 1, F = 4 (T - 1) + 1; a place of a latent frame counts all of its frames.
    """
    covered = coverage.amax(1)
    covered = torch.cat([covered[:, :1].expand(-1, TEMPORAL - 1, -1, -1), covered], dim=1)
    covered = covered.unflatten(1, (-1, TEMPORAL)).amax(2).sqrt()
    near = torch.maximum(covered, 0.5 * F.max_pool2d(covered, 3, stride=1, padding=1))[:, None]
    weights = 1 + emphasis * near
    return weights / weights.mean((2, 3, 4), keepdim=True)


def flow_loss(model, latents, hidden, text_mask, shift, rng, whereabouts=None, coverage=None, weight=None, emphasis=0.0):
    """Squared velocity error over what is not given: the mean that is trained on, with the shapes weighted by `emphasis`, and the plain mean; then the loss of the whereabouts (0 without).

    `latents` normalised [B, C, T, h, w]; `model` gives (velocity, middle).
    """
    b, _, t, h, w = latents.shape
    mask = random_condition_mask(b, t, h, w, rng).to(latents.device)
    sigma = random_sigmas(b, shift).to(latents.device)
    noise = torch.randn_like(latents)
    mixed = latents + sigma[:, None, None, None, None] * (noise - latents)
    velocity, middle = model(mixed, sigma * NUM_TRAIN_TIMESTEPS, hidden, text_mask, latents * mask, mask)
    open_ = 1 - mask
    error = (velocity.float() - (noise - latents)).square() * open_
    # Per clip first, so that a clip with few open places counts as much as any other.
    mean = lambda error: (error.sum((1, 2, 3, 4)) / (open_.sum((1, 2, 3, 4)) * latents.shape[1])).mean()
    weighted = mean(error * shape_weights(coverage, emphasis)) if emphasis else mean(error)
    return weighted, mean(error.detach()), whereabouts.loss(middle, coverage, weight) if whereabouts else torch.zeros(())


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
    inside = lambda name, p: name.startswith(("blocks.", "fine_blocks.")) and p.ndim == 2 and "modulation" not in name
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


def start_from(path, model, ema):
    """Take from an earlier network what fits by name and shape; the number of clips it has seen.

    Raises ValueError when less than half of it fits: that is another kind of network.
    """
    saved = torch.load(path, map_location=next(model.parameters()).device, weights_only=True)
    mine = model.state_dict()
    fitting = {name: value for name, value in saved["ema"].items() if name in mine and mine[name].shape == value.shape}
    if 2 * len(fitting) < len(saved["ema"]):
        raise ValueError(f"of the {len(saved['ema'])} tensors of {path} only {len(fitting)} fit this network")
    model.load_state_dict(fitting, strict=False)
    ema.model.load_state_dict(model.state_dict())
    return saved["samples"]


def add_arguments(parser):
    parser.add_argument("--start", default=None, help="checkpoint of another network to begin with, as far as it fits")
    parser.add_argument("--width", type=int, default=192)
    parser.add_argument("--depth", type=int, default=8)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--shift", type=float, default=2.0, help="moves training noise levels, and the recommended sampling, towards noise")
    parser.add_argument("--whereabouts-weight", type=float, default=0.3, help="weight of telling where the shapes are beside the velocity")
    parser.add_argument("--shape-emphasis", type=float, default=3.0, help="how much more an error counts where a shape is")
    parser.add_argument("--muon-lr", type=float, default=2e-3)
    parser.add_argument("--adam-lr", type=float, default=1e-3)
