"""LTX-Video 0.9.0 and 0.9.5 to 0.9.8: text, picture or conditions at any frame to video.

The arithmetic is that of diffusers' LTXVideoTransformer3DModel (models/transformers/transformer_ltx.py).
Places in the clip come in as `video_coords`, since its pipelines count frames in two ways. Padded tokens
of text are left out as keys, where diffusers adds -10000: the same in float32, unless all are padded.
"""

import torch
import torch.nn.functional as F

from .errors import ExportError
from .graph import Graph, Input, padded_mask, timesteps
from .lora import with_loras
from .precision import shrink
from .text import t5_graph
from .write import evaluate

PIPELINES = ("LTXPipeline", "LTXImageToVideoPipeline", "LTXConditionPipeline")
MAX_TEXT = 128


class LTXExportProcessor:
    """`attention_mask`: which keys count, [B, T] bool, or None for all."""

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None, image_rotary_emb=None):
        context = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        query, key, value = attn.norm_q(attn.to_q(hidden_states)), attn.norm_k(attn.to_k(context)), attn.to_v(context)
        if image_rotary_emb is not None:
            query, key = rotate(query, *image_rotary_emb), rotate(key, *image_rotary_emb)
        heads = lambda x: x.unflatten(2, (attn.heads, -1)).transpose(1, 2)
        mask = None if attention_mask is None else attention_mask[:, None, None, :].expand(-1, -1, query.shape[1], -1)
        attended = F.scaled_dot_product_attention(heads(query), heads(key), heads(value), attn_mask=mask)
        return attn.to_out[0](attended.transpose(1, 2).flatten(2, 3))


def rotate(x, cos, sin):
    """Rotary positions of neighbouring pairs, over all heads at once: x, cos and sin [B, S, H·D]."""
    first, second = x.float().unflatten(2, (-1, 2)).unbind(-1)
    return (x.float() * cos + torch.stack([-second, first], dim=-1).flatten(2) * sin).type_as(x)


class LTXTransformer(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, hidden_states, encoder_hidden_states, timestep, encoder_attention_mask, video_coords):
        model = self.model
        dtype = model.proj_in.weight.dtype
        rope = model.rope(hidden_states, video_coords=video_coords)
        tokens = model.proj_in(hidden_states.to(dtype))
        per_token = timestep.shape
        temb, embedded = model.time_embed(timestep.flatten(), batch_size=per_token[0], hidden_dtype=torch.float32)
        temb, embedded = temb.unflatten(0, per_token).to(dtype), embedded.unflatten(0, per_token)
        context = model.caption_projection(encoder_hidden_states.to(dtype))
        keys = encoder_attention_mask > 0
        for block in model.transformer_blocks:
            tokens = block(hidden_states=tokens, encoder_hidden_states=context, temb=temb, image_rotary_emb=rope, encoder_attention_mask=keys).to(dtype)
        shift, scale = (model.scale_shift_table[None, None] + embedded[:, :, None]).unbind(dim=2)
        return model.proj_out((model.norm_out(tokens.float()) * (1 + scale) + shift).to(dtype)).float()


def config(folder, options):
    transformer, vae = folder.config("transformer"), folder.config("vae")
    if any(vae.get("decoder_inject_noise") or ()):
        raise ExportError("The VAE of LTX-Video 0.9.1 draws noise inside its decoder, which no graph can hold. Use 0.9.0 or 0.9.5 and later.")
    module = folder.load("vae")
    return {
        "transformer": {"in_channels": transformer["in_channels"], "patch_size": transformer["patch_size"], "patch_size_t": transformer["patch_size_t"]},
        "vae": {
            "spatial_compression_ratio": module.spatial_compression_ratio, "temporal_compression_ratio": module.temporal_compression_ratio,
            "scaling_factor": vae["scaling_factor"], "latents_mean": [float(x) for x in module.latents_mean], "latents_std": [float(x) for x in module.latents_std],
            "timestep_conditioning": bool(vae.get("timestep_conditioning")),
        },
        "text": {
            "max_sequence_length": options.max_text or MAX_TEXT,
            "text_encoder_gets_mask": {name: name == "LTXConditionPipeline" for name in PIPELINES},
            "note": "where false, feed attention_mask of all ones",
        },
    }


def graphs(folder, options):
    yield t5_graph(folder, options)
    yield _transformer_graph(folder, options)
    yield from vae_graphs(folder)


def _transformer_graph(folder, options):
    model = with_loras(folder.load("transformer"), "transformer", options)
    facts = model.config
    tokens, text = ("batch", "tokens"), ("batch", "text_len")
    inputs = {
        "hidden_states": Input((*tokens, facts.in_channels)),
        "encoder_hidden_states": Input((*text, facts.caption_channels)),
        "timestep": Input(tokens, fill=timesteps),
        "encoder_attention_mask": Input(text, torch.int64, padded_mask),
        "video_coords": Input(("batch", 3, "tokens"), fill=lambda lengths, generator: torch.rand(lengths, generator=generator) * 20),
    }
    sizes = [{"batch": 3, "tokens": 40, "text_len": 16}, {"batch": 1, "tokens": 63, "text_len": 24}, {"batch": 2, "tokens": 12, "text_len": 9}]
    graph = Graph("transformer", LTXTransformer(model), inputs, {"sample": (*tokens, facts.out_channels)}, sizes)

    def original(latents, context, time, mask, coords):
        return model(latents, context, time, mask, video_coords=coords, return_dict=False)[0]

    graph.expected = evaluate(graph, original)
    for block in model.transformer_blocks:
        block.attn1.set_processor(LTXExportProcessor())
        block.attn2.set_processor(LTXExportProcessor())
    return shrink(graph, model, options.dtype)


class Decoder(torch.nn.Module):
    """Latents, not normalised → frames near [-1, 1]; `timestep`: the decode time step, where the VAE has one."""

    def __init__(self, vae):
        super().__init__()
        self.vae = vae

    def forward(self, latents, timestep=None):
        return self.vae.decoder(latents, timestep)


class Encoder(torch.nn.Module):
    def __init__(self, vae):
        super().__init__()
        self.vae = vae

    def forward(self, video):
        # Of the log variance the encoder has one channel; the posterior repeats it.
        moments = self.vae.encoder(video)
        channels = self.vae.config.latent_channels
        return moments if moments.shape[1] == 2 * channels else torch.cat([moments[:, :channels], moments[:, channels:].expand(-1, channels, -1, -1, -1)], dim=1)


def vae_graphs(folder):
    """In float32; a clip longer than memory allows is coded in tiles by the reader."""
    vae = folder.load("vae")
    z, space, time = vae.config.latent_channels, vae.spatial_compression_ratio, vae.temporal_compression_ratio
    latents, video = ("batch", z, "frames", "h", "w"), ("batch", 3, f"{time}*frames - {time - 1}", f"{space}*h", f"{space}*w")
    # Open-ended sizes keep the tracer's algebra busy for many minutes.
    bounds = {"batch": (1, 16), "frames": (1, 4096), "h": (2, 4096), "w": (2, 4096)}
    sizes = [{"batch": 3, "frames": 4, "h": 3, "w": 5}, {"batch": 1, "frames": 3, "h": 4, "w": 2}, {"batch": 1, "frames": 1, "h": 3, "w": 3}]
    inputs = {"latents": Input(latents)}
    if vae.config.timestep_conditioning:
        inputs["timestep"] = Input(("batch",), fill=lambda lengths, generator: torch.rand(lengths, generator=generator))
    yield Graph("vae_decoder", Decoder(vae), inputs, {"video": video}, sizes, opset=20, bounds=bounds)
    yield Graph("vae_encoder", Encoder(vae), {"video": Input(video)}, {"moments": ("batch", 2 * z, *latents[2:])}, sizes, opset=20, bounds=bounds)
