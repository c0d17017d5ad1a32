"""Tiny pipelines of random weights, made once; nothing is downloaded."""

import os
import sys
from pathlib import Path

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
sys.path.insert(0, str(Path(__file__).parents[1]))

import pytest
import torch

from golden.tiny import save
from reelgraph_export.folder import PipelineFolder
from reelgraph_export.options import Options
from reelgraph_export.package import FAMILIES, family_of
from reelgraph_export.write import write_graph

torch.set_num_threads(2)


@pytest.fixture(scope="session")
def pipeline_folder(tmp_path_factory):
    """kind → folder of a saved tiny pipeline."""
    made = {}

    def get(kind):
        if kind not in made:
            made[kind] = save(kind, tmp_path_factory.mktemp(kind.replace(".", "-")))
        return made[kind]
    return get


@pytest.fixture(scope="session")
def export(pipeline_folder, tmp_path_factory):
    """(kind, names of graphs, options) → (folder, {name: (manifest entry, measurement)}), each made once."""
    made = {}

    def get(kind, names, **options):
        key = (kind, names, repr(options))
        if key not in made:
            folder = PipelineFolder(pipeline_folder(kind))
            family = FAMILIES[family_of(folder.pipeline)]
            to = tmp_path_factory.mktemp("package")
            given = Options(**options)
            shared = {}
            made[key] = to, {graph.name: write_graph(graph, to, shared, given.external_above) for graph in family.graphs(folder, given) if graph.name in names}
        return made[key]
    return get
