"""Tiny pipelines with random weights, one of each kind, made from seeds alone: nothing is downloaded.

    python -m golden.tiny wan-t2v /tmp/wan-t2v
"""

import argparse
import math
from collections import Counter
from pathlib import Path

import diffusers
import torch
import transformers
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

_SENTENCES = (
    "A cat walks on the grass, realistic style, golden hour.",
    "blurry, worst quality, static, low resolution, inconsistent motion, jittery, distorted",
    "A red ball rolls over a wooden table and falls to the floor while the camera follows it slowly.",
    "Two dogs run along the beach at sunset; waves break behind them, and a gull flies past.",
    "An old man in a blue coat opens the door of a small house in the snow.",
    "City street at night, rain on the window, neon signs, cars passing from left to right.",
    "Describe the video by detailing the main content and theme, the colour, shape, size, texture, quantity, text, and spatial relationships of the objects.",
)


def unigram_tokenizer(size=400):
    """Like that of T5: <pad> 0, </s> 1 at the end, <unk> 2.

    Pieces and scores are counted here, since the trainer of the library gives others in every process.
    """
    counts = Counter()
    for word in " ".join(_SENTENCES).split():
        word = "\u2581" + word
        counts.update(word[i:j] for i in range(len(word)) for j in range(i + 1, min(i + 7, len(word) + 1)))
    kept = sorted(counts, key=lambda piece: (len(piece) > 1, -counts[piece] * len(piece), piece))[: size - 3]
    total = sum(counts[piece] for piece in kept)
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *((piece, round(math.log(counts[piece] / total), 4)) for piece in kept)]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=2))
    tokenizer.add_special_tokens(["<pad>", "</s>", "<unk>"])
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>")


def bytes_tokenizer(first, last, size=400, length=77):
    """Byte pairs, between two marks: like those of Llama (the first mark only) and CLIP."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    marks = [first, last] if last else [first, "<|end|>"]
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=marks, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(_SENTENCES, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{first} $A {last}" if last else f"{first} $A", special_tokens=[(mark, i) for i, mark in enumerate(marks)])
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=first, eos_token=marks[1], pad_token=marks[1], padding_side="right", model_max_length=length)


def _t5(kind, config, vocabulary):
    return kind(config(vocab_size=vocabulary, d_model=32, d_kv=16, d_ff=48, num_layers=2, num_heads=2, feed_forward_proj="gated-gelu", is_encoder_decoder=False))


def _loud(network, gain=6.0):
    """Random initial weights are so small that a wrong input hardly shows; matrices are made larger, for results that depend on everything."""
    generator = torch.Generator().manual_seed(7)
    for name, parameter in network.named_parameters():
        if parameter.ndim >= 2 and "embed" not in name:
            fan = parameter[0].numel()
            parameter.data = torch.randn(parameter.shape, generator=generator) * min(1.0, gain / 6.0) / fan**0.5
        elif parameter.ndim == 1 and name.endswith("bias"):
            parameter.data = torch.randn(parameter.shape, generator=generator) * 0.1
    return network


def _wan_vae(**changes):
    return _loud(diffusers.AutoencoderKLWan(**{"base_dim": 4, "z_dim": 16, "dim_mult": [1, 2, 4, 4], "num_res_blocks": 1, **changes}))


def _wan_transformer(**changes):
    return _loud(diffusers.WanTransformer3DModel(**{
        "num_attention_heads": 2, "attention_head_dim": 12, "in_channels": 16, "out_channels": 16, "text_dim": 32, "freq_dim": 32, "ffn_dim": 48,
        "num_layers": 2, "rope_max_seq_len": 64, **changes}))


def _wan_parts(**vae):
    tokenizer = unigram_tokenizer()
    return {
        "tokenizer": tokenizer,
        "text_encoder": _t5(transformers.UMT5EncoderModel, transformers.UMT5Config, len(tokenizer)),
        "vae": _wan_vae(**vae),
        "scheduler": diffusers.UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0),
    }


def _clip_vision():
    config = transformers.CLIPVisionConfig(hidden_size=24, intermediate_size=32, num_hidden_layers=3, num_attention_heads=2, image_size=32, patch_size=8, projection_dim=16)
    processor = transformers.CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    return {"image_encoder": _loud(transformers.CLIPVisionModel(config)), "image_processor": processor}


def wan_t2v():
    return diffusers.WanPipeline(transformer=_wan_transformer(), **_wan_parts())


def wan_two_experts():
    first = _wan_transformer()
    second = _wan_transformer()
    for parameter in second.parameters():
        parameter.data = parameter.data * 0.9
    return diffusers.WanPipeline(transformer=first, transformer_2=second, boundary_ratio=0.875, **_wan_parts())


def wan_i2v():
    return diffusers.WanImageToVideoPipeline(transformer=_wan_transformer(in_channels=36, image_dim=24, added_kv_proj_dim=24), **_clip_vision(), **_wan_parts())


def wan_flf2v():
    return diffusers.WanImageToVideoPipeline(
        transformer=_wan_transformer(in_channels=36, image_dim=24, added_kv_proj_dim=24, pos_embed_seq_len=2 * 17), **_clip_vision(), **_wan_parts())


def wan_ti2v(pipeline=diffusers.WanPipeline):
    vae = {"is_residual": True, "z_dim": 8, "patch_size": 2, "in_channels": 12, "out_channels": 12, "decoder_base_dim": 4, "scale_factor_spatial": 16,
           "latents_mean": [round(0.1 * i - 0.3, 2) for i in range(8)], "latents_std": [round(0.7 + 0.1 * i, 2) for i in range(8)]}
    extra = {} if pipeline is diffusers.WanPipeline else {"image_encoder": None, "image_processor": None}
    return pipeline(transformer=_wan_transformer(in_channels=8, out_channels=8), expand_timesteps=True, **extra, **_wan_parts(**vae))


def wan_ti2v_image():
    return wan_ti2v(diffusers.WanImageToVideoPipeline)


def _cog_transformer(**changes):
    return _loud(diffusers.CogVideoXTransformer3DModel(**{
        "num_attention_heads": 2, "attention_head_dim": 16, "in_channels": 8, "out_channels": 8, "time_embed_dim": 16, "text_embed_dim": 32, "num_layers": 2,
        "sample_width": 6, "sample_height": 4, "sample_frames": 9, "max_text_seq_length": 64, "use_rotary_positional_embeddings": True, **changes}))


def _cog_parts(scheduler=None):
    tokenizer = unigram_tokenizer()
    vae = diffusers.AutoencoderKLCogVideoX(block_out_channels=(8, 8, 8, 8), latent_channels=8, layers_per_block=1, norm_num_groups=2, scaling_factor=0.7)
    betas = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "prediction_type": "v_prediction", "rescale_betas_zero_snr": True,
             "timestep_spacing": "trailing", "set_alpha_to_one": True, "clip_sample": False}
    return {
        "tokenizer": tokenizer,
        "text_encoder": _t5(transformers.T5EncoderModel, transformers.T5Config, len(tokenizer)),
        "vae": _loud(vae),
        "scheduler": (scheduler or diffusers.CogVideoXDPMScheduler)(snr_shift_scale=3.0 if scheduler is diffusers.CogVideoXDDIMScheduler else 1.0, **betas),
    }


def cogvideox_5b():
    return diffusers.CogVideoXPipeline(transformer=_cog_transformer(), **_cog_parts())


def cogvideox_v2v():
    return diffusers.CogVideoXVideoToVideoPipeline(transformer=_cog_transformer(), **_cog_parts())


def cogvideox_2b():
    return diffusers.CogVideoXPipeline(transformer=_cog_transformer(use_rotary_positional_embeddings=False), **_cog_parts(diffusers.CogVideoXDDIMScheduler))


def cogvideox_i2v():
    return diffusers.CogVideoXImageToVideoPipeline(transformer=_cog_transformer(in_channels=16), **_cog_parts())


def cogvideox_15_i2v():
    return diffusers.CogVideoXImageToVideoPipeline(transformer=_cog_transformer(in_channels=16, patch_size_t=2, ofs_embed_dim=16, sample_width=20, sample_height=20), **_cog_parts())


def ltx():
    tokenizer = unigram_tokenizer()
    transformer = diffusers.LTXVideoTransformer3DModel(
        in_channels=8, out_channels=8, num_attention_heads=2, attention_head_dim=16, cross_attention_dim=32, num_layers=2, caption_channels=32)
    vae = diffusers.AutoencoderKLLTXVideo(
        latent_channels=8, block_out_channels=(8, 8, 8, 8), decoder_block_out_channels=(8, 8, 8, 8), layers_per_block=(1, 1, 1, 1, 1),
        decoder_layers_per_block=(1, 1, 1, 1, 1), spatio_temporal_scaling=(True, True, False, False), decoder_spatio_temporal_scaling=(True, True, False, False),
        decoder_inject_noise=(False,) * 5, upsample_residual=(False,) * 4, upsample_factor=(1, 1, 1, 1), patch_size=2, patch_size_t=1, timestep_conditioning=True)
    return diffusers.LTXPipeline(
        tokenizer=tokenizer, text_encoder=_t5(transformers.T5EncoderModel, transformers.T5Config, len(tokenizer)), transformer=_loud(transformer), vae=_loud(vae),
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True, base_shift=0.95, max_shift=2.05, base_image_seq_len=1024, max_image_seq_len=4096, shift_terminal=0.1))


def hunyuanvideo():
    words = bytes_tokenizer("<|begin|>", None, length=200)
    clip_words = bytes_tokenizer("<|start|>", "<|stop|>")
    llama = transformers.LlamaConfig(vocab_size=len(words), hidden_size=32, intermediate_size=48, num_hidden_layers=4, num_attention_heads=2, num_key_value_heads=2,
                                     max_position_embeddings=400, pad_token_id=1, bos_token_id=0, eos_token_id=1)
    clip = transformers.CLIPTextConfig(vocab_size=len(clip_words), hidden_size=24, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
                                       max_position_embeddings=77, projection_dim=24, bos_token_id=0, eos_token_id=1, pad_token_id=1)
    transformer = diffusers.HunyuanVideoTransformer3DModel(
        in_channels=4, out_channels=4, num_attention_heads=2, attention_head_dim=16, num_layers=1, num_single_layers=1, num_refiner_layers=1, mlp_ratio=2.0,
        text_embed_dim=32, pooled_projection_dim=24, rope_axes_dim=(4, 6, 6))
    vae = diffusers.AutoencoderKLHunyuanVideo(block_out_channels=(4, 4, 8, 8), latent_channels=4, layers_per_block=1, norm_num_groups=2)
    return diffusers.HunyuanVideoPipeline(
        text_encoder=_loud(transformers.LlamaModel(llama)), tokenizer=words, text_encoder_2=_loud(transformers.CLIPTextModel(clip)), tokenizer_2=clip_words,
        transformer=_loud(transformer), vae=_loud(vae), scheduler=diffusers.FlowMatchEulerDiscreteScheduler(shift=7.0))


KINDS = {
    "ltx": ltx, "hunyuanvideo": hunyuanvideo,
    "wan-t2v": wan_t2v, "wan-two-experts": wan_two_experts, "wan-i2v": wan_i2v, "wan-flf2v": wan_flf2v, "wan-ti2v": wan_ti2v, "wan-ti2v-image": wan_ti2v_image,
    "cogvideox-5b": cogvideox_5b, "cogvideox-v2v": cogvideox_v2v, "cogvideox-2b": cogvideox_2b, "cogvideox-i2v": cogvideox_i2v, "cogvideox-1.5-i2v": cogvideox_15_i2v,
}


def make(kind):
    """A pipeline in memory, equal for equal versions of torch and diffusers."""
    torch.manual_seed(20)
    pipeline = KINDS[kind]()
    pipeline.set_progress_bar_config(disable=True)
    for part in pipeline.components.values():
        if isinstance(part, torch.nn.Module):
            part.eval().requires_grad_(False)
    return pipeline


def save(kind, folder):
    make(kind).save_pretrained(Path(folder), safe_serialization=True)
    return Path(folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=sorted(KINDS))
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    save(arguments.kind, arguments.folder)
