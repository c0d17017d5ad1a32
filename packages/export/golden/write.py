"""Writes the packages and cases under tests/golden of the families that no outside fixture covers.

    cd packages/export
    python -m golden.write cogvideox ../../tests/golden/cogvideox

A case is a run of the tiny pipeline by diffusers from prompt and seed: `case.json` and arrays. It is run a
second time with the graphs of the package in place of the networks; how far the two are apart stands in
the README, and beyond the tolerance nothing is written.
"""

import argparse
import inspect
import json
import shutil
import tempfile
from pathlib import Path

import diffusers
import numpy as np
import torch
from PIL import Image

from golden.record import Recorder
from golden.replay import use_package
from golden.tiny import make
from reelgraph_export.options import Options
from reelgraph_export.package import export_package, write_json

#: A template that a tiny tokenizer leaves short; the real one stands in hunyuanvideo.py.
_TEMPLATE = "Describe the video: {}<|end|>"
PROMPT = "A cat walks on the grass, realistic style, golden hour."
NEGATIVE = "blurry, worst quality, static, low resolution"
TOLERANCE = {"final_latents_max_abs": 0.001, "frames_max_abs": 0.001}
_CFG = {"prompt": PROMPT, "negative_prompt": NEGATIVE}

#: family → (what it is, kind of tiny pipeline to export, options, {case: (kind of pipeline that runs it, arguments)})
FAMILIES = {
    "wan-i2v": ("Wan 2.1 image to video: CLIP states of the picture, mask and image latent on channels", "wan-i2v", {"vae": "whole"}, {
        "i2v": ("wan-i2v", {**_CFG, "image": 1, "height": 32, "width": 48, "num_frames": 9, "num_inference_steps": 5, "guidance_scale": 5.0, "seed": 31}),
        "thirteen-frames": ("wan-i2v", {**_CFG, "image": 1, "height": 48, "width": 32, "num_frames": 13, "num_inference_steps": 4, "guidance_scale": 3.0, "seed": 32}),
    }),
    "wan-flf2v": ("Wan 2.1 first and last frame to video", "wan-flf2v", {"vae": "whole", "reuse": ("wan-i2v",)}, {
        "first-last": ("wan-flf2v", {**_CFG, "image": 1, "last_image": 2, "height": 32, "width": 48, "num_frames": 9, "num_inference_steps": 5, "guidance_scale": 5.0, "seed": 33}),
    }),
    "wan-ti2v": ("Wan 2.2 5B: one time step per token, VAE of the second generation", "wan-ti2v", {"vae": "stream", "max_text": 64}, {
        "t2v": ("wan-ti2v", {**_CFG, "max_sequence_length": 64, "height": 64, "width": 32, "num_frames": 9, "num_inference_steps": 5, "guidance_scale": 5.0, "seed": 34}),
        "i2v": ("wan-ti2v-image", {**_CFG, "max_sequence_length": 64, "image": 1, "height": 32, "width": 64, "num_frames": 9, "num_inference_steps": 5, "guidance_scale": 5.0, "seed": 35}),
    }),
    "cogvideox": ("CogVideoX 5B: rotary tables, VAE in chunks", "cogvideox-5b", {}, {
        "t2v-dpm": ("cogvideox-5b", {**_CFG, "max_sequence_length": 64, "height": 32, "width": 48, "num_frames": 9, "num_inference_steps": 6, "guidance_scale": 6.0, "use_dynamic_cfg": True, "seed": 41}),
        "t2v-ddim": ("cogvideox-5b", {**_CFG, "max_sequence_length": 64, "height": 48, "width": 32, "num_frames": 17, "num_inference_steps": 5, "guidance_scale": 4.0, "scheduler": "CogVideoXDDIMScheduler", "seed": 42}),
        "v2v": ("cogvideox-v2v", {**_CFG, "max_sequence_length": 64, "video": 9, "height": 32, "width": 48, "num_inference_steps": 8, "strength": 0.6, "guidance_scale": 5.0, "seed": 43}),
    }),
    "hunyuanvideo": ("HunyuanVideo: Llama states behind a template, pooled CLIP, embedded guidance", "hunyuanvideo", {"max_text": 64}, {
        "t2v": ("hunyuanvideo", {"prompt": PROMPT, "template": _TEMPLATE, "max_sequence_length": 64, "height": 32, "width": 48, "num_frames": 9, "num_inference_steps": 6, "guidance_scale": 6.0, "seed": 51}),
        "true-cfg": ("hunyuanvideo", {**_CFG, "template": _TEMPLATE, "true_cfg_scale": 3.0, "max_sequence_length": 64, "height": 48, "width": 32, "num_frames": 5, "num_inference_steps": 5, "guidance_scale": 1.0, "seed": 52}),
        "pieces": ("hunyuanvideo", {"prompt": PROMPT, "template": _TEMPLATE, "max_sequence_length": 64, "height": 32, "width": 32, "num_frames": 25, "num_inference_steps": 4, "guidance_scale": 4.0, "seed": 53}),
    }),
    "cogvideox-i2v": ("CogVideoX 5B image to video: image latent on channels", "cogvideox-i2v", {"reuse": ("cogvideox",)}, {
        "i2v": ("cogvideox-i2v", {**_CFG, "max_sequence_length": 64, "image": 1, "height": 32, "width": 48, "num_frames": 9, "num_inference_steps": 5, "guidance_scale": 6.0, "seed": 44}),
    }),
}


def picture(number, width, height):
    """A picture of its own for each number: two gradients and a disc."""
    y, x = np.mgrid[0:height, 0:width]
    red, green = x * 255 / (width - 1), y * 255 / (height - 1)
    disc = (x - width * (0.25 + 0.2 * number)) ** 2 + (y - height / 2) ** 2 < (height / 4) ** 2
    pixels = np.stack([red, green, np.full_like(red, 60 * number)], axis=-1)
    pixels[disc] = (240 - 50 * number, 30, 40 + 60 * number)
    return Image.fromarray(pixels.round().clip(0, 255).astype(np.uint8))


def run_case(pipeline, arguments, folder):
    """One run; returns (case.json without files, arrays). Pictures are written into the folder when it is not None."""
    arguments = dict(arguments)
    seed = arguments.pop("seed")
    facts = {"pipeline": type(pipeline).__name__, "seed": seed}
    if "scheduler" in arguments:
        pipeline.scheduler = getattr(diffusers, arguments.pop("scheduler")).from_config(pipeline.scheduler.config)
    facts |= {key: value for key, value in arguments.items() if key not in ("image", "last_image", "video")}
    size = (arguments["width"], arguments["height"])
    pictures = [picture(arguments[key], *size) for key in ("image", "last_image") if key in arguments]
    pictures += [picture(i / 8, *size) for i in range(arguments.get("video", 0))]
    for i, image in enumerate(pictures):
        if folder is not None:
            image.save(folder / f"image_{i}.png")
    for i, key in enumerate(k for k in ("image", "last_image") if k in arguments):
        facts[key] = f"image_{i}.png"
        arguments[key] = pictures[i]
    if "video" in arguments:
        facts["video"] = [f"image_{i}.png" for i in range(len(pictures))]
        arguments["video"] = pictures
    if "template" in arguments:
        template = arguments.pop("template")
        arguments["prompt_template"] = facts["prompt_template"] = {"template": template, "crop_start": crop_start(pipeline, template)}
        facts.pop("template")
    steps = []

    def keep(pipe, i, t, given):
        steps.append(given["latents"].clone())
        return {}

    recorder = Recorder()
    allowed = inspect.signature(pipeline.__call__).parameters
    arguments = {key: value for key, value in arguments.items() if key in allowed}
    with recorder.watching(pipeline):
        frames = pipeline(**arguments, generator=torch.Generator("cpu").manual_seed(seed), output_type="np", callback_on_step_end=keep).frames[0]
    recorder.keep("latents_per_step", torch.stack(steps))
    recorder.keep("final_latents", steps[-1])
    recorder.keep("frames", frames)
    for i, draw in enumerate(recorder.draws):
        recorder.keep(f"draw_{i}", draw)
    facts |= _text_facts(pipeline, arguments, recorder)
    scheduler = pipeline.scheduler
    facts["scheduler"] = {"class_name": type(scheduler).__name__, "config": {k: v for k, v in scheduler.config.items() if not k.startswith("_")}}
    facts["timesteps"] = [float(t) for t in scheduler.timesteps]
    if getattr(scheduler, "sigmas", None) is not None and "Cog" not in type(scheduler).__name__:
        facts["sigmas"] = [float(s) for s in scheduler.sigmas]
    facts["transformer_calls"] = [count for name, count in recorder.calls.items() if name.startswith("transformer")]
    facts["draws"] = "draw_i.npy = i-th torch.randn of the seeded generator, in order"
    return facts, recorder.arrays


def crop_start(pipeline, template):
    """Tokens of a template before its prompt."""
    return len(pipeline.tokenizer(template.split("{}")[0]).input_ids)


def _hunyuanvideo_text(pipeline, arguments, recorder):
    facts, length, template = {}, arguments["max_sequence_length"], arguments["prompt_template"]
    for word, name in (("prompt", "prompt"), ("negative_prompt", "negative")):
        if word not in arguments:
            continue
        text = arguments[word]
        tokens = pipeline.tokenizer(template["template"].format(text), padding="max_length", max_length=length + template["crop_start"], truncation=True)
        facts[f"{name}_ids"], facts[f"{name}_attention_mask"] = tokens.input_ids, tokens.attention_mask
        facts[f"{name}_2_ids"] = pipeline.tokenizer_2(text, padding="max_length", max_length=77, truncation=True).input_ids
        embeds, pooled, mask = pipeline.encode_prompt(text, prompt_template=template, max_sequence_length=length)
        prefix = "" if name == "prompt" else "negative_"
        for key, value in (("prompt_embeds", embeds), ("pooled_prompt_embeds", pooled), ("prompt_attention_mask", mask)):
            recorder.keep(prefix + key, value)
    return facts


def _text_facts(pipeline, arguments, recorder):
    """Token ids and embeddings, as the pipeline makes them."""
    if "prompt_template" in arguments:
        return _hunyuanvideo_text(pipeline, arguments, recorder)
    length = arguments.get("max_sequence_length", 512)
    facts = {"max_sequence_length": length}
    for word, name in (("prompt", "prompt"), ("negative_prompt", "negative")):
        tokens = pipeline.tokenizer(arguments[word], padding="max_length", max_length=length, truncation=True, return_attention_mask=True)
        facts[f"{name}_ids"], facts[f"{name}_attention_mask"] = tokens.input_ids, tokens.attention_mask
    positive, negative = pipeline.encode_prompt(arguments["prompt"], arguments["negative_prompt"], True, max_sequence_length=length)
    if type(pipeline).__name__.startswith("Wan"):
        recorder.keep("prompt_embeds", positive)
        recorder.keep("negative_prompt_embeds", negative)
    else:
        recorder.keep("prompt_embeds_neg_pos", torch.cat([negative, positive]))
    return facts


#: What the outputs of the first one or two calls are called, by pipeline.
def _name_predictions(facts, arrays):
    first = arrays.pop("step0_noise_pred_1")
    second = arrays.pop("step0_noise_pred_2", None)
    if facts["pipeline"].startswith(("Wan", "Hunyuan")):
        arrays["step0_noise_pred_cond"] = first
        if facts.get("true_cfg_scale" if facts["pipeline"].startswith("Hunyuan") else "guidance_scale", 1) > 1:
            arrays["step0_noise_pred_uncond"] = second
    else:
        arrays["step0_noise_pred_uncond_cond" if facts.get("guidance_scale", 1) > 1 and len(first) == 2 else "step0_noise_pred"] = first


def write_family(name, to, cases_only=False):
    what, kind, options, cases = FAMILIES[name]
    if cases_only:
        report = json.loads((to / "export-report.json").read_text())
        shutil.rmtree(to / "cases", ignore_errors=True)
    else:
        shutil.rmtree(to, ignore_errors=True)
        with tempfile.TemporaryDirectory() as temporary:
            source = Path(temporary) / "pipeline"
            make(kind).save_pretrained(source, safe_serialization=True)
            reuse = tuple(to.parent / other for other in options.get("reuse", ()) if (to.parent / other).is_dir())
            report = export_package(source, to, Options(**{**options, "reuse": reuse}))
    if name == "hunyuanvideo":
        manifest = json.loads((to / "manifest.json").read_text())
        manifest["config"]["text"] |= {"template": _TEMPLATE, "crop_start": crop_start(make(kind), _TEMPLATE)}
        write_json(to / "manifest.json", manifest)
    rows = []
    for case, (runner, arguments) in cases.items():
        folder = to / "cases" / case
        folder.mkdir(parents=True)
        facts, arrays = run_case(make(runner), arguments, folder)
        _, again = run_case(use_package(make(runner), to), arguments, None)
        errors = {key: float(np.abs(arrays[key] - again[key]).max()) for key in ("final_latents", "frames")}
        spread = float(arrays["frames"].std())
        if errors["final_latents"] > TOLERANCE["final_latents_max_abs"] or errors["frames"] > TOLERANCE["frames_max_abs"] or spread < 0.02:
            raise SystemExit(f"{name}/{case}: with the graphs {errors}, frames deviate by {spread:.3f}")
        _name_predictions(facts, arrays)
        facts["files"] = {}
        for key, array in sorted(arrays.items()):
            np.save(folder / f"{key}.npy", array)
            facts["files"][key] = {"file": f"{key}.npy", "shape": list(array.shape), "dtype": "float32"}
        facts["tolerance"] = TOLERANCE
        write_json(folder / "case.json", facts)
        rows.append(f"| {case} | {facts['pipeline']} | {arguments['width']}x{arguments['height']}, {len(arrays['frames'])} frames | "
                    f"{facts['num_inference_steps']} | {facts['scheduler']['class_name']} | {errors['final_latents']:.1e} / {errors['frames']:.1e} |")
        print(rows[-1])
    (to / "README.md").write_text(_readme(name, what, report, rows))


def _readme(name, what, report, rows):
    versions = ", ".join(f"{key} {value}" for key, value in report["versions"].items())
    graphs = "\n".join(f"| {key}.onnx | {value['max_abs_error']:.1e} | {value.get('fused_attention', 0)} |" for key, value in report["graphs"].items())
    return f"""# Golden package `{name}`

{what}. Random tiny weights, float32. Made by

    cd packages/export && python -m golden.write {name} ../../tests/golden/{name}

with {versions}, on CPU. Inputs, outputs and free axes of every graph stand in `manifest.json`.

| graph | largest difference to torch | attentions as MultiHeadAttention |
|---|---|---|
{graphs}

| case | pipeline | size | steps | scheduler | diffusers on these graphs against torch: final latents / frames |
|---|---|---|---|---|---|
{chr(10).join(rows)}

Each case: `case.json` (prompt, token ids, seed, sizes, scheduler, timesteps, tolerance) and float32 arrays, C order:
`draw_i` every draw of the seeded generator in order; `prompt_embeds`, `negative_prompt_embeds` or `prompt_embeds_neg_pos`;
`vae_encoder_input_i` and `vae_encoder_moments_i` (mean and log variance on channels) of what was encoded;
`clip_pixel_values` and `image_embeds` (pictures along the batch) where there is a CLIP; `rope_cos`, `rope_sin` given to the graph;
`step0_transformer_input`, `step0_timestep`, `step0_noise_pred…` of the first step; `latents_per_step`, `final_latents` (reference 1);
`vae_decoder_input`; `frames` as [F, H, W, C] in [0, 1] (reference 2).
"""


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("family", choices=sorted(FAMILIES))
    parser.add_argument("to", type=Path)
    parser.add_argument("--cases-only", action="store_true", help="keep the package that is there")
    given = parser.parse_args()
    write_family(given.family, given.to, given.cases_only)
