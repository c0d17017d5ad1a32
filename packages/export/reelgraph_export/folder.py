"""Reads a pipeline folder as diffusers saves it: safetensors and JSON, nothing that runs code when it is loaded."""

import importlib
import json
from pathlib import Path

import torch

from .errors import ExportError

#: Endings of files that are pickles, or hold them: loading one runs whatever its author wrote.
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
#: Classes that may stand in model_index.json, and where they are; nothing else is imported.
_CLASSES = {
    "diffusers": ("AutoencoderKLWan", "AutoencoderKLLTXVideo", "AutoencoderKLCogVideoX", "AutoencoderKLHunyuanVideo",
                  "WanTransformer3DModel", "LTXVideoTransformer3DModel", "CogVideoXTransformer3DModel", "HunyuanVideoTransformer3DModel"),
    "transformers": ("UMT5EncoderModel", "T5EncoderModel", "LlamaModel", "LlavaForConditionalGeneration", "CLIPTextModel",
                     "CLIPVisionModel", "CLIPVisionModelWithProjection"),
}


class PipelineFolder:
    def __init__(self, path):
        self.path = Path(path)
        index = self.path / "model_index.json"
        if not index.is_file():
            raise ExportError(f"{self.path} has no model_index.json. Expected a pipeline folder as diffusers saves it "
                              "(pipeline.save_pretrained); a single checkpoint file has to be converted first.")
        self.index = self._json(index)
        if not isinstance(self.index.get("_class_name"), str):
            raise ExportError(f"{index} names no pipeline: _class_name is missing.")

    @property
    def pipeline(self):
        return self.index["_class_name"]

    def has(self, name):
        entry = self.index.get(name)
        return isinstance(entry, list) and entry[0] is not None

    def config(self, name):
        """The config.json of a component."""
        file = self.path / name / ("scheduler_config.json" if name == "scheduler" else "config.json")
        if not file.is_file():
            raise ExportError(f"{self.pipeline} needs {name}, but {file} is not there. Was the folder copied in full?")
        return self._json(file)

    def load(self, name):
        """A component as a torch module in float32 that is only evaluated."""
        if not self.has(name):
            raise ExportError(f"{self.pipeline} needs {name}; model_index.json of {self.path} does not name it.")
        library, kind = self.index[name][:2]
        if kind not in _CLASSES.get(library, ()):
            raise ExportError(f"{name} in {self.path} is a {library}.{kind}, which is not exported. Known: "
                              + ", ".join(sorted(k for kinds in _CLASSES.values() for k in kinds)))
        self.config(name)
        require_safetensors(self.path / name)
        build = getattr(importlib.import_module(library), kind)
        try:
            module = build.from_pretrained(self.path / name, use_safetensors=True, local_files_only=True, torch_dtype=torch.float32)
        except (OSError, ValueError, RuntimeError) as error:
            raise ExportError(f"{name} of {self.path} cannot be loaded: {error}") from error
        return module.eval().requires_grad_(False)

    def _json(self, file):
        try:
            return json.loads(file.read_text())
        except ValueError as error:
            raise ExportError(f"{file} is no JSON: {error}") from error


def require_safetensors(folder):
    """Refuses a folder of weights without safetensors."""
    if any(folder.glob("*.safetensors")):
        return
    pickles = sorted(file.name for file in folder.iterdir() if file.suffix in PICKLES) if folder.is_dir() else []
    if pickles:
        raise ExportError(f"{folder} holds its weights as pickles ({', '.join(pickles)}), which can run any code when they are loaded. "
                          "Only safetensors are read: get that version of the model, or convert it where you trust it "
                          "(pipeline.save_pretrained(folder, safe_serialization=True)).")
    raise ExportError(f"{folder} holds no *.safetensors. Was the folder copied in full?")
