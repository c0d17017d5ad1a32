"""Makes a model package: graphs, manifest, tokenizers, scheduler, and how far it all is from torch."""

import gc
import json
import re
import shutil
from pathlib import Path

import diffusers
import onnx
import onnxruntime
import torch
import transformers

from . import cogvideox, hunyuanvideo, ltx, wan
from .errors import ExportError
from .folder import PipelineFolder
from .reuse import fingerprint, take
from .write import write_graph

FAMILIES = {"wan": wan, "cogvideox": cogvideox, "hunyuanvideo": hunyuanvideo, "ltx": ltx}
#: What is copied as it is; a tokenizer is read by its tokenizer.json.
_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "spiece.model", "vocab.json", "merges.txt",
                    "preprocessor_config.json", "chat_template.jinja", "chat_template.json")


def family_of(pipeline):
    for name, family in FAMILIES.items():
        if pipeline in family.PIPELINES:
            return name
    known = ", ".join(sorted(p for family in FAMILIES.values() for p in family.PIPELINES))
    raise ExportError(f"{pipeline} is no pipeline that is exported. Known: {known}.")


def export_package(source, to, options, log=print):
    """Export a pipeline folder; returns the report that is also written to `export-report.json`."""
    folder, to = PipelineFolder(source), Path(to)
    name = family_of(folder.pipeline)
    family = FAMILIES[name]
    if to.exists() and any(to.iterdir()):
        raise ExportError(f"{to} is not empty. Give the name of a new folder.")
    facts = family.config(folder, options)
    to.mkdir(parents=True, exist_ok=True)
    components, measured, shared = {}, {}, {}
    for graph in family.graphs(folder, options):
        mark = fingerprint(graph)
        taken = take(graph.name, mark, options.reuse, to)
        if taken is not None:
            log(f"{graph.name}: taken over")
        components[graph.name], measured[graph.name] = taken or write_graph(graph, to, shared, options.external_above, log)
        measured[graph.name]["fingerprint"] = mark
        del graph
        gc.collect()
    scheduler = folder.config("scheduler")
    report = {
        "dtype": options.dtype, "text_dtype": options.text_dtype,
        "versions": {m.__name__: m.__version__.split("+")[0] for m in (torch, diffusers, transformers, onnx, onnxruntime)},
        "graphs": measured,
    }
    write_json(to / "manifest.json", {
        "name": f"{folder.pipeline} {options.dtype}", "family": name, "pipeline": folder.pipeline, "dtype": options.dtype,
        "components": components, "config": facts,
        "scheduler": {"class_name": scheduler.get("_class_name"), "config": {k: v for k, v in scheduler.items() if not k.startswith("_")}},
        **({"loras": [{"name": Path(path).name, "strength": strength} for path, strength in options.loras]} if options.loras else {}),
    })
    write_json(to / "export-report.json", report)
    shutil.copy(folder.path / "model_index.json", to / "model_index.json")
    for part in ("tokenizer", "tokenizer_2", "image_processor", "feature_extractor", "scheduler"):
        _copy(folder.path / part, to / part)
    for licence in folder.path.glob("LICENSE*"):
        shutil.copy(licence, to / licence.name)
    return report


def _copy(source, to):
    files = [file for file in source.glob("*") if file.name in _TOKENIZER_FILES or file.name == "scheduler_config.json"] if source.is_dir() else []
    if source.name.startswith("tokenizer") and source.is_dir() and "tokenizer.json" not in [file.name for file in files]:
        raise ExportError(f"{source} has no tokenizer.json. Save it with a fast tokenizer: AutoTokenizer.from_pretrained(folder).save_pretrained(folder).")
    for file in files:
        to.mkdir(exist_ok=True)
        shutil.copy(file, to / file.name)


def write_json(path, value):
    """JSON with lists of plain values on one line."""
    text = re.sub(r"\[\s+([^\[\]{}]*?)\s+\]", lambda m: "[" + re.sub(r",\s+", ", ", m[1]) + "]", json.dumps(value, indent=1))
    Path(path).write_text(text + "\n")
