"""Where the weights of graphs lie: inside small files, in a shared file of data beside large ones.

protobuf holds no message above 2 GiB, and a runtime maps a separate file into memory instead of copying it.
"""

import hashlib

import onnx_ir as ir

#: Weights of fewer bytes stay in the graph: shapes and scalars.
_SMALL = 4096
#: Weights begin at multiples of this, so that they can be mapped.
_ALIGNMENT = 4096


class WeightFile:
    """One file of weights that several graphs name; equal weights are written once."""

    def __init__(self, path):
        self.path = path
        self.places = {}
        self.end = 0

    def move(self, model):
        """Replace the weights of a model by places in this file."""
        with open(self.path, "r+b" if self.path.exists() else "w+b") as file:
            for value in model.graph.initializers.values():
                tensor = value.const_value
                if tensor.nbytes < _SMALL:
                    continue
                data = tensor.tobytes()
                digest = hashlib.sha256(data).digest()
                if digest not in self.places:
                    self.end = -(-self.end // _ALIGNMENT) * _ALIGNMENT
                    file.seek(self.end)
                    file.write(data)
                    self.places[digest] = self.end
                    self.end += len(data)
                value.const_value = ir.ExternalTensor(
                    self.path.name, self.places[digest], len(data), tensor.dtype, shape=tensor.shape,
                    name=value.name, base_dir=str(self.path.parent))


def weight_bytes(model):
    return sum(value.const_value.nbytes for value in model.graph.initializers.values())
