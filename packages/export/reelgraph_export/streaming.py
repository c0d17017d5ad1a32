"""What the graphs of a VAE that goes through a clip piece by piece have in common."""

import torch

from .shapes import lengths_of


class WithCaches(torch.nn.Module):
    """A streaming part with its caches as inputs of their own."""

    def __init__(self, module):
        super().__init__()
        self.module = module

    def forward(self, main, *caches):
        return self.module(main, list(caches))


def cache_shapes(module, shape, sizes):
    """Shapes of what convolutions keep, found by running a first part once: [("batch", C, kept frames, "2*h", "2*w"), …].

    `sizes`: lengths of the axes, one frame and few places; `h` and `w` are those of the latent.
    """
    with torch.no_grad():
        caches = module(torch.zeros(lengths_of(shape, sizes)))[1:]
    named = lambda length, name: name if length == sizes[name] else f"{length // sizes[name]}*{name}"
    return [("batch", x.shape[1], x.shape[2], named(x.shape[3], "h"), named(x.shape[4], "w")) for x in caches]
