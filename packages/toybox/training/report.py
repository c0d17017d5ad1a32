"""Draws the pictures of the model card: the loss curve, and the first prompts of the evaluation, unpicked.

    python report.py --run RUN --clips CLIPS --to ../model
"""

import argparse
import json
from pathlib import Path

import matplotlib
import numpy as np

from sheet import contact_sheet, read_clips

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402  (the backend must be chosen first)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--clips", type=Path, required=True)
    parser.add_argument("--to", type=Path, required=True)
    args = parser.parse_args()
    records = [json.loads(line) for line in (args.run / "dit.jsonl").read_text().splitlines()]
    # A run that was taken up again repeats the updates since its last checkpoint; the later record counts.
    by_step = {record["step"]: record for record in records}
    samples, losses = (np.array([by_step[step][name] for step in sorted(by_step)]) for name in ("samples", "loss"))
    figure, axes = plt.subplots(figsize=(7, 3), dpi=110)
    axes.plot(samples / 1000, losses, linewidth=1)
    axes.set(xlabel="thousand clips seen", ylabel="velocity error (mean square)", ylim=(0, min(1.0, losses.max())))
    axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(args.to / "loss.png", metadata={"Software": None})
    clips, sentences = read_clips(args.clips)
    # 128 colours are plenty for flat shapes and keep the picture small.
    contact_sheet(clips[:24], sentences[:24]).quantize(128).save(args.to / "samples.png", optimize=True)


if __name__ == "__main__":
    main()
