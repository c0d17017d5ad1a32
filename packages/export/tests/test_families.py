"""The transformer of every family: free axes, fused attention, numbers of diffusers."""

import onnx
import pytest

KINDS = ["wan-t2v", "wan-i2v", "wan-flf2v", "wan-ti2v", "cogvideox-5b", "cogvideox-2b", "cogvideox-1.5-i2v", "ltx", "hunyuanvideo"]
#: float32 over two layers, sums in another order.
TOLERANCE = 1e-4


@pytest.mark.parametrize("kind", KINDS)
def test_transformer(export, kind):
    folder, made = export(kind, ("transformer",))
    entry, measured = made["transformer"]
    assert measured["max_abs_error"] < TOLERANCE
    # More than one size was run, none of whose lengths is a constant of the graph.
    assert all(len({sizes[name] for sizes in measured["sizes"]}) > 1 for name in measured["sizes"][0] if not (name == "text_len" and kind in FIXED_TEXT))

    model = onnx.load(folder / entry["file"])
    operators = [node.op_type for node in model.graph.node]
    assert operators.count("MultiHeadAttention") == measured["fused_attention"] >= 2
    assert "Attention" not in operators and "Softmax" not in operators
    assert "attention_with_full_mask" not in measured

    declared = {spec["name"]: spec["shape"] for spec in entry["inputs"]}
    for value in model.graph.input:
        axes = [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]
        assert axes == declared[value.name]
    assert not model.metadata_props and all(not node.metadata_props and not node.doc_string for node in model.graph.node)


#: diffusers takes the text of these to have the length that the model was made for.
FIXED_TEXT = ("wan-i2v", "wan-flf2v", "cogvideox-2b")


def test_a_manifest_cannot_name_an_axis_that_is_not_free(pipeline_folder, tmp_path):
    from reelgraph_export import wan
    from reelgraph_export.folder import PipelineFolder
    from reelgraph_export.options import Options
    from reelgraph_export.write import write_graph

    graph = next(g for g in wan.graphs(PipelineFolder(pipeline_folder("wan-t2v")), Options()) if g.name == "transformer")
    graph.outputs = {"sample": ("batch", 16, "frames", "2*h2", "3*w2")}
    with pytest.raises(AssertionError, match="declared"):
        write_graph(graph, tmp_path)
