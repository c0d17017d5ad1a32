"""Draws the curves of a training run as one picture for the model card.

    python report.py --run RUN --to ../model/loss.png
"""

import argparse
import json
from pathlib import Path

import matplotlib
import numpy as np

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402  (the backend must be chosen first)


def curve(path, *names):
    """The named numbers of a log, [records, names], in the order of the updates; records without them are left out.

    A run that was taken up again repeats the updates since its last checkpoint; the later record counts.
    """
    by_step = {}
    for line in path.read_text().splitlines():
        record = json.loads(line)
        if "step" in record and all(name in record for name in names):
            by_step[record["step"]] = [record[name] for name in names]
    return np.array([by_step[step] for step in sorted(by_step)])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--to", type=Path, required=True, help="the picture")
    args = parser.parse_args()
    panels = [
        ("vae.jsonl", "spent_s", "psnr", 60, "minutes", "autoencoder: PSNR with noise on the latent, dB"),
        ("text.jsonl", "spent_s", "read_without_fault", 60, "minutes", "text encoder: captions read without a fault"),
        ("dit.jsonl", "samples", "loss", 1000, "thousand clips seen", "denoiser: velocity error (mean square)"),
        ("distil.jsonl", "samples", "loss", 1000, "thousand clips seen", "few-step student: error of its steps"),
    ]
    panels = [panel for panel in panels if (args.run / panel[0]).exists()]
    figure, grid = plt.subplots(1, len(panels), figsize=(3.6 * len(panels), 2.8), dpi=100)
    for axes, (name, x, y, unit, across, title) in zip(np.atleast_1d(grid), panels):
        points = curve(args.run / name, x, y)
        axes.plot(points[:, 0] / unit, points[:, 1], linewidth=1)
        axes.set_xlabel(across)
        axes.set_title(title, fontsize=8)
        if y == "loss":
            axes.set_ylim(0, min(1.0, points[:, 1].max()))
        axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(args.to, metadata={"Software": None})


if __name__ == "__main__":
    main()
