"""Writes `../golden/tiles.*`: boards, actions and the frames this renderer makes of them, which hold the TypeScript
tile world to it.

    python tiles_golden.py
"""

import gzip
import json
from pathlib import Path

import numpy as np

import tiles_world as world

#: (rows, columns) and seeds of boards played under the same 40 actions.
SIZES = {(8, 8): (0, 1, 2, 5, 4_000_000_000), (4, 6): (7, 8)}
STEPS = 40


def main():
    folder = Path(__file__).parent.parent / "golden"
    rng = np.random.default_rng(3)
    plays, frames = [], []
    for (rows, columns), seeds in SIZES.items():
        boards = world.random_boards(seeds, rows, columns)
        actions = [np.zeros(len(seeds), dtype=np.int64)]
        played = [world.render(boards)]
        for _ in range(STEPS):
            actions.append(world.random_actions(rng, actions[-1]))
            boards = world.step(boards, actions[-1])
            played.append(world.render(boards))
        for i, seed in enumerate(seeds):
            plays.append({"seed": seed, "rows": rows, "columns": columns, "actions": [world.ACTIONS[a[i]] for a in actions[1:]]})
            frames.append(np.stack([frame[i] for frame in played]).tobytes())
    (folder / "tiles.json").write_text(json.dumps(plays) + "\n")
    # RGB bytes [plays][frames, H, W, 3]; no time stamp, so that the same frames give the same file.
    (folder / "tiles.u8.gz").write_bytes(gzip.compress(b"".join(frames), mtime=0))


if __name__ == "__main__":
    main()
