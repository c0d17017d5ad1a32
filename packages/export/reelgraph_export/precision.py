"""Makes a network smaller before or after it is traced."""

import torch


def shrink(graph, network, dtype):
    """float16 is set in the network, so that the exporter writes it; 8 and 4 bits in the graph."""
    if dtype == "fp16":
        to_half(network)
    elif dtype in ("int8", "int4"):
        graph.bits = dtype
    return graph


def to_half(network):
    """float16 but for what its authors keep in float32: norms, time embeddings, tables (`_keep_in_fp32_modules`)."""
    keep = set(getattr(network, "_keep_in_fp32_modules", None) or ())
    # CogVideoX and LTX name none; their time embeddings lose digits of large time steps in float16.
    keep |= {"time_embed", "time_embedding", "time_embedder", "time_text_embed", "rope", "scale_shift_table"}
    for name, tensor in [*network.named_parameters(), *network.named_buffers()]:
        if tensor.dtype == torch.float32 and keep.isdisjoint(name.split(".")):
            tensor.data = tensor.data.half()
