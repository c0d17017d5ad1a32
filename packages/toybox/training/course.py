"""How every training goes: its learning rate, its log, its checkpoints."""

import json
import math

import torch


def ramp(progress, warmup=0.03, level_to=0.45):
    """Learning-rate factor over progress 0..1: linear warm-up, level, then from `level_to` on a cosine fall to zero."""
    if progress < warmup:
        return max(progress / warmup, 0.02)
    return 0.5 + 0.5 * math.cos(math.pi * min(1.0, max(0.0, (progress - level_to) / (1 - level_to))))


def log_to(path):
    """A function that prints a record and appends it to a file of JSON lines."""
    def log(**record):
        line = json.dumps({name: round(value, 5) if isinstance(value, float) else value for name, value in record.items()})
        print(line, flush=True)
        with open(path, "a") as file:
            file.write(line + "\n")
    return log


def save_atomically(obj, path):
    """Whoever reads `path` finds the old file or the new one, never half of it."""
    temporary = path.with_suffix(".part")
    torch.save(obj, temporary)
    temporary.replace(path)
