"""Adds LoRAs to weights before they are exported: W' = W + strength · (alpha / r) · B A.

ONNX Runtime has no adapters for graphs like these; a LoRA that is not added here cannot be used later.
"""

from pathlib import Path

import safetensors.torch
import torch

from .errors import ExportError
from .folder import PICKLES

#: Names of the two factors: (A, B), as peft and diffusers write them and as the trainers before them did.
_FACTORS = ((".lora_A.weight", ".lora_B.weight"), (".lora_A.default.weight", ".lora_B.default.weight"), (".lora_down.weight", ".lora_up.weight"))
#: What may stand in front of the name of a module.
_PREFIXES = ("diffusion_model.", "base_model.model.", "model.")


def with_loras(network, name, options):
    """The same network, with the weights of all LoRAs added."""
    for path, strength in options.loras:
        fuse(network, name, path, strength)
    return network


def fuse(network, name, path, strength=1.0):
    """Add one LoRA to the component `name`; returns the number of weights changed.

    Keys may begin with the name of the component (`transformer.`); those of other components are left to them.
    """
    state = _read(path)
    others = ("transformer.", "transformer_2.", "text_encoder.")
    if any(key.startswith(f"{name}.") for key in state):
        state = {key.removeprefix(f"{name}."): value for key, value in state.items() if key.startswith(f"{name}.")}
    elif any(key.startswith(others) for key in state):
        return 0
    modules = dict(network.named_modules())
    changed, unknown = 0, []
    for key, down in state.items():
        for a, b in _FACTORS:
            if not key.endswith(a):
                continue
            target = _strip_prefix(key.removesuffix(a))
            module = modules.get(target)
            if module is None or not hasattr(module, "weight"):
                unknown.append(target)
                continue
            _add(module, target, down, state[key.removesuffix(a) + b], state.get(f"{key.removesuffix(a)}.alpha"), strength)
            changed += 1
    if unknown or changed == 0:
        raise ExportError(f"The LoRA {path} does not fit {type(network).__name__} ({name}): "
                          + (f"{len(unknown)} of its modules are not there, among them {unknown[0]}" if unknown else "it has no lora_A and lora_B weights")
                          + ". Is it of another model, or in another naming? diffusers' converters write the one that is read.")
    return changed


def _add(module, target, down, up, alpha, strength):
    rank = down.shape[0]
    scale = strength * (float(alpha) / rank if alpha is not None else 1.0)
    delta = (up.flatten(1).float() @ down.flatten(1).float()).reshape(-1) * scale
    if delta.numel() != module.weight.numel():
        raise ExportError(f"The LoRA has {tuple(up.shape)} × {tuple(down.shape)} for {target}, whose weight is {tuple(module.weight.shape)}.")
    with torch.no_grad():
        module.weight += delta.reshape(module.weight.shape).to(module.weight.dtype)


def _strip_prefix(name):
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    return name


def _read(path):
    path = Path(path)
    files = [path] if path.is_file() else sorted(path.glob("*.safetensors"))
    if any(file.suffix in PICKLES for file in files) or (not files and any(path.glob(f"*{end}") for end in PICKLES) and path.is_dir()):
        raise ExportError(f"The LoRA {path} is a pickle, which can run any code when it is loaded. Only safetensors are read.")
    if not files:
        raise ExportError(f"The LoRA {path} has no *.safetensors.")
    state = {}
    for file in files:
        state |= safetensors.torch.load_file(file)
    return state
