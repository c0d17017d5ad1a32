"""Takes graphs over from an earlier package when they would come out the same.

Models of one family often share their text encoder and VAE: the text encoder of Wan alone is 11 GB. A graph
is taken when its fingerprint is that of the report beside it: weights, shapes, sizes tried, bits, versions.
"""

import hashlib
import json
import os
import shutil
from pathlib import Path

import torch

from . import __version__


def fingerprint(graph):
    """SHA-256 of all that decides what is written for a graph."""
    digest = hashlib.sha256()
    layers = [type(module).__name__ for module in graph.module.modules()]
    shapes = [(name, spec.shape, str(spec.dtype)) for name, spec in graph.inputs.items()]
    said = [__version__, torch.__version__, graph.name, graph.opset, graph.bits, graph.note, graph.sizes, shapes, list(graph.outputs.items()), layers]
    # What of a network's structure is not in its weights is in its config.
    said += [{k: v for k, v in dict(module.config).items() if not k.startswith("_")}
             for module in graph.module.modules() if hasattr(module, "config") and hasattr(module, "register_to_config")]
    said.append({k: v for k, v in vars(graph.module).items() if isinstance(v, (str, int, bool, type(None)))})
    digest.update(json.dumps(said, default=str, sort_keys=True).encode())
    for name, tensor in sorted(graph.module.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.contiguous().view(torch.uint8).numpy() if tensor.ndim else tensor.numpy().tobytes())
    return digest.hexdigest()


def take(graph_name, wanted, packages, to):
    """Link or copy a graph into `to`; (its manifest entry, its measurement), or None when no package has it."""
    for package in map(Path, packages):
        report = json.loads((package / "export-report.json").read_text())["graphs"].get(graph_name)
        if report is None or report.get("fingerprint") != wanted:
            continue
        entry = json.loads((package / "manifest.json").read_text())["components"][graph_name]
        for name in (entry["file"], entry.get("data")):
            if name is not None and not (to / name).exists():
                _link(package / name, to / name)
        return entry, report
    return None


def _link(source, to):
    try:
        os.link(source, to)
    except OSError:
        shutil.copy(source, to)
