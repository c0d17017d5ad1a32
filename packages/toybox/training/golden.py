"""Writes `../golden/`: scenes, captions and frames made here, which hold the TypeScript world to this one.

    python golden.py

`scenes.json` holds a scene to every line, `frames.u8.gz` some whole frames of those that have a size:
RGB bytes [H, W, 3] in the order of the scenes and of their `frames`.
"""

import gzip
import json
from pathlib import Path

import torch

import captions
import pictures
import world

SIZES = ((64, 64), (96, 56), (48, 80))


def drawn_cases():
    """Options of the scenes whose frames are written: every motion, kind, shape in every style, and every background."""
    seed = 4_000_000_000
    for motion in world.MOTIONS:
        yield {"seed": seed, "kind": "single", "fixed": {"motion": motion}, "styled": False}
        seed += 1
    for i, kind in enumerate(list(world.KINDS)[1:] * 3):
        yield {"seed": seed, "kind": kind, "frameCount": (33, 5, 17)[i % 3]}
        seed += 1
    for shape in world.SHAPES:
        seeds = iter(range(seed, seed + 200))
        for style in world.STYLES[1:]:
            found = next(s for s in seeds if world.random_scene(s, kind="single", styled=True)["style"] == style)
            yield {"seed": found, "kind": "single", "fixed": {"shape": shape, "motion": "moves down"}, "styled": True, "frameCount": 5}
        seed += 200
    for camera in world.CAMERAS[1:5]:
        for background in world.FLOORS:
            fits = lambda s: world.random_scene(s, kind="camera")["camera"] == camera
            yield {"seed": next(s for s in range(seed, seed + 200) if fits(s)), "kind": "camera", "fixed": {"background": background}}
    for background in world.BACKGROUNDS:
        yield {"seed": seed, "kind": "pair", "fixed": {"background": background}, "styled": False, "frameCount": 1}
        seed += 1
    yield {"seed": seed, "kind": "pair", "styled": True, "frameCount": 5, "width": 128, "height": 128}


def scene_of(case):
    return world.random_scene(case["seed"], case.get("frameCount", world.DEFAULT_FRAME_COUNT), case.get("kind"), case.get("fixed"), case.get("styled"))


def main():
    folder = Path(__file__).parent.parent / "golden"
    folder.mkdir(exist_ok=True)
    cases, frames = [], []
    for i, case in enumerate(drawn_cases()):
        scene = scene_of(case)
        last = scene["frameCount"] - 1
        case = {"width": SIZES[i % 3][0], "height": SIZES[i % 3][1], **case, "frames": sorted({0, last // 3, 2 * last // 3, last})}
        frames.append(pictures.render([scene], case["width"], case["height"])[0][torch.tensor(case["frames"])].numpy().tobytes())
        cases.append({**case, "scene": scene, "caption": captions.canonical(scene)})
    for seed in range(150):
        scene = scene_of({"seed": seed * 20_011})
        cases.append({"seed": seed * 20_011, "scene": scene, "caption": captions.canonical(scene)})

    drawn = [case["scene"] for case in cases if "frames" in case]
    bodies = [body for scene in drawn for body in scene["objects"]]
    for word, words in (("style", world.STYLES), ("background", world.BACKGROUNDS), ("camera", world.CAMERAS), ("kind", world.KINDS)):
        assert {scene[word] for scene in drawn} == set(words), word
    for word, words in (("motion", (*world.MOTIONS, "collides")), ("shape", world.SHAPES), ("size", (*world.SIZES, None)), ("colour", world.COLOURS)):
        assert {body[word] for body in bodies} == set(words), word

    held_out = [[c, s, m] for c in world.COLOURS for s in world.SHAPES for m in world.MOTIONS if world.is_held_out(c, s, m)]
    lines = ",\n".join(json.dumps(case) for case in cases)
    (folder / "scenes.json").write_text(f'{{"heldOut": {json.dumps(held_out)},\n"cases": [\n{lines}\n]}}\n')
    # No time stamp, so that the same frames give the same file.
    (folder / "frames.u8.gz").write_bytes(gzip.compress(b"".join(frames), mtime=0))


if __name__ == "__main__":
    main()
