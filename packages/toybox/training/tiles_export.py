"""Writes the networks of the interactive world into a model package, beside whatever else is there.

    python tiles_export.py --run RUN --to ../model

Only `world_encoder/`, `world_decoder/`, `world_model/`, their three lines of `model_index.json` and the
checksums are written. `export_tiles` is the same for another exporter to call.
"""

import argparse
import hashlib
import json
import re
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch

import tiles_model
import tiles_world as world

OPSET = 18
FPS = 8
#: What `model_index.json` says of the components.
INDEX_ENTRIES = {"world_encoder": ["toybox", "ToyboxTileEncoder"], "world_model": ["toybox", "ToyboxTileDynamics"],
                 "world_decoder": ["toybox", "ToyboxTileDecoder"]}


def strip(path):
    """Remove what a graph carries about the machine that traced it (stack traces, source paths, doc strings)."""
    model = onnx.load(path)

    def clean(graph):
        del graph.metadata_props[:]
        graph.doc_string = ""
        for part in [*graph.input, *graph.output, *graph.value_info, *graph.initializer, *graph.node]:
            del part.metadata_props[:]
            part.doc_string = ""
        for node in graph.node:
            for attribute in node.attribute:
                if attribute.HasField("g"):
                    clean(attribute.g)
    clean(model.graph)
    del model.metadata_props[:]
    model.doc_string = ""
    onnx.checker.check_model(model)
    onnx.save(model, path)


def export_graph(module, path, feed, outputs, axes):
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.onnx.export(module, tuple(feed.values()), str(path), input_names=list(feed), output_names=outputs, opset_version=OPSET,
                      dynamic_axes=axes, dynamo=False, do_constant_folding=True)
    strip(path)


def largest_difference(module, path, feeds):
    """Between ONNX Runtime and torch over all outputs; codes must be equal."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    worst = 0.0
    for feed in feeds:
        with torch.no_grad():
            expected = module(*feed.values())
        expected = expected if isinstance(expected, tuple) else (expected,)
        for value, actual in zip(expected, session.run(None, {name: x.numpy() for name, x in feed.items()}), strict=True):
            if value.dtype == torch.int64:
                assert np.array_equal(value.numpy(), actual), path
            else:
                worst = max(worst, float(np.abs(value.numpy() - actual).max()))
    return float(f"{worst:.2e}")


def write_json(path, value):
    # Lists of plain values on one line.
    document = re.sub(r"\[\s+([^\[\]{}]*?)\s+\]", lambda m: "[" + re.sub(r",\s+", ", ", m[1]) + "]", json.dumps(value, indent=2))
    path.write_text(document + "\n")


def write_checksums(folder):
    """`SHA256SUMS` over all graphs and configs, as sha256sum prints it."""
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.relative_to(folder).as_posix()}\n"
             for file in sorted(folder.rglob("*")) if file.suffix in (".onnx", ".json")]
    (folder / "SHA256SUMS").write_text("".join(lines))


def export_tiles(run, to):
    """Write the components of the run in folder `run` into the package `to`; the caller renews index and checksums."""
    model, facts = tiles_model.load(run / "dynamics.pt")
    boards = world.random_boards(range(world.FIRST_EVALUATION_SEED, world.FIRST_EVALUATION_SEED + 3))
    wide = world.random_boards(range(2), 5, 9)
    frames = lambda b: {"sample": torch.from_numpy(world.render(b)).permute(0, 3, 1, 2).float() / 127.5 - 1}
    codes = lambda b: {"codes": model.encoder(frames(b)["sample"])}
    stepped = lambda b: {**codes(b), "action": torch.arange(len(b["clock"])) % len(world.ACTIONS)}
    board, pixels, batch = {0: "batch", 1: "rows", 2: "columns"}, {0: "batch", 2: "height", 3: "width"}, {0: "batch"}
    graphs = {
        "world_encoder": (model.encoder, frames, ["codes"], {"sample": pixels, "codes": board}),
        "world_decoder": (model.decoder, codes, ["sample"], {"codes": board, "sample": pixels}),
        "world_model": (tiles_model.NextCodes(model.dynamics), stepped, ["next_codes", "certainty"],
                        {"codes": board, "action": batch, "next_codes": board, "certainty": batch}),
    }
    count = lambda module: sum(p.numel() for p in module.parameters())
    configs = {
        "world_encoder": {"_class_name": "ToyboxTileEncoder", "codes": model.config.codes, "patch_size": tiles_model.TILE,
                          "round_trip_psnr_db": round(facts["psnr"], 2)},
        "world_decoder": {"_class_name": "ToyboxTileDecoder", "codes": model.config.codes, "patch_size": tiles_model.TILE},
        "world_model": {"_class_name": "ToyboxTileDynamics", "codes": model.config.codes, "patch_size": tiles_model.TILE, "fps": FPS,
                        "actions": list(world.ACTIONS), "parameters": count(model.dynamics), "training_updates": facts["step"],
                        "training_frames": facts["frames_seen"], "training_minutes": round(facts["spent_s"] / 60, 1)},
    }
    for name, (module, feed, outputs, axes) in graphs.items():
        path = to / name / "model.onnx"
        export_graph(module, path, feed(boards), outputs, axes)
        error = largest_difference(module, path, [feed(boards), feed(wide)])
        write_json(to / name / "config.json", {**configs[name], "onnx_max_abs_error": error})
        print(f"{name}: {path.stat().st_size / 1e6:.1f} MB, largest difference to torch {error:.1e}")


def add_to_index(to):
    path = to / "model_index.json"
    index = json.loads(path.read_text())
    added = {name: value for name, value in index.items() if name != "reelgraph" and name not in INDEX_ENTRIES} | INDEX_ENTRIES
    write_json(path, {**added, "reelgraph": index["reelgraph"]} if "reelgraph" in index else added)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--to", type=Path, required=True)
    args = parser.parse_args()
    export_tiles(args.run, args.to)
    add_to_index(args.to)
    write_checksums(args.to)


if __name__ == "__main__":
    main()
