"""Fewer bits, files of weights, LoRAs, the split transformer, graphs taken over."""

import numpy as np
import onnx
import pytest
import safetensors.torch
import torch

from golden.tiny import make
from reelgraph_export.errors import ExportError
from reelgraph_export.lora import fuse
from reelgraph_export.quantise import BLOCK, pack
from reelgraph_export.write import run, session_of


@pytest.mark.parametrize("bits", [8, 4])
def test_packed_weights_are_the_weights_to_half_a_step(bits):
    rows = np.random.default_rng(0).standard_normal((5, 70)).astype(np.float32)
    data, scales = pack(rows, bits)
    values = data if bits == 8 else np.stack([data & 15, data >> 4], axis=-1).reshape(*data.shape[:2], -1)
    assert data.shape == (5, -(-70 // BLOCK[bits]), BLOCK[bits] * bits // 8)
    back = ((values.astype(np.float32) - 2 ** (bits - 1)) * scales[..., None]).reshape(5, -1)[:, :70]
    assert np.abs(back - rows).max() <= scales.max() / 2 * 1.001


#: Relative root mean square errors; models.md measured 0.06 %, 0.7 % and 6.6 % over two layers of a real width.
@pytest.mark.parametrize(("dtype", "least", "most"), [("fp16", 1e-5, 0.01), ("int8", 1e-4, 0.05), ("int4", 1e-3, 0.4)])
def test_fewer_bits(export, dtype, least, most):
    folder, made = export("wan-t2v", ("transformer",), dtype=dtype)
    entry, measured = made["transformer"]
    assert least < measured["relative_rms_error"] < most
    # Inputs and outputs are float32 whatever the weights are.
    assert {spec["dtype"] for spec in [*entry["inputs"], *entry["outputs"]]} == {"float32"}
    model = onnx.load(folder / entry["file"])
    if dtype == "fp16":
        kept = {tensor.name for tensor in model.graph.initializer if tensor.data_type == onnx.TensorProto.FLOAT}
        assert any("time_embedder" in name or "scale_shift_table" in name for name in kept)
        assert any(tensor.data_type == onnx.TensorProto.FLOAT16 for tensor in model.graph.initializer)
    else:
        # The feed-forwards of both blocks and the projection out; the other matrices of so small a model are left.
        assert measured["quantised_products"] == sum(node.op_type == "MatMulNBits" for node in model.graph.node) == 5
        # What embeds time is large enough, and kept all the same.
        assert any("time_proj.weight" in tensor.name and tensor.data_type == onnx.TensorProto.FLOAT for tensor in model.graph.initializer)


def test_split_is_the_whole(export):
    whole, _ = export("wan-t2v", ("transformer",))
    parts, made = export("wan-t2v", ("transformer_head", "transformer_body", "transformer_tail"), split=True)
    assert list(made) == ["transformer_head", "transformer_body", "transformer_tail"]
    sessions = {name: session_of(parts / f"{name}.onnx") for name in made}
    for shape, text in (((2, 16, 3, 6, 8), 11), ((1, 16, 4, 10, 6), 30)):
        feeds = {"hidden_states": torch.randn(shape), "timestep": torch.full(shape[:1], 700.0), "encoder_hidden_states": torch.randn(shape[0], text, 32)}
        head = dict(zip([out.name for out in sessions["transformer_head"].get_outputs()], run(sessions["transformer_head"], feeds), strict=True))
        body = sessions["transformer_body"].run(None, {name: head[name] for name in ("block_0", "temb_6", "context", "rope_cos", "rope_sin")})[0]
        out = sessions["transformer_tail"].run(None, {"block_last": body, "temb": head["temb"], "hidden_states": feeds["hidden_states"].numpy()})[0]
        assert np.abs(out - run(session_of(whole / "transformer.onnx"), feeds)[0]).max() < 1e-5


def test_large_weights_lie_beside_their_graph(export):
    inside, _ = export("wan-t2v", ("transformer",))
    outside, made = export("wan-t2v", ("transformer",), external_above=0)
    entry, measured = made["transformer"]
    assert (outside / entry["data"]).stat().st_size > 50_000 > (outside / entry["file"]).stat().st_size - 60_000
    assert (outside / entry["file"]).stat().st_size < (inside / entry["file"]).stat().st_size
    assert measured["max_abs_error"] < 1e-4
    # The place of the data is a name in the same folder, not a path.
    model = onnx.load(outside / entry["file"], load_external_data=False)
    places = {pair.value for tensor in model.graph.initializer for pair in tensor.external_data if pair.key == "location"}
    assert places == {"transformer.onnx.data"}


def lora_of(model, alpha):
    generator = torch.Generator().manual_seed(3)
    state = {}
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear) and ".attn1.to_" in name:
            state[f"transformer.{name}.lora_A.weight"] = torch.randn(4, module.in_features, generator=generator) * 0.3
            state[f"transformer.{name}.lora_B.weight"] = torch.randn(module.out_features, 4, generator=generator) * 0.3
            if alpha is not None:
                state[f"transformer.{name}.alpha"] = torch.tensor(float(alpha))
    return state


@torch.no_grad()
@pytest.mark.parametrize("alpha", [None, 2])
def test_a_fused_lora_is_the_lora_of_diffusers(tmp_path, alpha):
    inputs = (torch.randn(1, 16, 3, 6, 8), torch.tensor([500.0]), torch.randn(1, 9, 32))
    plain, fused = make("wan-t2v").transformer, make("wan-t2v").transformer
    state = lora_of(plain, alpha)
    safetensors.torch.save_file(state, tmp_path / "lora.safetensors")
    before = plain(*inputs, return_dict=False)[0]
    assert fuse(fused, "transformer", tmp_path) == 8
    adapted = {key: value for key, value in state.items() if not key.endswith(".alpha")}
    alphas = {key: float(value) for key, value in state.items() if key.endswith(".alpha")}
    plain.load_lora_adapter(adapted, prefix="transformer", network_alphas=alphas or None)
    wanted, found = plain(*inputs, return_dict=False)[0], fused(*inputs, return_dict=False)[0]
    assert (wanted - before).abs().max() > 0.05
    assert (found - wanted).abs().max() < 1e-5


def test_a_lora_of_another_model_is_refused(tmp_path):
    safetensors.torch.save_file({"blocks.7.nothing.lora_A.weight": torch.ones(2, 4), "blocks.7.nothing.lora_B.weight": torch.ones(4, 2)}, tmp_path / "lora.safetensors")
    with pytest.raises(ExportError, match="does not fit"):
        fuse(make("wan-t2v").transformer, "transformer", tmp_path)


def test_a_lora_that_is_a_pickle_is_refused(tmp_path):
    torch.save({}, tmp_path / "lora.pt")
    for path in (tmp_path, tmp_path / "lora.pt"):
        with pytest.raises(ExportError, match="pickle"):
            fuse(make("wan-t2v").transformer, "transformer", path)
