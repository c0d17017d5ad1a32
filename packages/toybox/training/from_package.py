"""A run folder from a shipped package, so that training can go on from its weights.

    python from_package.py --package ../model --to RUN

Writes `vae.pt`, `text.pt`, `tokenizer.json`, `start.pt` (the denoiser, for `train.py dit --start`) and
`scale.pt` (the latents' mean and deviation, which `train.py latents` then keeps).

An export renames some weights and transposes others, always in the same order for the same code. So the
module is exported once more, and each tensor of the file is what the tensor at its place there came from.
"""

import argparse
import json
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper

import captions
import dit
import export
import text
import vae


def _tensors(path):
    """Initializers of a graph by name; those that the exporter named itself by their place among such."""
    found, unnamed = {}, 0
    for tensor in onnx.load(path).graph.initializer:
        name = tensor.name
        if "::" in name:
            name, unnamed = f"::{unnamed}", unnamed + 1
        found[name] = numpy_helper.to_array(tensor)
    return found


@torch.no_grad()
def read_weights(module, file, examples, output, axes):
    """Fill `module` with the weights of `file`. `examples`, `output` and `axes` are those it was exported with (`export.py`).

    Raises ValueError when the file holds another network.
    """
    module.eval().requires_grad_(False)
    for parameter in module.parameters():
        # No two alike, so that each is found again.
        parameter.copy_(torch.randn_like(parameter))
    with tempfile.TemporaryDirectory() as folder:
        export.export(module, Path(folder) / "again.onnx", examples, output, axes)
        traced = _tensors(Path(folder) / "again.onnx")
    shipped = _tensors(file)
    for name, parameter in module.named_parameters():
        value = parameter.numpy()
        places = [(place, turned) for place, tensor in traced.items() for turned in (False, True)
                  if (tensor.T if turned else tensor).shape == value.shape and np.array_equal(tensor.T if turned else tensor, value)]
        if not places or places[0][0] not in shipped or shipped[places[0][0]].shape != traced[places[0][0]].shape:
            raise ValueError(f"{file} has no {name} of shape {value.shape}; it was made by other code")
        place, turned = places[0]
        parameter.copy_(torch.from_numpy((shipped[place].T if turned else shipped[place]).copy()))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--package", type=Path, required=True)
    parser.add_argument("--to", type=Path, required=True)
    args = parser.parse_args()
    package, run = args.package, args.to
    run.mkdir(parents=True, exist_ok=True)
    config = lambda name: json.loads((package / name / "config.json").read_text())

    shutil.copyfile(package / "tokenizer" / "tokenizer.json", run / "tokenizer.json")
    facts = config("text_encoder")
    encoder = text.TextEncoder(text.TextConfig(facts["vocab_size"], facts["hidden_size"], facts["num_hidden_layers"], facts["num_attention_heads"]))
    read_weights(encoder, package / "text_encoder" / "model.onnx", *export.text_graph(encoder))
    text.save(encoder, run / "text.pt")

    facts = config("vae_decoder")
    autoencoder = vae.Vae(vae.VaeConfig(facts["z_dim"]))
    read_weights(autoencoder.encoder, package / "vae_encoder" / "model.onnx", *export.vae_encoder_graph())
    read_weights(autoencoder.decoder, package / "vae_decoder" / "model.onnx", *export.vae_decoder_graph(facts["z_dim"]))
    vae.save(autoencoder, run / "vae.pt", psnr=facts["round_trip_psnr_db"], seconds=0.0)
    torch.save({name: torch.tensor(facts[f"latents_{name}"]) for name in ("mean", "std")}, run / "scale.pt")

    facts = config("transformer")
    shape = dit.DitConfig(channels=facts["in_channels"], text_width=facts["cross_attention_dim"], depth=facts["num_layers"], heads=facts["num_attention_heads"],
                          width=facts["num_attention_heads"] * facts["attention_head_dim"], fine_depth=facts.get("num_fine_layers", 0))
    model = dit.Dit(shape)
    read_weights(model, package / "transformer" / "model.onnx", *export.dit_graph(shape))
    torch.save({"config": asdict(shape), "ema": model.state_dict(), "samples": facts["training_samples"]}, run / "start.pt")


if __name__ == "__main__":
    main()
