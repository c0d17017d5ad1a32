"""Draws a folder of raw clips (`clips.u8`, `clips.json`) as one picture: a row per clip, every second frame, its caption beside it.

    python sheet.py FOLDER PICTURE.png [--count 24]
"""

import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw


def read_clips(folder):
    """(uint8 [clips, T, H, W, 3], captions) of a folder written by `write_clips`."""
    facts = json.loads((folder / "clips.json").read_text())
    clips = np.fromfile(folder / "clips.u8", np.uint8).reshape(-1, facts["frameCount"], facts["height"], facts["width"], 3)
    return clips, facts["captions"]


def contact_sheet(clips, sentences, every=2, gap=2, columns=2):
    """uint8 [clips, T, H, W, 3] -> picture."""
    _, frame_count, height, width, _ = clips.shape
    shown = range(0, frame_count, every)
    cell_width, cell_height = len(shown) * (width + gap) + gap, height + gap + 12
    rows = -(-len(clips) // columns)
    sheet = Image.new("RGB", (columns * cell_width, rows * cell_height), (245, 245, 245))
    pen = ImageDraw.Draw(sheet)
    for i, (clip, sentence) in enumerate(zip(clips, sentences)):
        left, top = (i % columns) * cell_width + gap, (i // columns) * cell_height
        pen.text((left, top), sentence, fill=(20, 20, 20))
        for k, f in enumerate(shown):
            sheet.paste(Image.fromarray(clip[f]), (left + k * (width + gap), top + 12))
    return sheet


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--count", type=int, default=24)
    args = parser.parse_args()
    clips, sentences = read_clips(args.folder)
    # Evenly from the whole, so that nothing is picked and every kind of scene is there.
    rows = [i * len(clips) // args.count for i in range(min(args.count, len(clips)))]
    contact_sheet(clips[rows], [sentences[row] for row in rows]).quantize(256).save(args.picture, optimize=True)


if __name__ == "__main__":
    main()
