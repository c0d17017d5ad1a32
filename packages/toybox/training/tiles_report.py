"""Draws the pictures of the interactive world's card: the training curve, and rollouts beside what the rules make.

    python tiles_report.py --run RUN --model ../model
"""

import argparse
import json
from pathlib import Path

import matplotlib
import numpy as np
import onnxruntime
from PIL import Image

import tiles_world as world

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402  (the backend must be chosen first)

#: Boards shown, the first of those kept for evaluation; actions played; every how many a frame is shown.
BOARDS, STEPS, EVERY = 6, 480, 48
GAP = 4


def draw_curve(run, path):
    records = [json.loads(line) for line in (run / "dynamics.jsonl").read_text().splitlines()]
    # A run that was taken up again repeats the updates since its last checkpoint; the later record counts.
    by_step = {record["step"]: record for record in records if "loss" in record}
    frames, losses = (np.array([by_step[step][name] for step in sorted(by_step)]) for name in ("frames", "loss"))
    rollouts = {record["step"]: record["rollout_32"] for record in records if "rollout_32" in record}
    frames_at = {step: by_step[step]["frames"] for step in by_step}
    figure, axes = plt.subplots(figsize=(7, 3), dpi=110)
    axes.semilogy(frames / 1000, losses, linewidth=1)
    axes.set(xlabel="thousand frames seen", ylabel="weighted cross-entropy")
    axes.grid(alpha=0.3)
    right = axes.twinx()
    right.plot([frames_at[step] / 1000 for step in rollouts], [100 * share for share in rollouts.values()], color="tab:green", marker=".", linewidth=1)
    right.set(ylabel="true frames in rollouts of 32, %", ylim=(0, 103))
    figure.tight_layout()
    figure.savefig(path, metadata={"Software": None})


def sessions(model):
    return {name: onnxruntime.InferenceSession(str(model / name / "model.onnx"), providers=["CPUExecutionProvider"])
            for name in ("world_encoder", "world_model", "world_decoder")}


def draw_rollouts(model, path):
    """Per board two rows: what the rules make, and what the model makes of its own frames."""
    run = sessions(model)
    boards = world.random_boards(np.arange(BOARDS) + world.FIRST_EVALUATION_SEED)
    rng, actions = np.random.default_rng(1), np.zeros(BOARDS, dtype=np.int64)
    frames = world.render(boards)
    codes = run["world_encoder"].run(None, {"sample": frames.transpose(0, 3, 1, 2).astype(np.float32) / 127.5 - 1})[0]
    rows = [[] for _ in range(2 * BOARDS)]
    for step in range(STEPS + 1):
        if step % EVERY == 0:
            made = run["world_decoder"].run(None, {"codes": codes})[0]
            made = np.clip((made + 1) * 127.5 + 0.5, 0, 255).astype(np.uint8).transpose(0, 2, 3, 1)
            for board in range(BOARDS):
                rows[2 * board].append(world.render(boards)[board])
                rows[2 * board + 1].append(made[board])
        actions = world.random_actions(rng, actions)
        boards = world.step(boards, actions)
        codes = run["world_model"].run(None, {"codes": codes, "action": actions})[0]
    height, width = rows[0][0].shape[:2]
    sheet = np.full((len(rows) * (height + GAP) + BOARDS * GAP, len(rows[0]) * (width + GAP), 3), 255, dtype=np.uint8)
    for r, row in enumerate(rows):
        top = r * (height + GAP) + (r // 2) * GAP
        for c, picture in enumerate(row):
            sheet[top:top + height, c * (width + GAP):c * (width + GAP) + width] = picture
    Image.fromarray(sheet).quantize(256).save(path, optimize=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    args = parser.parse_args()
    draw_curve(args.run, args.model / "world-curve.png")
    draw_rollouts(args.model, args.model / "world-rollouts.png")


if __name__ == "__main__":
    main()
