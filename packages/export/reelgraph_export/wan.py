"""The diffusion transformer of Wan 2.1 and 2.2, restated for export.

The arithmetic is that of diffusers' WanTransformer3DModel (models/transformers/transformer_wan.py). Three
things are said in another way: rotary positions without writing into slices; image tokens are told by their
count instead of by a text length of 512; and the whole comes as head, body and tail, so that a runtime can
leave out the body of a step (first-block cache).
"""

import torch
from diffusers.models.attention_dispatch import dispatch_attention_fn

from .graph import Graph, Input, timesteps
from .lora import with_loras
from .precision import shrink
from .streaming import WithCaches, cache_shapes
from .text import image_tokens, t5_graph, vision_graph
from .wan_vae import WanDecoder, WanEncoder
from .write import evaluate

#: Sizes in units of patches; the time step may be one per token.
_SIZES = [
    {"batch": 3, "frames": 5, "h2": 4, "w2": 6, "text_len": 16},
    {"batch": 1, "frames": 3, "h2": 7, "w2": 3, "text_len": 24},
    {"batch": 2, "frames": 1, "h2": 3, "w2": 8, "text_len": 9},
]


class WanExportProcessor:
    """Attention of a Wan block; `image_tokens`: how many of the context tokens, at its beginning, are of an image."""

    def __init__(self):
        self.image_tokens = 0

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None, rotary_emb=None):
        context = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        image = None
        if attn.add_k_proj is not None:
            image, context = context[:, : self.image_tokens], context[:, self.image_tokens :]
        heads = lambda x: x.unflatten(2, (attn.heads, -1))
        query = heads(attn.norm_q(attn.to_q(hidden_states)))
        key = heads(attn.norm_k(attn.to_k(context)))
        value = heads(attn.to_v(context))
        if rotary_emb is not None:
            query, key = rotate(query, *rotary_emb), rotate(key, *rotary_emb)
        attended = dispatch_attention_fn(query, key, value).flatten(2, 3)
        if image is not None:
            key = heads(attn.norm_added_k(attn.add_k_proj(image)))
            attended = attended + dispatch_attention_fn(query, key, heads(attn.add_v_proj(image))).flatten(2, 3)
        return attn.to_out[0](attended)


def rotate(x, cos, sin):
    """Rotary positions of neighbouring pairs: x [B, S, H, D], cos and sin [1, S, 1, D] with each value twice."""
    first, second = x.unflatten(-1, (-1, 2)).unbind(-1)
    cos, sin = cos[..., 0::2], sin[..., 1::2]
    return torch.stack([first * cos - second * sin, first * sin + second * cos], dim=-1).flatten(-2).type_as(x)


class WanHead(torch.nn.Module):
    """Everything before the second block."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def embed(self, hidden_states, timestep, encoder_hidden_states, encoder_hidden_states_image=None):
        model = self.model
        dtype = model.patch_embedding.weight.dtype
        cos, sin = model.rope(hidden_states)
        tokens = model.patch_embedding(hidden_states.to(dtype)).flatten(2).transpose(1, 2).contiguous()
        per_token = timestep.shape[1] if timestep.ndim == 2 else None
        image = None if encoder_hidden_states_image is None else encoder_hidden_states_image.to(dtype)
        temb, projected, context, image = model.condition_embedder(
            timestep.flatten(), encoder_hidden_states.to(dtype), image, timestep_seq_len=per_token)
        projected = projected.unflatten(1 if per_token is None else 2, (6, -1))
        if image is not None:
            context = torch.cat([image, context], dim=1)
            for block in model.blocks:
                block.attn2.processor.image_tokens = image.shape[1]
        return tokens, temb, projected, context, cos, sin

    def forward(self, hidden_states, timestep, encoder_hidden_states, encoder_hidden_states_image=None):
        tokens, temb, projected, context, cos, sin = self.embed(hidden_states, timestep, encoder_hidden_states, encoder_hidden_states_image)
        first = self.model.blocks[0](tokens, context, projected, (cos, sin))
        return tuple(x.float() for x in (tokens, first, temb, projected, context, cos, sin))


class WanBody(torch.nn.Module):
    """All blocks but the first."""

    def __init__(self, model, image_tokens=0):
        super().__init__()
        self.model = model
        self.image_tokens = image_tokens

    def forward(self, block_0, temb_6, context, rope_cos, rope_sin):
        dtype = self.model.patch_embedding.weight.dtype
        tokens, temb_6, context = block_0.to(dtype), temb_6.to(dtype), context.to(dtype)
        for block in self.model.blocks[1:]:
            block.attn2.processor.image_tokens = self.image_tokens
            tokens = block(tokens, context, temb_6, (rope_cos, rope_sin))
        return tokens.float()


class WanTail(torch.nn.Module):
    """The last norm, the projection, and tokens back to a latent like `hidden_states`, whose size alone is read."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, block_last, temb, hidden_states):
        model = self.model
        table = model.scale_shift_table
        parts = table.unsqueeze(0) + temb.unsqueeze(2) if temb.ndim == 3 else table + temb.unsqueeze(1)
        shift, scale = parts.chunk(2, dim=-2)
        if temb.ndim == 3:
            shift, scale = shift.squeeze(2), scale.squeeze(2)
        tokens = model.norm_out(block_last.float()) * (1 + scale) + shift
        patches = model.proj_out(tokens.to(model.proj_out.weight.dtype)).float()
        batch, _, frames, height, width = hidden_states.shape
        p_t, p_h, p_w = model.config.patch_size
        latent = patches.reshape(batch, frames // p_t, height // p_h, width // p_w, p_t, p_h, p_w, -1)
        return latent.permute(0, 7, 1, 4, 2, 5, 3, 6).flatten(6, 7).flatten(4, 5).flatten(2, 3)


class WanTransformer(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.head, self.tail, self.model = WanHead(model), WanTail(model), model

    def forward(self, hidden_states, timestep, encoder_hidden_states, encoder_hidden_states_image=None):
        tokens, temb, projected, context, cos, sin = self.head.embed(hidden_states, timestep, encoder_hidden_states, encoder_hidden_states_image)
        for block in self.model.blocks:
            tokens = block(tokens, context, projected, (cos, sin))
        return self.tail(tokens, temb, hidden_states)


def prepare(model):
    """Set the attention that is exported; the weights stay."""
    for block in model.blocks:
        block.attn1.set_processor(WanExportProcessor())
        block.attn2.set_processor(WanExportProcessor())
    return model


#: Pipelines of this family.
PIPELINES = ("WanPipeline", "WanImageToVideoPipeline", "WanVideoToVideoPipeline")
#: Tokens of a prompt.
MAX_TEXT = 512


def config(folder, options):
    """What a runtime has to know beside the graphs."""
    transformer, vae = folder.config("transformer"), folder.config("vae")
    facts = {
        "transformer": {"in_channels": transformer["in_channels"], "patch_size": list(transformer["patch_size"]), "text_dim": transformer["text_dim"]},
        "vae": {
            "z_dim": vae["z_dim"],
            "scale_factor_temporal": vae.get("scale_factor_temporal", 4),
            "scale_factor_spatial": vae.get("scale_factor_spatial", 8),
            "latents_mean": vae["latents_mean"],
            "latents_std": vae["latents_std"],
        },
        "text": {"max_sequence_length": options.max_text or MAX_TEXT, "pad_to_max": True, "zero_embeddings_after_mask": True},
    }
    if folder.index.get("boundary_ratio") is not None:
        facts["boundary_ratio"] = folder.index["boundary_ratio"]
    if folder.index.get("expand_timesteps"):
        facts["expand_timesteps"] = True
    if transformer.get("image_dim"):
        tokens = image_tokens(folder.config("image_encoder"))
        pictures = 2 if transformer.get("pos_embed_seq_len") else 1
        facts["image"] = {"tokens": tokens, "pictures": pictures}
    return facts


def graphs(folder, options):
    yield t5_graph(folder, options)
    if folder.has("image_encoder") and folder.config("transformer").get("image_dim"):
        yield vision_graph(folder, options)
    for name in ("transformer", "transformer_2"):
        if folder.has(name):
            yield from _transformer_graphs(folder, name, options)
    yield from vae_graphs(folder, options)


def _transformer_graphs(folder, name, options):
    model = with_loras(folder.load(name), name, options)
    facts, image = model.config, config(folder, options).get("image")
    latent = lambda channels: ("batch", channels, "frames", "2*h2", "2*w2")
    tokens = "frames*h2*w2"
    per_token = bool(folder.index.get("expand_timesteps"))
    inputs = {
        "hidden_states": Input(latent(facts.in_channels)),
        "timestep": Input(("batch", tokens) if per_token else ("batch",), fill=timesteps),
        "encoder_hidden_states": Input(("batch", "text_len", facts.text_dim)),
    }
    if image:
        # Pictures of one clip lie one after the other along the batch, as CLIP gives them.
        inputs["encoder_hidden_states_image"] = Input((_times("batch", image["pictures"]), image["tokens"], facts.image_dim))
    note = "one time step per token, tokens in the order frame, row, column" if per_token else None
    if image and image["pictures"] == 2:
        note = "encoder_hidden_states_image: first and last picture of each clip, one after the other along the batch"
    # diffusers takes every context of an image model to end with 512 tokens of text.
    sizes = [{**s, "text_len": 512} for s in _SIZES] if image else _SIZES
    whole = Graph(name, WanTransformer(model), inputs, {"sample": latent(facts.out_channels)}, sizes, note=note)
    whole.expected = evaluate(whole, lambda *feeds: model(*feeds, return_dict=False)[0])
    prepare(model)
    shrink(whole, model, options.dtype)
    if not options.split:
        yield whole
        return
    yield from _split(whole, model, image, per_token)


def _times(name, factor):
    return name if factor == 1 else f"{factor}*{name}"


def _split(whole, model, image, per_token):
    facts = model.config
    width, rope = facts.num_attention_heads * facts.attention_head_dim, facts.attention_head_dim
    pictures = image["pictures"] * image["tokens"] if image else 0
    context = ("batch", f"text_len + {pictures}" if pictures else "text_len", width)
    tokens, grid = ("batch", "frames*h2*w2", width), ("frames*h2*w2",)
    temb = ("batch", *grid, width) if per_token else ("batch", width)
    temb_6 = ("batch", *grid, 6, width) if per_token else ("batch", 6, width)
    angles = (1, *grid, 1, rope)
    yield Graph(
        f"{whole.name}_head", WanHead(model), whole.inputs,
        {"tokens": tokens, "block_0": tokens, "temb": temb, "temb_6": temb_6, "context": context, "rope_cos": angles, "rope_sin": angles},
        whole.sizes, note="embeddings and block 0", bits=whole.bits)
    sizes = [{**s, "tokens": s["frames"] * s["h2"] * s["w2"], "context_len": s["text_len"] + pictures} for s in whole.sizes]
    flat = lambda shape: tuple("tokens" if axis == grid[0] else axis for axis in shape)
    yield Graph(
        f"{whole.name}_body", WanBody(model, pictures),
        {"block_0": Input(flat(tokens)), "temb_6": Input(flat(temb_6)), "context": Input(("batch", "context_len", width)),
         "rope_cos": Input(flat(angles)), "rope_sin": Input(flat(angles))},
        {"block_last": flat(tokens)}, sizes, note="blocks 1 to the last", bits=whole.bits)
    yield Graph(
        f"{whole.name}_tail", WanTail(model),
        {"block_last": Input(tokens), "temb": Input(temb), "hidden_states": whole.inputs["hidden_states"]},
        whole.outputs, whole.sizes, note="last norm and projection; of hidden_states the size alone is read")


def vae_graphs(folder, options):
    """Decoder and encoder, each as a whole clip, as its beginning, and as what follows; in float32 like in diffusers' examples."""
    vae = folder.load("vae")
    facts = vae.config
    scale = facts.scale_factor_spatial
    latent, picture = ("h", "w"), (f"{scale}*h", f"{scale}*w")
    base = [{"batch": 2, "frames": 3, "h": 4, "w": 6}, {"batch": 1, "frames": 1, "h": 5, "w": 3}, {"batch": 1, "frames": 4, "h": 3, "w": 4}]
    codings = {
        "vae_decoder": (WanDecoder, "latents", (facts.z_dim, "frames", *latent), "video", lambda frames: (3, frames, *picture),
                        ("4*frames - 3", "4*frames"), False),
        "vae_encoder": (WanEncoder, "video", (3, None, *picture), "moments", lambda frames: (2 * facts.z_dim, frames, *latent),
                        ("frames", "frames"), True),
    }
    for name, (build, source, shape, target, result, lengths, is_encoder) in codings.items():
        kept = cache_shapes(build(vae, "first"), ("batch", *("frames" if axis is None else axis for axis in shape)), {"batch": 1, "frames": 1, "h": 3, "w": 2})
        for part in {"whole": ("whole",), "stream": ("first", "next"), "both": ("whole", "first", "next")}[options.vae]:
            after = part == "next"
            frames = ("4*frames" if after else "4*frames - 3") if is_encoder else "frames"
            inputs = {source: Input(("batch", *(frames if axis in (None, "frames") else axis for axis in shape)))}
            outputs = {target: ("batch", *result(lengths[after]))}
            module = build(vae, part)
            if after:
                inputs |= {f"cache_{i}": Input(shape) for i, shape in enumerate(kept)}
                module = WithCaches(module)
            if part != "whole":
                outputs |= {f"new_cache_{i}": shape for i, shape in enumerate(kept)}
            graph = Graph(name if part == "whole" else f"{name}_{part}", module, inputs, outputs, base, facts={"weights": name})
            if part == "whole":
                original = (lambda z: vae.decode(z, return_dict=False)[0]) if not is_encoder else vae._encode
                graph.expected = evaluate(graph, original)
            yield graph
