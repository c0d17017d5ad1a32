"""Shapes with names: an axis is a length, a name (`"frames"`) or an expression of names (`"4*frames - 3"`)."""

import re

Axis = int | str
Shape = tuple[Axis, ...]

_EXPRESSION = re.compile(r"[\w\s+\-*/()]+")


def length_of(axis, sizes):
    """The length of an axis when its names have these lengths; `//` divides downwards."""
    if isinstance(axis, int):
        return axis
    if not _EXPRESSION.fullmatch(axis):
        raise ValueError(f"{axis!r} is no expression of axis names")
    return eval(axis, {"__builtins__": {}}, dict(sizes))


def lengths_of(shape, sizes):
    return tuple(length_of(axis, sizes) for axis in shape)
