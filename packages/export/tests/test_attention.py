"""Attention (opset 23) against com.microsoft.MultiHeadAttention, with every kind of mask."""

import onnx
import pytest
import torch
import torch.nn.functional as F

from reelgraph_export.graph import Graph, Input
from reelgraph_export.write import write_graph

HEADS = ("batch", "length", 2, 8)


class Attend(torch.nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.kind = kind

    def forward(self, q, k, v, keys):
        q, k, v = (x.transpose(1, 2) for x in (q, k, v))
        causal = torch.ones(q.shape[2], k.shape[2], dtype=torch.bool).tril()
        mask = {"none": None, "keys": keys[:, None, None, :].expand(-1, -1, q.shape[2], -1),
                "full": (causal & keys[:, None, None, :]).expand(-1, 1, -1, -1)}[self.kind]
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=0.3).transpose(1, 2).flatten(2)


def keys(lengths, generator):
    mask = torch.ones(lengths, dtype=torch.bool)
    mask[0, -1] = False
    return mask


@pytest.mark.parametrize(("kind", "inputs", "biased"), [("none", 3, False), ("keys", 5, False), ("full", 6, True)])
def test_masks(tmp_path, kind, inputs, biased):
    tensors = {name: Input(HEADS) for name in "qkv"}
    graph = Graph(kind, Attend(kind), {**tensors, "keys": Input(("batch", "length"), torch.bool, keys)}, {"out": ("batch", "length", 16)},
                  [{"batch": 3, "length": 5}, {"batch": 2, "length": 11}])
    _, measured = write_graph(graph, tmp_path)
    node = next(node for node in onnx.load(tmp_path / f"{kind}.onnx").graph.node if node.op_type == "MultiHeadAttention")
    assert len(node.input) == inputs
    assert ("attention_with_full_mask" in measured) is biased
    assert measured["max_abs_error"] < 1e-5
