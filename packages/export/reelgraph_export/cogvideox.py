"""CogVideoX 1.0 and 1.5: text, picture or video to video.

The arithmetic is that of diffusers' CogVideoXTransformer3DModel (models/transformers/cogvideox_transformer_3d.py).
Positions come in from outside, since diffusers computes them from sizes in ways that cannot be traced: rotary
tables `rope_cos` and `rope_sin`, or for the 2B model the sum `pos_embedding` of sines and cosines.
"""

import torch
import torch.nn.functional as F

from .cogvideox_vae import CogVideoXDecoder, CogVideoXEncoder
from .graph import Graph, Input, timesteps
from .lora import with_loras
from .precision import shrink
from .streaming import WithCaches, cache_shapes
from .text import t5_graph
from .write import evaluate

PIPELINES = ("CogVideoXPipeline", "CogVideoXImageToVideoPipeline", "CogVideoXVideoToVideoPipeline")
MAX_TEXT = 226
#: Latent frames that are decoded, and frames that are encoded, at a time (fixed in AutoencoderKLCogVideoX).
_DECODE, _ENCODE = 2, 8


class CogVideoXExportProcessor:
    """Joint attention over text and video tokens; only the latter have positions."""

    def __call__(self, attn, hidden_states, encoder_hidden_states, attention_mask=None, image_rotary_emb=None):
        length = encoder_hidden_states.shape[1]
        tokens = torch.cat([encoder_hidden_states, hidden_states], dim=1)
        heads = lambda x: x.unflatten(2, (attn.heads, -1)).transpose(1, 2)
        query, key, value = (heads(layer(tokens)) for layer in (attn.to_q, attn.to_k, attn.to_v))
        if attn.norm_q is not None:
            query, key = attn.norm_q(query), attn.norm_k(key)
        if image_rotary_emb is not None:
            query, key = (torch.cat([x[:, :, :length], rotate(x[:, :, length:], *image_rotary_emb)], dim=2) for x in (query, key))
        attended = F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2, 3)
        attended = attn.to_out[0](attended)
        return attended[:, length:], attended[:, :length]


def rotate(x, cos, sin):
    """Rotary positions of neighbouring pairs: x [B, H, S, D], cos and sin [S, D] with each value twice."""
    first, second = x.float().unflatten(-1, (-1, 2)).unbind(-1)
    turned = torch.stack([-second, first], dim=-1).flatten(-2)
    return (x.float() * cos + turned * sin).type_as(x)


class CogVideoXTransformer(torch.nn.Module):
    """`positions`: "rope", "sincos", or "learned" (rotary tables beside a table among the weights, of one size)."""

    def __init__(self, model, positions, has_ofs):
        super().__init__()
        self.model, self.positions, self.has_ofs = model, positions, has_ofs

    def forward(self, hidden_states, encoder_hidden_states, timestep, *rest):
        model = self.model
        rest = list(rest)
        ofs = rest.pop() if self.has_ofs else None
        dtype = model.proj_out.weight.dtype
        emb = self._embed_time(model.time_proj(timestep), model.time_embedding)
        if ofs is not None:
            emb = emb + self._embed_time(model.ofs_proj(ofs), model.ofs_embedding)
        emb = emb.to(dtype)
        text = model.patch_embed.text_proj(encoder_hidden_states.to(dtype))
        video = self._patches(hidden_states.to(dtype))
        length = text.shape[1]
        added = rest[0] if self.positions == "sincos" else model.patch_embed.pos_embedding if self.positions == "learned" else None
        if added is not None:
            text, video = text + added[:, :length].to(dtype), video + added[:, length:].to(dtype)
        rope = None if self.positions == "sincos" else tuple(rest[:2])
        for block in model.transformer_blocks:
            video, text = block(hidden_states=video, encoder_hidden_states=text, temb=emb, image_rotary_emb=rope)
        video = model.proj_out(model.norm_out(model.norm_final(video), temb=emb)).float()
        return self._unpatch(video, hidden_states.shape)

    def _embed_time(self, projected, embedding):
        return embedding(projected.to(next(embedding.parameters()).dtype))

    def _patches(self, x):
        embed = self.model.patch_embed
        b, t, _, _, _ = x.shape
        if embed.patch_size_t is None:
            return embed.proj(x.flatten(0, 1)).flatten(2).unflatten(0, (b, t)).transpose(2, 3).flatten(1, 2)
        p, p_t = embed.patch_size, embed.patch_size_t
        x = x.unflatten(4, (-1, p)).unflatten(3, (-1, p)).unflatten(1, (-1, p_t))
        # [B, t, p_t, C, h, p, w, p] → [B, t·h·w, C·p_t·p·p]
        return embed.proj(x.permute(0, 1, 4, 6, 3, 2, 5, 7).flatten(4, 7).flatten(1, 3))

    def _unpatch(self, x, shape):
        b, t, _, h, w = shape
        p, p_t = self.model.config.patch_size, self.model.config.patch_size_t
        if p_t is None:
            return x.reshape(b, t, h // p, w // p, -1, p, p).permute(0, 1, 4, 2, 5, 3, 6).flatten(5, 6).flatten(3, 4)
        x = x.reshape(b, t // p_t, h // p, w // p, -1, p_t, p, p)
        return x.permute(0, 1, 5, 4, 2, 6, 3, 7).flatten(6, 7).flatten(4, 5).flatten(1, 2)


def _positions(facts):
    if not facts["use_rotary_positional_embeddings"]:
        return "sincos"
    return "learned" if facts["use_learned_positional_embeddings"] else "rope"


def config(folder, options):
    transformer, vae = folder.config("transformer"), folder.config("vae")
    text = options.max_text or transformer.get("max_text_seq_length", MAX_TEXT)
    kept = ("in_channels", "out_channels", "patch_size", "patch_size_t", "sample_height", "sample_width", "sample_frames", "num_attention_heads",
            "attention_head_dim", "ofs_embed_dim", "spatial_interpolation_scale", "temporal_interpolation_scale")
    return {
        "transformer": {**{key: transformer.get(key) for key in kept}, "positions": _positions(transformer), "text_dim": transformer["text_embed_dim"]},
        "vae": {
            "latent_channels": vae["latent_channels"], "scale_factor_temporal": int(vae["temporal_compression_ratio"]),
            "scale_factor_spatial": 2 ** (len(vae["block_out_channels"]) - 1), "scaling_factor": vae["scaling_factor"],
            "invert_scale_latents": bool(vae.get("invert_scale_latents")), "decode_chunk": _DECODE, "encode_chunk": _ENCODE,
        },
        "text": {"max_sequence_length": text, "pad_to_max": True, "text_encoder_gets_mask": False, "note": "feed attention_mask of all ones"},
    }


def graphs(folder, options):
    yield t5_graph(folder, options)
    yield _transformer_graph(folder, options)
    yield from vae_graphs(folder)


def _transformer_graph(folder, options):
    model = with_loras(folder.load("transformer"), "transformer", options)
    facts = model.config
    positions = _positions(facts)
    width, rope = facts.num_attention_heads * facts.attention_head_dim, facts.attention_head_dim
    p, p_t = facts.patch_size, facts.patch_size_t
    frames, tokens, text = ("frames", "frames*h2*w2", "text_len") if p_t is None else (f"{p_t}*frames2", "frames2*h2*w2", "text_len")
    height, width_axis = f"{p}*h2", f"{p}*w2"
    sizes = [{"batch": 3, frames.split("*")[-1]: 5, "h2": 4, "w2": 6, "text_len": 16},
             {"batch": 1, frames.split("*")[-1]: 3, "h2": 7, "w2": 3, "text_len": 24},
             {"batch": 2, frames.split("*")[-1]: 1, "h2": 3, "w2": 8, "text_len": 9}]
    if positions == "learned":
        # The table among the weights is of one size; diffusers refuses any other.
        count = (facts.sample_frames - 1) // facts.temporal_compression_ratio + 1
        frames, height, width_axis, text = count, facts.sample_height, facts.sample_width, facts.max_text_seq_length
        tokens = count * (height // p) * (width_axis // p)
        sizes = [{"batch": 3}, {"batch": 1}]
    elif positions == "sincos":
        # diffusers adds the table to as many tokens of text as the model was made for.
        sizes = [{**s, "text_len": facts.max_text_seq_length} for s in sizes]
    shape = lambda channels: ("batch", frames, channels, height, width_axis)
    inputs = {
        "hidden_states": Input(shape(facts.in_channels)),
        "encoder_hidden_states": Input(("batch", text, facts.text_embed_dim)),
        "timestep": Input(("batch",), fill=timesteps),
    }
    if positions == "sincos":
        inputs["pos_embedding"] = Input((1, f"{text} + {tokens}", width))
    else:
        inputs |= {"rope_cos": Input((tokens, rope)), "rope_sin": Input((tokens, rope))}
    if facts.ofs_embed_dim:
        inputs["ofs"] = Input((1,), fill=lambda lengths, generator: torch.full(lengths, 2.0))
    graph = Graph("transformer", CogVideoXTransformer(model, positions, bool(facts.ofs_embed_dim)), inputs, {"sample": shape(facts.out_channels)}, sizes)

    def original(latents, context, time, *rest):
        rest = list(rest)
        ofs = rest.pop() if facts.ofs_embed_dim else None
        if positions == "sincos":
            model.patch_embed._get_positional_embeddings = lambda *_, **__: rest[0]
            model.patch_embed.sample_frames = -1
        return model(latents, context, time, ofs=ofs, image_rotary_emb=None if positions == "sincos" else tuple(rest[:2]), return_dict=False)[0]

    graph.expected = evaluate(graph, original)
    for block in model.transformer_blocks:
        block.attn1.set_processor(CogVideoXExportProcessor())
    return shrink(graph, model, options.dtype)


def vae_graphs(folder):
    """Decoder and encoder, each for a first chunk and for those that follow; in float32."""
    vae = folder.load("vae")
    facts = vae.config
    scale = 2 ** (len(facts.block_out_channels) - 1)
    z = facts.latent_channels
    picture = (f"{scale}*h", f"{scale}*w")
    sizes = [{"batch": 3, "frames": 5, "h": 4, "w": 6}, {"batch": 1, "frames": 1, "h": 5, "w": 3}, {"batch": 1, "frames": 3, "h": 3, "w": 4}, {"batch": 2, "frames": 2, "h": 3, "w": 7}]
    odd, even = "4*frames - 3", "4*frames"
    latents, video, moments = (lambda t: ("batch", z, t, "h", "w")), (lambda t: ("batch", 3, t, *picture)), (lambda t: ("batch", 2 * z, t, "h", "w"))
    parts = [
        ("vae_decoder_first", CogVideoXDecoder, True, False, "latents", latents("frames"), "video", video(odd), "first chunk of a clip with an odd number of latent frames"),
        ("vae_decoder_first_even", CogVideoXDecoder, False, False, "latents", latents("frames"), "video", video(even), "first chunk of a clip with an even number of latent frames"),
        ("vae_decoder_next", CogVideoXDecoder, False, True, "latents", latents("frames"), "video", video(even), None),
        ("vae_encoder_first", CogVideoXEncoder, True, False, "video", video(odd), "moments", moments("frames"), "first chunk of a clip with an odd number of frames"),
        ("vae_encoder_next", CogVideoXEncoder, False, True, "video", video(even), "moments", moments("frames"), None),
    ]
    for name, build, alone, follows, source, shape, target, result, note in parts:
        module = build(vae, alone)
        kept = cache_shapes(build(vae, True), shape, {"batch": 1, "frames": 1, "h": 3, "w": 2})
        inputs, outputs = {source: Input(shape)}, {target: result} | {f"new_cache_{i}": s for i, s in enumerate(kept)}
        if follows:
            inputs |= {f"cache_{i}": Input(s) for i, s in enumerate(kept)}
            module = WithCaches(module)
        yield Graph(name, module, inputs, outputs, sizes, note=note, facts={"weights": name.split("_first")[0].removesuffix("_next")})
