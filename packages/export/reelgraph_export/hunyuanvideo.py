"""HunyuanVideo: text to video.

The arithmetic is that of diffusers' HunyuanVideoTransformer3DModel (models/transformers/transformer_hunyuan_video.py)
and AutoencoderKLHunyuanVideo. Padded tokens of text are left out as keys by a mask of keys alone, which a
fused attention can take; diffusers also masks the rows of padded tokens in its refiner, but nothing that
comes out ever looks at those rows.
"""

import types

import torch
import torch.nn.functional as F
from diffusers.models.autoencoders.autoencoder_kl_hunyuan_video import HunyuanVideoMidBlock3D, HunyuanVideoUpsampleCausal3D
from diffusers.models.embeddings import get_1d_rotary_pos_embed

from .graph import Graph, Input, padded_mask, timesteps, token_ids
from .lora import with_loras
from .precision import shrink
from .write import evaluate

PIPELINES = ("HunyuanVideoPipeline",)
#: Tokens of a prompt behind its template, and tokens of the template that are cut off.
MAX_TEXT, CROP = 256, 95
_TEMPLATE = (
    "<|start_header_id|>system<|end_header_id|>\n\nDescribe the video by detailing the following aspects: "
    "1. The main content and theme of the video."
    "2. The color, shape, size, texture, quantity, text, and spatial relationships of the objects."
    "3. Actions, events, behaviors temporal relationships, physical movement changes of the objects."
    "4. background environment, light, style and atmosphere."
    "5. camera angles, movements, and transitions used in the video:<|eot_id|>"
    "<|start_header_id|>user<|end_header_id|>\n\n{}<|eot_id|>"
)


class JointProcessor:
    """Attention of the double and single blocks: video tokens, which have positions, then text tokens."""

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None, image_rotary_emb=None):
        length = encoder_hidden_states.shape[1]
        split = lambda x: x.unflatten(2, (attn.heads, -1))
        joined = attn.add_q_proj is None
        tokens = torch.cat([hidden_states, encoder_hidden_states], dim=1) if joined else hidden_states
        query, key, value = attn.norm_q(split(attn.to_q(tokens))), attn.norm_k(split(attn.to_k(tokens))), split(attn.to_v(tokens))
        video = tokens.shape[1] - length if joined else tokens.shape[1]
        turn = lambda x: torch.cat([rotate(x[:, :video], *image_rotary_emb), x[:, video:]], dim=1) if joined else rotate(x, *image_rotary_emb)
        query, key = turn(query), turn(key)
        if not joined:
            added = (attn.norm_added_q(split(attn.add_q_proj(encoder_hidden_states))), attn.norm_added_k(split(attn.add_k_proj(encoder_hidden_states))),
                     split(attn.add_v_proj(encoder_hidden_states)))
            query, key, value = (torch.cat(pair, dim=1) for pair in zip((query, key, value), added, strict=True))
        attended = attend(query, key, value, attention_mask)
        hidden_states, encoder_hidden_states = attended[:, :video], attended[:, video:]
        if getattr(attn, "to_out", None) is not None:
            hidden_states = attn.to_out[0](hidden_states)
        if getattr(attn, "to_add_out", None) is not None:
            encoder_hidden_states = attn.to_add_out(encoder_hidden_states)
        return hidden_states, encoder_hidden_states


class RefinerProcessor:
    """Self-attention over the tokens of a prompt."""

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None):
        split = lambda x: x.unflatten(2, (attn.heads, -1))
        attended = attend(split(attn.to_q(hidden_states)), split(attn.to_k(hidden_states)), split(attn.to_v(hidden_states)), attention_mask)
        return attn.to_out[0](attended)


def attend(query, key, value, keys):
    """[B, S, H, D] each; `keys`: which of them count, [B, S] bool. Result [B, S, H·D]."""
    mask = keys[:, None, None, :].expand(-1, -1, query.shape[1], -1)
    heads = lambda x: x.transpose(1, 2)
    return F.scaled_dot_product_attention(heads(query), heads(key), heads(value), attn_mask=mask).transpose(1, 2).flatten(2, 3)


def rotate(x, cos, sin):
    """Rotary positions of neighbouring pairs: x [B, S, H, D], cos and sin [S, D] with each value twice."""
    first, second = x.float().unflatten(-1, (-1, 2)).unbind(-1)
    turned = torch.stack([-second, first], dim=-1).flatten(-2)
    return (x.float() * cos[:, None] + turned * sin[:, None]).type_as(x)


class HunyuanVideoTransformer(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, hidden_states, timestep, encoder_hidden_states, encoder_attention_mask, pooled_projections, guidance=None):
        model = self.model
        dtype = model.proj_out.weight.dtype
        b, _, frames, height, width = hidden_states.shape
        p, p_t = model.config.patch_size, model.config.patch_size_t
        grid = (frames // p_t, height // p, width // p)
        rope = self._positions(grid)
        temb, replaced = model.time_text_embed(timestep, pooled_projections, guidance)
        temb, replaced = temb.to(dtype), None if replaced is None else replaced.to(dtype)
        video = model.x_embedder(hidden_states.to(dtype))
        text_keys = torch.arange(encoder_hidden_states.shape[1])[None] < encoder_attention_mask.sum(dim=1, keepdim=True)
        text = self._refine(encoder_hidden_states, timestep, encoder_attention_mask, dtype)
        keys = torch.cat([torch.ones_like(video[:, :, 0], dtype=torch.bool), text_keys], dim=1)
        for block in [*model.transformer_blocks, *model.single_transformer_blocks]:
            video, text = block(video, text, temb, keys, rope, replaced, grid[1] * grid[2])
        patches = model.proj_out(model.norm_out(video, temb)).float()
        patches = patches.reshape(b, *grid, -1, p_t, p, p)
        return patches.permute(0, 4, 1, 5, 2, 6, 3, 7).flatten(6, 7).flatten(4, 5).flatten(2, 3)

    def _positions(self, grid):
        """Rotary tables [S, D] of all places in the order frame, row, column."""
        rope = self.model.rope
        parts = []
        for axis, length in enumerate(grid):
            shape = [1, 1, 1, -1]
            shape[axis] = length
            tables = get_1d_rotary_pos_embed(rope.rope_dim[axis], torch.arange(length, dtype=torch.float32), rope.theta, use_real=True)
            parts.append([table.reshape(shape).expand(*grid, -1) for table in tables])
        return tuple(torch.cat([part[i] for part in parts], dim=-1).flatten(0, 2) for i in range(2))

    def _refine(self, text, timestep, mask, dtype):
        embedder = self.model.context_embedder
        weights = mask.float().unsqueeze(-1)
        temb = embedder.time_text_embed(timestep, (text * weights).sum(dim=1) / weights.sum(dim=1)).to(dtype)
        tokens = embedder.proj_in(text.to(dtype))
        # The first token always counts, so that no row is empty.
        keys = torch.cat([torch.ones_like(mask[:, :1]), mask[:, 1:]], dim=1) > 0
        for block in embedder.token_refiner.refiner_blocks:
            tokens = block(tokens, temb, keys)
        return tokens


def prepare(model):
    for block in [*model.transformer_blocks, *model.single_transformer_blocks]:
        block.attn.set_processor(JointProcessor())
    for block in model.context_embedder.token_refiner.refiner_blocks:
        block.attn.set_processor(RefinerProcessor())


class Llama(torch.nn.Module):
    """Hidden states before the last two layers."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask):
        return self.model(input_ids=input_ids, attention_mask=attention_mask, output_hidden_states=True, use_cache=False).hidden_states[-3].float()


class Pooled(torch.nn.Module):
    """The state of CLIP at the end of the text."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids):
        return self.model(input_ids).pooler_output.float()


def config(folder, options):
    transformer, vae = folder.config("transformer"), folder.config("vae")
    kept = ("in_channels", "out_channels", "patch_size", "patch_size_t", "guidance_embeds", "image_condition_type")
    return {
        "transformer": {**{key: transformer.get(key) for key in kept}, "text_dim": transformer["text_embed_dim"], "pooled_dim": transformer["pooled_projection_dim"]},
        "vae": {
            "latent_channels": vae["latent_channels"], "scale_factor_temporal": vae["temporal_compression_ratio"],
            "scale_factor_spatial": vae["spatial_compression_ratio"], "scaling_factor": vae["scaling_factor"],
            # Fixed in AutoencoderKLHunyuanVideo: longer clips are coded in overlapping pieces, in frames.
            "tile_frames": 16, "tile_frames_stride": 12,
        },
        "text": {"template": _TEMPLATE, "crop_start": CROP, "max_sequence_length": options.max_text or MAX_TEXT, "pad_to_max": True,
                 "hidden_states": -3, "clip_max_length": 77},
    }


def graphs(folder, options):
    yield _llama_graph(folder, options)
    yield _clip_graph(folder, options)
    yield _transformer_graph(folder, options)
    yield from vae_graphs(folder)


def _llama_graph(folder, options):
    model = folder.load("text_encoder")
    ids = ("batch", "text_len")
    graph = Graph(
        "text_encoder", Llama(model),
        {"input_ids": Input(ids, torch.int64, token_ids(model.config.vocab_size)), "attention_mask": Input(ids, torch.int64, padded_mask)},
        {"hidden_states": (*ids, model.config.hidden_size)}, [{"batch": 3, "text_len": 20}, {"batch": 1, "text_len": 7}, {"batch": 2, "text_len": 64}],
        note="hidden states before the last two layers", opset=20)
    graph.expected = evaluate(graph, graph.module)
    return shrink(graph, model, options.text_dtype)


def _clip_graph(folder, options):
    model = folder.load("text_encoder_2")
    facts = model.config
    end = facts.eos_token_id

    def with_end(lengths, generator):
        ids = torch.randint(3, facts.vocab_size - 1, lengths, generator=generator)
        ids[:, lengths[1] // 2] = end if end != 2 else facts.vocab_size - 1
        return ids

    graph = Graph(
        "text_encoder_2", Pooled(model), {"input_ids": Input(("batch", "text_len"), torch.int64, with_end)}, {"pooled": ("batch", facts.hidden_size)},
        [{"batch": 3, "text_len": 20}, {"batch": 1, "text_len": facts.max_position_embeddings}], opset=20)
    graph.expected = evaluate(graph, graph.module)
    return shrink(graph, model, "fp16" if options.text_dtype == "fp16" else "fp32")


def _transformer_graph(folder, options):
    model = with_loras(folder.load("transformer"), "transformer", options)
    facts = model.config
    p, p_t = facts.patch_size, facts.patch_size_t
    frames = "frames" if p_t == 1 else f"{p_t}*frames"
    latent = lambda channels: ("batch", channels, frames, f"{p}*h2", f"{p}*w2")
    inputs = {
        "hidden_states": Input(latent(facts.in_channels)),
        "timestep": Input(("batch",), fill=timesteps),
        "encoder_hidden_states": Input(("batch", "text_len", facts.text_embed_dim)),
        "encoder_attention_mask": Input(("batch", "text_len"), torch.int64, padded_mask),
        "pooled_projections": Input(("batch", facts.pooled_projection_dim)),
    }
    if facts.guidance_embeds:
        inputs["guidance"] = Input(("batch",), fill=lambda lengths, generator: torch.full(lengths, 6000.0))
    sizes = [{"batch": 3, "frames": 5, "h2": 4, "w2": 6, "text_len": 16}, {"batch": 1, "frames": 3, "h2": 7, "w2": 3, "text_len": 24},
             {"batch": 2, "frames": 1, "h2": 3, "w2": 8, "text_len": 9}]
    graph = Graph("transformer", HunyuanVideoTransformer(model), inputs, {"sample": latent(facts.out_channels)}, sizes,
                  note="guidance: 1000 times the guidance scale" if facts.guidance_embeds else None)
    graph.expected = evaluate(graph, lambda *feeds: model(*feeds, return_dict=False)[0])
    prepare(model)
    return shrink(graph, model, options.dtype)


class Decoder(torch.nn.Module):
    def __init__(self, vae):
        super().__init__()
        self.vae = vae

    def forward(self, latents):
        return self.vae.decoder(self.vae.post_quant_conv(latents))


class Encoder(torch.nn.Module):
    def __init__(self, vae):
        super().__init__()
        self.vae = vae

    def forward(self, video):
        return self.vae.quant_conv(self.vae.encoder(video))


def vae_graphs(folder):
    """Decoder and encoder for one piece of a clip; pieces are blended by the reader as diffusers does."""
    vae = folder.load("vae")
    facts = vae.config
    z, scale = facts.latent_channels, facts.spatial_compression_ratio
    latents, video = ("batch", z, "frames", "h", "w"), ("batch", 3, "4*frames - 3", f"{scale}*h", f"{scale}*w")
    sizes = [{"batch": 3, "frames": 5, "h": 4, "w": 6}, {"batch": 1, "frames": 1, "h": 5, "w": 3}, {"batch": 2, "frames": 4, "h": 3, "w": 5}]
    note = "attention between places has a mask of all by all places: code small tiles"
    decoder = Graph("vae_decoder", Decoder(vae), {"latents": Input(latents)}, {"video": video}, sizes, note=note)
    encoder = Graph("vae_encoder", Encoder(vae), {"video": Input(video)}, {"moments": ("batch", 2 * z, *latents[2:])}, sizes, note=note)
    for graph in (decoder, encoder):
        graph.expected = evaluate(graph, graph.module)
    for module in vae.modules():
        if isinstance(module, HunyuanVideoUpsampleCausal3D):
            module.forward = types.MethodType(_upsample, module)
        elif isinstance(module, HunyuanVideoMidBlock3D):
            module.forward = types.MethodType(_middle, module)
    yield decoder
    yield encoder


def _upsample(layer, x):
    """Frame 0 stands for itself in time."""
    in_time, in_space, _ = (int(factor) for factor in layer.upsample_factor)
    if in_time > 1:
        rest = x[:, :, 1:].unsqueeze(3).expand(-1, -1, -1, in_time, -1, -1).flatten(2, 3)
        x = torch.cat([x[:, :, :1], rest], dim=2)
    b, _, t, _, _ = x.shape
    x = F.interpolate(x.transpose(1, 2).flatten(0, 1), scale_factor=float(in_space), mode="nearest").unflatten(0, (b, t)).transpose(1, 2)
    return layer.conv(x)


def _middle(block, x):
    """Every place looks at those of its own frame and of earlier ones."""
    x = block.resnets[0](x)
    for attention, resnet in zip(block.attentions, block.resnets[1:], strict=True):
        if attention is not None:
            b, c, t, h, w = x.shape
            frame = torch.arange(t)[:, None].expand(-1, h * w).flatten()
            mask = torch.where(frame[:, None] >= frame[None, :], 0.0, torch.finfo(torch.float32).min).to(x.dtype)
            tokens = x.flatten(2)
            y = attention.group_norm(tokens).transpose(1, 2)
            heads = lambda v: v.unflatten(2, (attention.heads, -1)).transpose(1, 2)
            y = F.scaled_dot_product_attention(heads(attention.to_q(y)), heads(attention.to_k(y)), heads(attention.to_v(y)),
                                               attn_mask=mask[None, None].expand(b, -1, -1, -1), scale=attention.scale)
            y = attention.to_out[0](y.transpose(1, 2).flatten(2, 3)).transpose(1, 2)
            x = ((tokens + y) / attention.rescale_output_factor).reshape(b, c, t, h, w)
        x = resnet(x)
    return x
