"""Runs a pipeline of diffusers and keeps what a reimplementation is compared with."""

import contextlib
import inspect

import numpy as np
import torch


class Recorder:
    """Arrays by name, as they are called in the cases of `tests/golden`."""

    def __init__(self):
        self.arrays = {}
        self.draws = []
        self.calls = {}

    def keep(self, name, value):
        value = value.detach().float() if isinstance(value, torch.Tensor) else value
        self.arrays.setdefault(name, np.ascontiguousarray(np.asarray(value, dtype=np.float32)))

    @contextlib.contextmanager
    def watching(self, pipeline):
        """Watch draws, networks and scheduler of a pipeline while it runs."""
        restore = [self._wrap(torch, "randn", self._draw), self._wrap(pipeline.vae, "decode", self._decode), self._wrap(pipeline.vae, "encode", self._encode)]
        for name in ("transformer", "transformer_2"):
            if getattr(pipeline, name, None) is not None:
                restore.append(self._wrap(getattr(pipeline, name), "forward", self._denoise(name)))
        if getattr(pipeline, "image_encoder", None) is not None:
            restore.append(self._wrap(pipeline.image_encoder, "forward", self._see))
        try:
            yield self
        finally:
            for put_back in restore:
                put_back()

    def _wrap(self, owner, name, watch):
        original = getattr(owner, name)
        # A decorator of diffusers hides the names of the VAE's arguments: the first is what is coded.
        signature = inspect.signature(original) if name == "forward" else None

        def wrapped(*args, **kwargs):
            result = original(*args, **kwargs)
            watch({"first": args[0] if args else None, **kwargs} if signature is None else signature.bind(*args, **kwargs).arguments, result)
            return result
        if signature is not None:
            wrapped.__signature__ = signature
        had = name in vars(owner)
        setattr(owner, name, wrapped)
        return lambda: setattr(owner, name, original) if had else delattr(owner, name)

    def _draw(self, given, result):
        if given.get("generator") is not None:
            self.draws.append(result.clone())

    def _denoise(self, name):
        def watch(given, result):
            count = self.calls[name] = self.calls.get(name, 0) + 1
            output = result[0] if isinstance(result, (tuple, list)) else result.sample
            if name == "transformer" and count == 1:
                self.keep("step0_transformer_input", given["hidden_states"])
                self.keep("step0_timestep", given["timestep"])
                if given.get("image_rotary_emb") is not None:
                    self.keep("rope_cos", given["image_rotary_emb"][0])
                    self.keep("rope_sin", given["image_rotary_emb"][1])
                if given.get("encoder_hidden_states_image") is not None:
                    self.keep("image_embeds", given["encoder_hidden_states_image"])
            if name == "transformer" and count <= 2:
                self.keep(f"step0_noise_pred_{count}", output)
        return watch

    def _see(self, given, result):
        self.keep("clip_pixel_values", given["pixel_values"])

    def _decode(self, given, result):
        self.keep("vae_decoder_input", given["first"])

    def _encode(self, given, result):
        count = self.calls["encode"] = self.calls.get("encode", 0) + 1
        self.keep(f"vae_encoder_input_{count - 1}", given["first"])
        self.keep(f"vae_encoder_moments_{count - 1}", result.latent_dist.parameters if hasattr(result, "latent_dist") else result[0].parameters)
