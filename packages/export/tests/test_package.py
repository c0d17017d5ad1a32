"""The whole way: a pipeline folder, the command, and diffusers on the graphs of the package."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from golden.replay import use_package
from golden.tiny import make, unigram_tokenizer
from reelgraph_export.options import Options
from reelgraph_export.package import export_package

ASKED = {"prompt": "A cat walks on the grass.", "negative_prompt": "blurry", "height": 32, "width": 48, "num_frames": 9, "num_inference_steps": 3,
         "max_sequence_length": 32, "output_type": "np"}


@pytest.fixture(scope="module")
def package(pipeline_folder, tmp_path_factory):
    to = tmp_path_factory.mktemp("out") / "wan"
    result = subprocess.run([sys.executable, "-m", "reelgraph_export", str(pipeline_folder("wan-t2v")), str(to), "--dtype", "fp32", "--vae", "stream"],
                            capture_output=True, text=True, cwd=Path(__file__).parents[1], check=False)
    assert result.returncode == 0, result.stderr
    assert "6 graphs" in result.stdout
    return to


def test_says_what_a_reader_needs(package):
    manifest = json.loads((package / "manifest.json").read_text())
    assert manifest["family"] == "wan" and manifest["pipeline"] == "WanPipeline"
    assert manifest["config"]["vae"]["scale_factor_spatial"] == 8 and manifest["config"]["text"]["max_sequence_length"] == 512
    assert manifest["scheduler"]["class_name"] == "UniPCMultistepScheduler"
    for component in manifest["components"].values():
        assert (package / component["file"]).is_file()
    caches = [spec["name"] for spec in manifest["components"]["vae_decoder_next"]["inputs"] if spec["name"].startswith("cache_")]
    assert len(caches) > 10
    for name in ("model_index.json", "tokenizer/tokenizer.json", "scheduler/scheduler_config.json"):
        assert (package / name).is_file()


def test_writes_how_far_it_is_from_torch(package):
    report = json.loads((package / "export-report.json").read_text())
    manifest = json.loads((package / "manifest.json").read_text())
    assert report["graphs"].keys() == manifest["components"].keys()
    assert all(0 < graph["max_abs_error"] < 1e-3 and len(graph["sizes"]) > 1 for graph in report["graphs"].values())
    assert report["versions"]["diffusers"]


def test_diffusers_makes_the_same_clip_on_the_graphs(package):
    def clip(pipeline):
        return pipeline(**ASKED, generator=torch.Generator("cpu").manual_seed(5)).frames[0]
    wanted, found = clip(make("wan-t2v")), clip(use_package(make("wan-t2v"), package))
    assert wanted.std() > 0.05
    assert np.abs(wanted - found).max() < 1e-3


def test_the_same_graphs_are_taken_over(package, pipeline_folder, tmp_path):
    lines = []
    export_package(pipeline_folder("wan-t2v"), tmp_path / "again", Options(dtype="int8", text="fp32", vae="stream", reuse=(package,)), log=lines.append)
    taken = {line.split(":")[0] for line in lines if line.endswith("taken over")}
    assert taken == {"text_encoder", "vae_decoder_first", "vae_decoder_next", "vae_encoder_first", "vae_encoder_next"}
    assert (tmp_path / "again" / "vae_decoder_next.onnx").read_bytes() == (package / "vae_decoder_next.onnx").read_bytes()


def test_tokenizers_of_tiny_pipelines_are_the_same_every_time():
    assert unigram_tokenizer().backend_tokenizer.to_str() == unigram_tokenizer().backend_tokenizer.to_str()
