"""Puts the graphs of a package in place of a pipeline's networks, so that diffusers itself runs on ONNX Runtime."""

import json
from types import SimpleNamespace

import numpy as np
import torch
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution

from reelgraph_export.write import session_of


class Package:
    def __init__(self, folder):
        self.folder = folder
        self.manifest = json.loads((folder / "manifest.json").read_text())
        self.sessions = {}

    def has(self, name):
        return name in self.manifest["components"]

    def run(self, name, *values, caches=()):
        """Outputs of a graph as torch tensors, its inputs given in the order of the manifest."""
        component = self.manifest["components"][name]
        if name not in self.sessions:
            self.sessions[name] = session_of(self.folder / component["file"])
        values = [*values, *caches]
        feeds = {spec["name"]: np.ascontiguousarray(torch.as_tensor(value).detach().numpy().astype(spec["dtype"]))
                 for spec, value in zip(component["inputs"], values, strict=True)}
        return [torch.from_numpy(x) for x in self.sessions[name].run(None, feeds)]


def use_package(pipeline, folder):
    """Replace the networks of a pipeline by the graphs of a package, in place."""
    package = Package(folder)
    family = package.manifest["family"]
    for name in ("text_encoder", "text_encoder_2", "image_encoder"):
        if package.has(name):
            getattr(pipeline, name).forward = _ENCODERS[family].get(name, _last_hidden_state)(package, name)
    for name in ("transformer", "transformer_2"):
        if getattr(pipeline, name, None) is not None:
            getattr(pipeline, name).forward = _TRANSFORMERS[family](package, name)
    pipeline.vae._decode, pipeline.vae._encode = _VAES[family](package, pipeline.vae)
    return pipeline


def _last_hidden_state(package, name):
    def forward(input_ids, attention_mask=None, **_):
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        return _Result(last_hidden_state=package.run(name, input_ids, mask)[0])
    return forward


class _Result(SimpleNamespace):
    def __getitem__(self, index):
        return list(vars(self).values())[index]


def _clip_vision(package, name):
    return lambda pixel_values, **_: _Result(hidden_states=[None, package.run(name, pixel_values)[0], None])


def _wan(package, name):
    def forward(hidden_states, timestep, encoder_hidden_states, encoder_hidden_states_image=None, **_):
        image = [] if encoder_hidden_states_image is None else [encoder_hidden_states_image]
        if package.has(name):
            return package.run(name, hidden_states, timestep, encoder_hidden_states, *image)
        tokens, first, temb, temb_6, context, cos, sin = package.run(f"{name}_head", hidden_states, timestep, encoder_hidden_states, *image)
        last = package.run(f"{name}_body", first, temb_6, context, cos, sin)[0]
        return package.run(f"{name}_tail", last, temb, hidden_states)
    return forward


def _cogvideox(package, name):
    def forward(hidden_states, encoder_hidden_states, timestep, ofs=None, image_rotary_emb=None, **_):
        extra = [] if ofs is None else [ofs]
        return package.run(name, hidden_states, encoder_hidden_states, timestep, *image_rotary_emb, *extra)
    return forward


def _in_pieces(package, name, x, first, then, beginning=None):
    """Through the first graph and then piece by piece: concatenated first outputs."""
    out, *caches = package.run(beginning or f"{name}_first", x[:, :, :first])
    pieces = [out]
    for i in range(first, x.shape[2], then):
        out, *caches = package.run(f"{name}_next", x[:, :, i : i + then], caches=caches)
        pieces.append(out)
    return torch.cat(pieces, dim=2)


def _wan_vae(package, vae):
    def decode(z, return_dict=True):
        video = package.run("vae_decoder", z)[0] if package.has("vae_decoder") else _in_pieces(package, "vae_decoder", z, 1, 1)
        return SimpleNamespace(sample=video) if return_dict else (video,)
    encode = lambda x: package.run("vae_encoder", x)[0] if package.has("vae_encoder") else _in_pieces(package, "vae_encoder", x, 1, 4)
    return decode, encode


def _cogvideox_vae(package, vae):
    def decode(z, return_dict=True):
        t = z.shape[2]
        beginning = "vae_decoder_first" if t % 2 else "vae_decoder_first_even"
        video = _in_pieces(package, "vae_decoder", z, min(t, 2 + t % 2), 2, beginning)
        return SimpleNamespace(sample=video) if return_dict else (video,)
    encode = lambda x: _in_pieces(package, "vae_encoder", x, min(x.shape[2], 8 + x.shape[2] % 8), 8)
    return decode, encode


def _llama(package, name):
    return lambda input_ids, attention_mask, **_: _Result(hidden_states=[package.run(name, input_ids, attention_mask)[0], None, None])


def _clip_text(package, name):
    return lambda input_ids, **_: _Result(pooler_output=package.run(name, input_ids)[0])


def _hunyuanvideo(package, name):
    def forward(hidden_states, timestep, encoder_hidden_states, encoder_attention_mask, pooled_projections, guidance=None, **_):
        return package.run(name, hidden_states, timestep, encoder_hidden_states, encoder_attention_mask, pooled_projections, *([] if guidance is None else [guidance]))
    return forward


def _hunyuanvideo_vae(package, vae):
    """Only the networks, so that diffusers' own pieces of long clips stay."""
    vae.post_quant_conv.forward = vae.quant_conv.forward = lambda x: x
    vae.decoder.forward = lambda z: package.run("vae_decoder", z)[0]
    vae.encoder.forward = lambda x: package.run("vae_encoder", x)[0]
    return vae._decode, vae._encode


_ENCODERS = {"wan": {"image_encoder": _clip_vision}, "cogvideox": {}, "hunyuanvideo": {"text_encoder": _llama, "text_encoder_2": _clip_text}}
_TRANSFORMERS = {"wan": _wan, "cogvideox": _cogvideox, "hunyuanvideo": _hunyuanvideo}
_VAES = {"wan": _wan_vae, "cogvideox": _cogvideox_vae, "hunyuanvideo": _hunyuanvideo_vae}
