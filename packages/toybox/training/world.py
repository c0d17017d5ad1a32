"""The Toybox world: one coloured shape moving on a plain background.

The same specification is written in TypeScript in `src/world.ts`; the golden frames in
`src/golden/` hold the two renderers equal. Everything here is a pure function of an integer
seed or of explicit scene parameters, batched, so that one call renders many clips.

Units: lengths along x are fractions of the frame's width, along y of its height, radii of its
shorter side; time is counted in frames (8 per second); angles in radians, clockwise on screen.
"""

import math

import numpy as np
import torch

COLOURS = {
    "red": (220, 40, 40), "green": (40, 180, 60), "blue": (50, 80, 220), "yellow": (235, 210, 40),
    "purple": (150, 50, 190), "orange": (240, 140, 30), "white": (240, 240, 240), "cyan": (40, 200, 210),
}
SHAPES = ("circle", "square", "triangle")
SIZES = ("small", "large")
MOTIONS = ("moves right", "moves left", "moves up", "moves down", "bounces", "spins", "stays still")
BACKGROUNDS = {"black": (12, 12, 16), "gray": (110, 110, 115), "navy": (20, 25, 70), "sand": (205, 180, 130)}

COLOUR_NAMES, BACKGROUND_NAMES = tuple(COLOURS), tuple(BACKGROUNDS)
COLOUR_RGB, BACKGROUND_RGB = np.array(list(COLOURS.values())), np.array(list(BACKGROUNDS.values()))
CIRCLE, SPINS = SHAPES.index("circle"), MOTIONS.index("spins")

FPS = 8
DEFAULT_FRAME_COUNT = 17
#: Seeds from here on are for evaluation only; training draws its seeds below.
FIRST_EVALUATION_SEED = 1 << 31

#: Half the side of a square of the same area as the circle of radius 1.
SQUARE_HALF_SIDE = 0.886227
#: Inradius of the triangle; its corners lie at twice that, 1.3 radii, the furthest any shape reaches.
TRIANGLE_INRADIUS = 0.65
MARGIN = 1.3
RADIUS_RANGES = np.array([[0.10, 0.12], [0.19, 0.215]])


def mix32(value):
    """The 32-bit finaliser of MurmurHash3 (public domain): uint32 array -> well mixed uint32 array."""
    h = np.asarray(value, dtype=np.uint64) & 0xFFFFFFFF
    h ^= h >> np.uint64(16)
    h = (h * np.uint64(0x85EBCA6B)) & np.uint64(0xFFFFFFFF)
    h ^= h >> np.uint64(13)
    h = (h * np.uint64(0xC2B2AE35)) & np.uint64(0xFFFFFFFF)
    h ^= h >> np.uint64(16)
    return h


def draw(seeds, index):
    """The `index`-th uniform number in [0, 1) of each seed; counter based, so draws are independent of order."""
    counter = np.uint64((index + 1) * 0x9E3779B9 & 0xFFFFFFFF)
    return mix32(mix32(seeds) + counter).astype(np.float64) / 4294967296.0


def random_scenes(seeds, frame_count=DEFAULT_FRAME_COUNT, attributes=None):
    """Scenes for integer seeds, as a dict of equally long arrays (one entry per scene).

    `attributes` may fix any of colour, shape, size, motion, background (arrays of indices into the
    word lists above). A scene is laid out so that the shape stays inside the frame for `frame_count`
    frames. A circle cannot visibly spin, so that pair is not part of the world.
    """
    seeds = np.asarray(seeds, dtype=np.uint64)
    fixed = attributes or {}
    pick = lambda name, index, count: (np.asarray(fixed[name]) if name in fixed
                                       else np.floor(draw(seeds, index) * count).astype(np.int64))
    colour, shape, size = pick("colour", 0, 8), pick("shape", 1, 3), pick("size", 2, 2)
    motion, background = pick("motion", 3, 7), pick("background", 4, 4)
    if "motion" not in fixed:
        others = np.array([i for i in range(len(MOTIONS)) if i != SPINS])
        other = others[np.floor(draw(seeds, 14) * len(others)).astype(np.int64)]
        motion = np.where((shape == CIRCLE) & (motion == SPINS), other, motion)

    low, high = RADIUS_RANGES[size, 0], RADIUS_RANGES[size, 1]
    radius = low + (high - low) * draw(seeds, 5)
    margin = MARGIN * radius
    free = 1 - 2 * margin
    # Travel over a default clip; longer clips move more slowly so that the shape does not leave.
    travel = 0.30 + 0.12 * draw(seeds, 8)
    span = max(DEFAULT_FRAME_COUNT, frame_count) - 1
    is_motion = lambda name: motion == MOTIONS.index(name)
    vx = (is_motion("moves right") * 1.0 - is_motion("moves left")) * travel / span
    vy = (is_motion("moves down") * 1.0 - is_motion("moves up")) * travel / span
    height = np.where(is_motion("bounces"), 0.24 + 0.12 * draw(seeds, 8), 0.0)
    # The start lies where the whole path, of length |v| * span or the height of the bounce, fits.
    x = margin + np.maximum(0, -vx * span) + (free - np.abs(vx) * span) * draw(seeds, 6)
    y = margin + np.maximum(0, -vy * span) + height + (free - np.abs(vy) * span - height) * draw(seeds, 7)
    spins = is_motion("spins")
    return {
        "colour": colour, "shape": shape, "size": size, "motion": motion, "background": background,
        "radius": radius, "x": x, "y": y, "vx": vx, "vy": vy,
        "bounceHeight": height, "bouncePeriod": 10 + 2 * draw(seeds, 9), "bouncePhase": draw(seeds, 10),
        "angle": np.where(spins, 2 * math.pi * draw(seeds, 11), 0.0),
        "spin": np.where(spins, (0.15 + 0.08 * draw(seeds, 12)) * np.where(draw(seeds, 13) < 0.5, -1.0, 1.0), 0.0),
    }


def is_held_out(colour, shape, motion):
    """Whether a colour-shape-motion triple (indices) is kept out of training; about one in ten is."""
    return (3 * np.asarray(colour) + 5 * np.asarray(shape) + 2 * np.asarray(motion)
            + np.asarray(colour) // 4 + np.asarray(motion) // 5) % 10 == 0


def training_scenes(first_seed, count, frame_count=DEFAULT_FRAME_COUNT):
    """The first `count` scenes at or after `first_seed` whose triple is not held out; (scenes, next seed)."""
    kept, seed, have = [], first_seed, 0
    while have < count:
        seeds = np.arange(seed, seed + count, dtype=np.uint64)
        if seed + count > FIRST_EVALUATION_SEED:
            raise ValueError("training seeds ran into the seeds kept for evaluation")
        scenes = random_scenes(seeds, frame_count)
        keep = np.flatnonzero(~is_held_out(scenes["colour"], scenes["shape"], scenes["motion"]))[: count - have]
        seed = int(seeds[keep[-1]]) + 1
        have += len(keep)
        kept.append({name: values[keep] for name, values in scenes.items()})
    return {name: np.concatenate([part[name] for part in kept]) for name in kept[0]}, seed


def select(scenes, indices):
    return {name: values[indices] for name, values in scenes.items()}


def render(scenes, frame_count=DEFAULT_FRAME_COUNT, width=64, height=64, device="cpu"):
    """Render scenes to uint8 frames [B, T, H, W, 3], anti-aliased by the signed distance to the outline.

    Coverage of a pixel is clamp(0.5 - d, 0, 1), d the distance in pixels of its centre to the shape.
    On a CPU many small batches are faster than a large one, since their temporaries stay in its cache.
    """
    count, most = len(scenes["shape"]), 16 if device == "cpu" else 1024
    if count > most:
        return torch.cat([render(select(scenes, slice(i, i + most)), frame_count, width, height, device)
                          for i in range(0, count, most)])
    shape_of = lambda name, dtype=torch.float32: torch.as_tensor(scenes[name], device=device).to(dtype)[:, None, None, None]
    f = torch.arange(frame_count, device=device, dtype=torch.float32)[None, :, None, None]
    phase = f / shape_of("bouncePeriod") + shape_of("bouncePhase")
    u = phase - phase.floor()
    cx = (shape_of("x") + shape_of("vx") * f) * width
    cy = (shape_of("y") + shape_of("vy") * f - shape_of("bounceHeight") * 4 * u * (1 - u)) * height
    angle = shape_of("angle") + shape_of("spin") * f
    radius = shape_of("radius") * min(width, height)
    dx = torch.arange(width, device=device, dtype=torch.float32)[None, None, None, :] + 0.5 - cx
    dy = torch.arange(height, device=device, dtype=torch.float32)[None, None, :, None] + 0.5 - cy
    shape = scenes["shape"]
    distance = torch.empty(len(shape), frame_count, height, width, device=device)
    for kind in range(len(SHAPES)):
        rows = torch.as_tensor(np.flatnonzero(shape == kind), device=device)
        if len(rows) == 0:
            continue
        px, py, r = dx[rows], dy[rows], radius[rows]
        if kind == CIRCLE:
            distance[rows] = torch.sqrt(px * px + py * py) - r
            continue
        cos, sin = angle[rows].cos(), angle[rows].sin()
        qx, qy = cos * px + sin * py, cos * py - sin * px
        if SHAPES[kind] == "square":
            distance[rows] = torch.maximum(qx.abs(), qy.abs()) - SQUARE_HALF_SIDE * r
        else:
            slanted = 0.8660254 * qx.abs() - 0.5 * qy
            distance[rows] = torch.maximum(slanted, qy) - TRIANGLE_INRADIUS * r
    coverage = (0.5 - distance).clamp_(0, 1)[..., None]
    fore = torch.as_tensor(COLOUR_RGB[scenes["colour"]], device=device, dtype=torch.float32)[:, None, None, None]
    back = torch.as_tensor(BACKGROUND_RGB[scenes["background"]], device=device, dtype=torch.float32)[:, None, None, None]
    return (back + (fore - back) * coverage + 0.5).to(torch.uint8)


def to_model_range(frames):
    """uint8 [B, T, H, W, 3] -> float32 [B, 3, T, H, W] in [-1, 1]."""
    return frames.permute(0, 4, 1, 2, 3).float().div_(127.5).sub_(1).contiguous()


def to_bytes(frames):
    """float [B, 3, T, H, W] in [-1, 1] -> uint8 [B, T, H, W, 3], rounded to nearest."""
    return ((frames.float() + 1) * 127.5 + 0.5).clamp_(0, 255).to(torch.uint8).permute(0, 2, 3, 4, 1).contiguous()


def evaluation_scenes(novel=80, familiar=120):
    """The held-out prompts as [(seed, attribute indices, is novel)]; the same walk as `heldOutPrompts` in TypeScript."""
    chosen, taken, seed = [], set(), FIRST_EVALUATION_SEED
    while novel + familiar > 0:
        scenes = random_scenes([seed])
        row = tuple(int(scenes[name][0]) for name in ("colour", "shape", "size", "motion", "background"))
        is_novel = bool(is_held_out(row[0], row[1], row[3]))
        if row not in taken and (novel if is_novel else familiar) > 0:
            novel, familiar = novel - is_novel, familiar - (not is_novel)
            taken.add(row)
            chosen.append((seed, row, is_novel))
        seed += 1
    return chosen
