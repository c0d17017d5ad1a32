"""A network to be exported: what goes in, what comes out, which axes are free, and at which sizes it is tried.

The shapes that are declared here go into the manifest and into the file. They are held against every
result of the measurement, so that a manifest cannot name an axis that is not free.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch

from .shapes import Shape, lengths_of

#: Fills an input with something else than normal noise: (lengths, generator) → tensor.
Filler = Callable[[tuple[int, ...], torch.Generator], torch.Tensor]


@dataclass
class Input:
    shape: Shape
    dtype: torch.dtype = torch.float32
    fill: Filler | None = None


@dataclass
class Graph:
    """`sizes`: lengths of the named axes; the first set is traced, the others are not. All are measured.

    Traced lengths should be three or more and all different: torch takes one and two, and equal ones,
    for constants.
    """

    name: str
    module: torch.nn.Module
    inputs: dict[str, Input]
    outputs: dict[str, Shape]
    sizes: list[dict[str, int]]
    note: str | None = None
    opset: int = 23
    #: Weights in fewer bits: "int8" or "int4"; None leaves them as the module has them.
    bits: str | None = None
    facts: dict = field(default_factory=dict)
    #: What the network of diffusers gives, in float32 (`evaluate` in write.py); None: what `module` gives.
    expected: list[list] | None = None
    #: Axes of one length: {name: (least, most)} that the tracer is told instead of finding them out.
    bounds: dict[str, tuple[int, int]] = field(default_factory=dict)

    def example(self, sizes, seed):
        """Inputs of these sizes, by name, the same for one seed."""
        generator = torch.Generator().manual_seed(seed)
        return {name: make(spec, sizes, generator) for name, spec in self.inputs.items()}


def make(spec, sizes, generator):
    lengths = lengths_of(spec.shape, sizes)
    if spec.fill is not None:
        return spec.fill(lengths, generator).to(spec.dtype)
    return torch.randn(lengths, generator=generator).to(spec.dtype)


def token_ids(vocabulary):
    return lambda lengths, generator: torch.randint(3, vocabulary, lengths, generator=generator)


def padded_mask(lengths, generator):
    """Ones, and zeros at the end of the last row."""
    mask = torch.ones(lengths, dtype=torch.int64)
    mask[-1, lengths[-1] // 2 + 1 :] = 0
    return mask


def timesteps(lengths, generator):
    return torch.rand(lengths, generator=generator) * 999
