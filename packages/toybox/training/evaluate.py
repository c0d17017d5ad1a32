"""Generates the held-out prompts with an exported model package in ONNX Runtime, for the TypeScript scorer.

    python evaluate.py --model ../model --out CLIPS            text to video
    python evaluate.py --model ../model --out CLIPS --given 1  image to video: the true first latent frame is given
    node ../bench/score-clips.ts CLIPS

Nothing here imports the training modules but the world: this is the model as others run it.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from tokenizers import Tokenizer

import world
from train import write_clips


class Pipeline:
    """A model package, loaded; latents are normalised float32 numpy arrays [B, C, T, h, w]."""

    def __init__(self, folder, threads):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        session = lambda name: onnxruntime.InferenceSession(str(folder / name / "model.onnx"), options, providers=["CPUExecutionProvider"])
        self.text, self.denoiser, self.encoder, self.decoder = map(session, ("text_encoder", "transformer", "vae_encoder", "vae_decoder"))
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer" / "tokenizer.json"))
        config = json.loads((folder / "vae_decoder" / "config.json").read_text())
        self.mean, self.std = (np.array(config[name], np.float32).reshape(1, -1, 1, 1, 1) for name in ("latents_mean", "latents_std"))
        self.recommended = json.loads((folder / "model_index.json").read_text())["reelgraph"]["recommended"]

    def conditioning(self, sentences):
        rows = [encoding.ids for encoding in self.tokenizer.encode_batch(sentences)]
        length = max(map(len, rows))
        ids = np.array([row + [0] * (length - len(row)) for row in rows], np.int64)
        mask = np.array([[1] * len(row) + [0] * (length - len(row)) for row in rows], np.int64)
        return self.text.run(None, {"input_ids": ids, "attention_mask": mask})[0], mask

    def velocity(self, latent, sigma, conditioning, known, known_mask):
        hidden, mask = conditioning
        return self.denoiser.run(None, {
            "hidden_states": latent, "timestep": np.full(len(latent), 1000 * sigma, np.float32), "encoder_hidden_states": hidden,
            "encoder_attention_mask": mask, "condition_latents": known, "condition_mask": known_mask})[0]

    def sample(self, sentences, noise, known, known_mask, steps, shift, guidance):
        conditioning, empty = self.conditioning(sentences), self.conditioning([""] * len(sentences))
        s = np.linspace(1, 0, steps + 1)
        latent, sigmas = noise, shift * s / (1 + (shift - 1) * s)
        # Known frames carry the noise of the level, as in training; at sigma 0 they are exactly what was given.
        for now, after in zip(sigmas[:-1], sigmas[1:]):
            velocity = self.velocity(latent, now, conditioning, known, known_mask)
            if guidance != 1:
                base = self.velocity(latent, now, empty, known, known_mask)
                velocity = base + guidance * (velocity - base)
            latent = (latent + (after - now) * velocity).astype(np.float32)
            held = known + after * (noise - known)
            latent = (latent * (1 - known_mask) + held * known_mask).astype(np.float32)
        return latent

    def encode(self, frames):
        return (self.encoder.run(None, {"sample": frames})[0] - self.mean) / self.std

    def decode(self, latent):
        return self.decoder.run(None, {"latent_sample": latent * self.std + self.mean})[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--steps", type=int, default=None)
    parser.add_argument("--guidance", type=float, default=None)
    parser.add_argument("--shift", type=float, default=None)
    parser.add_argument("--frames", type=int, default=17)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--height", type=int, default=64)
    parser.add_argument("--given", type=int, default=0, help="how many latent frames of the true clip are given at the start")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    pipeline = Pipeline(args.model, args.threads)
    recommended = pipeline.recommended
    steps, guidance, shift = args.steps or recommended["steps"], args.guidance or recommended["guidanceScale"], args.shift or recommended["shift"]
    chosen = world.evaluation_scenes()[: args.count]
    rng, start, clips, sentences = np.random.default_rng(args.seed), time.time(), [], []
    channels = pipeline.mean.shape[1]
    shape = (channels, (args.frames - 1) // 4 + 1, args.height // 8, args.width // 8)
    for first in range(0, len(chosen), 20):
        batch = chosen[first : first + 20]
        texts = [caption_of(row) for _, row, _ in batch]
        noise = rng.standard_normal((len(batch), *shape), dtype=np.float32)
        known, known_mask = np.zeros_like(noise), np.zeros_like(noise[:, :1])
        if args.given > 0:
            scenes = world.random_scenes([seed for seed, _, _ in batch], args.frames)
            frames = world.to_model_range(world.render(scenes, args.frames, args.width, args.height)).numpy()
            known[:, :, : args.given] = pipeline.encode(frames)[:, :, : args.given]
            known_mask[:, :, : args.given] = 1
        latent = pipeline.sample(texts, noise, known, known_mask, steps, shift, guidance)
        clips.append(world.to_bytes(torch.from_numpy(pipeline.decode(latent))).numpy())
        sentences += texts
    write_clips(args.out, np.concatenate(clips), sentences)
    print(f"{len(sentences)} clips, {steps} steps, guidance {guidance}, shift {shift}: {time.time() - start:.0f} s")


def caption_of(row):
    """The canonical caption of an attribute row (colour, shape, size, motion, background)."""
    colour, shape, size, motion, background = row
    return (f"a {world.SIZES[size]} {world.COLOUR_NAMES[colour]} {world.SHAPES[shape]} {world.MOTIONS[motion]} "
            f"on a {world.BACKGROUND_NAMES[background]} background")


if __name__ == "__main__":
    main()
