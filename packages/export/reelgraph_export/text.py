"""Text and image encoders, which transformers has: what they give to the diffusion transformer."""

import torch

from .graph import Graph, Input, padded_mask, token_ids
from .precision import shrink
from .write import evaluate

_IDS = ("batch", "text_len")
_SIZES = [{"batch": 3, "text_len": 20}, {"batch": 1, "text_len": 7}, {"batch": 2, "text_len": 64}]


class T5(torch.nn.Module):
    """T5 v1.1 and UMT5."""

    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder

    def forward(self, input_ids, attention_mask):
        return self.encoder(input_ids, attention_mask).last_hidden_state.float()


def t5_graph(folder, options, name="text_encoder"):
    encoder = folder.load(name)
    graph = Graph(
        name=name, module=T5(encoder), opset=20, sizes=_SIZES,
        inputs={"input_ids": Input(_IDS, torch.int64, token_ids(encoder.config.vocab_size)),
                "attention_mask": Input(_IDS, torch.int64, padded_mask)},
        outputs={"last_hidden_state": (*_IDS, encoder.config.d_model)},
    )
    graph.expected = evaluate(graph, graph.module)
    return shrink(graph, encoder, options.text_dtype)


class Vision(torch.nn.Module):
    """The last hidden states but one of a CLIP vision tower, as Wan takes them."""

    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder

    def forward(self, pixel_values):
        dtype = self.encoder.vision_model.embeddings.patch_embedding.weight.dtype if hasattr(self.encoder, "vision_model") else self.encoder.dtype
        return self.encoder(pixel_values=pixel_values.to(dtype), output_hidden_states=True).hidden_states[-2].float()


def image_tokens(config):
    """How many states a CLIP vision tower gives for a picture."""
    return (config["image_size"] // config["patch_size"]) ** 2 + 1


def vision_graph(folder, options, name="image_encoder"):
    encoder = folder.load(name)
    config = encoder.config
    graph = Graph(
        name=name, module=Vision(encoder), opset=20, sizes=[{"batch": 3}, {"batch": 1}],
        inputs={"pixel_values": Input(("batch", 3, config.image_size, config.image_size))},
        outputs={"hidden_states": ("batch", image_tokens(config.to_dict()), config.hidden_size)},
        note="CLIP vision: hidden states before the last layer",
    )
    graph.expected = evaluate(graph, graph.module)
    return shrink(graph, encoder, "fp16" if options.text_dtype == "fp16" else "fp32")
