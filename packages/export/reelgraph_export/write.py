"""Writes one graph: traced at its first sizes, attention fused, weights made smaller, axes named, stripped, checked, measured."""

import contextlib
import gc
import inspect
import io
import logging
import warnings

import numpy as np
import onnx
import onnx_ir as ir
import onnxruntime
import torch

from .attention import fuse_attention
from .quantise import quantise
from .shapes import lengths_of
from .weights import WeightFile, weight_bytes

#: Weights above this many bytes lie in a file beside the graph.
EXTERNAL_ABOVE = 256 * 2**20
_NAMES = {torch.float32: "float32", torch.float16: "float16", torch.int64: "int64", torch.int32: "int32", torch.bool: "bool"}
_BITS = {"int8": 8, "int4": 4}
#: Parts of names of weights that keep their bits: what embeds time and guidance moves everything else.
_KEPT = ("time_", "timestep", "guidance_embedder", "ofs_embedding")


def write_graph(graph, folder, share=None, external_above=EXTERNAL_ABOVE, log=print):
    """Write `<name>.onnx` into a folder; returns its entry for the manifest, with the measured error.

    `share`: {file name: WeightFile}; graphs whose `facts["weights"]` name one file share their weights.
    """
    model = trace(graph)
    fused, biased = fuse_attention(model)
    quantised = quantise(model, _BITS[graph.bits], _KEPT) if graph.bits else 0
    _strip(model)
    _name_axes(model, graph)
    path = folder / f"{graph.name}.onnx"
    weights = None
    if weight_bytes(model) > external_above:
        weights = _weights_of(graph, folder, {} if share is None else share)
        weights.move(model)
    ir.save(model, path)
    onnx.checker.check_model(str(path))
    nodes = len(list(model.graph))
    del model
    gc.collect()
    entry = {
        "file": path.name,
        "opset": graph.opset,
        "inputs": [{"name": name, "dtype": _NAMES[spec.dtype], "shape": list(spec.shape)} for name, spec in graph.inputs.items()],
        "outputs": [{"name": name, "dtype": "float32", "shape": list(shape)} for name, shape in graph.outputs.items()],
        **({"note": graph.note} if graph.note else {}),
    }
    if weights is not None:
        entry["data"] = weights.path.name
    measured = measure(graph, path)
    if fused:
        measured["fused_attention"] = fused
    if biased:
        measured["attention_with_full_mask"] = biased
    if quantised:
        measured["quantised_products"] = quantised
    measured["nodes"] = nodes
    log(f"{graph.name}: {nodes} nodes, {fused} attentions fused, largest difference to torch {measured['max_abs_error']:.1e} "
        f"(relative {measured['relative_rms_error']:.1e}) at {len(graph.sizes)} sizes")
    return entry, measured


def _weights_of(graph, folder, share):
    stem = graph.facts.get("weights", graph.name)
    if stem not in share:
        path = folder / f"{stem}.onnx.data"
        # One that is there was taken over from another package, which still reads it.
        share[stem] = WeightFile(folder / f"{graph.name}.part.onnx.data" if path.exists() else path)
    return share[stem]


def trace(graph):
    """The graph as the exporter writes it, at the first of its sizes."""
    example = graph.example(graph.sizes[0], seed=1)
    dynamic = _dynamic_shapes(graph)
    with _quiet(), torch.no_grad():
        program = torch.export.export(graph.module, tuple(example.values()), dynamic_shapes=dynamic, strict=False)
        exported = torch.onnx.export(
            program, input_names=list(graph.inputs), output_names=[f"{name}__out" for name in graph.outputs],
            opset_version=graph.opset, dynamo=True, optimize=True, verbose=False)
    model = exported.model
    # The exporter may give an inner value the very name that was asked for.
    taken = {value.name for value in model.graph.inputs} | {output.name for node in model.graph for output in node.outputs}
    for value, name in zip(model.graph.outputs, graph.outputs, strict=True):
        if name in taken:
            for node in model.graph:
                for output in node.outputs:
                    if output.name == name:
                        output.name = f"{name}__inner"
        value.name = name
    return model


def _dynamic_shapes(graph):
    dims = {name: torch.export.Dim(name, min=least, max=most) for name, (least, most) in graph.bounds.items()}
    pick = lambda axis: eval(axis, {"__builtins__": {}}, dims) if dims else torch.export.Dim.AUTO
    shapes = [{i: pick(axis) for i, axis in enumerate(spec.shape) if isinstance(axis, str)} for spec in graph.inputs.values()]
    parameters = list(inspect.signature(graph.module.forward).parameters.values())
    if parameters[-1].kind is inspect.Parameter.VAR_POSITIONAL:
        named = len(parameters) - 1
        return (*shapes[:named], tuple(shapes[named:]))
    return tuple(shapes)


@contextlib.contextmanager
def _quiet():
    """The exporter's talk says nothing to a user; what it raises does."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield
    logging.disable(level)


def _strip(model):
    """Remove what a graph carries about the machine that traced it: stack traces, source paths, doc strings."""
    model.metadata_props.clear()
    model.doc_string = None
    model.producer_name, model.producer_version = "reelgraph_export", None
    for function in model.functions.values():
        _strip_graph(function)
    _strip_graph(model.graph)


def _strip_graph(graph):
    graph.metadata_props.clear()
    graph.doc_string = None
    for node in ir.traversal.RecursiveGraphIterator(graph):
        node.metadata_props.clear()
        node.doc_string = None
        for value in node.outputs:
            value.metadata_props.clear()
            value.doc_string = None
    for value in graph.inputs:
        value.metadata_props.clear()
    if isinstance(graph, ir.Graph):
        for value in graph.initializers.values():
            value.metadata_props.clear()


def _name_axes(model, graph):
    """The declared names of axes in place of the exporter's; shapes inside are left to the runtime."""
    for node in ir.traversal.RecursiveGraphIterator(model.graph):
        for value in node.outputs:
            value.shape = None
            value.type = None
    for value, spec in zip(model.graph.inputs, graph.inputs.values(), strict=True):
        value.shape = ir.Shape(spec.shape)
    for value, shape in zip(model.graph.outputs, graph.outputs.values(), strict=True):
        value.type = ir.TensorType(ir.DataType.FLOAT)
        value.shape = ir.Shape(shape)


def session_of(path):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def run(session, feeds):
    return session.run(None, {name: value.numpy() for name, value in feeds.items()})


def evaluate(graph, module):
    """What torch gives for the measured inputs: per set of sizes a list of float32 arrays."""
    results = []
    for i, _ in enumerate(graph.sizes):
        with torch.no_grad(), _quiet():
            result = module(*graph.example(graph.sizes[i], seed=i + 2).values())
        results.append([x.float().numpy() for x in (result if isinstance(result, (tuple, list)) else [result])])
    return results


def measure(graph, path):
    """Largest absolute and relative differences between ONNX Runtime and torch over all sizes; shapes are held against the declared ones."""
    session = session_of(path)
    worst, ratio = 0.0, 0.0
    for i, (sizes, expected) in enumerate(zip(graph.sizes, graph.expected or evaluate(graph, graph.module), strict=True)):
        feeds = graph.example(sizes, seed=i + 2)
        for (name, shape), wanted, found in zip(graph.outputs.items(), expected, run(session, feeds), strict=True):
            if found.shape != wanted.shape or found.shape != lengths_of(shape, sizes):
                raise AssertionError(f"{graph.name}: output {name} is {found.shape}, torch has {wanted.shape}, declared {lengths_of(shape, sizes)}")
            if not np.isfinite(found).all():
                raise AssertionError(f"{graph.name}: output {name} is not finite at {sizes}")
            worst = max(worst, float(np.abs(found - wanted).max()))
            scale = float(np.sqrt(np.mean(wanted.astype(np.float64) ** 2)))
            ratio = max(ratio, float(np.sqrt(np.mean((found - wanted).astype(np.float64) ** 2))) / max(scale, 1e-12))
    return {"max_abs_error": float(f"{worst:.2e}"), "relative_rms_error": float(f"{ratio:.2e}"), "sizes": graph.sizes}
