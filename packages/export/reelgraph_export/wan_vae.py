"""The causal VAE of Wan 2.1 and 2.2 without its loop over frames.

diffusers feeds the decoder one latent frame at a time and keeps features between (AutoencoderKLWan,
models/autoencoders/autoencoder_kl_wan.py). Such a loop cannot be traced with a free number of frames. The
same numbers come from convolutions over many frames at once:

- A causal convolution sees two frames of the past: zeros at the beginning of a clip, else what is kept.
- Doubling in time leaves frame 0 alone, and its convolution sees zeros in place of frame 0.
- Halving in time leaves frame 0 alone, then takes windows (0, 1, 2), (2, 3, 4), …

What is kept goes out as `new_cache_<i>` and comes in as `cache_<i>`, so that a clip of any length is decoded
in as little memory as one latent frame takes: `first` begins a clip, `next` goes on.
"""

import torch
import torch.nn.functional as F
from diffusers.models.autoencoders.autoencoder_kl_wan import (
    AvgDown3D,
    DupUp3D,
    WanAttentionBlock,
    WanMidBlock,
    WanResample,
    WanResidualBlock,
    WanResidualDownBlock,
    WanResidualUpBlock,
    WanUpBlock,
    patchify,
    unpatchify,
)


class Past:
    """What convolutions kept, in the order in which they run; empty at the beginning of a clip."""

    def __init__(self, kept=None):
        self.begins = kept is None
        self.kept = iter(kept or ())
        self.new = []

    def before(self, x, frames):
        """x with its past in front; the last `frames` of it are kept for the next time."""
        whole = F.pad(x, (0, 0, 0, 0, frames, 0)) if self.begins else torch.cat([next(self.kept), x], dim=2)
        self.new.append(whole[:, :, -frames:])
        return whole


def convolve(conv, x, past):
    """A WanCausalConv3d, [B, C, T, H, W] → the same T."""
    left, _, top, _, front, _ = conv._padding
    if front > 0:
        x = past.before(x, front)
    return F.conv3d(x, conv.weight, conv.bias, conv.stride, (0, top, left))


def residual(block, x, past):
    shortcut = x if isinstance(block.conv_shortcut, torch.nn.Identity) else convolve(block.conv_shortcut, x, past)
    x = convolve(block.conv1, block.nonlinearity(block.norm1(x)), past)
    x = convolve(block.conv2, block.nonlinearity(block.norm2(x)), past)
    return x + shortcut


def resample(layer, x, past):
    if layer.mode == "upsample3d":
        x = _double_in_time(layer, x, past)
    b, c, t, h, w = x.shape
    x = x.transpose(1, 2).flatten(0, 1)
    if layer.mode.startswith("upsample"):
        # Nearest and nearest-exact are the same for a factor of two; ONNX has a node for the former.
        x = layer.resample[1](F.interpolate(x, scale_factor=2.0, mode="nearest"))
    else:
        x = layer.resample(x)
    x = x.unflatten(0, (b, t)).transpose(1, 2)
    return _halve_in_time(layer, x, past) if layer.mode == "downsample3d" else x


def _double_in_time(layer, x, past):
    begins = past.begins
    seen = torch.cat([torch.zeros_like(x[:, :, :1]), x[:, :, 1:]], dim=2) if begins else x
    pairs = convolve(layer.time_conv, seen, past).unflatten(1, (2, x.shape[1]))
    doubled = torch.stack([pairs[:, 0], pairs[:, 1]], dim=3).flatten(2, 3)
    return torch.cat([x[:, :, :1], doubled[:, :, 2:]], dim=2) if begins else doubled


def _halve_in_time(layer, x, past):
    conv = layer.time_conv
    begins = past.begins
    # One frame of the past; a second empty one makes frame 0 the first result, which is then put back.
    whole = past.before(x, 1)
    whole = F.pad(whole, (0, 0, 0, 0, 1, 0)) if begins else whole
    halved = F.conv3d(whole, conv.weight, conv.bias, conv.stride)
    return torch.cat([x[:, :, :1], halved[:, :, 1:]], dim=2) if begins else halved


def middle(block, x, past):
    x = residual(block.resnets[0], x, past)
    for attention, resnet in zip(block.attentions, block.resnets[1:], strict=True):
        x = residual(resnet, attention(x), past)
    return x


def average_down(layer: AvgDown3D, x, begins):
    if begins and layer.factor_t > 1:
        x = F.pad(x, (0, 0, 0, 0, layer.factor_t - 1, 0))
    b, c, t, h, w = x.shape
    x = x.unflatten(4, (-1, layer.factor_s)).unflatten(3, (-1, layer.factor_s)).unflatten(2, (-1, layer.factor_t))
    x = x.permute(0, 1, 3, 5, 7, 2, 4, 6).flatten(1, 4)
    return x.unflatten(1, (layer.out_channels, layer.group_size)).mean(dim=2)


def duplicate_up(layer: DupUp3D, x, begins):
    x = x.repeat_interleave(layer.repeats, dim=1)
    x = x.unflatten(1, (layer.out_channels, layer.factor_t, layer.factor_s, layer.factor_s))
    x = x.permute(0, 1, 5, 2, 6, 3, 7, 4).flatten(6, 7).flatten(4, 5).flatten(2, 3)
    return x[:, :, layer.factor_t - 1 :] if begins else x


def through(layer, x, past):
    """Any layer of the encoder or the decoder."""
    match layer:
        case WanResidualBlock():
            return residual(layer, x, past)
        case WanAttentionBlock():
            return layer(x)
        case WanResample():
            return resample(layer, x, past)
        case WanMidBlock():
            return middle(layer, x, past)
        case WanUpBlock():
            for part in [*layer.resnets, *(layer.upsamplers or [])]:
                x = through(part, x, past)
            return x
        case WanResidualDownBlock():
            shortcut = average_down(layer.avg_shortcut, x, past.begins)
            for part in [*layer.resnets, *([layer.downsampler] if layer.downsampler is not None else [])]:
                x = through(part, x, past)
            return x + shortcut
        case WanResidualUpBlock():
            shortcut = None if layer.avg_shortcut is None else duplicate_up(layer.avg_shortcut, x, past.begins)
            for part in [*layer.resnets, *([layer.upsampler] if layer.upsampler is not None else [])]:
                x = through(part, x, past)
            return x if shortcut is None else x + shortcut
    raise TypeError(f"No layer of a Wan VAE: {type(layer).__name__}")


def walk(network, x, past):
    """WanEncoder3d or WanDecoder3d."""
    x = convolve(network.conv_in, x, past)
    is_decoder = hasattr(network, "up_blocks")
    for layer in [network.mid_block, *network.up_blocks] if is_decoder else [*network.down_blocks, network.mid_block]:
        x = through(layer, x, past)
    return convolve(network.conv_out, network.nonlinearity(network.norm_out(x)), past)


class WanDecoder(torch.nn.Module):
    """Latents, not normalised, [B, z, T, h, w] → frames in [-1, 1]; `part`: whole, first or next."""

    def __init__(self, vae, part):
        super().__init__()
        self.vae, self.part = vae, part

    def forward(self, latents, caches=None):
        past = Past(caches)
        x = walk(self.vae.decoder, F.conv3d(latents, self.vae.post_quant_conv.weight, self.vae.post_quant_conv.bias), past)
        if self.vae.config.patch_size is not None:
            x = unpatchify(x, self.vae.config.patch_size)
        video = x.clamp(-1, 1)
        return video if self.part == "whole" else (video, *past.new)


class WanEncoder(torch.nn.Module):
    """Frames in [-1, 1], [B, 3, F, H, W] → mean and log variance on channels, [B, 2z, T, h, w]."""

    def __init__(self, vae, part):
        super().__init__()
        self.vae, self.part = vae, part

    def forward(self, video, caches=None):
        past = Past(caches)
        if self.vae.config.patch_size is not None:
            video = patchify(video, self.vae.config.patch_size)
        moments = F.conv3d(walk(self.vae.encoder, video, past), self.vae.quant_conv.weight, self.vae.quant_conv.bias)
        return moments if self.part == "whole" else (moments, *past.new)
