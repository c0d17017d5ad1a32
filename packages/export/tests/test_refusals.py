"""Folders that are not exported, and what is said."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from reelgraph_export.errors import ExportError
from reelgraph_export.options import Options
from reelgraph_export.package import export_package


def refused(folder, to, match):
    with pytest.raises(ExportError, match=match):
        export_package(folder, to, Options(dtype="fp32"))


@pytest.fixture
def folder(pipeline_folder, tmp_path):
    """A copy of a pipeline folder, to be damaged."""
    import shutil
    return Path(shutil.copytree(pipeline_folder("wan-t2v"), tmp_path / "pipeline"))


def test_no_index(tmp_path):
    refused(tmp_path, tmp_path / "out", "no model_index.json")


def test_unknown_pipeline(folder, tmp_path):
    (folder / "model_index.json").write_text(json.dumps({"_class_name": "StableDiffusionPipeline"}))
    refused(folder, tmp_path / "out", "StableDiffusionPipeline is no pipeline that is exported. Known: .*WanPipeline")


def test_index_that_is_no_json(folder, tmp_path):
    (folder / "model_index.json").write_text("{")
    refused(folder, tmp_path / "out", "is no JSON")


def test_class_of_a_stranger(folder, tmp_path):
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps({**index, "text_encoder": ["os", "system"]}))
    refused(folder, tmp_path / "out", "os.system, which is not exported")


def test_pickled_weights(folder, tmp_path):
    weights = next((folder / "text_encoder").glob("*.safetensors"))
    torch.save({}, weights.with_name("pytorch_model.bin"))
    weights.unlink()
    refused(folder, tmp_path / "out", "pickles .*Only safetensors are read")


def test_missing_component(folder, tmp_path):
    (folder / "text_encoder" / "config.json").unlink()
    refused(folder, tmp_path / "out", "needs text_encoder")


def test_truncated_weights(folder, tmp_path):
    weights = next((folder / "text_encoder").glob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(Exception, match="text_encoder|header|incomplete|Error"):
        export_package(folder, tmp_path / "out", Options(dtype="fp32"))


def test_a_folder_that_is_not_empty(folder, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("")
    refused(folder, tmp_path / "out", "is not empty")


def test_the_command_line_says_it_without_a_trace(tmp_path):
    result = subprocess.run([sys.executable, "-m", "reelgraph_export", str(tmp_path), str(tmp_path / "out")],
                            capture_output=True, text=True, cwd=Path(__file__).parents[1], check=False)
    assert result.returncode == 2
    assert "no model_index.json" in result.stderr and "Traceback" not in result.stderr
