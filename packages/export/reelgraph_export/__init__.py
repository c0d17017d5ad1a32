"""Turns a pipeline folder of diffusers into a package of ONNX graphs that Reelgraph runs."""

__version__ = "0.1.0"
