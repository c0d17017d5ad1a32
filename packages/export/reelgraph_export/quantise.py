"""Weights of matrix products in 8 or 4 bits; everything else stays.

`com.microsoft.MatMulNBits`: the weight [K, N] is cut along K into blocks; a block has one scale and is
kept as unsigned integers around 2^(bits-1). With accuracy level 4 the products are taken in int8, the
activations quantised by block as they come. On a CPU this is smaller and faster than float32; float16
is neither there.
"""

import numpy as np
import onnx_ir as ir

#: Values that share a scale, along K.
BLOCK = {8: 64, 4: 32}
#: Smaller weights gain nothing.
_LEAST = 1024


def quantise(model, bits, keep=()):
    """Quantise in place; returns the number of products. `keep`: parts of names of weights that stay as they are."""
    graph = model.graph
    done = 0
    packed = {}
    for node in list(graph):
        weight, transposed = _weight_of(node)
        if weight is None or weight.const_value.size < _LEAST or any(part in weight.name for part in keep):
            continue
        if weight.const_value.dtype not in (ir.DataType.FLOAT, ir.DataType.FLOAT16):
            continue
        if weight.name not in packed:
            packed[weight.name] = _register(graph, weight, transposed, bits)
        data, scales, k, n = packed[weight.name]
        bias = node.inputs[2] if node.op_type == "Gemm" and len(node.inputs) > 2 else None
        inputs = [node.inputs[0], data, scales] + ([None, None, bias] if bias is not None else [])
        new = ir.node("MatMulNBits", inputs, domain="com.microsoft", num_outputs=1, name=f"{node.name}_{bits}bit",
                      attributes={"K": k, "N": n, "bits": bits, "block_size": BLOCK[bits], "accuracy_level": 4})
        old = node.outputs[0]
        new.outputs[0].name = f"{old.name}_{bits}bit"
        new.outputs[0].dtype, new.outputs[0].shape = old.dtype, old.shape
        graph.insert_before(node, new)
        ir.convenience.replace_all_uses_with(old, new.outputs[0], replace_graph_outputs=True)
        graph.remove(node, safe=True)
        done += 1
    for name in [name for name, value in graph.initializers.items() if not value.uses() and not value.is_graph_output()]:
        del graph.initializers[name]
    if done:
        model.opset_imports["com.microsoft"] = 1
    return done


def _weight_of(node):
    """(the constant matrix of a product, whether it is [N, K])."""
    if node.domain != "":
        return None, False
    if node.op_type == "MatMul":
        value = node.inputs[1]
        transposed = False
    elif node.op_type == "Gemm" and not _attribute(node, "transA", 0) and _attribute(node, "alpha", 1.0) == _attribute(node, "beta", 1.0) == 1.0:
        value = node.inputs[1]
        transposed = bool(_attribute(node, "transB", 0))
    else:
        return None, False
    if value is None or value.const_value is None or len(value.const_value.shape) != 2:
        return None, False
    return value, transposed


def _attribute(node, name, default):
    return node.attributes[name].value if name in node.attributes else default


def _register(graph, weight, transposed, bits):
    matrix = weight.const_value.numpy()
    rows = matrix if transposed else matrix.T
    n, k = rows.shape
    data, scales = pack(np.ascontiguousarray(rows, dtype=np.float32), bits)
    return _initializer(graph, f"{weight.name}_{bits}bit", data), _initializer(graph, f"{weight.name}_scales", scales.astype(matrix.dtype)), k, n


def _initializer(graph, name, array):
    value = ir.Value(name=name, const_value=ir.tensor(array, name=name))
    value.dtype, value.shape = value.const_value.dtype, ir.Shape(array.shape)
    graph.register_initializer(value)
    return value


def pack(rows, bits):
    """[N, K] float32 → (uint8 [N, K / block, block · bits / 8], scales [N, K / block]), K filled up with zeros.

    A 4-bit pair has its first value in the low half.
    """
    block, middle = BLOCK[bits], 2 ** (bits - 1)
    n, k = rows.shape
    blocks = -(-k // block)
    padded = np.zeros((n, blocks * block), dtype=np.float32)
    padded[:, :k] = rows
    padded = padded.reshape(n, blocks, block)
    scales = np.abs(padded).max(axis=2) / (middle - 1)
    scales[scales == 0] = 1
    values = np.clip(np.rint(padded / scales[..., None]) + middle, 0, 2 * middle - 1).astype(np.uint8)
    if bits == 4:
        values = values[..., 0::2] | (values[..., 1::2] << 4)
    return values, scales
