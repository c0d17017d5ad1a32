"""Writes a training run as a model package: a folder in the layout of a diffusers pipeline, its networks as ONNX.

    python export.py --run RUN --to ../model

Every graph is run in ONNX Runtime beside the torch module it came from, at sizes that were not the
ones traced; the largest difference is recorded in its config.json.
"""

import argparse
import hashlib
import json
import re
import shutil
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic

import captions
import dit
import distil
import pictures
import text
import vae
import world

VERSION = "2.1.0"
LICENCE = "Apache-2.0"
OPSET = 18
#: Pixels of a preview along each side of a latent place.
PREVIEW_SPATIAL = 4


def strip(path):
    """Remove what a graph carries about the machine that traced it (stack traces, source paths, doc strings)."""
    model = onnx.load(path)

    def clean(graph):
        del graph.metadata_props[:]
        graph.doc_string = ""
        for value in [*graph.input, *graph.output, *graph.value_info]:
            del value.metadata_props[:]
            value.doc_string = ""
        for tensor in graph.initializer:
            del tensor.metadata_props[:]
            tensor.doc_string = ""
        for node in graph.node:
            del node.metadata_props[:]
            node.doc_string = ""
            for attribute in node.attribute:
                if attribute.HasField("g"):
                    clean(attribute.g)
    clean(model.graph)
    for function in model.functions:
        del function.metadata_props[:]
        function.doc_string = ""
        for node in function.node:
            del node.metadata_props[:]
            node.doc_string = ""
    del model.metadata_props[:]
    model.doc_string = ""
    onnx.checker.check_model(model)
    onnx.save(model, path)


def export(module, path, examples, output, axes):
    """`examples`: {input name: tensor} to trace with; `axes`: {name: {axis: size name}} of inputs and the output."""
    path.parent.mkdir(parents=True, exist_ok=True)
    module.eval()
    torch.onnx.export(
        module, tuple(examples.values()), str(path), input_names=list(examples), output_names=[output], opset_version=OPSET,
        dynamic_axes=axes, dynamo=False, do_constant_folding=True)
    strip(path)


def verify(module, path, feeds):
    """Largest absolute difference between ONNX Runtime and torch over several sets of inputs."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    worst = 0.0
    for feed in feeds:
        with torch.no_grad():
            expected = module(*feed.values()).numpy()
        actual = session.run(None, {name: value.numpy() for name, value in feed.items()})[0]
        assert actual.shape == expected.shape, (actual.shape, expected.shape)
        worst = max(worst, float(np.abs(actual - expected).max()))
    return worst


def quantise(source, to):
    """Matrix products in 8-bit integers: weights once, one scale per output column; activations by their range in each run."""
    quantize_dynamic(source, to, weight_type=QuantType.QInt8, per_channel=True, op_types_to_quantize=["MatMul", "Gemm"])
    strip(to)


def relative_error(folder, feeds):
    """Root mean square difference of the int8 graph to the float32 one ÷ the latter's deviation, over several sets of inputs."""
    run = lambda name, feed: onnxruntime.InferenceSession(str(folder / name), providers=["CPUExecutionProvider"]).run(
        None, {key: value.numpy() for key, value in feed.items()})[0]
    ratios = []
    for feed in feeds:
        exact = run("model.onnx", feed)
        ratios.append(np.sqrt(np.mean((run("model.int8.onnx", feed) - exact) ** 2)) / exact.std())
    return float(f"{max(ratios):.2e}")


def text_feed(vocabulary, batch, length):
    mask = torch.ones(batch, length, dtype=torch.int64)
    mask[-1, length // 2 + 1 :] = 0
    return {"input_ids": torch.randint(4, vocabulary, (batch, length)), "attention_mask": mask}


def dit_feed(config, batch, t, h, w, length):
    latent = lambda: torch.randn(batch, config.channels, t, h, w)
    mask = torch.zeros(batch, 1, t, h, w)
    mask[:, :, 0] = 1
    return {"hidden_states": latent(), "timestep": torch.rand(batch) * 1000, "encoder_hidden_states": torch.randn(batch, length, config.text_width),
            "encoder_attention_mask": text_feed(8, batch, length)["attention_mask"], "condition_latents": latent() * mask, "condition_mask": mask}


def frames_feed(batch, frames, height, width):
    return {"sample": torch.rand(batch, 3, frames, height, width) * 2 - 1}


def latent_feed(channels, batch, t, h, w):
    return {"latent_sample": torch.randn(batch, channels, t, h, w)}


_TEXT = {0: "batch", 1: "length"}
_GRID = {0: "batch", 2: "latent_frames", 3: "latent_height", 4: "latent_width"}
_PIXELS = {0: "batch", 2: "frames", 3: "height", 4: "width"}


# What each graph is traced with: (inputs to trace with, name of the output, axes that are free).

def text_graph(encoder):
    return text_feed(encoder.config.vocabulary, 2, 16), "last_hidden_state", {"input_ids": _TEXT, "attention_mask": _TEXT, "last_hidden_state": _TEXT}


def dit_graph(config):
    axes = {name: _GRID for name in ("hidden_states", "condition_latents", "condition_mask", "sample")}
    return dit_feed(config, 2, 5, 8, 8, 16), "sample", {**axes, "timestep": {0: "batch"}, "encoder_hidden_states": _TEXT, "encoder_attention_mask": _TEXT}


def vae_encoder_graph():
    return frames_feed(2, 17, 64, 64), "latent_mean", {"sample": _PIXELS, "latent_mean": _GRID}


def vae_decoder_graph(channels):
    return latent_feed(channels, 2, 5, 8, 8), "sample", {"latent_sample": _GRID, "sample": _PIXELS}


def write_json(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    # Lists of plain values on one line.
    document = re.sub(r"\[\s+([^\[\]{}]*?)\s+\]", lambda m: "[" + re.sub(r",\s+", ", ", m[1]) + "]", json.dumps(value, indent=2))
    path.write_text(document + "\n")


def preview_factors(model, mean, std):
    """Least squares from normalised latents to the halved pixels of each patch: ([C][3 * 4 * 4 * 4], [3 * 4 * 4 * 4]), RGB in [-1, 1].

    The order within a patch is colour, frame, row, column. It is the decoder's linear part, so to speak:
    blurred and at half the size, but cheap enough to look at while a sampler is at work.
    """
    scenes, _ = world.training_scenes(5_000_000, 200)
    frames = pictures.to_model_range(pictures.render(scenes))
    with torch.no_grad():
        latent = ((model.encoder(frames) - mean) / std).permute(0, 2, 3, 4, 1).reshape(-1, mean.shape[1])
    # The first latent frame stands for one picture, shown four times.
    padded = torch.cat([frames[:, :, :1].expand(-1, -1, vae.TEMPORAL - 1, -1, -1), frames], dim=2)
    padded = torch.nn.functional.avg_pool3d(padded, (1, vae.SPATIAL // PREVIEW_SPATIAL, vae.SPATIAL // PREVIEW_SPATIAL))
    b, c, f, height, width = padded.shape
    rows, columns = height // PREVIEW_SPATIAL, width // PREVIEW_SPATIAL
    patches = padded.reshape(b, c, f // vae.TEMPORAL, vae.TEMPORAL, rows, PREVIEW_SPATIAL, columns, PREVIEW_SPATIAL)
    patches = patches.permute(0, 2, 4, 6, 1, 3, 5, 7).reshape(len(latent), -1)
    design = torch.cat([latent, torch.ones(len(latent), 1)], dim=1)
    solution = torch.linalg.lstsq(design, patches).solution
    rounded = lambda rows: [[round(float(v), 4) for v in row] for row in rows]
    return rounded(solution[:-1]), rounded(solution[-1:])[0]


def write_checksums(folder):
    """`SHA256SUMS` as sha256sum prints it, so that a flipped bit is found when the package is opened."""
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.relative_to(folder).as_posix()}\n"
             for file in sorted(folder.rglob("*")) if file.suffix in (".onnx", ".json")]
    (folder / "SHA256SUMS").write_text("".join(lines))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--raw", action="store_true", help="export the weights themselves, not their moving average")
    parser.add_argument("--steps", type=int, default=24, help="recommended steps")
    parser.add_argument("--guidance", type=float, default=3.0, help="recommended guidance scale")
    parser.add_argument("--sampler", default="stochastic", help="recommended sampler of the base denoiser; the few-step one takes Euler steps")
    parser.add_argument("--int8", action="store_true", help="the denoisers also with weights in int8, and those first")
    parser.add_argument("--shift", type=float, default=None, help="recommended shift, if not the one trained with")
    args = parser.parse_args()
    run, to = args.run, args.to
    torch.manual_seed(0)

    autoencoder, vae_facts = vae.load(run / "vae.pt")
    encoder = text.load(run / "text.pt")
    model, saved = dit.load(run / "dit.pt", ema=not args.raw)
    cache = torch.load(run / "latents.pt", weights_only=True, mmap=True)
    mean, std = cache["mean"].view(1, -1, 1, 1, 1), cache["std"].view(1, -1, 1, 1, 1)
    shift = args.shift or saved["shift"]
    channels, width = model.config.channels, encoder.config.width
    student = dit.load(run / "fast.pt") if (run / "fast.pt").exists() else None

    graphs = {
        "text_encoder": (encoder, *text_graph(encoder), [text_feed(encoder.config.vocabulary, *s) for s in ((1, 6), (3, 40))]),
        "transformer": (model, *dit_graph(model.config), [dit_feed(model.config, *s) for s in ((1, 3, 6, 10, 6), (3, 9, 12, 4, 30), (1, 1, 8, 8, 9))]),
        "vae_encoder": (autoencoder.encoder, *vae_encoder_graph(), [frames_feed(*s) for s in ((1, 9, 48, 80), (1, 1, 128, 32))]),
        "vae_decoder": (autoencoder.decoder, *vae_decoder_graph(channels), [latent_feed(channels, *s) for s in ((1, 3, 6, 10), (1, 1, 16, 4))]),
    }
    if student:
        graphs["transformer_fast"] = (student[0], *graphs["transformer"][1:])
    errors = {}
    for name, (module, example, output, axes, others) in graphs.items():
        export(module, to / name / "model.onnx", example, output, axes)
        errors[name] = verify(module, to / name / "model.onnx", [example, *others])
        print(f"{name}: {(to / name / 'model.onnx').stat().st_size / 1e6:.1f} MB, largest difference to torch {errors[name]:.1e}")

    files = {}
    for name in ("transformer", "transformer_fast"):
        if args.int8 and name in graphs:
            quantise(to / name / "model.onnx", to / name / "model.int8.onnx")
            files[name] = {"files": {"int8": "model.int8.onnx", "fp32": "model.onnx"},
                           "int8_relative_error": relative_error(to / name, [graphs[name][1], *graphs[name][4]])}
    factors, bias = preview_factors(autoencoder, mean, std)
    error = lambda name: {"onnx_max_abs_error": float(f"{errors[name]:.2e}")}
    rounded = lambda values: [round(float(v), 6) for v in values.flatten()]
    vae_config = {
        "_class_name": "AutoencoderToybox", "z_dim": channels, "scale_factor_temporal": vae.TEMPORAL, "scale_factor_spatial": vae.SPATIAL,
        "latents_mean": rounded(mean), "latents_std": rounded(std), "round_trip_psnr_db": round(vae_facts["psnr"], 2),
    }
    write_json(to / "vae_encoder" / "config.json", {**vae_config, **error("vae_encoder")})
    write_json(to / "vae_decoder" / "config.json", {**vae_config, "latent_rgb_patch": [vae.TEMPORAL, PREVIEW_SPATIAL, PREVIEW_SPATIAL], "latent_rgb_factors": factors, "latent_rgb_factors_bias": bias, **error("vae_decoder")})
    write_json(to / "text_encoder" / "config.json", {
        "_class_name": "ToyboxTextEncoder", "vocab_size": encoder.config.vocabulary, "hidden_size": width, "num_hidden_layers": encoder.config.layers,
        "num_attention_heads": encoder.config.heads, "max_position_embeddings": captions.MAX_LENGTH, "pad_token_id": captions.PAD, **error("text_encoder")})
    for name, network, facts in [("transformer", model, saved), *([("transformer_fast", *student)] if student else [])]:
        write_json(to / name / "config.json", {
            "_class_name": "ToyboxTransformer3DModel", "in_channels": channels, "out_channels": channels, "patch_size": [1, network.config.patch, network.config.patch],
            "num_layers": network.config.depth, "num_fine_layers": network.config.fine_depth, "num_attention_heads": network.config.heads, "attention_head_dim": network.config.width // network.config.heads,
            "cross_attention_dim": width, "max_text_length": captions.MAX_LENGTH, "prediction_type": "flow", "parameters": sum(p.numel() for p in network.parameters()),
            "training_updates": facts["step"], "training_samples": facts["samples"], **error(name), **files.get(name, {})})
    write_json(to / "scheduler" / "scheduler_config.json", {
        "_class_name": "FlowMatchEulerDiscreteScheduler", "num_train_timesteps": dit.NUM_TRAIN_TIMESTEPS, "shift": shift, "use_dynamic_shifting": False})
    (to / "tokenizer").mkdir(exist_ok=True)
    shutil.copyfile(run / "tokenizer.json", to / "tokenizer" / "tokenizer.json")
    write_json(to / "tokenizer" / "tokenizer_config.json", {
        "tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": captions.MAX_LENGTH, "pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>",
        "mask_token": "<mask>", "padding_side": "right", "clean_up_tokenization_spaces": False})
    index_file = to / "model_index.json"
    # What other exports have entered there stays.
    index = json.loads(index_file.read_text()) if index_file.exists() else {}
    about = index.get("reelgraph", {})
    about.update({"family": "toybox", "title": "Toybox", "licence": LICENCE, "vocabulary": captions.vocabulary(), "recommended": {
        "steps": args.steps, "shift": shift, "guidanceScale": args.guidance, "sampler": args.sampler, "fps": world.FPS, "frames": world.DEFAULT_FRAME_COUNT, "width": 64, "height": 64}})
    index.update({
        "_class_name": "ToyboxPipeline", "_name": "toybox", "version": VERSION,
        "tokenizer": ["transformers", "PreTrainedTokenizerFast"], "text_encoder": ["toybox", "ToyboxTextEncoder"],
        "transformer": ["toybox", "ToyboxTransformer3DModel"], "vae_encoder": ["toybox", "AutoencoderToybox"], "vae_decoder": ["toybox", "AutoencoderToybox"],
        "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"], "reelgraph": about})
    if student:
        index["transformer_fast"] = ["toybox", "ToyboxTransformer3DModel"]
        about["variants"] = {"fast": {"transformer": "transformer_fast", "recommended": {"steps": distil.STEPS, "shift": student[1]["shift"], "guidanceScale": 1, "sampler": "euler"}}}
    write_json(index_file, index)
    write_checksums(to)
    print(f"{sum(f.stat().st_size for f in to.rglob('*') if f.is_file()) / 1e6:.1f} MB in all")


if __name__ == "__main__":
    main()
