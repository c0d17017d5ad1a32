"""Rewrites ONNX `Attention` (opset 23) to `com.microsoft.MultiHeadAttention`.

ONNX Runtime runs the former by writing out the matrix of all queries by all keys; the latter goes
through it in tiles. At the 32,760 tokens of 81 frames in 480p the matrix alone would take 4 GB per head.

    Q, K, V [B, H, S, D]  →  Attention  →  [B, H, S, D]
    Q, K, V [B, S, H·D]   →  MultiHeadAttention(num_heads=H)  →  [B, S, H·D]

The transposes that the exporter put around the former are taken back where they are found. A mask of keys
([B, T], broadcast over heads and queries) becomes `key_padding_mask`; any other mask becomes
`attention_bias`, which ONNX Runtime copies per head: right, but not for long sequences.
"""

import numpy as np
import onnx_ir as ir

_HEADS_LAST = [0, 2, 1, 3]


def fuse_attention(model):
    """Rewrite all `Attention` nodes in place; returns how many there were, and how many of them keep a full mask."""
    graph = model.graph
    found = [node for node in graph if node.op_type == "Attention" and node.domain == ""]
    builder = _Builder(graph)
    biased = sum(_rewrite(builder, node) for node in found)
    if found:
        model.opset_imports["com.microsoft"] = 1
        _drop_unused(graph)
    return len(found), biased


class _Builder:
    """Inserts nodes before one node, with constants shared in the graph."""

    def __init__(self, graph):
        self.graph = graph
        self.before = None
        self.count = 0
        self.constants = {}

    def node(self, op, inputs, domain="", dtype=None, shape=None, **attributes):
        self.count += 1
        node = ir.node(op, inputs, attributes=attributes, domain=domain, num_outputs=1, name=f"fused_{op}_{self.count}")
        node.outputs[0].name = f"fused_{self.count}"
        node.outputs[0].dtype = dtype
        node.outputs[0].shape = shape
        self.graph.insert_before(self.before, node)
        return node.outputs[0]

    def constant(self, values):
        key = tuple(values)
        if key not in self.constants:
            name = "fused_shape_" + "_".join(str(v).replace("-", "m") for v in values)
            value = ir.Value(name=name, const_value=ir.tensor(np.array(values, dtype=np.int64), name=name))
            value.dtype = ir.DataType.INT64
            value.shape = ir.Shape([len(values)])
            self.graph.register_initializer(value)
            self.constants[key] = value
        return self.constants[key]


def _rewrite(builder, node):
    query, key, value = node.inputs[:3]
    mask = node.inputs[3] if len(node.inputs) > 3 else None
    if len(node.inputs) > 4 and any(x is not None for x in node.inputs[4:]):
        raise ValueError(f"{node.name}: Attention with past keys is not rewritten")
    if "is_causal" in node.attributes and node.attributes["is_causal"].as_int():
        raise ValueError(f"{node.name}: causal Attention is not rewritten")
    heads, width = (query.shape[1], query.shape[3]) if query.shape is not None else (None, None)
    if not isinstance(heads, int) or not isinstance(width, int):
        raise ValueError(f"{node.name}: the number of heads and their width have to be constants, found {query.shape}")
    builder.before = node
    kind = query.dtype
    rows = [_heads_inside(builder, x) for x in (query, key, value)]
    attributes = {"num_heads": heads}
    if "scale" in node.attributes:
        attributes["scale"] = node.attributes["scale"].as_float()
    keys, bias = _split_mask(builder, mask, kind)
    inputs = [*rows, None, keys, bias]
    while inputs[-1] is None:
        inputs.pop()
    fused = builder.node("MultiHeadAttention", inputs, domain="com.microsoft", dtype=kind, **attributes)
    apart = builder.node("Reshape", [fused, builder.constant([0, 0, heads, width])], dtype=kind)
    old = node.outputs[0]
    rest = []
    for use, index in list(old.uses()):
        if use.op_type == "Transpose" and list(use.attributes["perm"].as_ints()) == _HEADS_LAST:
            ir.convenience.replace_all_uses_with(use.outputs[0], apart)
        else:
            rest.append((use, index))
    if rest or old.is_graph_output():
        back = builder.node("Transpose", [apart], dtype=kind, shape=old.shape, perm=_HEADS_LAST)
        for use, index in rest:
            use.replace_input_with(index, back)
    return bias is not None


def _heads_inside(builder, value):
    """[B, H, S, D] → [B, S, H·D]."""
    producer = value.producer()
    if producer is not None and producer.op_type == "Transpose" and list(producer.attributes["perm"].as_ints()) == _HEADS_LAST:
        apart = producer.inputs[0]
    else:
        apart = builder.node("Transpose", [value], dtype=value.dtype, perm=_HEADS_LAST)
    return builder.node("Reshape", [apart, builder.constant([0, 0, -1])], dtype=value.dtype)


def _split_mask(builder, mask, kind):
    """(key_padding_mask, attention_bias), one of them None."""
    if mask is None:
        return None, None
    if mask.dtype == ir.DataType.BOOL:
        keys = _mask_of_keys(mask)
        if keys is not None:
            return builder.node("Cast", [keys], dtype=ir.DataType.INT32, to=ir.DataType.INT32.value), None
        number = builder.node("Cast", [mask], dtype=kind, to=kind.value)
        one = ir.tensor(np.array(1, dtype=kind.numpy()))
        least = ir.tensor(np.array(np.finfo(kind.numpy()).min, dtype=kind.numpy()))
        less = builder.node("Sub", [number, builder.node("Constant", [], dtype=kind, value=one)], dtype=kind)
        lowest = builder.node("Neg", [builder.node("Constant", [], dtype=kind, value=least)], dtype=kind)
        return None, builder.node("Mul", [less, lowest], dtype=kind)
    return None, mask


def _mask_of_keys(mask):
    """The [B, T] mask that was broadcast to [B, 1, S, T], if it was."""
    value = mask
    while (producer := value.producer()) is not None and producer.op_type in ("Expand", "Unsqueeze", "Cast"):
        value = producer.inputs[0]
        if value.dtype == ir.DataType.BOOL and value.shape is not None and len(value.shape) == 2:
            return value
    return None


def _drop_unused(graph):
    changed = True
    while changed:
        changed = False
        for node in reversed(list(graph)):
            if all(not output.uses() and not output.is_graph_output() for output in node.outputs):
                graph.remove(node, safe=True)
                changed = True
    for name in [name for name, value in graph.initializers.items() if not value.uses() and not value.is_graph_output()]:
        del graph.initializers[name]
