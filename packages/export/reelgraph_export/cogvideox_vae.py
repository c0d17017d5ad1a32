"""The causal VAE of CogVideoX in chunks, with what its convolutions keep as inputs and outputs.

The chunks are part of the arithmetic, not a way to save memory: group norms take their statistics over
one chunk (AutoencoderKLCogVideoX, models/autoencoders/autoencoder_kl_cogvideox.py). A clip of T latent frames
is decoded as one chunk of 2 + T mod 2 frames and then two by two; F frames are encoded as 8 + F mod 8 and then
eight by eight. In a first chunk of an odd length frame 0 stands for itself alone in time; in all others
each frame is doubled, or halved with its neighbour.
"""

import torch
import torch.nn.functional as F
from diffusers.models.autoencoders.autoencoder_kl_cogvideox import CogVideoXCausalConv3d, CogVideoXSpatialNorm3D


class Past:
    """What convolutions kept, in the order in which they run; `alone`: frame 0 stands for itself in time."""

    def __init__(self, kept=None, alone=False):
        self.begins = kept is None
        self.alone = alone
        self.kept = iter(kept or ())
        self.new = []


def convolve(layer: CogVideoXCausalConv3d, x, past):
    """A clip begins with copies of its first frame."""
    conv = layer.conv
    if layer.time_kernel_size > 1:
        frames = layer.time_kernel_size - 1
        x = torch.cat([x[:, :, :1].expand(-1, -1, frames, -1, -1) if past.begins else next(past.kept), x], dim=2)
        past.new.append(x[:, :, -frames:])
    return F.conv3d(x, conv.weight, conv.bias, conv.stride, (0, layer.height_pad, layer.width_pad))


def stretch(x, in_time, in_space, alone):
    """Nearest neighbours: every frame `in_time` times (frame 0 once, if it stands alone), every place `in_space` times along each side."""
    if in_time > 1:
        first, rest = (x[:, :, :1], x[:, :, 1:]) if alone else (None, x)
        rest = rest.unsqueeze(3).expand(-1, -1, -1, in_time, -1, -1).flatten(2, 3)
        x = torch.cat([first, rest], dim=2) if alone else rest
    if in_space > 1:
        b, _, t, _, _ = x.shape
        x = F.interpolate(x.transpose(1, 2).flatten(0, 1), scale_factor=float(in_space), mode="nearest").unflatten(0, (b, t)).transpose(1, 2)
    return x


def normalise(norm, x, latents, scale, past):
    """Group norm, in the decoder scaled and shifted by the latents, which are stretched to the size of x by `scale` (time, space)."""
    if not isinstance(norm, CogVideoXSpatialNorm3D):
        return norm(x)
    # The two convolutions see one place each, so they come before the stretching.
    by = lambda layer: stretch(convolve(layer, latents, past), *scale, past.alone)
    return norm.norm_layer(x) * by(norm.conv_y) + by(norm.conv_b)


def residual(block, x, latents, scale, past):
    shortcut = x
    y = convolve(block.conv1, block.nonlinearity(normalise(block.norm1, x, latents, scale, past)), past)
    y = convolve(block.conv2, block.nonlinearity(normalise(block.norm2, y, latents, scale, past)), past)
    if block.in_channels != block.out_channels:
        layer = block.conv_shortcut
        shortcut = convolve(layer, x, past) if block.use_conv_shortcut else F.conv3d(x, layer.weight, layer.bias)
    return y + shortcut


def by_frame(layer, x):
    b, _, t, _, _ = x.shape
    return layer(x.transpose(1, 2).flatten(0, 1)).unflatten(0, (b, t)).transpose(1, 2)


def halve(layer, x, past):
    if layer.compress_time:
        first, rest = (x[:, :, :1], x[:, :, 1:]) if past.alone else (None, x)
        rest = (rest[:, :, 0::2] + rest[:, :, 1::2]) / 2
        x = torch.cat([first, rest], dim=2) if past.alone else rest
    return by_frame(layer.conv, F.pad(x, (0, 1, 0, 1)))


def decode(decoder, latents, past):
    in_time, in_space = 1, 1
    x = convolve(decoder.conv_in, latents, past)
    for block in decoder.mid_block.resnets:
        x = residual(block, x, latents, (in_time, in_space), past)
    for up in decoder.up_blocks:
        for block in up.resnets:
            x = residual(block, x, latents, (in_time, in_space), past)
        for layer in up.upsamplers or ():
            twice = 2 if layer.compress_time else 1
            x = by_frame(layer.conv, stretch(x, twice, 2, past.alone))
            in_time, in_space = in_time * twice, in_space * 2
    x = decoder.conv_act(normalise(decoder.norm_out, x, latents, (in_time, in_space), past))
    return convolve(decoder.conv_out, x, past)


def encode(encoder, video, past):
    x = convolve(encoder.conv_in, video, past)
    for down in encoder.down_blocks:
        for block in down.resnets:
            x = residual(block, x, None, None, past)
        for layer in down.downsamplers or ():
            x = halve(layer, x, past)
    for block in encoder.mid_block.resnets:
        x = residual(block, x, None, None, past)
    return convolve(encoder.conv_out, encoder.conv_act(encoder.norm_out(x)), past)


class CogVideoXDecoder(torch.nn.Module):
    """Latents, unscaled, [B, C, T, h, w] → frames near [-1, 1], and what is kept."""

    def __init__(self, vae, alone):
        super().__init__()
        self.vae, self.alone = vae, alone

    def forward(self, latents, caches=None):
        past = Past(caches, self.alone)
        conv = self.vae.post_quant_conv
        x = latents if conv is None else F.conv3d(latents, conv.weight, conv.bias)
        return (decode(self.vae.decoder, x, past), *past.new)


class CogVideoXEncoder(torch.nn.Module):
    """Frames in [-1, 1], [B, 3, F, H, W] → mean and log variance on channels, [B, 2C, T, h, w], and what is kept."""

    def __init__(self, vae, alone):
        super().__init__()
        self.vae, self.alone = vae, alone

    def forward(self, video, caches=None):
        past = Past(caches, self.alone)
        conv = self.vae.quant_conv
        x = encode(self.vae.encoder, video, past)
        return (x if conv is None else F.conv3d(x, conv.weight, conv.bias), *past.new)
