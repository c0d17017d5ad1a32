"""Writes `../golden/`: scenes and the frames this renderer makes of them, which hold the TypeScript renderer to it.

    python golden.py
"""

import gzip
import json
from pathlib import Path

import numpy as np

import world

FRAME_COUNT, WIDTH, HEIGHT = 6, 48, 40
#: One seed for each motion, with all shapes and both sizes among them (checked below).
SEEDS = (0, 3, 5, 9, 11, 14, 24, 29, 36, 4_000_000_000)


def main():
    folder = Path(__file__).parent.parent / "golden"
    folder.mkdir(exist_ok=True)
    scenes = world.random_scenes(SEEDS)
    for name, words in (("motion", world.MOTIONS), ("shape", world.SHAPES), ("size", world.SIZES)):
        assert len(set(scenes[name].tolist())) == len(words), name
    frames = world.render(scenes, FRAME_COUNT, WIDTH, HEIGHT).numpy()
    words = {"colour": world.COLOUR_NAMES, "shape": world.SHAPES, "size": world.SIZES, "motion": world.MOTIONS,
             "background": world.BACKGROUND_NAMES}
    rows = [{name: words[name][values[i]] if name in words else float(values[i]) for name, values in scenes.items()} for i in range(len(SEEDS))]
    document = {"frameCount": FRAME_COUNT, "width": WIDTH, "height": HEIGHT,
                "scenes": [{"seed": seed, "scene": row} for seed, row in zip(SEEDS, rows)]}
    (folder / "scenes.json").write_text(json.dumps(document, indent=1) + "\n")
    # RGB bytes [scenes, T, H, W, 3]; no time stamp, so that the same frames give the same file.
    (folder / "frames.u8.gz").write_bytes(gzip.compress(np.ascontiguousarray(frames).tobytes(), mtime=0))


if __name__ == "__main__":
    main()
